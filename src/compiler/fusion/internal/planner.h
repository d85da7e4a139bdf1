// The fusion planner's state, which joining, merging and placing change in turn.
#pragma once
#include <functional>
#include <map>

#include "tf2jax/compiler/fusion/plan.h"

namespace tf2jax::compiler {

class Planner {
 public:
  Planner(const Graph& graph, bool library)
      : g_(graph),
        library_(library),
        external_(graph.values.size(), false),
        demanders_(graph.values.size()),
        copies_(graph.values.size(), 0),
        op_groups_(graph.ops.size()),
        seen_through_(graph.values.size(), false) {}

  FusionPlan plan();

 private:
  static constexpr std::int64_t kLargestGroup = 256;  // inlined places: bounds the time of code generation

  Group& group(std::int32_t i) { return plan_.groups[i]; }

  // In groups.cpp.
  void visit(OpId o);
  void visit_step(OpId o);
  bool join_readers(OpId o);
  void look_through(ValueId v, ValueId base);
  bool may_copy(const GraphOp& op, std::size_t readers) const;
  void demand(std::int32_t i, ValueId v, MapId map);
  bool reads_memory(std::int32_t i, ValueId v) const;
  bool inline_into(std::int32_t i, OpId o);
  bool join_as_root(std::int32_t i, OpId o);
  void start_group(OpId o);
  void start_scatter(OpId o);

  // In merge.cpp.
  std::vector<std::int32_t> alive(const std::vector<std::int32_t>& groups) const;
  bool merge(const std::vector<std::int32_t>& groups, ValueId v);
  bool merge(std::int32_t i, std::int32_t j, ValueId v);
  bool is_view(ValueId v) const;
  bool reaches(ValueId v, std::int32_t target, std::int32_t skip);

  // In views.cpp.
  void interleave(const GraphOp& op);
  bool take_layout(const GraphOp& op);
  Dims layout_of(ValueId v) const;
  ValueId base_of(ValueId v) const;
  void finish_views();

  const Graph& g_;
  const bool library_;
  FusionPlan plan_;
  std::vector<bool> external_;                        // must live in memory, dense
  std::vector<std::vector<std::int32_t>> demanders_;  // groups that read a value
  std::vector<int> copies_;                           // how often a value's readers were repeated
  std::vector<std::vector<std::int32_t>> op_groups_;  // groups an op is inlined in
  std::vector<bool> seen_through_;                    // values between a dot and the memory that it reads
  std::unordered_map<std::int32_t, std::int32_t> merged_;
  std::unordered_map<ValueId, ValueId> alias_, views_transposed_;
  std::unordered_map<ValueId, Dims> layouts_;
};

/// The groups and ops of a plan in an order in which each finds what it reads. `base_of`: whose memory a value lies in.
/// In order.cpp.
std::vector<Unit> order_units(const Graph& graph, const FusionPlan& plan,
                              const std::function<ValueId(ValueId)>& base_of);

}  // namespace tf2jax::compiler
