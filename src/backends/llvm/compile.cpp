// Putting a program together: graph, fusion, kernels, memory, steps.
#include <algorithm>

#include "tf2jax/backends/llvm/check_plan.h"
#include "tf2jax/backends/llvm/epilogue.h"
#include "tf2jax/backends/llvm/kernel_cost.h"
#include "tf2jax/backends/llvm/lower_group.h"
#include "tf2jax/backends/llvm/memory_plan.h"
#include "tf2jax/backends/llvm/native_loop.h"
#include "tf2jax/backends/llvm/overwrite.h"
#include "tf2jax/backends/llvm/product_nests.h"
#include "tf2jax/backends/llvm/steps.h"
#include "tf2jax/base/warning.h"
#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax::compiler {

namespace {

std::int64_t bytes_of(const GraphValue& v) { return v.elements() * itemsize(v.aval.dtype); }

Graph with_tiny_products(Graph graph) {
  expand_tiny_products(graph);
  return graph;
}

class Compiler {
 public:
  Compiler(const Jaxpr& jaxpr, const ProgramOptions& options) : jaxpr_(jaxpr), options_(options), graph_(with_tiny_products(build_graph(jaxpr))), plan_(plan_fusion(graph_)), program_(std::make_shared<Program>()) {}

  std::shared_ptr<const Program> run() {
    program_->inputs = jaxpr_.input_avals();
    program_->outputs = jaxpr_.output_avals();
    slot_of_.assign(graph_.values.size(), -1);
    lower_groups();
    share();
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) add_slot(graph_.inputs[i], Program::Slot::Kind::input, static_cast<std::int64_t>(i));
    claim_outputs();
    generate_kernels();
    for (step_ = 0; step_ < static_cast<std::int32_t>(plan_.order.size()); ++step_) {
      const Unit& u = plan_.order[static_cast<std::size_t>(step_)];
      if (u.group < 0) program_->steps.push_back(op_step(u.op));
      else
        for (const std::size_t k : kernels_of_group_.at(u.group))
          if (auto step = loop_step(u.group, k)) program_->steps.push_back(std::move(step));
      program_->planned.resize(program_->steps.size(), step_);
    }
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) program_->output_slots.push_back(use(graph_.outputs[i]));
    program_->checked = options_.check_bounds;
    if (program_->checked) return program_;
    program_->arena_bytes = plan_arena(program_->slots);
    if (options_.verify) check_arena(program_->slots);
    return program_;
  }

 private:
  const View& view(ValueId v) const { return plan_.views.at(v); }

  SlotId add_slot(ValueId base, Program::Slot::Kind kind, std::int64_t where) {
    Program::Slot s;
    s.kind = kind;
    s.where = where;
    s.bytes = bytes_of(graph_.value(base));
    s.first = s.last = step_;
    program_->slots.push_back(std::move(s));
    return slot_of(base) = static_cast<SlotId>(program_->slots.size() - 1);
  }
  SlotId& slot_of(ValueId base) { return slot_of_[static_cast<std::size_t>(sharing_.home[static_cast<std::size_t>(base)])]; }
  // Memory of this step alone.
  SlotId scratch_slot(std::int64_t bytes) {
    Program::Slot s;
    s.bytes = bytes;
    s.first = s.last = step_;
    program_->slots.push_back(std::move(s));
    return static_cast<SlotId>(program_->slots.size() - 1);
  }
  // Memory from the program's preparation on.
  SlotId lasting_slot(std::int64_t bytes) {
    const SlotId id = scratch_slot(bytes);
    program_->slots.back().first = 0;
    program_->slots.back().last = static_cast<std::int32_t>(plan_.order.size());
    return id;
  }
  SlotId use_base(ValueId base) {
    SlotId& id = slot_of(base);
    if (id < 0 && graph_.value(base).is_constant()) {
      add_slot(base, Program::Slot::Kind::constant, 0);
      program_->slots.back().constant = graph_.value(base).constant;
    }
    check<InternalError>(id >= 0, "compile: a value is used before it is computed.");
    Program::Slot& s = program_->slots[static_cast<std::size_t>(id)];
    s.last = std::max(s.last, step_);
    return id;
  }
  SlotId use(ValueId v) { return use_base(view(v).base); }
  SlotId define(ValueId base, Program::Slot::Kind kind = Program::Slot::Kind::arena) {
    const SlotId id = slot_of(base);
    if (id < 0) return add_slot(base, sharing_.alone[static_cast<std::size_t>(base)] ? kind : Program::Slot::Kind::arena, 0);
    program_->slots[static_cast<std::size_t>(id)].last = step_;
    return id;   // an output's, or that of the value before it
  }

  void claim_outputs() {
    std::unordered_map<ValueId, std::size_t> claimed;
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const ValueId base = view(graph_.outputs[i]).base;
      OutputSource source;
      const auto input = std::ranges::find(graph_.inputs, base);
      if (input != graph_.inputs.end()) {
        source = {OutputSource::Kind::input, static_cast<std::size_t>(input - graph_.inputs.begin()), {}};
      } else if (graph_.value(base).is_constant()) {
        source = {OutputSource::Kind::constant, 0, graph_.value(base).constant};
      } else if (const auto it = claimed.find(base); it != claimed.end()) {
        source = {OutputSource::Kind::output, it->second, {}};
      } else {
        claimed.emplace(base, i);
        if (sharing_.outputs[i] < 0) add_slot(base, Program::Slot::Kind::output, static_cast<std::int64_t>(i));
      }
      program_->sources.push_back(std::move(source));
    }
  }

  void lower_groups() {
    for (const Unit& u : plan_.order) {
      if (u.group < 0) {
        const GraphOp& op = graph_.op(u.op);
        if (op.kind != OpKind::scan && op.kind != OpKind::while_loop) continue;
        if (auto loop = lower_native_loop(graph_, op, loops::code_generator().lanes())) {
          loop->kernel.name = "loops_" + std::to_string(kernels_.size());
          auto& bases = bases_.emplace_back();
          for (const auto& what : loop->buffers) bases.push_back(what.index() == 0 ? view(std::get<0>(what)).base : -1);
          native_loops_.emplace(u.op, std::pair(kernels_.size(), std::move(loop->buffers)));
          kernels_.push_back(std::move(loop->kernel));
        }
        continue;
      }
      const int lanes = loops::code_generator().lanes();
      for (LoweredGroup& lowered : lower_group(graph_, plan_, plan_.groups[static_cast<std::size_t>(u.group)], lanes)) {
        lowered.kernel.name = "loops_" + std::to_string(kernels_.size());
        kernels_of_group_[u.group].push_back(kernels_.size());
        kernels_.push_back(std::move(lowered.kernel));
        bases_.push_back(std::move(lowered.bases));
      }
    }
  }

  // ---- memory that values share

  void share() {
    std::vector<UnitAccess> units;
    for (const Unit& u : plan_.order) units.push_back(u.group < 0 ? op_access(u.op) : group_access(u.group));
    sharing_ = share_memory(graph_, plan_, units, options_.may_share);
    check_order(graph_, plan_);
    check_sharing(graph_, plan_, units, sharing_);
    if (options_.verify) verify();
    program_->shared = sharing_.outputs;
    for (std::size_t k = 0; k < kernels_.size(); ++k)
      for (const auto& [operand, result] : overwrites(k))
        if (sharing_.home[static_cast<std::size_t>(operand)] == sharing_.home[static_cast<std::size_t>(result)])
          for (const loops::BufferId b : buffers_of(bound(k), operand)) overwrite(kernels_[k], b, buffers_of(bound(k), result)[0]);
  }

  // What costs more than the plan itself; before results are written over operands.
  void verify() const {
    check_maps(graph_, plan_);
    const auto home = [&](ValueId base) { return sharing_.home[static_cast<std::size_t>(base)]; };
    std::vector<BoundKernel> once, again;   // loops that carry, and scatters, write an element again
    for (const auto& [group, numbers] : kernels_of_group_)
      for (const std::size_t k : numbers) (plan_.groups[static_cast<std::size_t>(group)].scatter ? again : once).push_back(bound(k));
    for (const auto& [op, loop] : native_loops_) again.push_back(bound(loop.first));
    check_kernels(once, home, Writes::once);
    check_kernels(again, home, Writes::any);
  }

  BoundKernel bound(std::size_t k) const { return {kernels_[k], bases_[k]}; }

  // Operands and results of a kernel that may be one memory.
  std::vector<std::pair<ValueId, ValueId>> overwrites(std::size_t k) const {
    std::vector<std::pair<ValueId, ValueId>> out;
    for (const ValueId result : bases_[k]) {
      if (result < 0 || plan_.interleaved.contains(result) || !kernels_[k].buffers[static_cast<std::size_t>(buffers_of(bound(k), result)[0])].written) continue;
      for (const ValueId operand : bases_[k])
        if (operand >= 0 && operand != result && allows_overwrite(bound(k), operand, result)) out.emplace_back(operand, result);
    }
    return out;
  }

  UnitAccess kernel_access(const std::vector<std::size_t>& kernels) const {
    UnitAccess a;
    for (const std::size_t k : kernels)
      for (std::size_t i = 0, next = 0; i < kernels_[k].buffers.size(); ++i) {
        if (kernels_[k].buffers[i].scratch) continue;
        if (const ValueId base = bases_[k][next++]; base >= 0) (kernels_[k].buffers[i].written ? a.writes : a.reads).push_back(base);
      }
    // Each kernel writes a part of the results: what one of them reads elsewhere must stay.
    for (const std::size_t k : kernels)
      for (const auto& pair : overwrites(k))
        if (std::ranges::all_of(kernels, [&](std::size_t other) { return allows_overwrite(bound(other), pair.first, pair.second); }))
          a.in_place.push_back(pair);
    return a;
  }

  // A scatter's operand is made for it alone: it lies where the result does.
  UnitAccess group_access(std::int32_t group) const {
    UnitAccess a = kernel_access(kernels_of_group_.at(group));
    if (const auto& scatter = plan_.groups[static_cast<std::size_t>(group)].scatter) {
      const GraphOp& op = graph_.op(scatter->op);
      a.reads.push_back(view(op.in[0]).base);
      a.in_place = {{view(op.in[0]).base, view(op.out[0]).base}};
    }
    return a;
  }

  UnitAccess op_access(OpId id) {
    const GraphOp& op = graph_.op(id);
    if (const auto it = native_loops_.find(id); it != native_loops_.end()) return kernel_access({it->second.first});
    UnitAccess a;
    if (op.kind == OpKind::dot) a.reads = {plan_.dots.at(id).lhs.base, plan_.dots.at(id).rhs.base};
    else a.reads = op.in;
    a.writes = op.out;
    if (const auto b = plan_.biases.find(id); b != plan_.biases.end()) {
      a.reads.push_back(b->second.vector);
      a.writes = {b->second.result};
    }
    for (ValueId& v : a.reads) v = view(v).base;
    const auto offer = [&](std::size_t i, ValueId result) {
      if (std::ranges::count(a.reads, a.reads[i]) == 1) a.in_place.emplace_back(a.reads[i], result);
    };
    if (op.kind == OpKind::update_slice) offer(0, op.out[0]);
    if (const auto [body, first] = loop_body(op); body)
      for (std::size_t k = 0; k < op.out.size() && first + k < op.in.size(); ++k)
        if (body->shared[k] >= 0) offer(first + k, op.out[k]);
    return a;
  }

  // The compiled body of a scan or while, and the number of its first carry among the operands.
  std::pair<std::shared_ptr<const Program>, std::size_t> loop_body(const GraphOp& op) {
    if (op.kind != OpKind::scan && !is_loop(op)) return {nullptr, 0};
    auto& body = bodies_[&op];
    if (op.kind == OpKind::scan) {
      const ScanParams& p = op.params.get<ScanParams>();
      if (!body) body = nested(p.jaxpr, p.num_consts, static_cast<std::size_t>(p.num_carry));
      return {body, static_cast<std::size_t>(p.num_consts)};
    }
    const WhileParams& p = op.params.get<WhileParams>();
    if (!body) body = nested(p.body_jaxpr, p.body_nconsts, op.out.size());
    return {body, static_cast<std::size_t>(p.cond_nconsts + p.body_nconsts)};
  }
  static bool is_loop(const GraphOp& op) { return op.kind == OpKind::while_loop && op.params.get<WhileParams>().cond_jaxpr.output_avals()[0].rank() == 0; }

  void generate_kernels() {
    if (kernels_.empty()) return;
    if (options_.simulate) {
      auto simulated = std::make_shared<loops::CompiledKernels>();
      simulated->entries.resize(kernels_.size());
      program_->kernels = std::move(simulated);
      return;
    }
    std::string message;
    program_->kernels = loops::code_generator().compile(kernels_, {options_.check_bounds, options_.cache_directory}, message);
    if (!program_->kernels) {
      std::string texts;
      for (const loops::Kernel& k : kernels_) texts += loops::to_string(k) + "\n";
      raise<InternalError>("compile: code generation failed: {}\n{}", message, texts);
    }
    if (!message.empty()) warn_once("object cache " + options_.cache_directory, message);
  }

  std::unique_ptr<const Step> loop_step(std::int32_t group, std::size_t k) {
    for (const Place& r : plan_.groups[static_cast<std::size_t>(group)].roots) define(view(r.value).base);
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

  std::unique_ptr<const Step> native_step(const GraphOp& op, std::size_t k, const std::vector<std::variant<ValueId, Array>>& buffers) {
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
  SlotId constant_slot(const Array& value) {
    Program::Slot s;
    s.kind = Program::Slot::Kind::constant;
    s.bytes = static_cast<std::int64_t>(value.bytes().size());
    s.first = s.last = step_;
    s.constant = value;
    program_->slots.push_back(std::move(s));
    return static_cast<SlotId>(program_->slots.size() - 1);
  }

  Operand operand(const View& v) { return {use(v.base), v.offset * itemsize(graph_.value(v.base).aval.dtype)}; }

  std::unique_ptr<const Step> op_step(OpId id) {
    const GraphOp& op = graph_.op(id);
    if (const auto it = native_loops_.find(id); it != native_loops_.end()) return native_step(op, it->second.first, it->second.second);
    switch (op.kind) {
      case OpKind::dot: return dot_step(id);
      case OpKind::convolution: return convolution_step(id);
      case OpKind::update_slice: return update_step(op);
      case OpKind::scan: return scan_step(op);
      case OpKind::while_loop:
        if (is_loop(op)) return while_step(op);
        return call_step(op);
      case OpKind::branch:
        if (graph_.value(op.in[0]).aval.dtype == DType::i32 && graph_.value(op.in[0]).dims.empty()) return branch_step(op);
        return call_step(op);
      default: return call_step(op);
    }
  }

  Reuse reuse(ValueId v) const {
    const ValueId base = view(v).base;
    if (graph_.value(base).is_constant()) return Reuse::always;
    const auto steady = std::span(graph_.inputs).first(options_.steady_inputs);
    return std::ranges::find(steady, base) == steady.end() ? Reuse::once : Reuse::prepared;
  }

  // What a product or convolution adds, if anything, and the value it writes.
  std::optional<Operand> bias_of(OpId id) {
    const auto b = plan_.biases.find(id);
    return b == plan_.biases.end() ? std::nullopt : std::optional(Operand{use(b->second.vector), 0});
  }
  Operand result_of(OpId id) {
    const auto b = plan_.biases.find(id);
    return {define(b == plan_.biases.end() ? graph_.op(id).out[0] : b->second.result), 0};
  }

  std::unique_ptr<const Step> convolution_step(OpId id) {
    const GraphOp& op = graph_.op(id);
    const auto b = plan_.biases.find(id);
    std::shared_ptr<const onednn::Convolution> convolution;
    if (b != plan_.biases.end()) convolution = b->second.convolution;
    else if (const auto spec = conv_spec(graph_, op, graph_.value(view(op.in[1]).base).is_constant())) convolution = onednn::Convolution::create(*spec);
    if (!convolution) return call_step(op);
    auto step = std::make_unique<ConvolutionStep>(graph_, op, std::move(convolution));
    step->lhs = {use(op.in[0]), 0};
    step->rhs = {use(op.in[1]), 0};
    step->bias = bias_of(id);
    step->out = result_of(id);
    return step;
  }

  std::unique_ptr<const Step> dot_step(OpId id) {
    const DotPlan& dot = plan_.dots.at(id);
    auto step = std::make_unique<DotStep>(dot, graph_.value(graph_.op(id).out[0]).aval.dtype, reuse(dot.rhs.base), bias_of(id));
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

  std::unique_ptr<const Step> call_step(const GraphOp& op) {
    auto step = std::make_unique<CallStep>(op.primitive, op.params);
    if (!op.primitive.rules().impl) {
      step->kernel = op.primitive.rules().kernel.load(std::memory_order_acquire);
      if (!step->kernel) step->kernel = default_backend().kernel(op.primitive);
      if (!step->kernel) raise<MissingRule>("Evaluation rule for '{}' not implemented. Give it a kernel with set_kernel.", op.primitive.name());
    }
    for (const ValueId v : op.in) {
      step->in.push_back(use(v));
      step->in_avals.push_back(graph_.value(v).aval);
      step->in_bytes.push_back(bytes_of(graph_.value(v)));
    }
    for (const ValueId v : op.out) {
      step->out.push_back(define(v, Program::Slot::Kind::call));
      step->fixed.push_back(program_->slots[static_cast<std::size_t>(step->out.back())].kind != Program::Slot::Kind::call);
      step->out_avals.push_back(graph_.value(v).aval);
    }
    return step;
  }

  std::unique_ptr<const Step> update_step(const GraphOp& op) {
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

  // A body whose first inputs stay the same in all of its runs, and whose carries, from the input after those on, may be
  // updated where they lie.
  std::shared_ptr<const Program> nested(const Jaxpr& jaxpr, std::int64_t steady_inputs = 0, std::size_t carries = 0) {
    ProgramOptions options = options_;
    options.steady_inputs = options.check_bounds ? 0 : static_cast<std::size_t>(steady_inputs);   // checked memory lasts one run
    options.may_share.clear();
    for (std::size_t k = 0; k < carries; ++k) options.may_share.push_back({static_cast<std::int32_t>(steady_inputs) + static_cast<std::int32_t>(k), static_cast<std::int32_t>(k)});
    return compile_program(jaxpr, options);
  }
  template <class S>
  void connect(S& step, const GraphOp& op) {
    for (const ValueId v : op.in) step.in.push_back(use(v));
    for (const ValueId v : op.out) step.out.push_back(define(v));
  }
  std::int64_t slice_bytes(ValueId v, std::int64_t length) const { return length ? bytes_of(graph_.value(v)) / length : 0; }

  std::unique_ptr<const Step> scan_step(const GraphOp& op) {
    const ScanParams& p = op.params.get<ScanParams>();
    auto step = std::make_unique<ScanStep>();
    step->body = loop_body(op).first;
    step->length = p.length;
    step->num_consts = p.num_consts;
    step->num_carry = p.num_carry;
    step->reverse = p.reverse;
    const auto nc = static_cast<std::size_t>(p.num_consts), n = static_cast<std::size_t>(p.num_carry);
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

  std::unique_ptr<const Step> while_step(const GraphOp& op) {
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

  std::unique_ptr<const Step> branch_step(const GraphOp& op) {
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

  const Jaxpr& jaxpr_;
  const ProgramOptions& options_;
  const Graph graph_;
  const Plan plan_;
  std::shared_ptr<Program> program_;
  std::vector<SlotId> slot_of_;
  std::int32_t step_ = 0;
  std::unordered_map<std::int32_t, std::vector<std::size_t>> kernels_of_group_;
  std::unordered_map<OpId, std::pair<std::size_t, std::vector<std::variant<ValueId, Array>>>> native_loops_;
  std::vector<loops::Kernel> kernels_;           // moved into their steps
  std::vector<std::vector<ValueId>> bases_;
  Sharing sharing_;
  std::unordered_map<const GraphOp*, std::shared_ptr<const Program>> bodies_;   // of loops
};

}  // namespace

std::shared_ptr<const Program> compile_program(const Jaxpr& jaxpr, const ProgramOptions& options) { return Compiler(jaxpr, options).run(); }

}  // namespace tf2jax::compiler
