// What flows along the edges of an imported graph.
#pragma once
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tf2jax/tf_graph/tensor.h"
#include "tf2jax/trace/array.h"

namespace tf2jax {

/// A variable of the model, as a resource handle or a TF1 reference.
struct VariableRef {
  std::size_t index = 0;  ///< position in the table of variables
  std::string name;
};

/// Integers of which some are symbolic dimensions: the shape of a value with unknown sizes, and what is computed from
/// it.
struct SymbolicInts {
  Shape values;
  bool scalar = false;
};

/// A list of tensors to which nothing was written yet; others are arrays with the elements along axis 0.
struct TensorSequence {
  std::int64_t size = 0;
  std::optional<Shape> element_shape;
  DType dtype = DType::f32;
};

/// A lookup table: integers or strings to numbers or strings. Filled while the model is opened; read afterwards.
class LookupTable;
struct TableRef {
  std::shared_ptr<LookupTable> table;
};

/// A tensor, or something the graph treats as one. `host` values are known when the graph is staged: constants and
/// what is computed from constants and static shapes. They keep 64-bit dtypes until they meet traced values.
class Value {
 public:
  Value();
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(Array x, bool host = false) : data_(std::move(x)), host_(host) {}  // NOLINT: converters return arrays
  Value(StringTensor strings) : data_(std::move(strings)), host_(true) {}  // NOLINT
  Value(VariableRef variable) : data_(std::move(variable)) {}              // NOLINT
  Value(SymbolicInts ints) : data_(std::move(ints)), host_(true) {}        // NOLINT
  Value(TensorSequence list) : data_(std::move(list)) {}                   // NOLINT
  Value(TableRef table) : data_(std::move(table)) {}                       // NOLINT

  bool has_value() const { return !std::holds_alternative<std::monostate>(data_); }
  bool is_host() const { return host_; }
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  /// "a tensor", "strings": for messages.
  std::string kind() const;

 private:
  std::variant<std::monostate, Array, StringTensor, VariableRef, SymbolicInts, TensorSequence, TableRef> data_;
  bool host_ = false;
};
using Values = std::vector<Value>;

/// `x` with 64-bit types narrowed unless Config::enable_x64 is set; traced ones are converted in the program.
Array in_canonical_type(const Array& x);

}  // namespace tf2jax
