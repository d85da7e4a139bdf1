// Values of imported graphs.
#include "tf2jax/tf_import/value.h"

#include "tf2jax/ops/elementwise.h"

namespace tf2jax {

// Here and not in the header: they are large, and lists of values copy and move them everywhere.
Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

std::string Value::kind() const {
  static constexpr const char* kNames[] = {"nothing",        "a tensor",      "strings",       "a variable",
                                           "symbolic sizes", "a tensor list", "a lookup table"};
  return kNames[data_.index()];
}

Array in_canonical_type(const Array& x) {
  if (x.is_concrete()) return canonical_array(x);
  const DType canonical = canonical_dtype(x.dtype());
  return canonical == x.dtype() ? x : convert_element_type(x, canonical);
}

}  // namespace tf2jax
