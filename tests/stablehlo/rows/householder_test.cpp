// LAPACK's packed forms.
#include "tf2jax/stablehlo/internal/householder.h"

#include "../programs.h"

#include <gtest/gtest.h>

using namespace tf2jax;
using namespace tf2jax::stablehlo;

namespace {

Array matrix(std::int64_t m, std::int64_t n) {
  const Array x = astype(arange(m * n), f32);
  return reshape(sin(mul(mul(x, x), 1.7f)), {m, n});
}
double distance(const Array& a, const Array& b) {
  return reduce_max(abs(sub(a, b)), iota_axes(a.rank())).item<double>();
}

}  // namespace

TEST(Householder, ReflectorsGiveBackTheMatrix) {
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{5, 3}, {4, 4}, {3, 5}}) {
    const Array a = matrix(m, n);
    const auto [packed, taus] = qr_packed(a);
    const std::int64_t k = std::min(m, n);
    const Array q = reflector_product(slice(packed, {0, 0}, {m, k}), taus);
    const Array r = triu(slice(packed, {0, 0}, {k, n}));
    EXPECT_LT(distance(matmul(q, r), a), 1e-5);
    EXPECT_LT(distance(matmul(transpose(q), q), eye(k)), 1e-5);
    EXPECT_LT(distance(q, qr(a).first), 1e-5);  // LAPACK's signs
  }
}

TEST(Householder, HessenbergFormIsSimilar) {
  const Array a = matrix(4, 4);
  const auto [packed, taus] = hessenberg_packed(a);
  const Array h = triu(packed, -1);
  const Array q = add(pad(reflector_product(slice(packed, {1, 0}, {4, 3}), taus), {{1, 0}, {1, 0}}),
                      pad(ones({1, 1}), {{0, 3}, {0, 3}}));
  EXPECT_LT(distance(matmul(matmul(q, h), transpose(q)), a), 1e-5);
}
