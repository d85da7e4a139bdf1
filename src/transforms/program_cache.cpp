// Lookup by structure.
#include "tf2jax/transforms/program_cache.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>

#include "tf2jax/base/config.h"
#include "tf2jax/transforms/jit_primitive.h"

namespace tf2jax {

namespace {

constexpr std::size_t kLargeConstants = 1 << 16;   // bytes: comparing more costs more than it saves, and they stay in memory

bool holds_large_constants(const Jaxpr& jaxpr) {
  return *jaxpr->memo->get<bool>("large constants", [&] {
    std::size_t bytes = 0;
    for (const Array& c : jaxpr->consts) bytes += c.is_concrete() ? c.bytes().size() : kLargeConstants;
    return bytes >= kLargeConstants || std::ranges::any_of(jaxpr->eqns, [](const Equation& e) { return std::ranges::any_of(nested_jaxprs(e.params), holds_large_constants); });
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

namespace {

class BackgroundExecutable final : public Executable {
 public:
  BackgroundExecutable(const Jaxpr& jaxpr, const CompileOptions& options)
      : interpreted_(default_backend().compile(jaxpr, {.interpret = true, .flush_subnormals = options.flush_subnormals})),
        compiled_(std::async(std::launch::async, [jaxpr, options, c = config()] {
          const ConfigScope scope(c);
          return compiled(jaxpr, options);
        })) {}
  Arrays run(std::span<const Array> args) const override { return now().run(args); }
  Arrays run_donated(Arrays& args) const override { return now().run_donated(args); }
  std::string explain() const override { return now().explain(); }
  CostAnalysis cost() const override { return now().cost(); }
  MemoryAnalysis memory() const override { return now().memory(); }

 private:
  const Executable& now() const {
    return compiled_.wait_for(std::chrono::seconds(0)) == std::future_status::ready ? *compiled_.get() : *interpreted_;
  }
  std::shared_ptr<const Executable> interpreted_;
  std::shared_future<std::shared_ptr<const Executable>> compiled_;
};

}  // namespace

std::shared_ptr<const Executable> compile_in_background(const Jaxpr& jaxpr, const CompileOptions& options) {
  return std::make_shared<const BackgroundExecutable>(jaxpr, options);
}

std::shared_ptr<const Executable> ProgramCache::compile(const Jaxpr& jaxpr, const CompileOptions& options) {
  if (holds_large_constants(jaxpr)) return compile_now(jaxpr, options);
  const std::size_t hash = key_of(jaxpr);
  const auto find = [&]() -> std::shared_ptr<const Executable> {
    const auto it = std::ranges::find_if(entries_, [&](const Entry& e) {
      return e.hash == hash && e.options == options && e.jaxpr.input_avals() == jaxpr.input_avals() && e.jaxpr.output_avals() == jaxpr.output_avals() && e.jaxpr == jaxpr;
    });
    if (it == entries_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it);
    return it->executable;
  };
  {
    const std::lock_guard lock(mutex_);
    if (auto found = find()) return found;
  }
  auto made = compile_now(jaxpr, options);
  const std::lock_guard lock(mutex_);
  if (auto found = find()) return found;
  entries_.push_front({hash, jaxpr, options, made});
  if (entries_.size() > max_entries_) entries_.pop_back();
  return made;
}

}  // namespace tf2jax
