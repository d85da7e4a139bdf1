// What the rules of factorisations share.
#include "tf2jax/ops/linalg/internal/matrices.h"

#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

Array adjoint(const Array& a) {
  const Array t = swapaxes(a, -1, -2);
  return is_complex(a.dtype()) ? conj(t) : t;
}

namespace matrices {

void check_matrix(std::string_view name, const Aval& a, bool halves) {
  rules::check_dtype(name, a.dtype, kind::inexact);
  check<DtypeError>(halves || itemsize(real_dtype(a.dtype)) >= 4,
                    "{}: the dtype is not supported. Got {}. Convert to f32 or f64 with astype.", name, a.dtype);
  check<ShapeError>(a.rank() >= 2, "{}: the operand must be a matrix or a stack of them. Got {}.", name, a);
}

void check_square(std::string_view name, const Aval& a, bool halves) {
  check_matrix(name, a, halves);
  const auto [rows, columns] = matrix_size(a);
  check<ShapeError>(definitely_equal(rows, columns).value_or(false), "{}: the last two axes must be square. Got {}.",
                    name, a);
}

BatchResult batch_leading(const Primitive& self, std::span<const Array> x, std::span<const Axis> axes, Dim size,
                          const EquationParams& params) {
  Arrays in;
  for (std::size_t i = 0; i < x.size(); ++i)
    in.push_back(x.size() == 1 ? rules::mapped_to_front(x[i], axes[i]) : rules::to_front(x[i], axes[i], size));
  BatchResult out{self.bind(in, params), {}};
  out.axes.assign(out.values.size(), 0);
  return out;
}

Array hermitian_of(const Array& tangent, bool lower) {
  const Array strict = lower ? tril(tangent, -1) : triu(tangent, 1);
  const Array diagonal = (lower ? tril(tangent) : triu(tangent)) - strict;
  return strict + adjoint(strict) + (diagonal + adjoint(diagonal)) * 0.5;
}

Array identity(const Dim& n, DType dtype) {
  const Shape matrix{n, n};
  return rules::as_dtype(equal(iota(DType::i32, matrix, 0), iota(DType::i32, matrix, 1)), dtype);
}

Array diagonals(const Array& a) { return einsum("...ii->...i", {a}); }

Shape stack_shape(const Aval& a, std::int64_t axes) { return {a.shape.begin(), a.shape.end() - axes}; }

std::pair<Dim, Dim> matrix_size(const Aval& a) { return {a.shape[a.rank() - 2], a.shape[a.rank() - 1]}; }

}  // namespace matrices
}  // namespace tf2jax
