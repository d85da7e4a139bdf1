// Sums down the columns of matrices: column j of rows i * w + j, for i < n, sums to w n (n - 1) / 2 + n j.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "check_program.h"

namespace tf2jax {
namespace {

void expect_column_sums(std::int64_t n, std::int64_t w) {
  const auto f = [](const Array& x) { return sum(x, 0); };
  const Array x = reshape(astype(arange(n * w), f64), {n, w});
  const auto got = jit(f)(x).to_vector<double>();
  ASSERT_EQ(got.size(), static_cast<std::size_t>(w));
  for (std::int64_t j = 0; j < w; ++j) EXPECT_EQ(got[j], w * n * (n - 1) / 2 + n * j) << n << " rows, column " << j;
}

class ColumnSums : public ::testing::Test {
 protected:
  ConfigScope x64_ = override_config(&Config::enable_x64, true);
};

TEST_F(ColumnSums, OfEverySize) {
  for (const std::int64_t n : {1, 2, 17, 300})
    for (const std::int64_t w : {1, 3, 16, 33, 200, 1000}) expect_column_sums(n, w);
}

TEST_F(ColumnSums, OfNoRowsAndNoColumns) {
  const auto f = jit([](const Array& x) { return std::pair{sum(x, 0), max(x, 1)}; });
  EXPECT_EQ(f(zeros({0, 3})).first.to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(jit([](const Array& x) { return sum(x, 0); })(zeros({3, 0})).size(), 0);
}

TEST_F(ColumnSums, WithTermsComputedOnTheWay) {
  for (const Shape& shape : {Shape{50, 40}, Shape{7, 513}, Shape{5, 30, 64}}) {
    const std::int64_t axis = static_cast<std::int64_t>(shape.size()) - 2;
    check_function(
        [=](const Array& x) {
          return std::tuple{sum(square(x), axis), max(sin(x), axis), prod(1.f + 0.01f * x, axis), sum(x, axis + 1)};
        },
        values(shape));
  }
}

TEST_F(ColumnSums, OfHalvesAndIntegers) {
  const Array x = reshape(arange(40 * 48), {40, 48}) % Array(3);
  for (const DType d : {f16, bf16, i32, i8, u64, bool_})
    check_function([](const Array& a) { return std::pair{sum(a, 0), max(a, 0)}; }, astype(x, d));
}

TEST_F(ColumnSums, RunningSumsDownColumns) {
  const auto got = jit([](const Array& x) { return cumsum(x, 0); })(ones({5, 100})).to_vector<float>();
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 100; ++j) EXPECT_EQ(got[i * 100 + j], static_cast<float>(i + 1));
}

}  // namespace
}  // namespace tf2jax
