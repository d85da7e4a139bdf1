// From arrays to addresses and back.
#include "tf2jax/backends/llvm/executable.h"

#include <cstdlib>

namespace tf2jax::compiler {

namespace {

class CompiledExecutable final : public Executable {
 public:
  CompiledExecutable(const Jaxpr& jaxpr, const ProgramOptions& options) : program_(compile_program(jaxpr, options)) {}

  Arrays run(std::span<const Array> args) const override {
    const Program& p = *program_;
    check(args.size() == p.inputs.size(), "executable: got {} arguments. Expected {}.", args.size(), p.inputs.size());
    void *few_in[32], *few_out[32];
    std::vector<void*> many_in, many_out;
    void **in = few_in, **out = few_out;
    if (args.size() > 32) many_in.resize(args.size()), in = many_in.data();
    if (p.outputs.size() > 32) many_out.resize(p.outputs.size()), out = many_out.data();
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (!args[i].aval().matches(p.inputs[i]))
        raise<TypeError>("executable: argument {} does not match. Got {}; expected {}.", i, args[i].aval(), p.inputs[i]);
      in[i] = const_cast<std::byte*>(args[i].bytes().data());
    }
    Arrays results(p.outputs.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      out[i] = nullptr;
      if (p.sources[i].kind != OutputSource::Kind::written) continue;
      detail::Ref<detail::ConcreteValue> value(new detail::ConcreteValue(p.outputs[i]));
      out[i] = value->data;
      results[i] = Array(detail::Ref<const detail::Value>(value.get()));
    }
    const ArenaBlock arena(p.arena_bytes);
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

  std::string explain() const override { return program_->explanation(); }
  CostAnalysis cost() const override { return program_->cost(); }
  MemoryAnalysis memory() const override { return program_->memory(); }

 private:
  // The same elements as an output of the program, without copying.
  static Array shared(const Array& x, const Aval& aval) {
    if (x.aval() == aval) return x;
    if (x.bytes().size() <= detail::ConcreteValue::kInline)
      return Array::build(aval, [&](std::byte* to) { std::copy(x.bytes().begin(), x.bytes().end(), to); });
    return Array(detail::Ref<const detail::Value>(new detail::ConcreteValue(aval, x.bytes().data(), [keep = x] {})));
  }

  std::shared_ptr<const Program> program_;
};

}  // namespace

std::shared_ptr<const Executable> make_executable(const Jaxpr& jaxpr, const CompileOptions& how) {
  ProgramOptions options{.check_bounds = how.check_bounds};
  if (const char* directory = std::getenv("TF2JAX_CACHE_DIR")) options.cache_directory = directory;
  if (const char* checks = std::getenv("TF2JAX_CHECK_BOUNDS")) options.check_bounds |= std::string_view(checks) == "1";
  return std::make_shared<const CompiledExecutable>(jaxpr, options);
}

}  // namespace tf2jax::compiler
