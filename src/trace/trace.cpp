// The current trace of each thread, and the trace that computes concrete values.
#include "tf2jax/trace/trace.h"

#include <algorithm>

#include "tf2jax/trace/backend.h"
#include "tf2jax/trace/name_scope.h"

namespace tf2jax {

namespace {

thread_local TracePtr current;  // null: evaluation

class EvalTrace final : public Trace {
 public:
  bool is_eval() const override { return true; }

  Arrays process(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const override {
    for (const Array& x : args)
      if (x.tracer())
        raise<UnexpectedTracerError>(
            "{}: a traced {} escaped the transform that made it, or was used on another thread. Return it from the "
            "transformed function instead of "
            "storing it.",
            primitive.name(), x.aval());
    const auto& rules = primitive.rules();
    if (rules.impl) return rules.impl(args, params);
    const Kernel* kernel = rules.kernel.load(std::memory_order_acquire);
    if (!kernel) [[unlikely]]
      kernel = find_kernel(primitive);
    constexpr std::size_t kFew = 3;
    if (args.size() <= kFew) {  // no heap for the common arities
      Aval few[kFew];
      for (std::size_t i = 0; i < args.size(); ++i) few[i] = args[i].aval();
      return run(primitive, *kernel, args, {few, args.size()}, params);
    }
    Avals many;
    for (const Array& x : args) many.push_back(x.aval());
    return run(primitive, *kernel, args, many, params);
  }

 private:
  static Arrays run(const Primitive& primitive, const Kernel& kernel, std::span<const Array> args,
                    std::span<const Aval> avals, const EquationParams& params) {
    const Avals outputs = primitive.output_avals(avals, params);
    return kernel({args, params, outputs});
  }
  static const Kernel* find_kernel(const Primitive& primitive) {
    const Kernel* kernel = default_backend().kernel(primitive);
    if (!kernel)
      raise<MissingRule>("Evaluation rule for '{}' not implemented. Give it a kernel with set_kernel.",
                         primitive.name());
    primitive.rules().kernel.store(kernel, std::memory_order_release);
    return kernel;
  }
};

thread_local std::shared_ptr<const std::string> scope;

}  // namespace

const TracePtr& eval_trace() {
  static const TracePtr trace = std::make_shared<const EvalTrace>();
  return trace;
}

const TracePtr& current_trace() { return current ? current : eval_trace(); }

TraceScope::TraceScope(TracePtr trace) : previous_(std::exchange(current, std::move(trace))) {}
TraceScope::~TraceScope() { current = std::move(previous_); }

Arrays TransformTrace::process(const Primitive& primitive, std::span<const Array> args,
                               const EquationParams& params) const {
  const bool live = std::ranges::any_of(args, [&](const Array& x) { return owns(x); });
  const TraceScope scope(parent_);
  return live ? apply(primitive, args, params) : primitive.bind(args, params);
}

NameScope::NameScope(const std::string& name) : previous_(scope) {
  scope = std::make_shared<const std::string>(previous_ ? *previous_ + "/" + name : name);
}
NameScope::~NameScope() { scope = std::move(previous_); }

const std::shared_ptr<const std::string>& current_name_scope() { return scope; }

}  // namespace tf2jax
