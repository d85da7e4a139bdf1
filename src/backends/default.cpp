// Where everything is linked together: the default backend and the list of the library's primitives.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tf2jax/backends/cpu/interpreter.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/config.h"
#include "tf2jax/base/error.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/base/subnormals.h"
#include "tf2jax/base/warning.h"
#include "tf2jax/compiler/executable.h"
#include "tf2jax/control/primitives.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/fft.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/special.h"
#include "tf2jax/ops/window.h"
#include "tf2jax/trace/backend.h"
#include "tf2jax/transforms/primitives.h"

namespace tf2jax {

namespace {

class Flushing final : public Executable {
 public:
  explicit Flushing(std::shared_ptr<const Executable> executable) : executable_(std::move(executable)) {}
  Arrays run(std::span<const Array> args) const override {
    const SubnormalScope scope(true);
    return executable_->run(args);
  }
  Arrays run_donated(Arrays& args) const override {
    const SubnormalScope scope(true);
    return executable_->run_donated(args);
  }
  std::string explain() const override { return executable_->explain(); }
  CostAnalysis cost() const override { return executable_->cost(); }
  MemoryAnalysis memory() const override { return executable_->memory(); }

 private:
  const std::shared_ptr<const Executable> executable_;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend() {
    for (const auto& add :
         {cpu::register_unary_kernels, cpu::register_complex_unary_kernels, cpu::register_binary_kernels,
          cpu::register_convert_kernels, cpu::register_shape_kernels, cpu::register_dot_kernels,
          cpu::register_linalg_kernels, cpu::register_factorization_kernels, cpu::register_condensed_form_kernels,
          cpu::register_reduce_kernels, cpu::register_gather_kernels, cpu::register_window_kernels,
          cpu::register_sort_kernels, cpu::register_conv_kernels, cpu::register_random_kernels,
          cpu::register_bit_generator_kernels, cpu::register_fft_kernels, cpu::register_special_kernels})
      add(kernels_);
  }
  std::string name() const override { return "cpu"; }
  std::shared_ptr<const Executable> compile(const Jaxpr& jaxpr, const CompileOptions& options) const override {
    const auto as_written = override_config(&Config::enable_x64, true);  // constants of a program keep their types
    auto executable = with_memory_errors("compile", [&] { return make(jaxpr, options); });
    if (options.flush_subnormals) return std::make_shared<const Flushing>(std::move(executable));
    return executable;
  }
  const Kernel* kernel(const Primitive& primitive) const override { return kernels_.find(primitive); }

 private:
  std::shared_ptr<const Executable> make(const Jaxpr& jaxpr, const CompileOptions& options) const {
    return options.interpret || interpret_ || !has_concrete_sizes(jaxpr) ? cpu::make_interpreter(jaxpr, *this)
                                                                         : compile_or_interpret(jaxpr, options);
  }
  // A program must run where the compiler's module is missing too: slower, and its owner is told once.
  std::shared_ptr<const Executable> compile_or_interpret(const Jaxpr& jaxpr, const CompileOptions& options) const {
    try {
#ifdef TF2JAX_WITHOUT_COMPILER
      if (config().require_compiler)
        raise<MissingCompiler>(
            "compile: this build has no compiler. Build with LLVM 19 (llvm-19-dev; TF2JAX_LLVM=ON), or turn "
            "require_compiler off.");
#else
      return compiler::make_executable(jaxpr, options);
#endif
    } catch (const MissingCompiler& e) {
      if (config().require_compiler) throw;
      warn_once("missing compiler", fmt::format("{}\n  Until then programs run through the interpreter, more slowly. "
                                                "Set require_compiler to make this an error.",
                                                e.what()));
    } catch (const InternalError&
                 e) {  // a plan that contradicts itself: never run it, and not at all where defects are looked for
      if (config().require_compiler || compiler::verifies_plans()) throw;
      warn(
          fmt::format("{}\n  This is a defect of the compiler. Please report it. The program runs through the "
                      "interpreter, more slowly.",
                      e.what()));
    }
    return cpu::make_interpreter(jaxpr, *this);
  }
  // TF2JAX_BACKEND=interpret runs every program through the oracle.
  static bool wants_interpreter() {
    const char* name = std::getenv("TF2JAX_BACKEND");
    return name && std::string_view(name) == "interpret";
  }
  static bool has_concrete_sizes(const Jaxpr& jaxpr) {
    return std::ranges::all_of(jaxpr->vars, [](const Aval& a) { return is_concrete(a.shape); });
  }
  const bool interpret_ = wants_interpreter();
  cpu::KernelTable kernels_;
};

}  // namespace

const Backend& default_backend() {
  static const CpuBackend backend;
  return backend;
}

namespace detail {
void register_builtin_primitives() {
  std::vector<Primitive> all;
  for (const auto& append :
       {append_elementwise_primitives, append_shape_primitives, append_reduce_primitives, append_gather_primitives,
        append_window_primitives, append_sort_primitives, append_conv_primitives, append_random_primitives,
        append_fft_primitives, append_special_primitives, append_dot_primitives, append_misc_primitives,
        append_linalg_primitives, append_transform_primitives, append_control_primitives})
    append(all);
  for (const Primitive& p : all) register_primitive(p);
}
}  // namespace detail

}  // namespace tf2jax
