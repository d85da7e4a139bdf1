// A recorded graph: how it is converted and called, as functions of the inputs that a trace may see.
#pragma once
#include <optional>

#include "differentiable.h"
#include "golden.h"
#include "tf2jax/base/config.h"
#include "tf2jax/tf_import/convert.h"

namespace conformance {

/// The options in force for a case. Throws: Unsupported for one that is not known.
tf2jax::Config config_of(const json& c);

/// A dictionary's outputs by name ("node" or "node:0"), or the leaves in order.
tf2jax::Arrays outputs_of(const tf2jax::Tree& tree, const std::vector<std::string>& names);

/// The graph alone, before anything is converted.
tf2jax::Graph graph_of(const Golden& golden, const json& c);

/// What is captured and which gradients are registered; inputs and outputs are left open.
tf2jax::ConvertOptions conversion_of(const Golden& golden, const json& c);

class GraphCase {
 public:
  /// Throws: what convert throws.
  GraphCase(const Golden& golden, const json& c);

  /// What traces may see: inputs that are not static, and the random key behind them.
  const tf2jax::Arrays& arguments() const { return arguments_; }
  /// Whether arguments vary under vmap: all but the key.
  std::vector<tf2jax::Axis> mapped() const;
  /// Arguments with the recorded batches in place of inputs.
  tf2jax::Arrays batched(const json& inputs) const;
  /// arguments -> outputs
  tf2jax::FlatFn outputs() const;
  /// arguments -> outputs, then new values of these variables
  tf2jax::FlatFn outputs_and_updates(const std::vector<std::string>& variables) const;
  /// (arguments…, values of these variables…) -> outputs
  tf2jax::FlatFn of_variables(const std::vector<std::string>& variables) const;
  tf2jax::Arrays values_of(const std::vector<std::string>& variables) const;
  /// The outputs, differentiated with respect to inputs by name, at the outputs where `wanted` is not null.
  Differentiable differentiable(const json& wrt, const json& wanted) const;

  const std::vector<std::string>& output_names() const { return output_names_; }
  bool narrow() const { return narrow_; }

 private:
  void read_inputs();
  tf2jax::CallArguments call_arguments(const tf2jax::Arrays& arguments) const;

  const Golden& golden_;
  const json& c_;
  const bool narrow_;
  std::vector<std::string> output_names_;
  std::optional<tf2jax::ConvertedFunction> f_;
  tf2jax::Arrays inputs_, arguments_;
  Positions traced_;  // inputs that are arguments
  bool has_key_ = false;
};

/// Arrays of a list, without the nulls.
tf2jax::Arrays not_null(const Golden& golden, const json& list, bool narrow);

}  // namespace conformance
