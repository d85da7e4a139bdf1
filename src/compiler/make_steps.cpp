// The slots of a program, and the step that each operation and each kernel becomes.
#include <algorithm>

#include "tf2jax/compiler/codegen/load.h"
#include "tf2jax/compiler/fusion/bias.h"
#include "tf2jax/compiler/internal/compiler.h"
#include "tf2jax/compiler/lower/cost.h"
#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax::compiler {

namespace {

std::int64_t bytes_of(const GraphValue& v) { return v.elements() * itemsize(v.aval.dtype); }

}  // namespace

SlotId Compiler::add_slot(ValueId base, Program::Slot::Kind kind, std::int64_t where) {
  Program::Slot s;
  s.kind = kind;
  s.where = where;
  s.bytes = bytes_of(graph_.value(base));
  s.first = s.last = step_;
  program_->slots.push_back(std::move(s));
  return slot_of(base) = static_cast<SlotId>(program_->slots.size() - 1);
}

SlotId Compiler::scratch_slot(std::int64_t bytes) {
  Program::Slot s;
  s.bytes = bytes;
  s.first = s.last = step_;
  program_->slots.push_back(std::move(s));
  return static_cast<SlotId>(program_->slots.size() - 1);
}

SlotId Compiler::lasting_slot(std::int64_t bytes) {
  const SlotId id = scratch_slot(bytes);
  program_->slots.back().first = 0;
  program_->slots.back().last = static_cast<std::int32_t>(plan_.order.size());
  return id;
}

SlotId Compiler::use_base(ValueId base) {
  SlotId& id = slot_of(base);
  if (id < 0 && graph_.value(base).is_constant()) {
    add_slot(base, Program::Slot::Kind::constant, 0);
    program_->slots.back().constant = graph_.value(base).constant;
  }
  check<InternalError>(id >= 0, "compile: a value is used before it is computed.");
  Program::Slot& s = program_->slots[id];
  s.last = std::max(s.last, step_);
  return id;
}

SlotId Compiler::define(ValueId base, Program::Slot::Kind kind) {
  const SlotId id = slot_of(base);
  if (id < 0) return add_slot(base, assignment_.alone[base] ? kind : Program::Slot::Kind::arena, 0);
  program_->slots[id].last = step_;
  return id;  // an output's, or that of the value before it
}

SlotId Compiler::constant_slot(const Array& value) {
  Program::Slot s;
  s.kind = Program::Slot::Kind::constant;
  s.bytes = static_cast<std::int64_t>(value.bytes().size());
  s.first = s.last = step_;
  s.constant = value;
  program_->slots.push_back(std::move(s));
  return static_cast<SlotId>(program_->slots.size() - 1);
}

std::unique_ptr<const Step> Compiler::loop_step(std::int32_t group, std::size_t k) {
  for (const ValueAt& r : plan_.groups[group].roots) define(view(r.value).base);
  if (kernels_[k].body.empty()) return nullptr;
  auto step = std::make_unique<LoopStep>();
  step->entry = &program_->kernels->entries[k];
  step->kernel = std::move(kernels_[k]);
  const loops::Kernel& kernel = step->kernel;
  std::size_t next = 0;
  for (const loops::Buffer& b : kernel.buffers) step->buffers.push_back(b.scratch ? -1 : use_base(bases_[k][next++]));
  for (const std::int64_t n : kernel.parallel) step->range *= n;
  step->grain = grain_of(kernel, loops::code_generator().lanes());
  return step;
}

std::unique_ptr<const Step> Compiler::native_step(const GraphOp& op, std::size_t k,
                                                  const std::vector<std::variant<ValueId, Array>>& buffers) {
  auto step = std::make_unique<LoopStep>();
  step->entry = &program_->kernels->entries[k];
  step->kernel = std::move(kernels_[k]);
  for (const ValueId v : op.out) define(v);
  std::size_t next = 0;
  for (const loops::Buffer& b : step->kernel.buffers) {
    if (b.scratch) {
      step->buffers.push_back(-1);
      continue;
    }
    const auto& what = buffers[next++];
    step->buffers.push_back(what.index() == 0 ? use(std::get<0>(what)) : constant_slot(std::get<1>(what)));
  }
  return step;
}

