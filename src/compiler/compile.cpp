// Putting a program together: graph, fusion, kernels, memory, steps.
#include "tf2jax/compiler/compile.h"

#include <algorithm>

#include "tf2jax/base/warning.h"
#include "tf2jax/compiler/check_plan.h"
#include "tf2jax/compiler/codegen/load.h"
#include "tf2jax/compiler/graph/tiny_products.h"
#include "tf2jax/compiler/internal/compiler.h"
#include "tf2jax/compiler/lower/group.h"
#include "tf2jax/compiler/native/native_loop.h"
#include "tf2jax/compiler/program/arena.h"
#include "tf2jax/compiler/program/in_place.h"
#include "tf2jax/compiler/rewrite/build_graph.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"

namespace tf2jax::compiler {

namespace {

Graph with_tiny_products(Graph graph) {
  expand_tiny_products(graph);
  return graph;
}

}  // namespace

Compiler::Compiler(const Jaxpr& jaxpr, const ProgramOptions& options)
    : jaxpr_(jaxpr),
      options_(options),
      graph_(with_tiny_products(build_graph(jaxpr))),
      plan_(plan_fusion(graph_)),
      program_(std::make_shared<Program>()) {}

std::shared_ptr<const Program> Compiler::run() {
  program_->inputs = jaxpr_.input_avals();
  program_->outputs = jaxpr_.output_avals();
  slot_of_.assign(graph_.values.size(), -1);
  lower_groups();
  share();
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i)
    add_slot(graph_.inputs[i], Program::Slot::Kind::input, static_cast<std::int64_t>(i));
  claim_outputs();
  generate_kernels();
  for (step_ = 0; step_ < static_cast<std::int32_t>(plan_.order.size()); ++step_) {
    const Unit& u = plan_.order[step_];
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

void Compiler::lower_groups() {
  for (const Unit& u : plan_.order) {
    if (u.group < 0) {
      const GraphOp& op = graph_.op(u.op);
      if ((op.kind != OpKind::scan && op.kind != OpKind::while_loop) || options_.bounded_loops)
        continue;  // native loops do not count
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
    for (LoweredGroup& lowered : lower_group(graph_, plan_, plan_.groups[u.group], lanes)) {
      lowered.kernel.name = "loops_" + std::to_string(kernels_.size());
      kernels_of_group_[u.group].push_back(kernels_.size());
      kernels_.push_back(std::move(lowered.kernel));
      bases_.push_back(std::move(lowered.bases));
    }
  }
}

void Compiler::share() {
  std::vector<UnitAccess> units;
  for (const Unit& u : plan_.order) units.push_back(u.group < 0 ? op_access(u.op) : group_access(u.group));
  assignment_ = assign_buffers(graph_, plan_, units, options_.may_share);
  check_order(graph_, plan_);
  check_assignment(graph_, plan_, units, assignment_);
  if (options_.verify) verify();
  program_->shared = assignment_.outputs;
  for (std::size_t k = 0; k < kernels_.size(); ++k)
    for (const auto& [operand, result] : overwrites(k))
      if (assignment_.home[operand] == assignment_.home[result])
        for (const loops::BufferId b : buffers_of(bound(k), operand))
          overwrite(kernels_[k], b, buffers_of(bound(k), result)[0]);
}

void Compiler::verify() const {
  check_maps(graph_, plan_);
  const auto home = [&](ValueId base) { return assignment_.home[base]; };
  std::vector<BoundKernel> once, again;  // loops that carry, and scatters, write an element again
  for (const auto& [group, numbers] : kernels_of_group_)
    for (const std::size_t k : numbers) (plan_.groups[group].scatter ? again : once).push_back(bound(k));
  for (const auto& [op, loop] : native_loops_) again.push_back(bound(loop.first));
  check_kernels(once, home, Writes::once);
  check_kernels(again, home, Writes::any);
}

std::vector<std::pair<ValueId, ValueId>> Compiler::overwrites(std::size_t k) const {
  std::vector<std::pair<ValueId, ValueId>> out;
  for (const ValueId result : bases_[k]) {
    if (result < 0 || plan_.interleaved.contains(result) ||
        !kernels_[k].buffers[buffers_of(bound(k), result)[0]].written)
      continue;
    for (const ValueId operand : bases_[k])
      if (operand >= 0 && operand != result && allows_overwrite(bound(k), operand, result))
        out.emplace_back(operand, result);
  }
  return out;
}

UnitAccess Compiler::kernel_access(const std::vector<std::size_t>& kernels) const {
  UnitAccess a;
  for (const std::size_t k : kernels)
    for (std::size_t i = 0, next = 0; i < kernels_[k].buffers.size(); ++i) {
      if (kernels_[k].buffers[i].scratch) continue;
      if (const ValueId base = bases_[k][next++]; base >= 0)
        (kernels_[k].buffers[i].written ? a.writes : a.reads).push_back(base);
    }
  // Each kernel writes a part of the results: what one of them reads elsewhere must stay.
  for (const std::size_t k : kernels)
    for (const auto& pair : overwrites(k))
      if (std::ranges::all_of(
              kernels, [&](std::size_t other) { return allows_overwrite(bound(other), pair.first, pair.second); }))
        a.in_place.push_back(pair);
  return a;
}

UnitAccess Compiler::group_access(std::int32_t group) const {
  UnitAccess a = kernel_access(kernels_of_group_.at(group));
  if (const auto& scatter = plan_.groups[group].scatter) {
    const GraphOp& op = graph_.op(scatter->op);
    a.reads.push_back(view(op.in[0]).base);
    a.in_place = {{view(op.in[0]).base, view(op.out[0]).base}};
  }
  return a;
}

UnitAccess Compiler::op_access(OpId id) {
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

std::pair<std::shared_ptr<const Program>, std::size_t> Compiler::loop_body(const GraphOp& op) {
  if (op.kind != OpKind::scan && !is_loop(op)) return {nullptr, 0};
  auto& body = bodies_[&op];
  if (op.kind == OpKind::scan) {
    const ScanParams& p = op.params.get<ScanParams>();
    if (!body) body = nested(p.jaxpr, p.num_consts, p.num_carry);
    return {body, static_cast<std::size_t>(p.num_consts)};
  }
  const WhileParams& p = op.params.get<WhileParams>();
  if (!body) body = nested(p.body_jaxpr, p.body_nconsts, op.out.size());
  return {body, static_cast<std::size_t>(p.cond_nconsts + p.body_nconsts)};
}

bool Compiler::is_loop(const GraphOp& op) {
  return op.kind == OpKind::while_loop && op.params.get<WhileParams>().cond_jaxpr.output_avals()[0].rank() == 0;
}

std::shared_ptr<const Program> Compiler::nested(const Jaxpr& jaxpr, std::int64_t steady_inputs, std::size_t carries) {
  ProgramOptions options = options_;
  options.steady_inputs =
      options.check_bounds ? 0 : static_cast<std::size_t>(steady_inputs);  // checked memory lasts one run
  options.may_share.clear();
  for (std::size_t k = 0; k < carries; ++k)
    options.may_share.push_back(
        {static_cast<std::int32_t>(steady_inputs) + static_cast<std::int32_t>(k), static_cast<std::int32_t>(k)});
  return compile_program(jaxpr, options);
}

void Compiler::claim_outputs() {
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
      if (assignment_.outputs[i] < 0) add_slot(base, Program::Slot::Kind::output, static_cast<std::int64_t>(i));
    }
    program_->sources.push_back(std::move(source));
  }
}

void Compiler::generate_kernels() {
  if (kernels_.empty()) return;
  if (options_.simulate) {
    auto simulated = std::make_shared<loops::CompiledKernels>();
    simulated->entries.resize(kernels_.size());
    program_->kernels = std::move(simulated);
    return;
  }
  std::string message;
  program_->kernels =
      loops::code_generator().compile(kernels_, {options_.check_bounds, options_.cache_directory}, message);
  if (!program_->kernels) {
    std::string texts;
    for (const loops::Kernel& k : kernels_) texts += loops::to_string(k) + "\n";
    raise<InternalError>("compile: code generation failed: {}\n{}", message, texts);
  }
  if (!message.empty()) warn_once("object cache " + options_.cache_directory, message);
}

std::shared_ptr<const Program> compile_program(const Jaxpr& jaxpr, const ProgramOptions& options) {
  return Compiler(jaxpr, options).run();
}

}  // namespace tf2jax::compiler
