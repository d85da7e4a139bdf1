// What the rules of factorisations share, by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "tf2jax/ops/linalg/internal/matrices.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(Matrices, AdjointsAreConjugated) {
  const Array a = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(adjoint(a).to_vector<float>(), (Floats{1, 3, 2, 4}));
  const Array z = complex(a, ones({2, 2}));
  EXPECT_EQ(adjoint(z).item<complex64>(0, 1), complex64(3, -1));
}

TEST(Matrices, OneTriangleIsCompletedToAHermitianMatrix) {
  const Array a = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(matrices::hermitian_of(a, true).to_vector<float>(), (Floats{1, 3, 3, 4}));
  EXPECT_EQ(matrices::hermitian_of(a, false).to_vector<float>(), (Floats{1, 2, 2, 4}));
  const Array z = matrices::hermitian_of(complex(a, array<float>({{5, 0}, {7, 0}})), true);
  EXPECT_EQ(z.item<complex64>(0, 0), complex64(1));  // diagonals are real
  EXPECT_EQ(z.item<complex64>(1, 0), complex64(3, 7));
  EXPECT_EQ(z.item<complex64>(0, 1), complex64(3, -7));
}

TEST(Matrices, IdentitiesAndDiagonals) {
  EXPECT_EQ(matrices::identity(2, f32).to_vector<float>(), (Floats{1, 0, 0, 1}));
  EXPECT_EQ(matrices::identity(0, c64).dims(), (Dims{0, 0}));
  EXPECT_EQ(matrices::diagonals(array<float>({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}})).to_vector<float>(),
            (Floats{1, 4, 5, 8}));
}

TEST(Matrices, ShapesOfStacks) {
  const Aval a{f32, {Dim::variable("b"), Dim(3), Dim(2)}};
  EXPECT_EQ(matrices::stack_shape(a), Shape{Dim::variable("b")});
  EXPECT_EQ(matrices::stack_shape(a, 1), (Shape{Dim::variable("b"), Dim(3)}));
  EXPECT_EQ(matrices::matrix_size(a), std::pair(Dim(3), Dim(2)));
}

TEST(Matrices, ChecksNameTheOperation) {
  expect_error<ShapeError>([] { matrices::check_matrix("op", Aval{f32, {3}}); }, "op: the operand must be a matrix");
  expect_error<DtypeError>([] { matrices::check_matrix("op", Aval{f16, {3, 3}}); },
                           "op: the dtype is not supported. Got f16");
  expect_error<DtypeError>([] { matrices::check_matrix("op", Aval{i32, {3, 3}}); }, "op");
  expect_error<ShapeError>([] { matrices::check_square("op", Aval{f64, {3, 2}}); }, "op: the last two axes");
  expect_error<ShapeError>([] { matrices::check_square("op", Aval{f64, {Dim::variable("n"), Dim(2)}}); }, "op");
  matrices::check_matrix("op", Aval{bf16, {2, 3}}, true);
  matrices::check_square("op", Aval{c128, {0, 0}});
}

TEST(Matrices, MappedOperandsAreStacks) {
  const Array a = array<float>({{{4, 1}, {0, 9}}, {{0, 9}, {4, 1}}});  // the second axis is mapped
  const auto out = matrices::batch_leading(svd_p(), std::vector{a}, std::vector<Axis>{1}, 2,
                                           EquationParams(SvdParams{.compute_uv = false}));
  EXPECT_EQ(out.axes, std::vector<Axis>{0});
  EXPECT_EQ(out.values[0].dims(), (Dims{2, 2}));
}

}  // namespace
}  // namespace tf2jax