std::unique_ptr<const Step> Compiler::op_step(OpId id) {
  const GraphOp& op = graph_.op(id);
  if (const auto it = native_loops_.find(id); it != native_loops_.end())
    return native_step(op, it->second.first, it->second.second);
  switch (op.kind) {
    case OpKind::dot: return dot_step(id);
    case OpKind::convolution: return convolution_step(id);
    case OpKind::update_slice: return update_step(op);
    case OpKind::scan: return scan_step(op);
    case OpKind::while_loop:
      if (is_loop(op)) return while_step(op);
      return call_step(op);
    case OpKind::branch:
      if (graph_.value(op.in[0]).aval.dtype == DType::i32 && graph_.value(op.in[0]).dims.empty())
        return branch_step(op);
      return call_step(op);
    default: return call_step(op);
  }
}

Reuse Compiler::reuse(ValueId v) const {
  const ValueId base = view(v).base;
  if (graph_.value(base).is_constant()) return Reuse::always;
  const auto steady = std::span(graph_.inputs).first(options_.steady_inputs);
  return std::ranges::find(steady, base) == steady.end() ? Reuse::once : Reuse::prepared;
}

std::optional<Operand> Compiler::bias_of(OpId id) {
  const auto b = plan_.biases.find(id);
  return b == plan_.biases.end() ? std::nullopt : std::optional(Operand{use(b->second.vector), 0});
}

Operand Compiler::result_of(OpId id) {
  const auto b = plan_.biases.find(id);
  return {define(b == plan_.biases.end() ? graph_.op(id).out[0] : b->second.result), 0};
}

std::unique_ptr<const Step> Compiler::convolution_step(OpId id) {
  const GraphOp& op = graph_.op(id);
  const auto b = plan_.biases.find(id);
  std::shared_ptr<const kernels::Convolution> convolution;
  if (b != plan_.biases.end()) convolution = b->second.convolution;
  else if (const auto spec = conv_spec(graph_, op, graph_.value(view(op.in[1]).base).is_constant()))
    convolution = kernels::Convolution::create(*spec);
  if (!convolution) return call_step(op);
  auto step = std::make_unique<ConvolutionStep>(graph_, op, std::move(convolution));
  step->lhs = {use(op.in[0]), 0};
  step->rhs = {use(op.in[1]), 0};
  step->bias = bias_of(id);
  step->out = result_of(id);
  return step;
}

std::unique_ptr<const Step> Compiler::dot_step(OpId id) {
  const DotLayout& dot = plan_.dots.at(id);
  auto step =
      std::make_unique<DotStep>(dot, graph_.value(graph_.op(id).out[0]).aval.dtype, reuse(dot.rhs.base), bias_of(id));
  step->lhs = operand(dot.lhs);
  step->rhs = operand(dot.rhs);
  step->out = result_of(id);
  if (const auto bytes = static_cast<std::int64_t>(step->product->prepared_bytes())) {
    auto prepare = std::make_unique<PrepareOperandStep>();
    prepare->product = step->product;
    prepare->rhs = std::exchange(step->rhs, {lasting_slot(bytes), 0});
    prepare->out = step->rhs;
    program_->preparation.push_back(std::move(prepare));
  }
  return step;
}

