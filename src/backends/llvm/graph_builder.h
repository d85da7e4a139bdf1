// GraphBuilder: appends operations to a graph, sharing equal ones and rewriting equations into op kinds.
#pragma once
#include <map>
#include <optional>

#include "tf2jax/backends/llvm/graph.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"

namespace tf2jax::compiler {

class GraphBuilder {
 public:
  Graph build(const Jaxpr& jaxpr);

 private:
  ValueId add_value(Aval aval);
  ValueId constant(const Array& value);
  ValueId number(DType dtype, double value);
  std::vector<ValueId> append(GraphOp op, const Avals& outputs, bool may_share = true);
  std::vector<ValueId> run(const Jaxpr& jaxpr, const std::vector<ValueId>& inputs);
  std::vector<ValueId> equation(const Equation& e, const std::vector<ValueId>& in, const Avals& avals);
  static constexpr std::int64_t kLargestFolded = std::int64_t{1} << 24;   // elements of a constant made while compiling
  std::optional<std::vector<ValueId>> without_elements(const Equation& e, const std::vector<ValueId>& in, const Avals& avals);
  std::optional<ValueId> fold(const Equation& e, const std::vector<ValueId>& in, const Avals& avals);

  // In complex_rewrite.cpp.
  struct Parts { ValueId real, imag; };
  ValueId pairs(ValueId v);
  Parts parts(ValueId v);
  ValueId join(const Parts& z, DType complex);
  std::optional<std::vector<ValueId>> rewrite_complex(const Equation& e, const std::vector<ValueId>& in, const Avals& avals);

  // In random_rewrite.cpp.
  std::optional<std::vector<ValueId>> rewrite_random(const Equation& e, const std::vector<ValueId>& in, const Avals& avals);

  // In rewrite.cpp.
  std::vector<ValueId> rewrite(const Equation& e, const std::vector<ValueId>& in, const Avals& avals);
  std::optional<ValueId> rewrite_movement(const Equation& e, const std::vector<ValueId>& in, const Aval& out);
  std::optional<ValueId> rewrite_arithmetic(const Equation& e, const std::vector<ValueId>& in, const Aval& out);
  std::optional<ValueId> rewrite_reduction(const Equation& e, const std::vector<ValueId>& in, const Aval& out);
  ValueId outer_product(ValueId lhs, ValueId rhs, const DotDims& dims, const Aval& out);
  std::optional<ValueId> rewrite_dot(const Equation& e, const std::vector<ValueId>& in, const Aval& out);
  std::optional<ValueId> diagonal(ValueId v);
  std::optional<ValueId> rewrite_diagonal_dot(const std::vector<ValueId>& in, const DotDims& dims, const Aval& out);
  ValueId scalar_op(loops::Op op, const std::vector<ValueId>& in, const Aval& out);
  ValueId reshape(ValueId v, const Dims& dims);
  ValueId transpose(ValueId v, const Axes& permutation);
  ValueId slice(ValueId v, const Dims& start, const Dims& limit, const Dims& strides);
  ValueId broadcast(ValueId v, const Dims& dims, const Axes& axes);
  ValueId reduce(loops::Op op, ValueId v, const Axes& axes);

  /// v in memory; one that may not be shared is read once only.
  ValueId in_memory(ValueId v, bool may_share);

  // In window_rewrite.cpp.
  ValueId strided(ValueId x, const Dims& places, const Dims& strides, const Dims& offsets, ValueId outside);
  ValueId start_of(loops::Op extreme, DType type);
  std::optional<ValueId> reduce_windows(loops::Op op, const Equation& e, ValueId x, const Aval& out);
  std::optional<ValueId> sum_of_distant(const Window& w, ValueId x, const Aval& out);
  ValueId pad_inside(ValueId x, ValueId outside, const std::vector<PadAxis>& config, const Aval& out);
  std::optional<ValueId> spread_windows(ValueId source, std::optional<ValueId> chosen, const Aval& out, const Dims& window, const Dims& strides, const Dims& low);
  ValueId selected_elements(ValueId x, const SelectAndScatter& s, const Dims& places, const Padding& padding);
  std::optional<ValueId> rewrite_selection(const Equation& e, const std::vector<ValueId>& in, const Aval& out);

  // In scatter_rewrite.cpp.
  std::optional<ValueId> rewrite_scatter(const Equation& e, const std::vector<ValueId>& in, const Aval& out);

  Dims dims(ValueId v) const { return graph_.value(v).dims; }   // a copy: the next operation moves the values
  DType dtype(ValueId v) const { return graph_.value(v).aval.dtype; }

  Graph graph_;
  std::unordered_multimap<std::size_t, ValueId> constants_;
  std::unordered_multimap<std::size_t, std::pair<OpId, std::int32_t>> seen_;
  std::unordered_map<ValueId, ValueId> logistic_of_;   // of values tanh(u): logistic(2u), where 1 + tanh(u) was rewritten
  std::unordered_map<ValueId, std::pair<ValueId, std::vector<PadAxis>>> dilated_;   // values with zeros between elements: of what, and how
  std::unordered_map<ValueId, Parts> parts_;           // of complex values
  std::map<std::pair<ValueId, ValueId>, ValueId> joined_;
  std::int32_t scope_ = 0, scopes_ = 0;
  std::int64_t equations_ = 0;   // seen so far, those of called programs as often as they are called
};

}  // namespace tf2jax::compiler
