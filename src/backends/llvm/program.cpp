// Running a compiled program.
#include "tf2jax/backends/llvm/program.h"

#include <cstring>
#include <new>

namespace tf2jax::compiler {

namespace {

struct Cached {
  std::byte* data = nullptr;
  std::int64_t bytes = 0;
  ~Cached() { ::operator delete(data, std::align_val_t{64}); }
};
thread_local Cached cached;

}  // namespace

ArenaBlock::ArenaBlock(std::int64_t bytes) : data_(nullptr), bytes_(bytes) {
  if (bytes == 0) return;
  if (cached.data && cached.bytes >= bytes) {
    data_ = std::exchange(cached.data, nullptr);
    bytes_ = std::exchange(cached.bytes, 0);
    return;
  }
  data_ = static_cast<std::byte*>(::operator new(static_cast<std::size_t>(bytes), std::align_val_t{64}));
}

ArenaBlock::~ArenaBlock() {
  if (!data_) return;
  if (bytes_ > cached.bytes) {   // the larger one stays
    std::swap(cached.data, data_);
    std::swap(cached.bytes, bytes_);
  }
  ::operator delete(data_, std::align_val_t{64});
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
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Slot& s = slots[i];
    switch (s.kind) {
      case Slot::Kind::input: at[i] = in[s.where]; break;
      case Slot::Kind::constant: at[i] = const_cast<std::byte*>(s.constant.bytes().data()); break;
      case Slot::Kind::output: at[i] = out[s.where]; break;
      case Slot::Kind::arena: at[i] = arena + s.where; break;
      case Slot::Kind::call: at[i] = nullptr; break;
    }
  }
  Frame frame{at, arena, {}};
  for (const auto& step : steps) step->run(frame);
  for (std::size_t i = 0; i < output_slots.size(); ++i) {
    void* from = at[output_slots[i]];
    const std::int64_t bytes = slots[static_cast<std::size_t>(output_slots[i])].bytes;
    if (out[i] && out[i] != from && bytes) std::memmove(out[i], from, static_cast<std::size_t>(bytes));
  }
}

std::string Program::explanation() const {
  std::string out;
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
  MemoryAnalysis m{total(inputs), total(outputs), 0, arena_bytes};
  for (const Slot& s : slots)
    if (s.kind == Slot::Kind::constant) m.constants += s.bytes;
  return m;
}

}  // namespace tf2jax::compiler