std::unique_ptr<const Step> Compiler::call_step(const GraphOp& op) {
  auto step = std::make_unique<CallStep>(op.primitive, op.params);
  if (!op.primitive.rules().impl) {
    step->kernel = op.primitive.rules().kernel.load(std::memory_order_acquire);
    if (!step->kernel) step->kernel = default_backend().kernel(op.primitive);
    if (!step->kernel)
      raise<MissingRule>("Evaluation rule for '{}' not implemented. Give it a kernel with set_kernel.",
                         op.primitive.name());
  }
  for (const ValueId v : op.in) {
    step->in.push_back(use(v));
    step->in_avals.push_back(graph_.value(v).aval);
    step->in_bytes.push_back(bytes_of(graph_.value(v)));
  }
  for (const ValueId v : op.out) {
    step->out.push_back(define(v, Program::Slot::Kind::call));
    step->fixed.push_back(program_->slots[step->out.back()].kind != Program::Slot::Kind::call);
    step->out_avals.push_back(graph_.value(v).aval);
  }
  return step;
}

std::unique_ptr<const Step> Compiler::update_step(const GraphOp& op) {
  auto step = std::make_unique<UpdateSliceStep>();
  step->operand = use(op.in[0]);
  step->update = use(op.in[1]);
  for (std::size_t i = 2; i < op.in.size(); ++i) {
    step->starts.push_back(use(op.in[i]));
    step->start_types.push_back(graph_.value(op.in[i]).aval.dtype);
  }
  step->dims = graph_.value(op.in[0]).dims;
  step->window = graph_.value(op.in[1]).dims;
  step->itemsize = itemsize(graph_.value(op.in[0]).aval.dtype);
  step->out = define(op.out[0]);
  return step;
}

std::int64_t Compiler::slice_bytes(ValueId v, std::int64_t length) const {
  return length ? bytes_of(graph_.value(v)) / length : 0;
}

std::unique_ptr<const Step> Compiler::scan_step(const GraphOp& op) {
  const ScanParams& p = op.params.get<ScanParams>();
  auto step = std::make_unique<ScanStep>();
  step->body = loop_body(op).first;
  step->length = p.length;
  step->num_consts = p.num_consts;
  step->num_carry = p.num_carry;
  step->reverse = p.reverse;
  const std::size_t nc = p.num_consts, n = p.num_carry;
  std::int64_t scratch = step->body->arena_bytes;
  for (std::size_t k = 0; k < n; ++k) {
    step->carry_bytes.push_back(bytes_of(graph_.value(op.in[nc + k])));
    if (step->body->shared[k] < 0) scratch += aligned_size(step->carry_bytes.back());
  }
  for (std::size_t i = nc + n; i < op.in.size(); ++i) step->x_bytes.push_back(slice_bytes(op.in[i], p.length));
  for (std::size_t i = n; i < op.out.size(); ++i) step->y_bytes.push_back(slice_bytes(op.out[i], p.length));
  connect(*step, op);
  step->scratch = scratch_slot(scratch);
  return step;
}

std::unique_ptr<const Step> Compiler::while_step(const GraphOp& op) {
  const WhileParams& p = op.params.get<WhileParams>();
  auto step = std::make_unique<WhileStep>();
  step->condition = nested(p.cond_jaxpr);
  step->body = loop_body(op).first;
  step->cond_consts = p.cond_nconsts;
  step->body_consts = p.body_nconsts;
  std::int64_t scratch = aligned_size(step->condition->arena_bytes) + step->body->arena_bytes;
  for (std::size_t k = 0; k < op.out.size(); ++k) {
    step->carry_bytes.push_back(bytes_of(graph_.value(op.out[k])));
    if (step->body->shared[k] < 0) scratch += aligned_size(step->carry_bytes.back());
  }
  connect(*step, op);
  step->scratch = scratch_slot(scratch);
  return step;
}

std::unique_ptr<const Step> Compiler::branch_step(const GraphOp& op) {
  auto step = std::make_unique<BranchStep>();
  std::int64_t scratch = 0;
  for (const Jaxpr& j : op.params.get<CondParams>().branches) {
    step->branches.push_back(nested(j));
    scratch = std::max(scratch, step->branches.back()->arena_bytes);
  }
  connect(*step, op);
  step->scratch = scratch_slot(scratch);
  return step;
}

}  // namespace tf2jax::compiler
