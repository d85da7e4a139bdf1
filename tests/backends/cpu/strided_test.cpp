// Copies between strided views: widths, repeats, reversals, empty and merged axes.
#include <gtest/gtest.h>
#include <tf2jax/backends/cpu/strided.h>

#include <complex>
#include <numeric>

namespace tf2jax {
namespace {

template <class T>
class Strided : public ::testing::Test {
 protected:
  // Copies dims elements out of `source` at `offset` with `strides` into a contiguous block.
  static std::vector<T> read(const Dims& dims, std::vector<T> source, std::int64_t offset, const Dims& strides) {
    std::vector<T> out(static_cast<std::size_t>(num_elements(dims)), T(99));
    cpu::copy_strided(dims, {reinterpret_cast<std::byte*>(out.data()), row_major_strides(dims)},
                      {reinterpret_cast<std::byte*>(source.data() + offset), strides}, sizeof(T));
    return out;
  }
  static std::vector<T> numbers(std::initializer_list<int> v) { return {v.begin(), v.end()}; }
};
using Widths = ::testing::Types<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, std::complex<double>>;
TYPED_TEST_SUITE(Strided, Widths);

TYPED_TEST(Strided, TransposesRepeatsAndReverses) {
  const auto x = this->numbers({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(this->read({3, 2}, x, 0, {1, 3}), this->numbers({1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(this->read({2, 3}, x, 0, {0, 1}), this->numbers({1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(this->read({2, 2}, x, 0, {1, 0}), this->numbers({1, 1, 2, 2}));
  EXPECT_EQ(this->read({6}, x, 5, {-1}), this->numbers({6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(this->read({3}, x, 1, {2}), this->numbers({2, 4, 6}));
}

TYPED_TEST(Strided, ScalarsAndEmptyOnes) {
  const auto x = this->numbers({7, 8});
  EXPECT_EQ(this->read({}, x, 1, {}), this->numbers({8}));
  EXPECT_EQ(this->read({1, 1}, x, 1, {5, 5}), this->numbers({8}));
  EXPECT_TRUE(this->read({2, 0}, x, 0, {1, 1}).empty());
}

TYPED_TEST(Strided, WritesIntoAWindowOnly) {
  std::vector<TypeParam> target(9, TypeParam(0)), source = this->numbers({1, 2, 3, 4});
  cpu::copy_strided({2, 2}, {reinterpret_cast<std::byte*>(target.data() + 4), {3, 1}},
                    {reinterpret_cast<std::byte*>(source.data()), {2, 1}}, sizeof(TypeParam));
  EXPECT_EQ(target, this->numbers({0, 0, 0, 0, 1, 2, 0, 3, 4}));
}

TEST(StridedThreads, LargeCopiesAreWhole) {
  const std::int64_t rows = 1000, columns = 200;
  std::vector<std::uint32_t> x(static_cast<std::size_t>(rows * columns)), y(x.size());
  std::iota(x.begin(), x.end(), 0u);
  cpu::copy_strided({columns, rows}, {reinterpret_cast<std::byte*>(y.data()), {rows, 1}},
                    {reinterpret_cast<std::byte*>(x.data()), {1, columns}}, 4);
  for (std::size_t j = 0; j < 200; ++j)
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(y[j * 1000 + i], x[i * 200 + j]);
}

}  // namespace
}  // namespace tf2jax
