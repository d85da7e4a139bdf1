// Where our results of graphs are not the recorded ones: rules with their reasons and their own expected values. A rule
// looks at the graph, never at the name of a case, and applies to every case that it fits.
#pragma once
#include <optional>
#include <string>

#include "golden.h"
#include "tf2jax/trace/staging.h"

namespace conformance {

struct GraphRule {
  std::string reason;
  tf2jax::FlatFn expected;  // inputs -> outputs, in place of the record
};
/// The rule for a graph that the Python library computes otherwise, or refuses.
std::optional<GraphRule> graph_rule(const Golden& golden, const json& c);

/// The case with the dtypes that its graph declares for empty results: NumPy makes an empty list a float, whatever the
/// node says. What is not a float has no derivative.
json with_declared_dtypes(const Golden& golden, const json& c);

}  // namespace conformance
