// Contractions: dot_general, matmul, einsum.
#pragma once
#include <string_view>

#include "tf2jax/ops/rule_makers.h"

namespace tf2jax {

/// Which axes are contracted and which are batch axes, on either side.
struct DotDims {
  Axes lhs_contract, rhs_contract, lhs_batch, rhs_batch;
  bool operator==(const DotDims&) const = default;
};
std::string param_text(const DotDims& v);
std::size_t param_hash(const DotDims& v);
void read_param(const ParsedValue& v, DotDims& out);

struct DotParams {
  DotDims dimension_numbers;
  std::optional<std::string> precision;
  std::optional<DType> preferred_element_type;
  bool operator==(const DotParams&) const = default;
  template <class V> void visit_fields(V&& v) {
    if constexpr (requires { v.ignore("out_sharding"); }) v.ignore("out_sharding");
    v.field("dimension_numbers", dimension_numbers);
    v.field_unless("precision", precision, std::optional<std::string>{});
    v.field_unless("preferred_element_type", preferred_element_type, std::optional<DType>{});
  }
};

const Primitive& dot_general_p();
void append_dot_primitives(std::vector<Primitive>& out);

/// Contracts lhs and rhs. Result axes: batch, lhs free, rhs free.
/// Throws: TypeError naming the axes when sizes differ.
Array dot_general(const Array& lhs, const Array& rhs, const DotDims& dims, std::optional<DType> preferred_element_type = {});
/// NumPy matmul: vectors, matrices, broadcast batch axes. Promotes dtypes.
Array matmul(const Array& x, const Array& y);
/// NumPy dot and tensordot over the last axis of x and the first (or second to last) of y.
Array dot(const Array& x, const Array& y);
Array tensordot(const Array& x, const Array& y, const Axes& x_axes, const Axes& y_axes);
Array outer(const Array& x, const Array& y);
/// Einstein summation over any number of operands: "ij,jk->ik", with ellipsis, repeated and implicit outputs.
/// Throws: ValueError on a malformed specification, ShapeError when sizes disagree.
Array einsum(std::string_view specification, std::span<const Array> operands);
inline Array einsum(std::string_view s, std::initializer_list<Array> xs) { return einsum(s, std::span<const Array>(xs.begin(), xs.size())); }

}  // namespace tf2jax
