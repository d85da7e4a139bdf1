// What rules write with: the function being written, sizes that only a run tells, and the usual operations.
#pragma once
#include <functional>

#include "tf2jax/jax2tf/internal/function_writer.h"
#include "tf2jax/trace/rule_table.h"
#include "tf2jax/trace/staging.h"

namespace tf2jax::jax2tf {

struct LoweringOptions {
  bool enable_xla = true;
  bool op_metadata = true;  // nodes are named by the scopes they come from
};

class Lowering;
/// Writes one equation: operands to results of the given types.
using Rule = std::function<Tensors(Lowering&, const Tensors&, const EquationParams&, const Avals&)>;
using Rules = RuleTable<Rule>;
/// The rules of all primitives.
const Rules& all_rules();
/// Why a primitive has no rule, where that is on purpose; null otherwise.
const char* refusal(std::string_view primitive);

class Lowering {
 public:
  /// `dims` are the sizes behind dimension variables, i32 scalars of this function.
  Lowering(Library& library, FunctionWriter& writer, LoweringOptions options, std::map<std::string, Tensor> dims = {})
      : library_(library), writer_(writer), options_(options), dims_(std::move(dims)) {}

  Library& library() { return library_; }
  FunctionWriter& writer() { return writer_; }
  bool enable_xla() const { return options_.enable_xla; }
  const std::map<std::string, Tensor>& dims() const { return dims_; }

  /// Writes a program. Throws: NotImplementedError naming a primitive that cannot be written.
  Tensors run(const Jaxpr& jaxpr, const Tensors& inputs);
  /// Writes what `f` computes with the operations of this library.
  Tensors call(const FlatFn& f, const Tensors& inputs);
  /// A program as a function of its own: its inputs, then the sizes of `dims()`. Results may be extended by `extra`.
  FunctionName function(const Jaxpr& jaxpr, const std::string& name);
  /// A function of scalars, two for each type when `pairs`.
  FunctionName scalar_function(const std::string& name, const std::vector<DType>& arguments,
                               const std::function<Tensor(Lowering&, const Tensors&)>& body);
  /// The sizes of `dims()`, as operands of functions.
  Tensors dim_operands() const;
  /// A lowering into another function, whose sizes are the arguments that follow.
  Lowering inside(FunctionWriter& writer) const;

  // ---- nodes
  Tensor node(std::string_view op, const Tensors& inputs, const Aval& out, const Attrs& attrs = {}) {
    return writer_.node(op, inputs, out, attrs);
  }
  /// One input, and an output of its type.
  Tensor unary(std::string_view op, const Tensor& x) { return node(op, {x}, {x.dtype, x.shape}); }
  /// Two inputs of one type, broadcast.
  Tensor binary(std::string_view op, const Tensor& x, const Tensor& y);
  Tensor compare(std::string_view op, const Tensor& x, const Tensor& y);
  Tensor select(const Tensor& condition, const Tensor& yes, const Tensor& no);

  // ---- constants and sizes
  Tensor constant(const Array& value) { return writer_.constant(value); }
  Tensor scalar(DType dtype, double value);
  Tensor scalar(DType dtype, std::int64_t value);
  Tensor scalar(DType dtype, int value) { return scalar(dtype, static_cast<std::int64_t>(value)); }
  Tensor index(std::int64_t value) { return scalar(i32, value); }
  /// An i32 vector (i64 where a number needs it).
  Tensor ints(const Axes& values);
  /// A size as an i32 scalar, and a shape as an i32 vector.
  Tensor size(Dim d);
  Tensor sizes(const Shape& shape);

  // ---- moves
  Tensor reshape(const Tensor& x, const Shape& shape);
  Tensor broadcast(const Tensor& x, const Shape& shape);
  Tensor transpose(const Tensor& x, const Axes& permutation);
  Tensor concat(const Tensors& xs, std::int64_t axis);
  /// Elements from `start` on below `limit`; static strides.
  Tensor slice(const Tensor& x, const Shape& start, const Shape& limit, const Axes& strides = {});
  /// Non-negative widths.
  Tensor pad(const Tensor& x, const Shape& low, const Shape& high, const Tensor& value);
  /// 0, 1, … along `axis`.
  Tensor iota(DType dtype, const Shape& shape, std::int64_t axis);

  // ---- values
  Tensor cast(const Tensor& x, DType dtype);
  Tensor bitcast(const Tensor& x, DType dtype);
  Tensor zeros(const Aval& aval);
  Tensor negated(const Tensor& x);
  /// x computed in f32 where it is f16 or bf16.
  template <class F>
  Tensor in_f32(const Tensors& xs, const F& f) {
    const DType type = xs[0].dtype;
    if (type != DType::f16 && type != DType::bf16) return f(xs);
    Tensors wide;
    for (const Tensor& x : xs) wide.push_back(cast(x, DType::f32));
    return cast(f(wide), type);
  }

 private:
  Tensors apply(const Equation& e, const Tensors& inputs, const Avals& outputs);

  Library& library_;
  FunctionWriter& writer_;
  LoweringOptions options_;
  std::map<std::string, Tensor> dims_;
  std::map<std::string, Tensor> computed_;  // sizes, by their text
};

Shape joined_shape(const Tensor& x, const Tensor& y);
/// The unsigned or signed integer type as wide as a type.
DType unsigned_of(DType dtype);
DType signed_of(DType dtype);
inline Aval aval_of(const Tensor& x) { return {x.dtype, x.shape, false}; }
/// The result type with keys as pairs of words.
Aval stored(const Aval& aval);
/// Throws: NotImplementedError "jax2tf: primitive … cannot be written …".
[[noreturn]] void refuse(std::string_view primitive, const std::string& why);
/// Throws likewise when only plain operations are allowed.
void need_xla(const Lowering& c, std::string_view primitive);

// ---- families
void add_elementwise_rules(Rules& rules);
void add_binary_rules(Rules& rules);
void add_shape_rules(Rules& rules);
void add_index_rules(Rules& rules);
void add_scatter_rules(Rules& rules);
void add_reduce_rules(Rules& rules);
void add_window_rules(Rules& rules);
void add_sort_rules(Rules& rules);
void add_product_rules(Rules& rules);
void add_linalg_rules(Rules& rules);
void add_random_rules(Rules& rules);
void add_control_rules(Rules& rules);
void add_dim_rules(Rules& rules);

}  // namespace tf2jax::jax2tf
