// Executables: kept with their programs, or made in the background.
#include "tf2jax/transforms/compiled.h"

#include <chrono>
#include <future>

#include "tf2jax/base/config.h"
#include "tf2jax/base/loop_budget.h"
#include "tf2jax/transforms/program_cache.h"

namespace tf2jax {

namespace {
struct ExecutableKey {
  using Result = std::shared_ptr<const Executable>;
  bool interpreted;
  bool operator==(const ExecutableKey&) const = default;
};
}  // namespace

std::shared_ptr<const Executable> compiled(const Jaxpr& jaxpr, const CompileOptions& options) {
  static ProgramCache& cache =
      *new ProgramCache(256);  // never destroyed: executables outlive nothing at the process's end
  CompileOptions how = options;
  how.interpret = how.interpret || config().interpret || config().disable_jit;
  how.bounded_loops = how.bounded_loops || loops_are_bounded();
  how.deterministic = how.deterministic || config().deterministic;
  const bool plain = how == CompileOptions{}, interpreted = how == CompileOptions{.interpret = true};
  if (!plain && !interpreted) return cache.compile(jaxpr, how);
  return *jaxpr->memo->get(ExecutableKey{interpreted}, [&] { return cache.compile(jaxpr, how); });
}

namespace {

class BackgroundExecutable final : public Executable {
 public:
  BackgroundExecutable(const Jaxpr& jaxpr, const CompileOptions& options)
      : interpreted_(
            default_backend().compile(jaxpr, {.interpret = true, .flush_subnormals = options.flush_subnormals})),
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

}  // namespace tf2jax
