// Factorisations and triangular systems.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../../support.h"
#include "../../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(LinalgOps, CholeskyByHand) {
  EXPECT_EQ(floats_of(call_node("Cholesky", {argument(array<float>({{4, 2}, {2, 10}}))}, {})), (Floats{2, 0, 1, 3}));
}

TEST(LinalgOps, TriangularSystems) {
  const Array l = array<float>({{2, 0}, {1, 4}}), b = array<float>({{2}, {9}});
  const auto solve = [&](const Array& a, const Array& y, bool lower, bool adjoint) {
    return floats_of(
        call_node("MatrixTriangularSolve", {argument(a), argument(y)}, {{"lower", lower}, {"adjoint", adjoint}}));
  };
  EXPECT_EQ(solve(l, b, true, false), (Floats{1, 2}));
  EXPECT_EQ(solve(l, array<float>({{4}, {8}}), true, true), (Floats{1, 2}));  // [[2, 1], [0, 4]] (1, 2)
  EXPECT_EQ(solve(transpose(l), array<float>({{4}, {8}}), false, false), (Floats{1, 2}));
  EXPECT_EQ(solve(l, reshape(array<float>({2, 9, 4, 18}), {2, 2, 1}), true, false),
            (Floats{1, 2, 2, 4}));  // batches broadcast
}

TEST(LinalgOps, EigenvaluesAscend) {
  const Tree y = call_node("SelfAdjointEigV2", {argument(array<float>({{2, 1}, {1, 2}}))}, {{"compute_v", true}}, true,
                           {"y:0", "y:1"});
  expect_close(y[0].array(), {1, 3});
  const Array v = y[1].array();
  EXPECT_NEAR(v.item<float>(0, 1), v.item<float>(1, 1), 1e-6);
  EXPECT_NEAR(v.item<float>(0, 0), -v.item<float>(1, 0), 1e-6);
}

TEST(LinalgOps, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("Cholesky", {argument(ones({2, 3}))}, {}); }, "import 'y' (Cholesky)");
  expect_error<ImportError>([] { call_node("Cholesky", {argument(ones({2}))}, {}); }, "import 'y' (Cholesky)");
}

}  // namespace
}  // namespace tf2jax
