// Guards hold a pattern of their own.
#include "tf2jax/compiler/program/guarded_block.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace tf2jax::compiler {

namespace {

constexpr std::size_t kGuard = 128;  // a multiple of the alignment, and longer than a vector
constexpr std::byte kPattern{0xa5};

#if defined(__SANITIZE_ADDRESS__)
void forbid(const std::byte* from, std::size_t bytes) { __asan_poison_memory_region(from, bytes); }
void allow(const std::byte* from, std::size_t bytes) { __asan_unpoison_memory_region(from, bytes); }
#else
void forbid(const std::byte*, std::size_t) {}
void allow(const std::byte*, std::size_t) {}
#endif

}  // namespace

GuardedBlock::GuardedBlock(std::int64_t bytes)
    : bytes_(bytes), block_(static_cast<std::byte*>(::operator new(bytes_ + 2 * kGuard, std::align_val_t{64}))) {
  std::fill_n(block_, bytes_ + 2 * kGuard, kPattern);
  if (bytes_) std::memset(data(), 0xff, bytes_);
  forbid(block_, kGuard);
  forbid(data() + bytes_, kGuard);
}

GuardedBlock::~GuardedBlock() {
  allow(block_, bytes_ + 2 * kGuard);
  ::operator delete(block_, std::align_val_t{64});
}

std::byte* GuardedBlock::data() const { return block_ + kGuard; }

bool GuardedBlock::intact() const {
  const auto clean = [](const std::byte* from) {
    allow(from, kGuard);
    const bool out = std::ranges::count(std::span(from, kGuard), kPattern) == static_cast<std::ptrdiff_t>(kGuard);
    forbid(from, kGuard);
    return out;
  };
  return clean(block_) && clean(data() + bytes_);
}

}  // namespace tf2jax::compiler
