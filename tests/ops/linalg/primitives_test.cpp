// What all factorisations share.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "random_matrix.h"
#include "tf2jax/ops/linalg.h"

namespace tf2jax {
namespace {

TEST_F(Factorizations, MappedEqualsOneByOne) {
  const Array a = random_matrix(11, {3, 4, 4});
  const auto f = [](const Array& m) {
    return std::tuple{lu(m).lu, qr(m).second, svd(m).s, det(m), grad([](const Array& v) { return det(v); })(m)};
  };
  const auto together = vmap(f)(a), compiled = jit(vmap(f))(a);
  for (std::int64_t i = 0; i < 3; ++i) {
    const Arrays one = tree::leaves_of(f(take(a, i, 0))), all = tree::leaves_of(together),
                 native = tree::leaves_of(compiled);
    for (std::size_t k = 0; k < one.size(); ++k) {
      EXPECT_LT(distance(take(all[k], i, 0), one[k]), 1e-13) << k;
      EXPECT_LT(distance(take(native[k], i, 0), one[k]), 1e-13) << k;
    }
  }
}

TEST_F(Factorizations, WhatIsNotFiniteGivesNaN) {
  const Array a = array<double>({{1, std::numeric_limits<double>::quiet_NaN()}, {0, 1}});
  EXPECT_TRUE(std::isnan(sum(lu(a).lu).item<double>()));
  EXPECT_TRUE(std::isnan(sum(qr(a).first).item<double>()));
  EXPECT_TRUE(std::isnan(sum(svdvals(a)).item<double>()));
  EXPECT_TRUE(std::isnan(sum(real(eigvals(a))).item<double>()));
}

TEST_F(Factorizations, AreRegisteredByTheirNames) {
  std::vector<Primitive> all;
  append_linalg_primitives(all);
  std::vector<std::string> names;
  for (const Primitive& p : all) names.push_back(p.name());
  EXPECT_EQ(names, (std::vector<std::string>{"cholesky", "triangular_solve", "eigh", "lu", "qr", "svd", "eig", "schur",
                                             "hessenberg", "tridiagonal"}));
}

}  // namespace
}  // namespace tf2jax
