// Memory for array data: three kinds of blocks by size.
//   small  (up to 64 KiB): a list per thread, no locks
//   medium (up to 2 MiB):  a list per process
//   large:                 mapped on huge pages, a list per process
#include "tf2jax/base/buffer_pool.h"

#include "tf2jax/base/config.h"
#include "tf2jax/base/error.h"
#include "tf2jax/base/internal/control_groups.h"
#include "tf2jax/base/internal/sanitized.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace tf2jax {
namespace {

constexpr bool kPooled = !detail::kSanitized;
constexpr std::size_t kSmall = 64 << 10, kLarge = 2 << 20, kHugePage = 2 << 20, kLine = 64;
constexpr std::size_t kSteps = 8;  // classes per power of two: at most an eighth is wasted
constexpr std::size_t kClasses = 64 * kSteps;
constexpr std::size_t kSmallBytesPerThread = 4 << 20;
constexpr std::size_t kGrowth = 16 << 20;  // below it, letting go of other memory is not worth the calls

struct SizeClass {
  std::size_t index, bytes;
};
SizeClass size_class(std::size_t bytes) {
  if constexpr (!kPooled) return {0, bytes};  // sanitizers see every byte past the end
  if (bytes < kLine * kSteps) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes + kLine - 1) / kLine;
    return {lines - 1, lines * kLine};
  }
  const std::size_t power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1,
                    step = (std::size_t{1} << power) / kSteps;
  const std::size_t units = (bytes + step - 1) / step;  // kSteps + 1 … 2 kSteps
  const std::size_t rounded = units * step;
  return {(power - 8) * kSteps + units - kSteps - 1,
          rounded >= kLarge ? (rounded + kHugePage - 1) / kHugePage * kHugePage : rounded};
}

void* map_large(std::size_t bytes) {
  const std::size_t whole = bytes + kHugePage;
  void* const start = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  auto* const first = static_cast<std::byte*>(start);
  const std::size_t skip = (kHugePage - reinterpret_cast<std::uintptr_t>(first) % kHugePage) % kHugePage;
  if (skip) munmap(first, skip);
  if (kHugePage - skip) munmap(first + skip + bytes, kHugePage - skip);
  madvise(first + skip, bytes, MADV_HUGEPAGE);
  return first + skip;
}

void* fresh(std::size_t bytes) {
  if (kPooled && bytes >= kLarge) return map_large(bytes);
  return ::operator new(bytes, std::align_val_t{kLine}, std::nothrow);
}
void drop(void* block, std::size_t bytes) noexcept {
  if (kPooled && bytes >= kLarge) munmap(block, bytes);
  else ::operator delete(block, std::align_val_t{kLine});
}

std::size_t default_cap() {
  if (const char* text = std::getenv("TF2JAX_POOL_BYTES")) return std::strtoull(text, nullptr, 10);
  return memory_limit() / 4;
}

std::size_t find_memory_limit() {
  std::size_t limit = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  for (const auto& [folder, version] : detail::control_groups("memory")) {
    std::size_t bytes = 0;  // "max" and no file are no limit
    if (std::ifstream(folder / (version == 2 ? "memory.max" : "memory.limit_in_bytes")) >> bytes)
      limit = std::min(limit, bytes);
  }
  return limit;
}

std::atomic<std::size_t> in_use{0};

// Counts a block that is given out, or refuses to.
void claim(std::size_t bytes) {
  const std::size_t before = in_use.fetch_add(bytes, std::memory_order_relaxed);
  const std::int64_t chosen = config().max_total_bytes;
  const std::size_t limit = chosen > 0 ? static_cast<std::size_t>(chosen) : memory_limit();
  if (bytes <= limit && before <= limit - bytes) [[likely]]
    return;
  in_use.fetch_sub(bytes, std::memory_order_relaxed);
  raise<ResourceExhaustedError>(
      "cannot allocate {} bytes: arrays hold {} bytes already, of at most {}. Free arrays, use smaller ones, or raise "
      "Config::max_total_bytes.",
      bytes, before, limit);
}
void unclaim(std::size_t bytes) noexcept { in_use.fetch_sub(bytes, std::memory_order_relaxed); }

// The process's lists.
struct Shared {
  std::mutex mutex;
  std::array<std::vector<void*>, kClasses> free;
  std::array<std::size_t, kClasses> block_bytes{};
  std::size_t kept = 0;
  const std::size_t cap = default_cap();
  std::atomic<void (*)()> when_growing = nullptr;

