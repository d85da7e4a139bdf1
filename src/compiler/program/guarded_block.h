// Memory of one value of a checked run.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tf2jax::compiler {

/// Memory between two guards, all bits set at first: floats read before they are written are NaN. Under the address
/// sanitizer the guards are red zones too.
class GuardedBlock {
 public:
  explicit GuardedBlock(std::int64_t bytes);
  ~GuardedBlock();
  GuardedBlock(const GuardedBlock&) = delete;
  GuardedBlock& operator=(const GuardedBlock&) = delete;

  std::byte* data() const;
  /// False once anything wrote before or behind the memory.
  bool intact() const;

 private:
  std::size_t bytes_;
  std::byte* block_;
};

}  // namespace tf2jax::compiler
