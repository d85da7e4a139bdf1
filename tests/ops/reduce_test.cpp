// Reductions and running reductions: values in each group of dtypes, empty and single lines, derivatives.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array x23 = array<float>({{1, 5, 3}, {4, 2, 6}});

TEST(Reduce, KnownValuesInEveryDtype) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64}) {
    const Array x = astype(x23, d);
    EXPECT_EQ(reduce_sum(x, {1}).dtype(), d);
    EXPECT_EQ(reduce_sum(x, {1}).to_vector<float>(), (Floats{9, 12})) << short_name(d);
    EXPECT_EQ(reduce_prod(x, {0}).to_vector<float>(), (Floats{4, 10, 18})) << short_name(d);
    EXPECT_EQ(reduce_max(x, {0, 1}).item<float>(), 6) << short_name(d);
    EXPECT_EQ(reduce_min(x, {1}).to_vector<float>(), (Floats{1, 2})) << short_name(d);
    EXPECT_EQ(argmax(x, 1, i32).to_vector<int>(), (std::vector<int>{1, 2})) << short_name(d);
    EXPECT_EQ(argmin(x, 0, i32).to_vector<int>(), (std::vector<int>{0, 1, 0})) << short_name(d);
    EXPECT_EQ(cumsum(x, 1).to_vector<float>(), (Floats{1, 6, 9, 4, 6, 12})) << short_name(d);
    EXPECT_EQ(cummax(x, 1).to_vector<float>(), (Floats{1, 5, 5, 4, 4, 6})) << short_name(d);
  }
}

TEST(Reduce, BitsAndBools) {
  const Array x = array<int>({{12, 10}, {6, 3}});
  EXPECT_EQ(reduce_and(x, {0}).to_vector<int>(), (std::vector<int>{4, 2}));
  EXPECT_EQ(reduce_or(x, {0}).to_vector<int>(), (std::vector<int>{14, 11}));
  EXPECT_EQ(reduce_xor(x, {0, 1}).item<int>(), 12 ^ 10 ^ 6 ^ 3);
  const Array b = array<bool>({true, false, true});
  EXPECT_FALSE(reduce_and(b, {0}).item<bool>());
  EXPECT_TRUE(reduce_or(b, {0}).item<bool>());
  EXPECT_FALSE(reduce_xor(b, {0}).item<bool>());
}

TEST(Reduce, NothingGivesTheIdentity) {
  const Array empty = zeros({2, 0});
  EXPECT_EQ(reduce_sum(empty, {1}).to_vector<float>(), (Floats{0, 0}));
  EXPECT_EQ(reduce_prod(empty, {1}).to_vector<float>(), (Floats{1, 1}));
  EXPECT_EQ(reduce_max(empty, {1}).to_vector<float>(), (Floats{-INFINITY, -INFINITY}));
  EXPECT_EQ(reduce_min(zeros({0}, i8), {0}).item<int>(), 127);
  EXPECT_TRUE(reduce_and(zeros({0}, bool_), {0}).item<bool>());
  EXPECT_EQ(reduce_sum(x23, {}).to_vector<float>(), x23.to_vector<float>());
  EXPECT_EQ(reduce_sum(Array(3.f), {}).item<float>(), 3);
  EXPECT_EQ(cumsum(zeros({0}), 0).size(), 0);
}

TEST(Reduce, NanWinsAndTheFirstOfEqualsIsTaken) {
  const Array x = array<float>({1, NAN, 3});
  EXPECT_TRUE(std::isnan(reduce_max(x, {0}).item<float>()));
  EXPECT_TRUE(std::isnan(reduce_min(x, {0}).item<float>()));
  EXPECT_EQ(argmax(x, 0, i32).item<int>(), 1);
  EXPECT_EQ(argmin(array<int>({2, 1, 1}), 0, i32).item<int>(), 1);
  EXPECT_TRUE(std::isnan(cummin(x, 0).item<float>(2)));
}

TEST(Reduce, DerivativesAreRepeatedSharedAndOfProducts) {
  const auto slope = [](const std::function<Array(const Array&)>& f, const Array& x) {
    return grad(f)(x).to_vector<float>();
  };
  EXPECT_EQ(slope([](const Array& v) { return sum(reduce_sum(v, {0}) * array<float>({1, 2, 3})); }, x23),
            (Floats{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(slope([](const Array& v) { return reduce_max(v, {0}); }, array<float>({2, 2, 1})), (Floats{0.5, 0.5, 0}));
  EXPECT_EQ(slope([](const Array& v) { return reduce_prod(v, {0}); }, array<float>({2, 0, 5})), (Floats{0, 10, 0}));
  EXPECT_EQ(
      slope([](const Array& v) { return sum(cumsum(v, 0) * array<float>({1, 10, 100})); }, array<float>({1, 1, 1})),
      (Floats{111, 110, 100}));
  EXPECT_EQ(slope([](const Array& v) { return cumprod(v, 0)[2]; }, array<float>({2, 3, 4})), (Floats{12, 8, 6}));
}

TEST(Cumulative, FromTheEndAndWithoutOverflow) {
  EXPECT_EQ(cumsum(x23, 1, true).to_vector<float>(), (Floats{9, 8, 3, 12, 8, 6}));
  EXPECT_EQ(cumprod(x23, 0).to_vector<float>(), (Floats{1, 5, 3, 4, 10, 18}));
  EXPECT_EQ(cummin(x23, 1, true).to_vector<float>(), (Floats{1, 3, 3, 2, 2, 6}));
  const Array big = cumlogsumexp(array<float>({1000, 1000}), 0);
  EXPECT_FLOAT_EQ(big.item<float>(1), 1000 + std::log(2.f));
}

TEST(Reduce, SymbolicSizesAreKept) {
  const Dim b = Dim::variable("b");
  const Avals out = eval_shape([](const Array& x) { return reduce_sum(x, {1}); }, spec(f32, {b, 3}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b}));
}

TEST(Reduce, MappedAxesAreCountedOut) {
  EXPECT_EQ(rules::shift_axes({0, 1, 2}, 1), (Axes{0, 2, 3}));
  const Array y = vmap([](const Array& v) { return reduce_sum(v, {0}); }, {.in_axes = {1}})(x23);
  EXPECT_EQ(y.to_vector<float>(), (Floats{5, 7, 9}));
}

TEST(Reduce, RefusesWhatDoesNotFit) {
  expect_error<AxisError>([] { reduce_sum(x23, {2}); }, "reduce_sum: axis 2");
  expect_error<AxisError>([] { reduce_prod(x23, {1, 1}); }, "reduce_prod");
  expect_error<DtypeError>([] { reduce_and(x23, {0}); }, "reduce_and: the dtype is not accepted. Got f32");
  expect_error<DtypeError>([] { argmax(complex(x23, x23), 0, i32); }, "argmax: the dtype is not accepted. Got c64");
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(reduce_max(m, {2}), "reduce_max"), ROW(cumsum(v3, 1), "cumsum"),           ROW(cumsum(v3, -2), "cumsum"),
      ROW(cumprod(scalar, 0), "cumprod"),    ROW(reduce_and(v3, {0}), "reduce_and"),
  };
}
INSTANTIATE_TEST_SUITE_P(Reductions, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
