// Reductions and statistics: the dtype they compute in, and how many digits long sums keep.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

TEST(Mean, OfHalvesComputesInSingles) {
  const Array x = full({1000}, 1000.f, f16);   // the sum is beyond the range of f16
  EXPECT_EQ(mean(x).dtype(), f16);
  EXPECT_EQ(mean(x).item<float>(), 1000.f);
  EXPECT_EQ(var(x).item<float>(), 0.f);
  EXPECT_EQ(mean(full({1000}, 3.f, bf16)).item<float>(), 3.f);
  EXPECT_EQ(var(astype(array<float>({1000, 1400}), f16)).item<float>(), 40000.f);
}

TEST(Var, WithoutDegreesOfFreedomIsNan) {
  EXPECT_TRUE(std::isnan(var(array<float>({1.f}), {}, KeepDims::no, 1).item<float>()));
  EXPECT_TRUE(std::isnan(var(array<float>({1.f, 2.f}), {}, KeepDims::no, 3).item<float>()));
}

TEST(Sum, OfNarrowIntegersWidens) {
  EXPECT_EQ(sum(array<std::int8_t>({100, 100})).dtype(), i32);
  EXPECT_EQ(sum(array<std::int8_t>({100, 100})).item<int>(), 200);
  EXPECT_EQ(sum(array<std::uint8_t>({200, 200})).dtype(), u32);
  EXPECT_EQ(prod(array<std::int16_t>({300, 300})).item<int>(), 90000);
  EXPECT_EQ(sum(array<bool>({true, true})).item<int>(), 2);
}

// 0.1 is rounded, so a running sum of floats drifts: by 4 % after 2^22 terms.
TEST(Sum, OfManyKeepsItsDigits) {
  constexpr std::int64_t n = std::int64_t{1} << 22;
  const double right = static_cast<double>(0.1f) * static_cast<double>(n);
  const auto relative = [&](const Array& y) { return std::abs(y.to_vector<double>().back() / right - 1); };
  const Array column = full({n, 1}, 0.1f), row = full({1, n}, 0.1f), pair = full({n, 2}, 0.1f);
  const auto down = [](const Array& x) { return sum(x, 0); };
  const auto across = [](const Array& x) { return sum(x, 1); };
  EXPECT_LT(relative(down(column)), 1e-6);
  EXPECT_LT(relative(down(pair)), 1e-6);
  EXPECT_LT(relative(across(row)), 1e-6);
  EXPECT_LT(relative(cumsum(column, 0)), 1e-6);
  // Compiled sums run in several parts of floats: the error grows with the length of a part.
  EXPECT_LT(relative(jit(down)(column)), 1e-4);
  EXPECT_LT(relative(jit(down)(pair)), 1e-4);
  EXPECT_LT(relative(jit(across)(row)), 1e-4);
  EXPECT_LT(std::abs(jit(down)(full({n / 4, 16}, 0.1f)).to_vector<double>()[3] / right * 4 - 1), 1e-4);
}

TEST(Integers, Wrap) {   // modulo 2^bits, as in JAX
  const auto expect = [](const std::function<Array(const Array&)>& f, const Array& x, const Array& want) {
    const Array eager = f(x), compiled = jit(f)(x);
    EXPECT_EQ(eager.to_vector<std::int64_t>(), want.to_vector<std::int64_t>());
    EXPECT_EQ(compiled.to_vector<std::int64_t>(), want.to_vector<std::int64_t>());
  };
  const auto squared = [](const Array& x) { return square(x); };
  const auto cubed = [](const Array& x) { return integer_pow(x, 3); };
  expect(squared, array<int>({51840, -46341}), array<int>({-1607581696, -2147479015}));
  expect(squared, array<std::uint16_t>({65535, 300}), array<std::uint16_t>({1, 24464}));
  expect(cubed, array<std::int8_t>({100, -7}), array<std::int8_t>({64, -87}));
  expect([](const Array& x) { return neg(x); }, array<int>({std::numeric_limits<int>::min(), 5}), array<int>({std::numeric_limits<int>::min(), -5}));
  expect([](const Array& x) { return reduce_prod(x, {0}); }, array<std::uint16_t>({65535, 65535, 3}), array<std::uint16_t>({3})[0]);
}

TEST(ReducePrecision, TiesWithoutAMantissaGoToTheEvenExponent) {
  // From JAX 0.10.
  const Array x = array<float>({1, 1.5, 2, 3, 4, 6, 12, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 7, -1.5, -3});
  const std::vector<float> want{1, 2, 2, 2, 4, 8, 8, 0.5, 1, 2, 2, 4, 4, 8, -2, -2};
  for (const auto& y : {reduce_precision(x, 8, 0), jit([](const Array& v) { return reduce_precision(v, 8, 0); })(x)}) EXPECT_EQ(y.to_vector<float>(), want);
  EXPECT_EQ(reduce_precision(array<double>({1.5, 3}), 11, 0).to_vector<double>(), (std::vector<double>{2, 2}));
  EXPECT_EQ(reduce_precision(array<float>({1.25, 1.75, 2.5, 3.5}), 5, 1).to_vector<float>(), (std::vector<float>{1, 2, 2, 4}));
}

TEST(Cholesky, ItsDerivativeCountsBothTriangles) {
  // d chol(A)_00 = (t_00) / (2 sqrt(a_00)); the lower left entry takes the mean of both tangents.
  const Array a = array<float>({{4, 1}, {1, 3}}), t = array<float>({{0, 2}, {0, 0}});
  const auto [y, dy] = jvp([](const Array& v) { return cholesky(v); }, {a}, {t});
  EXPECT_FLOAT_EQ(dy.item<float>(1, 0), 0.5f);   // L_10 = a_10 / sqrt(a_00), and da_10 = 1
  const Array g = grad([](const Array& v) { return cholesky(v)(1, 0); })(a);
  EXPECT_FLOAT_EQ(g.item<float>(0, 1), 0.25f);
  EXPECT_FLOAT_EQ(g.item<float>(1, 0), 0.25f);
}

}  // namespace
}  // namespace tf2jax
