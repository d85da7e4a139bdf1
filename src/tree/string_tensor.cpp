// Tensors of strings.
#include "tf2jax/tree/string_tensor.h"

namespace tf2jax {

std::string StringTensor::to_string() const {
  std::string sizes;
  for (const auto d : dims) sizes += (sizes.empty() ? "" : ",") + std::to_string(d);
  return "string[" + sizes + "]";
}

StringTensor strings(std::vector<std::string> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {{count}, std::move(values)};
}

}  // namespace tf2jax
