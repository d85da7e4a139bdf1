// Sorting of long and short lines, against the standard library's stable sort.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

// Positions in order of value: NaN last, -0 equal to 0, equal ones in their old order.
std::vector<std::int64_t> sorted_positions(const std::vector<double>& x) {
  std::vector<std::int64_t> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::int64_t i, std::int64_t j) {
    const double a = x[i], b = x[j];
    return std::isnan(b) ? !std::isnan(a) : a < b;
  });
  return order;
}

template <class T>
Array vector_of(DType dtype, const std::vector<T>& x) {
  return Array::from_bytes(dtype, {static_cast<std::int64_t>(x.size())}, std::as_bytes(std::span(x)));
}

class SortLines : public ::testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Sort, SortLines, ::testing::Values(1, 2, 100, 192, 193, 1000, 70000));

TEST_P(SortLines, OfEveryType) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const std::int64_t n = GetParam();
  for (const DType d : {bool_, i8, u8, i16, u16, f16, bf16, i32, u32, f32, i64, u64, f64}) {
    const bool is_signed = is_floating(d) || is_signed_integer(d);
    const Array x = astype(random::randint(random::key(1), {n}, is_signed ? -100 : 0, d == bool_ ? 2 : 100), d);
    const auto want = sorted_positions(x.to_vector<double>());
    EXPECT_EQ(argsort(x).to_vector<std::int64_t>(), want) << short_name(d);
    const auto values = sort(x).to_vector<double>();
    EXPECT_TRUE(std::ranges::is_sorted(values)) << short_name(d);
    EXPECT_EQ(values, x(Index(vector_of(i64, want))).to_vector<double>()) << short_name(d);
  }
}

TEST_P(SortLines, WideValues) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const std::int64_t n = GetParam();
  for (const DType d : {f32, f64}) {
    const Array x = exp(random::normal(random::key(2), {n}, d) * 20.0) *
                    where(random::bernoulli(random::key(3), 0.5f, Shape{n}), Array(1.0), Array(-1.0));
    EXPECT_EQ(argsort(astype(x, d)).to_vector<std::int64_t>(), sorted_positions(astype(x, d).to_vector<double>()));
  }
  const Array bits = bitcast_convert_type(random::bits(random::key(4), {n}, u64), i64);
  auto want = bits.to_vector<std::int64_t>();
  std::ranges::sort(want);
  EXPECT_EQ(sort(bits).to_vector<std::int64_t>(), want);
}

TEST_P(SortLines, NotANumberComesLastAndZerosKeepTheirOrder) {
  const std::int64_t n = GetParam();
  std::vector<float> x(n);
  const float some[] = {0.f, -0.f, NAN, -INFINITY, INFINITY, 1e-45f, -1e-45f, -NAN};
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = some[i * i % 8];
  const Array a = vector_of(f32, x);
  const auto order = argsort(a).to_vector<std::int64_t>();
  EXPECT_EQ(order, sorted_positions(a.to_vector<double>()));
  const auto got = sort(a).to_vector<float>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    const float want = x[order[i]];
    EXPECT_TRUE(std::isnan(want) ? std::isnan(got[i]) : got[i] == want && std::signbit(got[i]) == std::signbit(want));
  }
}

TEST_P(SortLines, AlongAnyAxis) {
  const std::int64_t n = GetParam();
  if (n > 1000) return;
  const Array x = random::normal(random::key(5), {3, n, 2});
  const Array y = sort(x, 1);
  for (const int i : {0, 1, 2})
    for (const int j : {0, 1}) {
      auto want = x(i, all, j).to_vector<float>();
      std::ranges::sort(want);
      EXPECT_EQ(y(i, all, j).to_vector<float>(), want);
    }
}

TEST_P(SortLines, OfComplexNumbersByRealThenImaginaryPart) {
  const std::int64_t n = GetParam();
  const auto parts = random::randint(random::key(6), {2, n}, -3, 4);
  const Array z = complex(astype(parts[0], f32), astype(parts[1], f32));
  auto re = parts[0].to_vector<int>(), im = parts[1].to_vector<int>();
  std::vector<std::pair<int, int>> want;
  for (std::size_t i = 0; i < re.size(); ++i) want.emplace_back(re[i], im[i]);
  std::ranges::sort(want);
  const Array got = sort(z);
  const auto got_re = real(got).to_vector<int>(), got_im = imag(got).to_vector<int>();
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_EQ(std::pair(got_re[i], got_im[i]), want[i]);
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(sort(Arrays{}), "sort"),
      ROW(sort(Arrays{v3, m}), "sort"),
      ROW(sort(v3, 1), "axis 1"),
      ROW(sort(Arrays{v3}, 0, true, 2), "num_keys"),
      ROW(sort(Arrays{v3}, 0, true, 0), "num_keys"),
      ROW(top_k(v3, 4), "top_k"),
      ROW(top_k(v3, -1), "top_k"),
      ROW(top_k(v3, 1, 1), "axis 1"),
      ROW(approx_max_k(v3, 0), "k must be positive"),
      ROW(approx_max_k(v3, 5), "k must not exceed"),
      ROW(argsort(scalar), "axis -1"),
      ROW(take_along(m, i3, 0), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Sorting, BadInput, ::testing::ValuesIn(bad_calls()));

TEST(TakeAlongAxis, OneIndexForEachElement) {
  const Array x = array<float>({{3, 1, 2}, {4, 6, 5}});
  EXPECT_EQ(take_along_axis(x, argsort(x, 1), 1).to_vector<float>(), sort(x, 1).to_vector<float>());
  EXPECT_EQ(take_along_axis(x, argsort(x, 0), -2).to_vector<float>(), sort(x, 0).to_vector<float>());
  EXPECT_EQ(take_along_axis(x, array<int>({{-1}, {-3}}), -1).to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_EQ(take_along_axis(x, array<std::int8_t>({{1, -1}}), 1).to_vector<float>(), (std::vector<float>{1, 2, 6, 5}));
  EXPECT_TRUE(std::isnan(take_along_axis(x, array<int>({{3}, {0}}), 1)(0, 0).item<float>()));
  const auto taken = [](const Array& v) { return sum(take_along_axis(v, array<int>({{0, 0}, {-1, 1}}), 1)); };
  EXPECT_EQ(jit(grad(taken))(x).to_vector<float>(), (std::vector<float>{2, 0, 0, 0, 1, 1}));
  expect_error<ShapeError>([&] { take_along_axis(x, array<int>({0}), 0); }, "one rank");
  expect_error<AxisError>([&] { take_along_axis(x, array<int>({{0}}), 2); }, "axis 2");
}

TEST(Argsort, ItsIndicesAreAsWideAsTheOthers) {
  const Array x = array<float>({3, 1, 2});
  EXPECT_EQ(argsort(x).dtype(), DType::i32);
  const auto scope = override_config(&Config::enable_x64, true);
  EXPECT_EQ(argsort(x).dtype(), DType::i64);
}

}  // namespace
}  // namespace tf2jax
