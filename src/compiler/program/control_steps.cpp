// Loops and branches around compiled bodies. A carry that the body updates where it lies stays there; others alternate
// between two places, so that nothing is copied.
#include <algorithm>
#include <cstring>

#include "tf2jax/base/loop_budget.h"
#include "tf2jax/compiler/program/steps.h"

namespace tf2jax::compiler {

namespace {

std::string indented(const std::string& text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
  return out;
}

void copy(void* to, const void* from, std::int64_t bytes) {
  if (to != from && bytes) std::memcpy(to, from, bytes);
}

}  // namespace

void ScanStep::run(Frame& frame) const {
  const std::size_t nc = num_consts, n = num_carry;
  const std::size_t nx = in.size() - nc - n, ny = out.size() - n;
  std::vector<void*> inputs(in.size()), outputs(out.size()), spare(n);
  auto* memory = static_cast<std::byte*>(frame.slots[scratch]);
  for (std::size_t k = 0; k < n; ++k) {
    spare[k] = memory;
    if (body->shared[k] < 0) memory += aligned_size(carry_bytes[k]);
  }
  for (std::size_t i = 0; i < in.size(); ++i) inputs[i] = frame.slots[in[i]];
  for (std::size_t k = 0; k < n; ++k) {
    if (length && body->shared[k] < 0) continue;
    copy(frame.slots[out[k]], inputs[nc + k], carry_bytes[k]);
    inputs[nc + k] = spare[k] = frame.slots[out[k]];
  }
  if (length > 0) body->prepare(inputs.data(), memory);
  LoopBudget budget("scan");
  for (std::int64_t step = 0; step < length; ++step) {
    budget.step();
    const std::int64_t i = reverse ? length - 1 - step : step;
    const bool direct = (length - 1 - step) % 2 == 0;  // the last step writes the results
    for (std::size_t k = 0; k < n; ++k) outputs[k] = direct ? frame.slots[out[k]] : spare[k];
    for (std::size_t k = 0; k < nx; ++k)
      inputs[nc + n + k] = static_cast<std::byte*>(frame.slots[in[nc + n + k]]) + i * x_bytes[k];
    for (std::size_t k = 0; k < ny; ++k)
      outputs[n + k] = static_cast<std::byte*>(frame.slots[out[n + k]]) + i * y_bytes[k];
    body->run(inputs.data(), outputs.data(), memory);
    for (std::size_t k = 0; k < n; ++k) inputs[nc + k] = outputs[k];
  }
}

std::string ScanStep::describe() const {
  return "scan of " + std::to_string(length) + " steps:\n" + indented(body->explanation());
}

CostAnalysis ScanStep::cost() const {
  const CostAnalysis each = body->cost();
  const auto n = static_cast<double>(length);
  return {each.flops * n, each.bytes_accessed * n, 1};
}

void WhileStep::run(Frame& frame) const {
  const std::size_t cc = cond_consts, bc = body_consts, n = out.size();
  auto* memory = static_cast<std::byte*>(frame.slots[scratch]);
  std::vector<void*> spare(n), condition_in(cc + n), body_in(bc + n), next(n);
  for (std::size_t k = 0; k < n; ++k) {
    spare[k] = memory;
    if (body->shared[k] < 0) memory += aligned_size(carry_bytes[k]);
  }
  for (std::size_t i = 0; i < cc; ++i) condition_in[i] = frame.slots[in[i]];
  for (std::size_t i = 0; i < bc; ++i) body_in[i] = frame.slots[in[cc + i]];
  for (std::size_t k = 0; k < n; ++k) body_in[bc + k] = frame.slots[in[cc + bc + k]];
  std::byte* const body_memory = memory + aligned_size(condition->arena_bytes);
  body->prepare(body_in.data(), body_memory);
  for (std::size_t k = 0; k < n; ++k) {
    if (body->shared[k] < 0) continue;
    copy(frame.slots[out[k]], body_in[bc + k], carry_bytes[k]);
    body_in[bc + k] = spare[k] = frame.slots[out[k]];
  }
  LoopBudget budget("while");
  for (bool direct = true;; direct = !direct) {
    for (std::size_t k = 0; k < n; ++k) condition_in[cc + k] = body_in[bc + k];
    bool running = false;
    void* result = &running;
    condition->run(condition_in.data(), &result, memory);
    if (!running) break;
    budget.step();
    for (std::size_t k = 0; k < n; ++k) next[k] = direct ? frame.slots[out[k]] : spare[k];
    body->run(body_in.data(), next.data(), body_memory);
    for (std::size_t k = 0; k < n; ++k) body_in[bc + k] = next[k];
  }
  for (std::size_t k = 0; k < n; ++k) copy(frame.slots[out[k]], body_in[bc + k], carry_bytes[k]);
}

std::string WhileStep::describe() const {
  return "while:\n" + indented(condition->explanation()) + "\ndo:\n" + indented(body->explanation());
}

// One iteration: how many there are is not known before the run.
CostAnalysis WhileStep::cost() const {
  const CostAnalysis a = condition->cost(), b = body->cost();
  return {a.flops + b.flops, a.bytes_accessed + b.bytes_accessed, 1};
}

void BranchStep::run(Frame& frame) const {
  std::int32_t index;
  std::memcpy(&index, frame.slots[in[0]], sizeof index);
  const auto which =
      static_cast<std::size_t>(std::clamp<std::int32_t>(index, 0, static_cast<std::int32_t>(branches.size()) - 1));
  std::vector<void*> inputs, outputs;
  for (std::size_t i = 1; i < in.size(); ++i) inputs.push_back(frame.slots[in[i]]);
  for (const SlotId s : out) outputs.push_back(frame.slots[s]);
  branches[which]->run(inputs.data(), outputs.data(), static_cast<std::byte*>(frame.slots[scratch]));
}

std::string BranchStep::describe() const {
  std::string out = "branch:";
  for (const auto& b : branches) out += "\n- " + indented(b->explanation());
  return out;
}

// The dearest branch.
CostAnalysis BranchStep::cost() const {
  CostAnalysis most{0, 0, 1};
  for (const auto& b : branches) {
    const CostAnalysis c = b->cost();
    most.flops = std::max(most.flops, c.flops);
    most.bytes_accessed = std::max(most.bytes_accessed, c.bytes_accessed);
  }
  return most;
}

}  // namespace tf2jax::compiler
