// Lookup by structure.
#include "tf2jax/transforms/program_cache.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "tf2jax/base/config.h"

namespace tf2jax {

namespace {

constexpr std::size_t kLargeConstants =
    1 << 16;  // bytes: comparing more costs more than it saves, and they stay in memory

struct LargeConstants {
  using Result = bool;
  bool operator==(const LargeConstants&) const = default;
};
bool holds_large_constants(const Jaxpr& jaxpr) {
  return *jaxpr->memo->get(LargeConstants{}, [&] {
    std::size_t bytes = 0;
    for (const Array& c : jaxpr->consts) bytes += c.is_concrete() ? c.bytes().size() : kLargeConstants;
    return bytes >= kLargeConstants || std::ranges::any_of(jaxpr->eqns, [](const Equation& e) {
             return std::ranges::any_of(nested_jaxprs(e.params), holds_large_constants);
           });
  });
}

std::size_t key_of(const Jaxpr& jaxpr) {
  std::size_t h = hash_value(jaxpr);
  for (const Aval& a : jaxpr.input_avals()) h = h * 31 + hash_value(a);
  for (const Aval& a : jaxpr.output_avals()) h = h * 31 + hash_value(a);
  return h;
}

std::shared_ptr<const Executable> compile_now(const Jaxpr& jaxpr, const CompileOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  auto executable = default_backend().compile(jaxpr, options);
  if (config().log_compiles) {
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    std::fprintf(stderr, "compile: %zu equations in %.1f ms\n", jaxpr->eqns.size(), ms);
  }
  return executable;
}

}  // namespace

bool ProgramCache::Entry::is_for(const Key& key) const {
  const Jaxpr &a = this->key.jaxpr, &b = key.jaxpr;
  return this->key.options == key.options && this->key.config == key.config && a.input_avals() == b.input_avals() &&
         a.output_avals() == b.output_avals() && a == b;
}

// The entry of an equal program, and true when it is new: the caller compiles it then. Programs are compared without
// the lock.
std::pair<std::shared_ptr<ProgramCache::Entry>, bool> ProgramCache::find_or_add(Key key) {
  std::vector<std::shared_ptr<Entry>> different;
  for (;;) {
    std::shared_ptr<Entry> next;
    {
      const std::lock_guard lock(mutex_);
      const auto it = std::ranges::find_if(entries_, [&](const auto& e) {
        return e->key.hash == key.hash && std::ranges::find(different, e) == different.end();
      });
      if (it == entries_.end()) return {entries_.emplace_front(std::make_shared<Entry>(std::move(key))), true};
      next = *it;
    }
    if (!next->is_for(key)) {
      different.push_back(std::move(next));
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (const auto it = std::ranges::find(entries_, next); it != entries_.end())
      entries_.splice(entries_.begin(), entries_, it);
    return {next, false};
  }
}

void ProgramCache::remove(const std::shared_ptr<Entry>& entry) {
  Entries gone;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  if (const auto it = std::ranges::find(entries_, entry); it != entries_.end()) gone.splice(gone.begin(), entries_, it);
}

// The oldest go. Those that someone compiles now are passed over, so that nobody compiles them again meanwhile.
void ProgramCache::trim() {
  Entries gone;
  const std::lock_guard lock(mutex_);
  for (auto it = entries_.end(); entries_.size() > max_entries_ && it != entries_.begin();) {
    const auto oldest = std::prev(it);
    if ((*oldest)->ready) gone.splice(gone.begin(), entries_, oldest);
    else it = oldest;
  }
}

std::shared_ptr<const Executable> ProgramCache::compile(const Jaxpr& jaxpr, const CompileOptions& options) {
  Config how = config();
  how.enable_x64 = true;  // programs are compiled as they are written
  how.log_compiles = false;
  const Key key{key_of(jaxpr), jaxpr, options, std::move(how)};
  for (;;) {
    const auto [entry, is_new] = find_or_add(key);
    if (!is_new) {
      if (!entry->ready && entry->owner == std::this_thread::get_id())
        return compile_now(jaxpr, options);  // waiting for itself
      if (auto made = entry->executable.get()) return made;
      continue;  // its compiler failed; ours says why
    }
    try {
      auto made = compile_now(jaxpr, options);
      entry->ready = true;
      entry->promise.set_value(made);
      if (holds_large_constants(jaxpr)) remove(entry);
      trim();
      return made;
    } catch (...) {
      remove(entry);
      entry->promise.set_value(nullptr);
      throw;
    }
  }
}

}  // namespace tf2jax
