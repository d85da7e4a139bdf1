// Index maps: where an operand is read, as affine functions of a loop nest's variables.
#pragma once
#include <optional>

#include "tf2jax/base/shape.h"
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::compiler {

using loops::Affine;
using loops::LoopVar;

/// One affine function per axis of a value.
using IndexMap = std::vector<Affine>;
using MapId = std::int32_t;

Affine constant_index(std::int64_t offset);
Affine variable_index(LoopVar v, std::int64_t scale = 1);
Affine operator+(const Affine& a, const Affine& b);
Affine operator+(const Affine& a, std::int64_t offset);
Affine operator*(const Affine& a, std::int64_t scale);

/// The loop variables of a nest and the maps over them. A reshape may split a variable in two; every map is rewritten
/// then, so maps are held by number.
class IndexSpace {
 public:
  LoopVar add(std::int64_t extent);
  std::int64_t extent(LoopVar v) const { return extents_[v]; }
  /// All variables, outermost first; the halves of a split variable stay together.
  const std::vector<LoopVar>& order() const { return order_; }
  /// Makes these variables the innermost ones; the order among them is kept.
  void move_to_back(const std::vector<LoopVar>& variables);
  /// The variable that v was split from, or v itself.
  LoopVar origin(LoopVar v) const { return origins_[v]; }
  struct Split {
    LoopVar outer, inner;
  };  // the outer half keeps the number of what was split
  /// Every split so far, in order.
  const std::vector<Split>& splits() const { return splits_; }
  std::size_t size() const { return extents_.size(); }

  MapId intern(const IndexMap& map);
  const IndexMap& map(MapId id) const { return maps_[id]; }
  /// Fresh variables for each axis; axes of size 1 read 0.
  MapId identity(const Dims& dims);

  /// The map of `operand_dims` through a reshape whose result, of `dims`, is read at `id`. Empty when it is not affine.
  std::optional<IndexMap> reshaped(MapId id, const Dims& dims, const Dims& operand_dims);

  std::vector<LoopVar> variables(MapId id) const;
  /// True when the map runs over every element of `dims` exactly once as its variables run, each axis within its range:
  /// a flat address alone may be right where an index leaves its axis (behind the guard of a pad).
  bool is_bijective(MapId id, const Dims& dims) const;
  /// True when no index leaves its axis.
  bool stays_inside(MapId id, const Dims& dims) const;
  /// Distance in a buffer as an affine function, from per-axis strides.
  Affine address(MapId id, std::int64_t offset, const Dims& strides) const;
  std::int64_t volume(const std::vector<LoopVar>& variables) const;

 private:
  struct Division {
    Affine quotient, remainder;
  };
  enum class Outcome { done, split, impossible };
  Outcome divide(const Affine& a, std::int64_t by, Division& out);
  Outcome try_reshape(MapId id, const Dims& dims, const Dims& operand_dims, IndexMap& out);
  void split(LoopVar v, std::int64_t low);

  std::vector<std::int64_t> extents_;
  std::vector<LoopVar> order_, origins_;
  std::vector<Split> splits_;
  std::vector<IndexMap> maps_;
};

}  // namespace tf2jax::compiler
