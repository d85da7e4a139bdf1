// Whether a thread's arithmetic keeps subnormal numbers.
#pragma once

namespace tf2jax {

/// True while operations of this thread take subnormal operands and results for zero. Always false on processors other
/// than x86-64 and AArch64.
bool flushes_subnormals();
void set_flushes_subnormals(bool flush);

/// Turns flushing on or off for this thread until it goes out of scope.
class [[nodiscard]] SubnormalScope {
 public:
  explicit SubnormalScope(bool flush) : before_(flushes_subnormals()) { set_flushes_subnormals(flush); }
  ~SubnormalScope() { set_flushes_subnormals(before_); }
  SubnormalScope(const SubnormalScope&) = delete;
  SubnormalScope& operator=(const SubnormalScope&) = delete;

 private:
  const bool before_;
};

}  // namespace tf2jax
