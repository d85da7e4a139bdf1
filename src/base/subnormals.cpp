// Bits of the floating-point control register.
#include "tf2jax/base/subnormals.h"

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace tf2jax {

namespace {

#if defined(__x86_64__)
constexpr std::uint64_t kFlush = 0x8040;  // FTZ for results, DAZ for operands
std::uint64_t control() { return _mm_getcsr(); }
void set_control(std::uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = 1u << 24;  // FZ
std::uint64_t control() {
  std::uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void set_control(std::uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value)); }
#else
constexpr std::uint64_t kFlush = 0;
std::uint64_t control() { return 0; }
void set_control(std::uint64_t) {}
#endif

}  // namespace

bool flushes_subnormals() { return (control() & kFlush) != 0; }

void set_flushes_subnormals(bool flush) {
  if (flushes_subnormals() != flush) set_control(flush ? control() | kFlush : control() & ~kFlush);
}

}  // namespace tf2jax
