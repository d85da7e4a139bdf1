// How a part of a case runs: op by op, or through jit.
#include "execution.h"

#include "tf2jax/transforms/jit.h"

namespace conformance {

using namespace tf2jax;

std::vector<Execution> executions(const Options& options) {
  if (options.backend == "interpret") return {Execution::uncompiled};
  if (options.backend == "cpu") return {Execution::compiled};
  return {Execution::uncompiled, Execution::compiled};
}

std::string part_name(const std::string& what, Execution how) {
  return how == Execution::compiled ? "jit(" + what + ")" : what;
}

Arrays run(const FlatFn& f, const Arrays& xs, Execution how) {
  if (how == Execution::uncompiled) return f(xs);
  return jit(f)(xs);
}

}  // namespace conformance
