// A model of the corpus: how it is opened and called.
#pragma once
#include <filesystem>
#include <map>
#include <optional>

#include "golden.h"
#include "tf2jax/tf_import/convert.h"
#include "tf2jax/trace/staging.h"

namespace conformance {

/// Keys "node:0" are tensors of the graph, "signature/name" arguments of a signature.
std::string signature_of(const std::string& key);
std::string without_signature(const std::string& key);
/// The recorded arrays of a case by signature; "" for tensors of the graph.
struct Keys {
  std::vector<std::string> inputs, outputs;
};
std::map<std::string, Keys> keys_by_signature(const json& c);

/// A model for one signature, or for tensors of its graph.
struct Model {
  std::optional<tf2jax::ConvertedFunction> f;
  std::vector<std::string> input_names, output_names;  // without the signature
  tf2jax::Arrays inputs;
  bool keywords = false;
  struct Part {
    std::int64_t axis, start, stop;
  };
  std::optional<Part> part = {};  // of every output: what was recorded

  /// inputs -> outputs
  tf2jax::FlatFn function() const;
  /// Positions of what can be differentiated.
  std::vector<std::size_t> inexact_inputs() const;
};

/// Opens one signature, or (signature "") the graph from the tensors `input_keys` to `output_names`.
/// Throws: what convert throws.
Model open_model(const json& c, const std::filesystem::path& folder, const std::string& model,
                 const std::string& signature, const std::vector<std::string>& input_keys,
                 const std::vector<std::string>& output_names);

/// The tolerance that the case itself gives.
struct CaseTolerance {
  double rtol = 1e-4, atol = 1e-5;
};
CaseTolerance tolerance_of_model(const json& c);

}  // namespace conformance
