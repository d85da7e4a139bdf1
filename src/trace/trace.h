// Trace: who handles an operation. One is current per thread; transforms push their own for a scope.
#pragma once
#include <memory>
#include <span>

#include "tf2jax/trace/array.h"
#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// Interprets primitive applications. Contract: a trace unwraps its own tracers and treats everything else as
/// constants; it evaluates rules under its parent; it never keeps the parent's tracers beyond its scope.
class Trace : public std::enable_shared_from_this<Trace> {
 public:
  virtual ~Trace() = default;
  virtual Arrays process(const Primitive& primitive, std::span<const Array> args, const EquationParams& params) const = 0;
  /// True for the trace that computes concrete values.
  virtual bool is_eval() const { return false; }

 protected:
  /// The tracer behind `x` if this trace made it, else null: `x` is then a constant here.
  template <class T>
  const T* mine(const Array& x) const {
    const Tracer* t = x.tracer();
    return t && t->trace.get() == this ? static_cast<const T*>(t) : nullptr;
  }
};
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

}  // namespace tf2jax
