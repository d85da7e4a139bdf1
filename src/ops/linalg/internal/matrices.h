// What the rules of factorisations share. Leading axes are stacks of matrices.
#pragma once
#include <string_view>

#include "tf2jax/ops/linalg.h"

namespace tf2jax::matrices {

/// Throws: DtypeError for other than f32, f64, c64, c128 (and halves, if so); ShapeError for fewer than two axes.
void check_matrix(std::string_view name, const Aval& a, bool halves = false);
/// `check_matrix`, and ShapeError unless the last two axes are equal.
void check_square(std::string_view name, const Aval& a, bool halves = false);
/// The batching rule: leading axes are batch axes of the primitive itself.
BatchResult batch_leading(const Primitive& self, std::span<const Array> x, std::span<const Axis> axes, Dim size,
                          const EquationParams& params);
inline auto batch_leading(PrimitiveFn self) {
  return [self](std::span<const Array> x, std::span<const Axis> axes, Dim size, const auto& params) {
    return batch_leading(self(), x, axes, size, params);
  };
}
/// A factorisation that reads one triangle takes a tangent's for the Hermitian matrix that it completes to.
Array hermitian_of(const Array& tangent, bool lower);
/// The identity, n x n, in the dtype.
Array identity(const Dim& n, DType dtype);
/// The diagonal of each matrix, as vectors.
Array diagonals(const Array& a);
/// The shape of the stack: without the last `axes` axes.
Shape stack_shape(const Aval& a, std::int64_t axes = 2);
/// Throws: ShapeError when the last two axes are symbolic; sizes of factors are numbers.
std::pair<Dim, Dim> matrix_size(const Aval& a);

}  // namespace tf2jax::matrices
