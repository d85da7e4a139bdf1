// Products by the own kernels: values by hand and by loops over the definition.
#include <gtest/gtest.h>

#include <limits>

#include "tf2jax/kernels/internal/matmul_problem.h"

namespace tf2jax {
namespace {

using kernels::contiguous_matmul;
using kernels::make_own_matmul;
using kernels::MatmulSpec;
using kernels::simplified;

template <class T>
std::vector<T> product(const MatmulSpec& s, const std::vector<T>& a, const std::vector<T>& b, std::vector<T> c) {
  make_own_matmul(simplified(s))->run(a.data(), b.data(), c.data());
  return c;
}

TEST(OwnMatmul, ByHand) {
  const std::vector<float> a{1, 2, 3, 4}, b{5, 6, 7, 8}, none(4, NAN);
  EXPECT_EQ(product(contiguous_matmul(DType::f32, 2, 2, 2), a, b, none), (std::vector<float>{19, 22, 43, 50}));
  MatmulSpec turned = contiguous_matmul(DType::f32, 2, 2, 2);
  turned.a_strides = {1, 2};
  EXPECT_EQ(product(turned, a, b, none), (std::vector<float>{26, 30, 38, 44}));
}

TEST(OwnMatmul, AddsToWhatIsThere) {
  MatmulSpec s = contiguous_matmul(DType::f64, 1, 2, 2);
  s.accumulate = true;
  EXPECT_EQ(product<double>(s, {1, 2}, {1, 2, 3, 4}, {100, 200}), (std::vector<double>{107, 210}));
}

TEST(OwnMatmul, EmptySumsAreZero) {
  EXPECT_EQ(product<float>(contiguous_matmul(DType::f32, 1, 2, 0), {}, {}, {9, 9}), (std::vector<float>{0, 0}));
  MatmulSpec s = contiguous_matmul(DType::f32, 1, 2, 0);
  s.accumulate = true;
  EXPECT_EQ(product<float>(s, {}, {}, {9, 9}), (std::vector<float>{9, 9}));
  EXPECT_EQ(product<float>(contiguous_matmul(DType::f32, 0, 2, 3), {}, {1, 2, 3, 4, 5, 6}, {9}), std::vector<float>{9});
}

TEST(OwnMatmul, IntegersWrap) {
  using I = std::int32_t;
  constexpr I most = std::numeric_limits<I>::max();
  EXPECT_EQ(product<I>(contiguous_matmul(DType::i32, 1, 1, 2), {most, 1}, {2, 5}, {0}), std::vector<I>{3});
  using U = std::uint64_t;
  EXPECT_EQ(product<U>(contiguous_matmul(DType::u64, 1, 1, 1), {U{1} << 63}, {3}, {0}), std::vector<U>{U{1} << 63});
}

TEST(OwnMatmul, EverySizeAroundTheTiles) {
  // a[i, p] = i - p, b[p, j] = p + j: whole numbers, so sums are exact.
  for (const std::int64_t m : {1, 5, 15, 33})
    for (const std::int64_t n : {1, 4, 17, 65})
      for (const std::int64_t k : {1, 3, 400}) {
        std::vector<double> a, b, want;
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t p = 0; p < k; ++p) a.push_back(static_cast<double>(i - p));
        for (std::int64_t p = 0; p < k; ++p)
          for (std::int64_t j = 0; j < n; ++j) b.push_back(static_cast<double>(p + j));
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = 0; j < n; ++j) {
            std::int64_t sum = 0;
            for (std::int64_t p = 0; p < k; ++p) sum += (i - p) * (p + j);
            want.push_back(static_cast<double>(sum));
          }
        EXPECT_EQ(product(contiguous_matmul(DType::f64, m, n, k), a, b, std::vector<double>(want.size(), NAN)), want)
            << m << "x" << n << "x" << k;
      }
}

TEST(OwnMatmul, ResultsWithGapsKeepWhatLiesBetween) {
  MatmulSpec s = contiguous_matmul(DType::f32, 2, 2, 1);
  s.c_strides = {4, 2};
  EXPECT_EQ(product<float>(s, {1, 2}, {3, 4}, std::vector<float>(8, -1)),
            (std::vector<float>{3, -1, 4, -1, 6, -1, 8, -1}));
}

TEST(OwnMatmul, BiasAndActivation) {
  MatmulSpec s = contiguous_matmul(DType::f32, 1, 2, 1);
  s.bias = true, s.activation = MatmulSpec::Activation::relu;
  const float a = 1, b[] = {2, 3}, bias[] = {-5, 1};
  float c[2];
  make_own_matmul(simplified(s))->run(&a, b, c, bias);
  EXPECT_EQ(c[0], 0);
  EXPECT_EQ(c[1], 4);
}

}  // namespace
}  // namespace tf2jax