  void* take(SizeClass c) {
    const std::lock_guard lock(mutex);
    auto& list = free[c.index];
    if (list.empty()) return nullptr;
    void* const block = list.back();
    list.pop_back();
    kept -= c.bytes;
    return block;
  }
  bool keep(void* block, SizeClass c) noexcept {
    const std::lock_guard lock(mutex);
    if (kept + c.bytes > cap) return false;
    try {
      free[c.index].push_back(block);
    } catch (...) {
      return false;
    }
    block_bytes[c.index] = c.bytes;
    kept += c.bytes;
    return true;
  }
  // Blocks that are kept in vain: they cost less to make again than the new one. Two programs in turn cannot take each
  // other's blocks for ever, as each would have to make one larger than all of the other's.
  void make_room(std::size_t bytes) {
    if (const auto release_more = bytes < kGrowth ? nullptr : when_growing.load(std::memory_order_acquire))
      release_more();
    const std::lock_guard lock(mutex);
    if (kept <= bytes) release_locked();
  }
  void release() {
    const std::lock_guard lock(mutex);
    release_locked();
  }

 private:
  void release_locked() {
    for (std::size_t i = 0; i < kClasses; ++i) {
      for (void* block : free[i]) drop(block, block_bytes[i]);
      free[i].clear();
    }
    kept = 0;
  }
};
Shared& shared() {
  // Never destroyed: arrays with static lifetime are freed after everything else.
  static Shared* const s = std::make_unique<Shared>().release();
  return *s;
}

// A thread's small blocks, linked through their first word.
constexpr std::size_t kSmallClasses = 8 * kSteps + 1;
struct Link {
  Link* next;
};
thread_local bool thread_ended = false;
struct PerThread {
  std::array<Link*, kSmallClasses> free{};
  std::array<std::size_t, kSmallClasses> block_bytes{};
  std::size_t kept = 0;

  ~PerThread() {
    release();
    thread_ended = true;
  }
  void release() noexcept {
    for (std::size_t i = 0; i < kSmallClasses; ++i)
      while (Link* const block = free[i]) {
        free[i] = block->next;
        drop(block, block_bytes[i]);
      }
    kept = 0;
  }
};
PerThread& per_thread() {
  thread_local PerThread lists;
  return lists;
}

}  // namespace

std::size_t memory_limit() {
  static const std::size_t limit = find_memory_limit();
  return limit;
}

std::size_t buffer_bytes_in_use() { return in_use.load(std::memory_order_relaxed); }

namespace {

// A block of a class above the small ones, or null where the system has none.
void* large_block(SizeClass c) {
  if constexpr (kPooled) {
    if (void* const block = shared().take(c)) return block;
    if (c.bytes >= kLarge) shared().make_room(c.bytes);
  }
  if (void* const block = fresh(c.bytes)) return block;
  release_pooled_memory();
  return fresh(c.bytes);
}

void* small_block(SizeClass c) {
  if (kPooled && !thread_ended) {
    PerThread& lists = per_thread();
    if (Link* const block = lists.free[c.index]) {
      lists.free[c.index] = block->next;
      lists.kept -= c.bytes;
      return block;
    }
  }
  return fresh(c.bytes);
}

[[noreturn]] void no_memory(std::size_t bytes) {
  raise<ResourceExhaustedError>("cannot allocate {} bytes: the system has no memory left. Arrays hold {} bytes.", bytes,
                                buffer_bytes_in_use());
}

}  // namespace

void* allocate_buffer(std::size_t bytes) {
  if (bytes <= kSmall) {
    if (void* const block = small_block(size_class(bytes))) return block;
    release_pooled_memory();
    no_memory(bytes);
  }
  claim(bytes);  // before its class is asked for, whose sizes are rounded up
  if (void* const block = large_block(size_class(bytes))) return block;
  unclaim(bytes);
  no_memory(bytes);
}

void free_buffer(void* block, std::size_t bytes) noexcept {
  if (!block) return;
  const SizeClass c = size_class(bytes);
  if (bytes > kSmall) {
    unclaim(bytes);
    if (kPooled && shared().keep(block, c)) return;
  } else if (kPooled && !thread_ended) {
    PerThread& lists = per_thread();
    if (lists.kept + c.bytes <= kSmallBytesPerThread) {
      lists.free[c.index] = ::new (block) Link{lists.free[c.index]};
      lists.block_bytes[c.index] = c.bytes;
      lists.kept += c.bytes;
      return;
    }
  }
  drop(block, c.bytes);
}

void release_pooled_memory() {
  shared().release();
  if (!thread_ended) per_thread().release();
}

std::size_t pooled_bytes() {
  Shared& s = shared();
  const std::lock_guard lock(s.mutex);
  return s.kept + (thread_ended ? 0 : per_thread().kept);
}

void when_memory_grows(void (*release)()) { shared().when_growing.store(release, std::memory_order_release); }

}  // namespace tf2jax
