// From arrays to addresses and back.
#include "tf2jax/compiler/executable.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "tf2jax/base/limits.h"
#include "tf2jax/compiler/compile.h"

namespace tf2jax::compiler {

namespace {

class CompiledExecutable final : public Executable {
 public:
  CompiledExecutable(const Jaxpr& jaxpr, const ProgramOptions& options) : program_(compile_program(jaxpr, options)) {}

  Arrays run(std::span<const Array> args) const override {
    return with_memory_errors("executable", [&] { return run(args, nullptr); });
  }
  Arrays run_donated(Arrays& args) const override {
    return with_memory_errors("executable", [&] { return run(args, &args); });
  }

  std::string explain() const override { return program_->explanation(); }
  CostAnalysis cost() const override { return program_->cost(); }
  MemoryAnalysis memory() const override { return program_->memory(); }

 private:
  // `owned`: the arguments again, where their memory may be taken.
  Arrays run(std::span<const Array> args, Arrays* owned) const {
    const Program& p = *program_;
    check(args.size() == p.inputs.size(), "executable: got {} arguments. Expected {}.", args.size(), p.inputs.size());
    void *few_in[32], *few_out[32];
    std::vector<void*> many_in, many_out;
    void **in = few_in, **out = few_out;
    if (args.size() > 32) many_in.resize(args.size()), in = many_in.data();
    if (p.outputs.size() > 32) many_out.resize(p.outputs.size()), out = many_out.data();
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (!args[i].aval().matches(p.inputs[i]))
        raise<TypeError>("executable: argument {} does not match. Got {}; expected {}.", i, args[i].aval(),
                         p.inputs[i]);
      in[i] = const_cast<std::byte*>(args[i].bytes().data());
    }
    Arrays results(p.outputs.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      out[i] = nullptr;
      if (p.sources[i].kind != OutputSource::Kind::written) continue;
      const std::int32_t from = p.shared[i];
      if (from >= 0 && owned && is_free(args[from])) {
        out[i] = in[from];
        continue;
      }
      auto* const value = new detail::ConcreteValue(p.outputs[i]);
      results[i] = Array(detail::Ref<const detail::Value>(value));
      out[i] = value->data;
      if (from >= 0) {
        std::memcpy(out[i], in[from], value->bytes);
        in[from] = out[i];
      }
    }
    const ArenaBlock arena(p.arena_bytes);
    for (std::size_t i = 0; owned && i < results.size(); ++i)
      if (out[i] && !results[i].has_value()) results[i] = taken((*owned)[p.shared[i]], p.outputs[i]);
    p.run(in, out, arena.data());
    for (std::size_t i = 0; i < results.size(); ++i) {
      const OutputSource& s = p.sources[i];
      switch (s.kind) {
        case OutputSource::Kind::written: break;
        case OutputSource::Kind::input: results[i] = shared(args[s.index], p.outputs[i]); break;
        case OutputSource::Kind::constant: results[i] = shared(s.constant, p.outputs[i]); break;
        case OutputSource::Kind::output: results[i] = shared(results[s.index], p.outputs[i]); break;
      }
    }
    return results;
  }

  static const detail::ConcreteValue& value_of(const Array& x) {
    return *static_cast<const detail::ConcreteValue*>(x.get());
  }
  static bool is_free(const Array& x) {
    return value_of(x).references.load(std::memory_order_acquire) == 1 && value_of(x).is_plain();
  }
  static Array taken(Array& x, const Aval& aval) {
    Array whole = std::exchange(x, Array());
    if (whole.aval() == aval) return whole;
    return Array(detail::Ref<const detail::Value>(
        new detail::ConcreteValue(aval, const_cast<detail::ConcreteValue&>(value_of(whole)))));
  }

  // The same elements as an output of the program, without copying.
  static Array shared(const Array& x, const Aval& aval) {
    if (x.aval() == aval) return x;
    if (x.bytes().size() <= detail::ConcreteValue::kInline)
      return detail::exact_array(aval, [&](std::byte* to) { std::copy(x.bytes().begin(), x.bytes().end(), to); });
    return Array(detail::Ref<const detail::Value>(new detail::ConcreteValue(aval, x.bytes().data(), [keep = x] {})));
  }

  std::shared_ptr<const Program> program_;
};

}  // namespace

bool verifies_plans() {
#ifdef NDEBUG
  constexpr bool kDefault = false;
#else
  constexpr bool kDefault = true;
#endif
  const char* wanted = std::getenv("TF2JAX_VERIFY_PLANS");
  return wanted ? std::string_view(wanted) != "0" : kDefault;
}

std::shared_ptr<const Executable> make_executable(const Jaxpr& jaxpr, const CompileOptions& how) {
  ProgramOptions options{.check_bounds = how.check_bounds,
                         .simulate = how.simulate,
                         .verify = verifies_plans(),
                         .bounded_loops = how.bounded_loops};
  if (const char* directory = std::getenv("TF2JAX_CACHE_DIR")) options.cache_directory = directory;
  if (const char* checks = std::getenv("TF2JAX_CHECK_BOUNDS")) options.check_bounds |= std::string_view(checks) == "1";
  const Avals outputs = jaxpr.output_avals();
  for (const std::int32_t i : how.donated)
    for (std::size_t j = 0; j < outputs.size(); ++j)
      if (jaxpr.input(i).matches(outputs[j])) options.may_share.push_back({i, static_cast<std::int32_t>(j)});
  try {
    return std::make_shared<const CompiledExecutable>(jaxpr, options);
  } catch (const InternalError& e) {
    raise<InternalError>("{}\nWhile compiling\n{}", e.what(), to_string(jaxpr));
  }
}

}  // namespace tf2jax::compiler
