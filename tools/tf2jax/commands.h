// The commands of the program. Each returns the exit status.
#pragma once
#include "request.h"

#include <tf2jax/trace/jaxpr.h>

#include <string>

namespace tf2jax::tool {

int inspect(const std::string& model);
/// Those with converters, one a line or as a list in JSON.
int list_operations(bool json);
int run(const Request& request);
/// Gradient of the mean of all outputs, or of the one output `request.outputs` names, with respect to floating inputs
/// and trainable variables.
int gradient(const Request& request);
/// The model's program at the sizes that are asked for.
Jaxpr program_of(const Request& request, bool symbolic_batch);
int print_jaxpr(const Request& request, bool symbolic_batch);

struct ExportOptions {
  std::string file;    // .mlir: text; .mlirbc: portable artifact; others: a file of jax.export
  std::string target;  // the oldest version of StableHLO that reads it
  int vjp_order = 0;   // of a file of jax.export
};
/// Writes the model's program as StableHLO.
int export_model(const Request& request, const ExportOptions& options);
struct ConvertModuleOptions {
  std::string module, out;  // out: .pb: a frozen graph; others: the directory of a SavedModel
  bool native = false, no_gradient = false;
};
/// Writes a StableHLO module, or a file of jax.export, as a model of TensorFlow.
int convert_module(const ConvertModuleOptions& options);
struct CheckOptions {
  int order = 1;
  double rtol = 0, atol = 0, eps = 0;
};
int check_gradients(const Request& request, const CheckOptions& options);

}  // namespace tf2jax::tool
