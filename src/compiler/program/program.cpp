// Running a compiled program.
#include "tf2jax/compiler/program/program.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tf2jax/base/buffer_pool.h"
#include "tf2jax/compiler/program/guarded_block.h"

namespace tf2jax::compiler {

namespace {

// Values that are outputs without lying where the outputs go.
void copy_outputs(const Program& p, void* const* at, void* const* out) {
  for (std::size_t i = 0; i < p.output_slots.size(); ++i) {
    const std::size_t slot = p.output_slots[i];
    void* from = at[slot];
    const std::int64_t bytes = p.slots[slot].bytes;
    if (out[i] && out[i] != from && bytes) std::memmove(out[i], from, bytes);
  }
}

}  // namespace

ArenaBlock::ArenaBlock(std::int64_t bytes)
    : data_(bytes ? static_cast<std::byte*>(allocate_buffer(bytes)) : nullptr), bytes_(bytes) {}
ArenaBlock::~ArenaBlock() {
  if (data_) free_buffer(data_, bytes_);
}

void Program::find_slots(void* const* in, void* const* out, std::byte* arena, void** at) const {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Slot& s = slots[i];
    switch (s.kind) {
      case Slot::Kind::input: at[i] = in[s.where]; break;
      case Slot::Kind::constant: at[i] = const_cast<std::byte*>(s.constant.bytes().data()); break;
      case Slot::Kind::output: at[i] = out ? out[s.where] : nullptr; break;
      case Slot::Kind::arena: at[i] = checked ? nullptr : arena + s.where; break;
      case Slot::Kind::call: at[i] = nullptr; break;
    }
  }
}

void Program::prepare(void* const* in, std::byte* arena) const {
  if (preparation.empty()) return;
  std::vector<void*> at(slots.size());
  find_slots(in, nullptr, arena, at.data());
  Frame frame{at.data(), arena, {}};
  for (const auto& step : preparation) step->run(frame);
}

void Program::run(void* const* in, void* const* out, std::byte* arena) const {
  constexpr std::size_t kOnStack = 128;
  void* few[kOnStack];
  std::vector<void*> many;
  void** at = few;
  if (slots.size() > kOnStack) {
    many.resize(slots.size());
    at = many.data();
  }
  find_slots(in, out, arena, at);
  if (checked) return run_checked(out, at);
  Frame frame{at, arena, {}};
  for (const auto& step : steps) step->run(frame);
  copy_outputs(*this, at, out);
}

void Program::run_checked(void* const* out, void** at) const {
  std::vector<std::unique_ptr<GuardedBlock>> blocks(slots.size());
  Frame frame{at, nullptr, {}};
  for (std::size_t k = 0; k < steps.size(); ++k) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const Slot& s = slots[i];
      if (s.kind != Slot::Kind::arena || s.first != planned[k] || blocks[i]) continue;
      blocks[i] = std::make_unique<GuardedBlock>(s.bytes);
      at[i] = blocks[i]->data();
    }
    steps[k]->run(frame);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (!blocks[i]) continue;
      if (!blocks[i]->intact()) {
        std::fprintf(stderr, "tf2jax: a step wrote outside a value of %lld bytes: %s\n",
                     static_cast<long long>(slots[i].bytes), steps[k]->describe().c_str());
        std::abort();
      }
      const std::int32_t next = k + 1 < steps.size() ? planned[k + 1] : planned[k] + 1;  // outputs are used there
      if (slots[i].last >= next) continue;
      blocks[i].reset();
      at[i] = nullptr;
    }
  }
  copy_outputs(*this, at, out);
}

std::string Program::explanation() const {
  std::string out;
  for (const auto& step : preparation) out += "once: " + step->describe() + "\n";
  for (const auto& step : steps) out += step->describe() + "\n";
  return out;
}

CostAnalysis Program::cost() const {
  CostAnalysis total;
  for (const auto& step : steps) {
    const CostAnalysis c = step->cost();
    total.flops += c.flops;
    total.bytes_accessed += c.bytes_accessed;
    ++total.steps;
  }
  return total;
}

MemoryAnalysis Program::memory() const {
  const auto total = [](const Avals& avals) {
    std::int64_t bytes = 0;
    for (const Aval& a : avals) bytes += num_elements(a.dims()) * itemsize(a.dtype);
    return bytes;
  };
  MemoryAnalysis m{total(inputs), total(outputs), 0, arena_bytes, 0};
  for (std::size_t j = 0; j < outputs.size(); ++j)
    if (shared[j] >= 0) m.aliased += total({outputs[j]});
  for (const Slot& s : slots)
    if (s.kind == Slot::Kind::constant) m.constants += s.bytes;
  return m;
}

}  // namespace tf2jax::compiler
