// Solving with triangular matrices small enough to work out.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(TriangularSolve, EveryOption) {
  const Array l = array<float>({{2, 0}, {1, 4}}), x = array<float>({{1, 3}, {-2, 5}});
  const auto expect_x = [&](const Array& got) {
    for (int i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(got.item<float>(i / 2, i % 2), x.item<float>(i / 2, i % 2));
  };
  expect_x(triangular_solve(l, matmul(l, x)));
  expect_x(triangular_solve(l, matmul(x, l), {.left_side = false}));
  expect_x(triangular_solve(l, matmul(transpose(l), x), {.transpose_a = true}));
  expect_x(triangular_solve(transpose(l), matmul(transpose(l), x), {.lower = false}));
  const Array unit = array<float>({{1, 0}, {1, 1}});  // what is on the diagonal is not read
  expect_x(triangular_solve(l, matmul(unit, x), {.unit_diagonal = true}));
}

TEST(TriangularSolve, TheOtherTriangleIsNotRead) {
  const Array l = array<float>({{2, NAN}, {1, 4}}), b = array<float>({{2}, {9}});
  EXPECT_EQ(triangular_solve(l, b).to_vector<float>(), (Floats{1, 2}));
}

TEST(TriangularSolve, ConjugatesComplexMatrices) {
  const Array i = complex(zeros({1, 1}), ones({1, 1})), one = complex(ones({1, 1}), zeros({1, 1}));
  EXPECT_EQ(triangular_solve(i, one).item<complex64>(0, 0), complex64(0, -1));
  EXPECT_EQ(triangular_solve(i, one, {.transpose_a = true, .conjugate_a = true}).item<complex64>(0, 0),
            complex64(0, 1));
}

TEST(TriangularSolve, DerivativeOfAQuotient) {
  // n = 1: x = b / a.
  const auto f = [](const Array& a, const Array& b) { return triangular_solve(a, b)(0, 0); };
  const auto [da, db] = grad<0, 1>(f)(full({1, 1}, 2.f), full({1, 1}, 6.f));
  EXPECT_FLOAT_EQ(da.item<float>(0, 0), -1.5f);
  EXPECT_FLOAT_EQ(db.item<float>(0, 0), 0.5f);
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(triangular_solve(m, m), "triangular_solve"),
      ROW(triangular_solve(scalar, scalar), "triangular_solve"),
  };
}
INSTANTIATE_TEST_SUITE_P(Triangular, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
