// Reductions and statistics: the dtype they compute in, and how many digits long sums keep.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../bad_input.h"

namespace tf2jax {
namespace {

TEST(Mean, OfHalvesComputesInSingles) {
  const Array x = full({1000}, 1000.f, f16);  // the sum is beyond the range of f16
  EXPECT_EQ(mean(x).dtype(), f16);
  EXPECT_EQ(mean(x).item<float>(), 1000.f);
  EXPECT_EQ(var(x).item<float>(), 0.f);
  EXPECT_EQ(mean(full({1000}, 3.f, bf16)).item<float>(), 3.f);
  EXPECT_EQ(var(astype(array<float>({1000, 1400}), f16)).item<float>(), 40000.f);
}

TEST(Sum, OfAWeakTypeIsNotWeak) {
  const Array weak(2.0);
  for (const Array& y : {sum(weak), prod(weak), max(weak), min(weak), cumsum(ravel(weak), 0), cumprod(ravel(weak), 0)})
    EXPECT_FALSE(y.weak_type());
  EXPECT_EQ(cumsum(array<bool>({true, true}), 0).to_vector<int>(), (std::vector<int>{1, 2}));
}

TEST(Argmax, OrdersComplexNumbersByTheirParts) {
  const Array x = complex(array<float>({{1, 1, 0, 1}, {-1, -2, -1, -3}}), array<float>({{2, 3, 9, 3}, {0, 5, -1, 0}}));
  EXPECT_EQ(argmax(x, 1).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ(argmin(x, 1).to_vector<int>(), (std::vector<int>{2, 3}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(argmax(complex(array<float>({9, 0, nan}), array<float>({9, nan, 0})), 0).item<int>(), 1);
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

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(one_hot(i3, -5), "one_hot: the number of classes must not be negative"),
      ROW(one_hot(i3, kHuge), "max_array_elements"),
      ROW(sum(v3, {1}), "axis 1"),
      ROW(sum(v3, {-2}), "axis -2"),
      ROW(sum(m, {0, 0}), "duplicate"),
      ROW(sum(scalar, {0}), "axis 0"),
      ROW(argmax(nothing, 0), "argmax"),
      ROW(argmax(v3, 1), "axis 1"),
      ROW(argmax(scalar, 0), "axis 0"),
      ROW(argmin(v3, 0, f32), "argmin"),
      ROW(max(nothing), "max: there is no extreme of no elements"),
      ROW(min(zeros({0, 3}), {0}), "min: there is no extreme of no elements"),
      ROW(softmax(scalar), "axis -1"),
      ROW(logsumexp(v3, {4}), "axis 4"),
      ROW(all_true(v3, {1}), "axis 1"),
      ROW(take(v3, Array(0), 1), "axis 1"),
      ROW(take(v3, scalar, 0), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Numpy, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
