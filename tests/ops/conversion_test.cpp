// Conversions of dtypes, of bits, and of precision.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(Astype, TruncatesSaturatesAndDropsImaginaryParts) {
  const Array x = array<float>({-1.9f, 300, NAN, 2.5f});
  EXPECT_EQ(astype(x, i8).to_vector<int>(), (std::vector<int>{-1, 127, 0, 2}));
  EXPECT_EQ(astype(x, u8).to_vector<int>(), (std::vector<int>{0, 255, 0, 2}));
  EXPECT_EQ(astype(x, bool_).to_vector<int>(), (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(astype(complex(ones({1}), ones({1})), f32).to_vector<float>(), Floats{1});
  EXPECT_EQ(astype(array<int>({300}), u8).item<int>(0), 44);  // integers wrap
  EXPECT_TRUE(astype(x, f32).same_as(x));
}

TEST(Bitcast, KeepsBitsAndSplitsTheLastAxis) {
  const Array one = array<float>({1});
  EXPECT_EQ(bitcast_convert_type(one, u32).item<std::uint32_t>(0), 0x3f800000u);
  const Array bytes = bitcast_convert_type(one, u8);
  EXPECT_EQ(bytes.dims(), (Dims{1, 4}));
  EXPECT_EQ(bytes.to_vector<int>(), (std::vector<int>{0, 0, 0x80, 0x3f}));
  EXPECT_EQ(bitcast_convert_type(bytes, f32).to_vector<float>(), Floats{1});
  EXPECT_EQ(bitcast_convert_type(zeros({0}), i32).size(), 0);
}

TEST(ReducePrecision, TiesWithoutAMantissaGoToTheEvenExponent) {
  // From JAX 0.10.
  const Array x = array<float>({1, 1.5, 2, 3, 4, 6, 12, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 7, -1.5, -3});
  const std::vector<float> want{1, 2, 2, 2, 4, 8, 8, 0.5, 1, 2, 2, 4, 4, 8, -2, -2};
  for (const auto& y : {reduce_precision(x, 8, 0), jit([](const Array& v) { return reduce_precision(v, 8, 0); })(x)})
    EXPECT_EQ(y.to_vector<float>(), want);
  EXPECT_EQ(reduce_precision(array<double>({1.5, 3}), 11, 0).to_vector<double>(), (std::vector<double>{2, 2}));
  EXPECT_EQ(reduce_precision(array<float>({1.25, 1.75, 2.5, 3.5}), 5, 1).to_vector<float>(),
            (std::vector<float>{1, 2, 2, 4}));
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(bitcast_convert_type(v3, bool_), "a bool stays a bool"),
      ROW(bitcast_convert_type(i3, DType::key), ""),
      ROW(bitcast_convert_type(v3, DType::float0), ""),
      ROW(reduce_precision(v3, 0, 5), "exponent_bits"),
      ROW(reduce_precision(v3, 5, -1), "mantissa_bits"),
      ROW(reduce_precision(i3, 5, 5), "reduce_precision"),
  };
}
INSTANTIATE_TEST_SUITE_P(Conversion, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
