// How a part of a case runs: op by op, or through jit.
#pragma once
#include <string>
#include <vector>

#include "report.h"
#include "tf2jax/base/config.h"
#include "tf2jax/trace/staging.h"

namespace conformance {

enum class Execution { uncompiled, compiled };

/// The executions that the options ask for.
std::vector<Execution> executions(const Options& options);
/// "jvp", or "jit(jvp)".
std::string part_name(const std::string& what, Execution how);

/// Runs `body` with nothing compiled, calls inside programs included, or with everything compiled: where the compiler's
/// module is missing that is an error, not the interpreter's result.
template <class F>
auto under(Execution how, F&& body) {
  tf2jax::Config config = tf2jax::config();
  config.interpret = how == Execution::uncompiled;
  config.require_compiler = how == Execution::compiled;
  const tf2jax::ConfigScope scope(config);
  return body();
}
/// f(xs), op by op or through jit.
tf2jax::Arrays run(const tf2jax::FlatFn& f, const tf2jax::Arrays& xs, Execution how);

/// One part of a case for each execution: `body(how, name)`.
template <class F>
void parts(const Options& options, const std::string& what, CaseResult& result, F&& body) {
  for (const Execution how : executions(options)) {
    const std::string name = part_name(what, how);
    result.part(name, [&] { under(how, [&] { body(how, name); }); });
  }
}

}  // namespace conformance
