// Fusion: which operations share a loop nest, and which values live in memory.
#pragma once
#include <map>
#include <unordered_map>

#include "tf2jax/compiler/fusion/index_map.h"
#include "tf2jax/compiler/graph/graph.h"
#include "tf2jax/kernels/convolution.h"

namespace tf2jax::compiler {

/// A value read at the indices of a map.
struct ValueAt {
  ValueId value;
  MapId map;
  bool operator==(const ValueAt&) const = default;
};
struct ValueAtHash {
  std::size_t operator()(const ValueAt& p) const {
    return static_cast<std::size_t>(p.value) * 1000003 + static_cast<std::size_t>(p.map);
  }
};

/// The loops of a scatter, which run over its updates. Those on neither list are free: different values of their
/// variables write different memory.
struct ScatterLoops {
  OpId op = -1;
  std::vector<LoopVar> in_order;  // from window to window, where these may overlap
  std::vector<LoopVar> moving;    // inside a window, along axes on which its place is traced
  bool has_lanes = false;         // vectors can be written
};

/// Operations computed together in one loop nest. Its variables are parallel, or reduced: a result of the group runs
/// over all variables or over the parallel ones.
struct Group {
  IndexSpace space;
  std::vector<LoopVar> reduced;
  std::size_t splits_followed = 0;  // of the space's: both halves of a reduced variable are reduced
  bool is_running = false;          // its result is a running value over the reduced variables, which go in order
  std::optional<ScatterLoops>
      scatter;  // its result is an operand, which lies where the result does, with updates written over it
  std::vector<ValueAt> roots;                                             // values it writes to memory
  std::unordered_map<ValueId, std::vector<MapId>> demands;                // every value it reads or computes
  std::unordered_map<ValueAt, std::vector<MapId>, ValueAtHash> operands;  // of inlined values: the maps of the operands
  std::unordered_map<ValueId, bool> inlined;
  std::int64_t cost = 0;
  bool is_inlined(ValueId v) const { return inlined.count(v) > 0; }
};

/// Where a materialised value lives: in the storage of `base`, as a strided view.
struct View {
  ValueId base = -1;
  std::int64_t offset = 0;
  Dims strides;
};

/// One thing to run: a group or an op of its own.
struct Unit {
  std::int32_t group = -1;
  OpId op = -1;
};

/// The operand layouts of a dot: strides of batch, row and column axes in the operands' bases.
struct DotLayout {
  Dims batch;
  std::int64_t m = 1, n = 1, k = 1;
  View lhs, rhs;     // strides: batch…, then (m, k) and (k, n)
  Dims out_strides;  // batch…, m, n
};

/// A vector that a product or convolution adds to each row of its result.
struct Bias {
  ValueId vector, result;                                   // result: the sum, which is written in place of the product
  std::shared_ptr<const kernels::Convolution> convolution;  // what adds it, unless it is a dot
};

struct FusionPlan {
  std::vector<Group> groups;
  std::vector<Unit> order;
  std::unordered_map<OpId, Bias> biases;
  std::unordered_map<ValueId, View> views;  // of every value in memory
  std::unordered_map<OpId, DotLayout> dots;
  std::unordered_map<ValueId, std::array<ValueId, 2>> interleaved;  // of bases: the values that lie in them in turns
};

/// `library`: whether products go to a library, which may then add biases.
FusionPlan plan_fusion(const Graph& graph, bool library = true);

/// The text of a plan: the groups and steps in their order; of a group its loops, and the values that it reads,
/// computes and writes at which indices.
std::string to_string(const Graph& graph, const FusionPlan& plan);

}  // namespace tf2jax::compiler
