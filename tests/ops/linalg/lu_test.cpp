// LU and what is computed by it: determinants, solutions and inverses.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "random_matrix.h"

namespace tf2jax {
namespace {

TEST_F(Factorizations, LuGivesTheRowsBackInItsOrder) {
  for (const DType d : kTypes)
    for (const Shape& shape : kShapes) {
      const Array a = random_matrix(1, shape, d);
      const LuFactors f = lu(a);
      const std::int64_t m = shape[shape.size() - 2].value(), n = shape.back().value(), k = std::min(m, n);
      const std::int64_t last = a.rank() - 1;
      if (k == 0) continue;
      Array lower = tril(slice_in_dim(f.lu, 0, k, 1, last), -1);
      lower = lower + broadcast_to(eye(m, k, d), lower.shape());
      const Array upper = triu(slice_in_dim(f.lu, 0, k, 1, last - 1));
      const Array order = astype(equal(expand_dims(f.permutation, {-1}), iota(i32, {Dim(1), Dim(m)}, 1)), d);
      EXPECT_LT(distance(matmul(order, a), matmul(lower, upper)), tolerance(d)) << a.aval();
    }
}

TEST_F(Factorizations, LuByHand) {
  // The larger entry of the first column comes first: [[4, 3], [2, 1]] = [[1, 0], [1/2, 1]] [[4, 3], [0, -1/2]].
  const LuFactors f = lu(array<double>({{2, 1}, {4, 3}}));
  EXPECT_EQ(f.lu.to_vector<double>(), (std::vector<double>{4, 3, 0.5, -0.5}));
  EXPECT_EQ(f.pivots.to_vector<int>(), (std::vector<int>{1, 1}));
  EXPECT_EQ(f.permutation.to_vector<int>(), (std::vector<int>{1, 0}));
}

TEST_F(Factorizations, SolvingUndoesMultiplying) {
  const Array a = random_matrix(6, {2, 4, 4}), x = random_matrix(7, {2, 4, 3});
  EXPECT_LT(distance(solve(a, matmul(a, x)), x), 1e-11);
  EXPECT_LT(distance(matmul(inv(a), a), identity_like(a, 4)), 1e-11);
  EXPECT_LT(distance(solve(random_matrix(8, {3, 3}), zeros({3}, f64)), zeros({3}, f64)), 1e-30);
  const Array wide = random_matrix(9, {3, 5});
  EXPECT_LT(distance(matmul(wide, matmul(pinv(wide), wide)), wide), 1e-12);
}

TEST_F(Factorizations, Determinants) {
  EXPECT_NEAR(det(array<double>({{1, 2}, {3, 4}})).item<double>(), -2, 1e-14);
  EXPECT_NEAR(det(array<double>({{0, 1, 0}, {0, 0, 1}, {1, 0, 0}})).item<double>(), 1, 0);
  EXPECT_EQ(det(zeros({0, 0}, f64)).item<double>(), 1);
  const auto [sign, log_abs] = slogdet(array<double>({{1, 2}, {3, 4}}));
  EXPECT_EQ(sign.item<double>(), -1);
  EXPECT_NEAR(log_abs.item<double>(), std::log(2), 1e-14);
  const auto [none, lowest] = slogdet(zeros({2, 2}, f64));
  EXPECT_EQ(none.item<double>(), 0);
  EXPECT_EQ(lowest.item<double>(), -std::numeric_limits<double>::infinity());
}

TEST_F(Factorizations, DerivativesOfLuAreThoseOfDifferences) {
  const auto all = [](const auto& f, const Shape& shape) {
    testing::check_grads([&](const Array& a) { return f(a); }, {random_matrix(10, shape)}, {.order = 2});
  };
  all([](const Array& a) { return lu(a).lu; }, {3, 3});
  all([](const Array& a) { return lu(a).lu; }, {4, 2});
  all([](const Array& a) { return lu(a).lu; }, {2, 4});
  all([](const Array& a) { return inv(a); }, {3, 3});
  all([](const Array& a) { return det(a); }, {4, 4});
  all([](const Array& a) { return slogdet(a).second; }, {3, 3});
  all([](const Array& a) { return solve(a, sin(a)); }, {2, 3, 3});
}

TEST_F(Factorizations, BadOperandsOfLuAreNamed) {
  EXPECT_THROW(lu(zeros({3})), ShapeError);
  EXPECT_THROW(det(zeros({2, 3})), ShapeError);
  EXPECT_THROW(solve(eye(3), zeros({2})), ShapeError);
  EXPECT_THROW(lu(zeros({2, 2}, f16)), DtypeError);
}

}  // namespace
}  // namespace tf2jax
