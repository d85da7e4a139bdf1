// Program: a compiled graph. A list of steps over slots, which are addresses: of inputs, constants, outputs, and places
// in one block of memory (the arena) laid out by liveness.
#pragma once
#include <cstddef>
#include <functional>
#include <span>

#include "tf2jax/compiler/program/buffer_assignment.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax::compiler {

using SlotId = std::int32_t;

/// The state of one run. Owned by that run's thread.
struct Frame {
  void** slots;
  std::byte* arena;
  std::vector<Array> kept;  // results of kernel calls
};

class Step {
 public:
  virtual ~Step() = default;
  virtual void run(Frame& frame) const = 0;
  /// One line or more, for `explain`.
  virtual std::string describe() const = 0;
  /// Operations and bytes of one run.
  virtual CostAnalysis cost() const = 0;
};

/// How an output of a program comes about.
struct OutputSource {
  enum class Kind : std::uint8_t { written, input, constant, output } kind = Kind::written;
  std::size_t index = 0;  // of the input or the earlier output
  Array constant;
};

/// Immutable after compilation; runs on many threads at once.
class Program {
 public:
  /// `inputs` and `outputs`: addresses of dense row-major values. An output whose address is null is not copied, which
  /// is allowed only where its source is not `written`. An output that is `shared` lies where its input is: the input's
  /// address, which is written to.
  void run(void* const* inputs, void* const* outputs, std::byte* arena) const;
  /// Does what depends on the steady inputs alone, for the runs that follow with the same ones and the same arena.
  void prepare(void* const* inputs, std::byte* arena) const;

  std::int64_t arena_bytes = 0;
  Avals inputs, outputs;
  std::vector<OutputSource> sources;
  std::vector<std::int32_t> shared;  // by output: the input in whose memory it lies, or -1
  std::string explanation() const;
  CostAnalysis cost() const;
  MemoryAnalysis memory() const;

  struct Slot {
    enum class Kind : std::uint8_t { input, constant, output, arena, call } kind = Kind::arena;
    std::int64_t where = 0;  // number of the input or output, or offset in the arena
    std::int64_t bytes = 0;
    Array constant;
    std::int32_t first = 0, last = 0;  // steps that write it first and use it last
  };
  std::vector<Slot> slots;
  std::vector<std::unique_ptr<const Step>> preparation, steps;
  std::vector<SlotId> output_slots;  // where an output's value is
  std::shared_ptr<const loops::CompiledKernels> kernels;
  std::vector<std::int32_t> planned;  // by step: its place in the plan, which `first` and `last` of slots count in
  bool checked = false;  // every value has guarded memory of its own, for its life only; the arena is empty

 private:
  void find_slots(void* const* inputs, void* const* outputs, std::byte* arena, void** addresses) const;
  void run_checked(void* const* outputs, void** slot_addresses) const;
};

/// A block of memory for one run, from the pool that arrays use.
class ArenaBlock {
 public:
  explicit ArenaBlock(std::int64_t bytes);
  ~ArenaBlock();
  ArenaBlock(const ArenaBlock&) = delete;
  ArenaBlock& operator=(const ArenaBlock&) = delete;
  std::byte* data() const { return data_; }

 private:
  std::byte* data_;
  std::int64_t bytes_;
};

}  // namespace tf2jax::compiler
