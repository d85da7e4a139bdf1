// The commands of the program. Each returns the exit status.
#pragma once
#include "request.h"

#include <string>

namespace tf2jax::tool {

int inspect(const std::string& model);
/// Those with converters, one a line or as a list in JSON.
int list_operations(bool json);
int run(const Request& request);
/// Gradient of the mean of all outputs, or of the one output `request.outputs` names, with respect to floating inputs
/// and trainable variables.
int gradient(const Request& request);
int print_jaxpr(const Request& request, bool symbolic_batch);
struct CheckOptions {
  int order = 1;
  double rtol = 0, atol = 0, eps = 0;
};
int check_gradients(const Request& request, const CheckOptions& options);

}  // namespace tf2jax::tool
