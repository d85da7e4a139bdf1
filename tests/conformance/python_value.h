// Values of the small Python evaluator.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tf2jax/trace/array.h"

namespace conformance {

struct Value;
using Tuple = std::vector<Value>;
struct None {};

/// What a call is given.
struct Arguments {
  Tuple positional;
  std::map<std::string, Value> named;
  const Value* find(std::size_t i, const std::string& name) const;
  /// Throws: Unsupported where it is missing.
  const Value& get(std::size_t i, const std::string& name) const;
};
using Function = std::function<Value(const Arguments&)>;

struct Value {
  std::variant<None, bool, std::int64_t, double, std::string, tf2jax::Array, std::shared_ptr<const Tuple>,
               std::shared_ptr<const Function>, tf2jax::Dim>
      is;
};
Value make_tuple(Tuple items);
Value make_function(Function f);
/// An integer where it is one.
Value make_dim(tf2jax::Dim d);

/// As C++ values. Throw: Unsupported for values of another kind.
bool is_none(const Value& v);
std::int64_t integer(const Value& v);
tf2jax::Dim dim_of(const Value& v);
tf2jax::Array array_of(const Value& v);
tf2jax::DType dtype_of(const Value& v);
tf2jax::Shape shape_of(const Value& v);
const Function& function_of(const Value& v);
/// The arrays of a value, tuples from left to right.
tf2jax::Arrays leaves_of(const Value& v);
/// A value of the same structure with other arrays, taken from `next` on.
Value with_leaves(const Value& like, const tf2jax::Arrays& leaves, std::size_t& next);

}  // namespace conformance
