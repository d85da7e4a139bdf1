// Chains of values: each is written over the one before it, when that one is read for the last time.
#include "tf2jax/compiler/program/buffer_assignment.h"

#include <algorithm>

namespace tf2jax::compiler {

namespace {

class Sharer {
 public:
  Sharer(const Graph& graph, const FusionPlan& plan, const std::vector<UnitAccess>& units,
         std::span<const SharedMemory> allowed)
      : g_(graph),
        plan_(plan),
        units_(units),
        allowed_(graph.outputs.size()),
        may_share_(graph.inputs.size(), false),
        last_(graph.values.size(), -1),
        made_(graph.values.size(), -1),
        before_(graph.values.size(), -1),
        after_(graph.values.size(), -1),
        input_(graph.values.size(), -1),
        claim_(graph.values.size(), -1),
        in_parts_(graph.values.size(), false),
        taken_(graph.inputs.size(), false),
        outputs_(graph.outputs.size(), -1) {
    for (const auto& [input, output] : allowed) {
      allowed_[output].push_back(input);
      may_share_[input] = true;
    }
    for (std::size_t i = 0; i < g_.inputs.size(); ++i) input_[g_.inputs[i]] = static_cast<std::int32_t>(i);
    for (std::size_t u = 0; u < units_.size(); ++u) {
      for (const ValueId v : units_[u].reads) last_[v] = static_cast<std::int32_t>(u);
      for (const ValueId v : units_[u].writes) {
        if (made_[v] < 0) made_[v] = static_cast<std::int32_t>(u);
        else in_parts_[v] = true;
      }
    }
    for (std::size_t j = 0; j < g_.outputs.size(); ++j) {
      const ValueId v = base(g_.outputs[j]);
      last_[v] = static_cast<std::int32_t>(units_.size());
      if (claim_[v] < 0) claim_[v] = static_cast<std::int32_t>(j);
    }
  }

  BufferAssignment run() {
    for (std::size_t u = 0; u < units_.size(); ++u)
      for (const auto& [operand, result] : units_[u].in_place) link(operand, result, static_cast<std::int32_t>(u));
    for (std::size_t j = 0; j < outputs_.size(); ++j) take_head(j);
    for (const ValueId v : g_.inputs)
      if (after_[v] >= 0 && !taken_[input_[v]]) cut(v);
    for (std::size_t j = 0; j < outputs_.size(); ++j) take_itself(j);
    for (std::size_t j = 0; j < outputs_.size(); ++j) take_dead(j);
    BufferAssignment out{std::vector<ValueId>(g_.values.size()), std::vector<bool>(g_.values.size()),
                         std::move(outputs_)};
    for (std::size_t v = 0; v < g_.values.size(); ++v) {
      out.alone[v] = before_[v] < 0 && after_[v] < 0;
      if (before_[v] < 0)
        for (auto w = static_cast<ValueId>(v); w >= 0; w = after_[w]) out.home[w] = static_cast<ValueId>(v);
    }
    return out;
  }

 private:
  ValueId base(ValueId v) const { return plan_.views.at(v).base; }
  std::int64_t bytes(ValueId v) const { return g_.value(v).elements() * itemsize(g_.value(v).aval.dtype); }
  bool is_allowed(std::int32_t input, std::size_t output) const {
    return std::ranges::find(allowed_[output], input) != allowed_[output].end();
  }
  ValueId head(ValueId v) const {
    while (before_[v] >= 0) v = before_[v];
    return v;
  }
  // True for an output that the program writes, and for the first one of equal ones.
  bool is_claim(std::size_t j) const {
    const ValueId v = base(g_.outputs[j]);
    return made_[v] >= 0 && claim_[v] == static_cast<std::int32_t>(j);
  }

  void link(ValueId operand, ValueId result, std::int32_t unit) {
    if (last_[operand] != unit || after_[operand] >= 0 || before_[result] >= 0 || in_parts_[result] ||
        bytes(operand) != bytes(result))
      return;
    const std::int32_t input = input_[operand];
    if (input >= 0) {
      if (!may_share_[input]) return;
    } else if (made_[operand] < 0 || g_.producer(operand)->kind == OpKind::call) {
      return;  // constants, and results that lie where a kernel put them
    }
    after_[operand] = result;
    before_[result] = operand;
  }
  void cut(ValueId v) {
    before_[after_[v]] = -1;
    after_[v] = -1;
  }

  // The chain that ends in output j begins with an input.
  void take_head(std::size_t j) {
    if (!is_claim(j)) return;
    const std::int32_t input = input_[head(base(g_.outputs[j]))];
    if (input >= 0 && is_allowed(input, j)) take(input, j);
  }
  void take_itself(std::size_t j) {
    const std::int32_t input = input_[base(g_.outputs[j])];
    if (input >= 0 && !taken_[input] && is_allowed(input, j)) take(input, j);
  }
  void take_dead(std::size_t j) {
    if (outputs_[j] >= 0 || !is_claim(j)) return;
    const ValueId first = head(base(g_.outputs[j]));
    for (const std::int32_t input : allowed_[j]) {
      const ValueId dead = g_.inputs[input];
      if (taken_[input] || last_[dead] >= made_[first]) continue;
      after_[dead] = first;
      before_[first] = dead;
      return take(input, j);
    }
  }
  void take(std::int32_t input, std::size_t output) {
    taken_[input] = true;
    outputs_[output] = input;
  }

  const Graph& g_;
  const FusionPlan& plan_;
  const std::vector<UnitAccess>& units_;
  std::vector<std::vector<std::int32_t>> allowed_;  // by output
  std::vector<bool> may_share_;                     // by input
  std::vector<std::int32_t> last_, made_;    // by base: the unit that reads it last, and the one that writes it first
  std::vector<ValueId> before_, after_;      // in the same memory
  std::vector<std::int32_t> input_, claim_;  // by value: its number among the inputs, and among the outputs
  std::vector<bool> in_parts_;               // by base: several units write it
  std::vector<bool> taken_;                  // inputs whose memory is an output's
  std::vector<std::int32_t> outputs_;
};

}  // namespace

BufferAssignment assign_buffers(const Graph& graph, const FusionPlan& plan, const std::vector<UnitAccess>& units,
                                std::span<const SharedMemory> allowed) {
  return Sharer(graph, plan, units, allowed).run();
}

}  // namespace tf2jax::compiler
