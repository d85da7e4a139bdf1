// A small evaluator of the Python expressions in which random-number cases are written.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tf2jax/trace/array.h"

namespace conformance {

struct Value;
using Tuple = std::vector<Value>;
struct None {};
/// lambda NAME: BODY, with the variables in force where it stood.
struct Lambda {
  std::string parameter, body;
  std::shared_ptr<std::vector<std::pair<std::string, Value>>> scope;
};
/// The result of jax.vmap(lambda).
struct Mapped {
  Lambda function;
};
struct Value {
  std::variant<None, bool, std::int64_t, double, std::string, tf2jax::Array, std::shared_ptr<Tuple>, Lambda, Mapped> is;
};

/// Applies the Python lambda `source` to a key. Throws: Unsupported where it uses something unknown.
tf2jax::Array apply_python_lambda(const std::string& source, const tf2jax::Array& key);

}  // namespace conformance
