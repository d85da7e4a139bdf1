// NodeBuilder: the nodes of a group's values, before any loop is chosen.
#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>

#include "tf2jax/compiler/lower/lowered_group.h"

namespace tf2jax::compiler {

/// A part of the index space: [first, second) of some variables.
using Piece = std::map<LoopVar, std::pair<std::int64_t, std::int64_t>>;

/// Base of the lowering: turns values read at maps into nodes of a kernel, equal ones shared.
class NodeBuilder {
 protected:
  using Node = loops::Node;
  using NodeId = loops::NodeId;

  NodeBuilder(const Graph& graph, const FusionPlan& plan, const Group& group, Piece piece);

  // What is known of a node beyond the loop program.
  struct Info {
    std::set<LoopVar> variables;
    int stage = 0;   // the first loop over the reduced variables in which (or before which) it can be computed
    int weight = 1;  // operations to compute it from memory in its stage
    bool costly = false;
  };
  struct Accumulation {
    std::int32_t accumulator;
    NodeId value;
    int stage;
  };
  NodeId add(Node n, const std::vector<NodeId>& operands);
  /// A node that is not shared.
  NodeId create(Node n, const std::vector<NodeId>& operands);
  NodeId constant(DType dtype, std::uint64_t bits);
  /// The part of a variable's range that the kernel runs over.
  std::int64_t start(LoopVar x) const;
  std::int64_t extent(LoopVar x) const;
  loops::BufferId buffer(ValueId base);
  Affine address(ValueId v, MapId map) const;
  /// The node of a value at a map. `mask`: where it is false, memory must not be read; -1 for no mask.
  NodeId build(ValueId v, MapId map, NodeId mask);
  /// Where windows start along `axes`, moved into the operand, in which the last place for them is `highest`; `inside`:
  /// whether they were there, if asked, else -1.
  struct Starts {
    std::vector<std::pair<NodeId, std::size_t>> along;
    NodeId inside = -1;
  };
  Starts starts(ValueId indices, std::span<const MapId> maps, const Axes& axes, const Dims& highest, bool ask,
                NodeId mask);
  /// A load at a map plus starts; not shared.
  NodeId dynamic_load(ValueId v, MapId map, const std::vector<std::pair<NodeId, std::size_t>>& starts, NodeId mask);
  // In node_algebra.cpp.
  NodeId apply(loops::Op op, DType dtype, const std::vector<NodeId>& in);
  bool is_reduced(LoopVar x) const { return std::ranges::find(reduced_, x) != reduced_.end(); }

  const Graph& g_;
  const FusionPlan& plan_;
  const Group& group_;
  const Piece piece_;
  std::vector<LoopVar> parallel_, reduced_;
  loops::Kernel kernel_;
  LoweredGroup out_;
  std::vector<Info> info_;
  std::vector<Accumulation> accumulations_;
  std::map<std::int32_t, int> accumulator_stage_;

 private:
  // Conditions that hold everywhere or nowhere in the piece.
  static constexpr NodeId kAlways = -1, kNever = -2;

  bool is_zero(NodeId n) const;
  NodeId integer(DType dtype, std::int64_t v);
  NodeId both(NodeId a, NodeId b);
  NodeId in_range(const Affine& a, std::int64_t size);
  NodeId load(ValueId v, MapId map, NodeId mask);
  NodeId compute(ValueId v, MapId map, NodeId mask);
  NodeId clamped(NodeId start, DType type, std::int64_t highest);
  NodeId wide_index(NodeId n, DType type);
  void merge_info(Info& info, NodeId from);
  NodeId dynamic_slice(const GraphOp& op, ValueId v, const std::vector<MapId>& maps, NodeId mask);
  NodeId gather(const GraphOp& op, ValueId v, const std::vector<MapId>& maps, NodeId mask);
  NodeId of_rows(NodeId mask);
  NodeId running_total(const GraphOp& op, DType dtype, MapId map);
  DType running_type(const GraphOp& op, DType dtype) const;
  NodeId reduction(const GraphOp& op, DType dtype, MapId map, NodeId mask);

  // In node_algebra.cpp.
  NodeId product(DType dtype, NodeId x, NodeId y);
  NodeId negative(DType dtype, NodeId x);
  std::optional<NodeId> negated(NodeId n);
  std::optional<double> number_in(NodeId n) const;

  std::unordered_multimap<std::size_t, NodeId> seen_;
  std::map<std::tuple<ValueId, MapId, NodeId>, NodeId> built_;
  std::map<std::pair<DType, std::uint64_t>, NodeId> constants_;
  std::map<ValueId, loops::BufferId> buffers_;
};

}  // namespace tf2jax::compiler
