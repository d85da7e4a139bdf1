// Contractions: dot_general, matmul, einsum.
#pragma once
#include <string_view>

#include "tf2jax/ops/rule_makers.h"

namespace tf2jax {

/// Which axes are contracted and which are batch axes, on either side, pair by pair; the others are free. See
/// dot_general.
struct DotDims {
  Axes lhs_contract, rhs_contract, lhs_batch, rhs_batch;
  bool operator==(const DotDims&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("lhs_contract", self.lhs_contract);
    v.field("rhs_contract", self.rhs_contract);
    v.field("lhs_batch", self.lhs_batch);
    v.field("rhs_batch", self.rhs_batch);
  }
};
/// JAX's text: "(([1], [0]), ([], []))".
std::string param_text(const DotDims& v);
/// Reads it. Throws: ParseError.
void read_param(const ParsedValue& v, DotDims& out);

/// Params of dot_general. `preferred_element_type` is the dtype of the result.
struct DotParams {
  DotDims dimension_numbers;
  std::optional<std::string> precision;
  std::optional<DType> preferred_element_type;
  bool operator==(const DotParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.ignored({"out_sharding"});
    v.field("dimension_numbers", self.dimension_numbers);
    v.field_unless("precision", self.precision, std::nullopt);
    v.field_unless("preferred_element_type", self.preferred_element_type, std::nullopt);
  }
};

const Primitive& dot_general_p();
/// The primitives of dot.cpp.
void append_dot_primitives(std::vector<Primitive>& out);

/// Multiplies lhs and rhs and sums over pairs of axes. Every axis of an operand is of one of three kinds:
///   batch: paired with an axis of the other operand, of the same size, and kept once;
///   contracting: paired likewise, and summed over;
///   free: in no pair, and kept.
/// With b, k and i or j for the indices along them, out[b, i, j] = sum over k of lhs[b, i, k] rhs[b, j, k].
/// Shapes: the batch axes in the order they are named, the free axes of lhs, the free axes of rhs. Symbolic dims
/// allowed. Dtypes: any; operands of two dtypes give the wider, or `preferred_element_type`. Gradient: bilinear; each
/// transpose contracts the cotangent with the other operand's free axes. Throws: ShapeError naming the axes when sizes
/// differ, AxisError when an axis is named twice. StableHLO: dot_general.  TF: MatMul, BatchMatMulV2, Einsum.
Array dot_general(const Array& lhs, const Array& rhs, const DotDims& dims,
                  std::optional<DType> preferred_element_type = {});
/// NumPy matmul: vectors, matrices, broadcast batch axes. Promotes dtypes.
Array matmul(const Array& x, const Array& y);
/// NumPy dot and tensordot over the last axis of x and the first (or second to last) of y.
Array dot(const Array& x, const Array& y);
/// Sums products over the given axes of x and y, pair by pair. Result axes: the others of x, then those of y.
Array tensordot(const Array& x, const Array& y, const Axes& x_axes, const Axes& y_axes);
/// Products of every element of x with every element of y, both flattened: [size of x, size of y].
Array outer(const Array& x, const Array& y);
/// Einstein summation over any number of operands: "ij,jk->ik", with ellipsis, repeated and implicit outputs.
/// Throws: ValueError on a malformed specification, ShapeError when sizes disagree.
Array einsum(std::string_view specification, std::span<const Array> operands);
/// The same for a list of operands.
inline Array einsum(std::string_view s, std::initializer_list<Array> xs) {
  return einsum(s, std::span<const Array>(xs.begin(), xs.size()));
}

}  // namespace tf2jax
