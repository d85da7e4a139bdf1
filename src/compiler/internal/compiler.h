// Compiler: makes one program. Its stages are in compile.cpp, the slots and steps of the program in make_steps.cpp.
#pragma once
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "tf2jax/compiler/check_plan.h"
#include "tf2jax/compiler/compile.h"
#include "tf2jax/compiler/fusion/plan.h"
#include "tf2jax/compiler/program/buffer_assignment.h"
#include "tf2jax/compiler/program/steps.h"

namespace tf2jax::compiler {

/// Used once. `jaxpr` and `options` must outlive it.
class Compiler {
 public:
  Compiler(const Jaxpr& jaxpr, const ProgramOptions& options);

  std::shared_ptr<const Program> run();

 private:
  const View& view(ValueId v) const { return plan_.views.at(v); }

  // Stages.
  void lower_groups();
  void share();
  void verify() const;  // what costs more than the plan itself; before results are written over operands
  void claim_outputs();
  void generate_kernels();

  // Which memory a unit reads, writes, and may write over.
  BoundKernel bound(std::size_t k) const { return {kernels_[k], bases_[k]}; }
  // Operands and results of a kernel that may be one memory.
  std::vector<std::pair<ValueId, ValueId>> overwrites(std::size_t k) const;
  UnitAccess kernel_access(const std::vector<std::size_t>& kernels) const;
  // A scatter's operand is made for it alone: it lies where the result does.
  UnitAccess group_access(std::int32_t group) const;
  UnitAccess op_access(OpId id);

  // Programs in programs.
  // The compiled body of a scan or while, and the number of its first carry among the operands.
  std::pair<std::shared_ptr<const Program>, std::size_t> loop_body(const GraphOp& op);
  static bool is_loop(const GraphOp& op);
  // A body whose first inputs stay the same in all of its runs, and whose carries, from the input after those on, may
  // be updated where they lie.
  std::shared_ptr<const Program> nested(const Jaxpr& jaxpr, std::int64_t steady_inputs = 0, std::size_t carries = 0);

  // Slots.
  SlotId& slot_of(ValueId base) { return slot_of_[assignment_.home[base]]; }
  SlotId add_slot(ValueId base, Program::Slot::Kind kind, std::int64_t where);
  SlotId scratch_slot(std::int64_t bytes);  // memory of this step alone
  SlotId lasting_slot(std::int64_t bytes);  // memory from the program's preparation on
  SlotId constant_slot(const Array& value);
  SlotId use_base(ValueId base);
  SlotId use(ValueId v) { return use_base(view(v).base); }
  SlotId define(ValueId base, Program::Slot::Kind kind = Program::Slot::Kind::arena);
  Operand operand(const View& v) { return {use(v.base), v.offset * itemsize(graph_.value(v.base).aval.dtype)}; }

  // Steps.
  std::unique_ptr<const Step> loop_step(std::int32_t group, std::size_t k);
  std::unique_ptr<const Step> native_step(const GraphOp& op, std::size_t k,
                                          const std::vector<std::variant<ValueId, Array>>& buffers);
  std::unique_ptr<const Step> op_step(OpId id);
  std::unique_ptr<const Step> convolution_step(OpId id);
  std::unique_ptr<const Step> dot_step(OpId id);
  std::unique_ptr<const Step> call_step(const GraphOp& op);
  std::unique_ptr<const Step> update_step(const GraphOp& op);
  std::unique_ptr<const Step> scan_step(const GraphOp& op);
  std::unique_ptr<const Step> while_step(const GraphOp& op);
  std::unique_ptr<const Step> branch_step(const GraphOp& op);
  // What a product or convolution adds, if anything, and the value it writes.
  std::optional<Operand> bias_of(OpId id);
  Operand result_of(OpId id);
  Reuse reuse(ValueId v) const;
  std::int64_t slice_bytes(ValueId v, std::int64_t length) const;
  template <class S>
  void connect(S& step, const GraphOp& op) {
    for (const ValueId v : op.in) step.in.push_back(use(v));
    for (const ValueId v : op.out) step.out.push_back(define(v));
  }

  const Jaxpr& jaxpr_;
  const ProgramOptions& options_;
  const Graph graph_;
  const FusionPlan plan_;
  std::shared_ptr<Program> program_;
  std::vector<SlotId> slot_of_;
  std::int32_t step_ = 0;
  std::unordered_map<std::int32_t, std::vector<std::size_t>> kernels_of_group_;
  std::unordered_map<OpId, std::pair<std::size_t, std::vector<std::variant<ValueId, Array>>>> native_loops_;
  std::vector<loops::Kernel> kernels_;  // moved into their steps
  std::vector<std::vector<ValueId>> bases_;
  BufferAssignment assignment_;
  std::unordered_map<const GraphOp*, std::shared_ptr<const Program>> bodies_;  // of loops
};

}  // namespace tf2jax::compiler
