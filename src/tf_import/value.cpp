// Values of imported graphs.
#include "tf2jax/tf_import/value.h"

namespace tf2jax {

std::string Value::kind() const {
  static constexpr const char* kNames[] = {"nothing", "a tensor", "strings", "a variable", "symbolic sizes", "a tensor list"};
  return kNames[data_.index()];
}

}  // namespace tf2jax
