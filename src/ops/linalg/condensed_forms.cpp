// Schur, Hessenberg and tridiagonal forms.
#include "tf2jax/ops/internal/condensed_forms.h"
#include "tf2jax/ops/linalg/internal/matrices.h"

namespace tf2jax {

using namespace matrices;

namespace {

Avals schur_aval(std::span<const Aval> x, const SchurParams& p) {
  check_square("schur", x[0]);
  return Avals(p.compute_schur_vectors ? 2 : 1, Aval{x[0].dtype, x[0].shape, false});
}
// [..., n] or [..., n - 1].
Aval vector_of(const Aval& a, DType dtype, std::int64_t missing) {
  Shape shape = stack_shape(a);
  const std::int64_t n = matrix_size(a).first.value();
  shape.emplace_back(std::max<std::int64_t>(0, n - missing));
  return {dtype, std::move(shape), false};
}
Avals hessenberg_aval(std::span<const Aval> x, const NoParams&) {
  check_square("hessenberg", x[0]);
  return {Aval{x[0].dtype, x[0].shape, false}, vector_of(x[0], x[0].dtype, 1)};
}
Avals tridiagonal_aval(std::span<const Aval> x, const TridiagonalParams&) {
  check_square("tridiagonal", x[0]);
  const DType real = real_dtype(x[0].dtype);
  return {Aval{x[0].dtype, x[0].shape, false}, vector_of(x[0], real, 0), vector_of(x[0], real, 1),
          vector_of(x[0], x[0].dtype, 1)};
}

}  // namespace

const Primitive& schur_p() {
  static const Primitive p = make_primitive<SchurParams>(
      {.name = "schur", .operands = 1, .aval = schur_aval, .batch = batch_leading(schur_p)});
  return p;
}
const Primitive& hessenberg_p() {
  static const Primitive p = make_primitive(
      {.name = "hessenberg", .operands = 1, .aval = hessenberg_aval, .batch = batch_leading(hessenberg_p)});
  return p;
}
const Primitive& tridiagonal_p() {
  static const Primitive p = make_primitive<TridiagonalParams>(
      {.name = "tridiagonal", .operands = 1, .aval = tridiagonal_aval, .batch = batch_leading(tridiagonal_p)});
  return p;
}

}  // namespace tf2jax
