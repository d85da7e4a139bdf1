// Trace: who handles an operation. One is current per thread; transforms push their own for a scope.
#pragma once
#include <concepts>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tf2jax/trace/array.h"
#include "tf2jax/trace/primitive.h"

namespace tf2jax {

using TracePtr = std::shared_ptr<const Trace>;

/// The thread's current trace; evaluation when no transform runs.
const TracePtr& current_trace();
/// The trace that computes concrete values with the default backend.
const TracePtr& eval_trace();

/// Makes `trace` current until the end of the scope.
class [[nodiscard]] TraceScope {
 public:
  explicit TraceScope(TracePtr trace);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  TracePtr previous_;
};

namespace detail {
/// An array behind which stands the tracer `T(arguments…)`.
template <std::derived_from<Tracer> T, class... A>
Array make_tracer(A&&... arguments) {
  return Array(Ref<const Value>(new T(std::forward<A>(arguments)...)));
}
}  // namespace detail

/// Interprets primitive applications. Contract: a trace unwraps its own tracers and treats everything else as
/// constants; it evaluates rules under its parent; it never keeps the parent's tracers beyond its scope.
class Trace : public std::enable_shared_from_this<Trace> {
 public:
  virtual ~Trace() = default;
  virtual Arrays process(const Primitive& primitive, std::span<const Array> args,
                         const EquationParams& params) const = 0;
  /// True for the trace that computes concrete values.
  virtual bool is_eval() const { return false; }

  /// A value of this trace: the tracer `T(this trace, arguments…)`.
  template <std::derived_from<Tracer> T, class... A>
  Array make(A&&... arguments) const {
    return detail::make_tracer<T>(shared_from_this(), std::forward<A>(arguments)...);
  }
  /// Whether this trace made `x`; otherwise `x` is a constant here.
  bool owns(const Array& x) const {
    const Tracer* t = x.tracer();
    return t && t->trace.get() == this;
  }
  /// f(arguments…) with this trace current.
  template <class F, class... A>
  auto run(const F& f, const A&... arguments) const {
    const TraceScope scope(shared_from_this());
    return f(arguments...);
  }

 protected:
  /// The tracer behind `x` if this trace made it, else null.
  template <std::derived_from<Tracer> T>
  const T* mine(const Array& x) const {
    return owns(x) ? static_cast<const T*>(x.tracer()) : nullptr;
  }
};

/// The trace of a transform: carries values of its own through the operations that some of them reach, and leaves the
/// others to its parent, the trace that was current when it was made.
class TransformTrace : public Trace {
 public:
  explicit TransformTrace(TracePtr parent = current_trace()) : parent_(std::move(parent)) {}
  Arrays process(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const final;

 protected:
  /// Applies the transform's rule. Called with the parent current, and with at least one operand of this trace.
  virtual Arrays apply(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const = 0;

  /// The parts of `xs`, apart: `split(x)` is the pair of what stands behind `x`.
  template <class Split>
  static auto split_all(std::span<const Array> xs, const Split& split) {
    using Pair = std::invoke_result_t<const Split&, const Array&>;
    std::pair<std::vector<typename Pair::first_type>, std::vector<typename Pair::second_type>> out;
    for (const Array& x : xs) {
      auto [first, second] = split(x);
      out.first.push_back(std::move(first));
      out.second.push_back(std::move(second));
    }
    return out;
  }

 private:
  TracePtr parent_;
};

}  // namespace tf2jax
