// The public elementwise functions: promotion, conversions, integers where the mathematics needs floats.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

TEST(Promotion, FollowsTheLattice) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const auto of = [](DType a, DType b) { return (zeros({1}, a) + zeros({1}, b)).dtype(); };
  EXPECT_EQ(of(i8, u8), i16);
  EXPECT_EQ(of(u32, i32), i64);
  EXPECT_EQ(of(u64, i32), f64);
  EXPECT_EQ(of(i64, f16), f16);
  EXPECT_EQ(of(f16, bf16), f32);
  EXPECT_EQ(of(f64, c64), c128);
  EXPECT_EQ(of(bool_, i8), i8);
}

TEST(Promotion, MakesNo64BitTypesThatAreOff) {
  EXPECT_EQ((zeros({1}, u32) + zeros({1}, i32)).dtype(), i32);
  EXPECT_EQ(maximum(zeros({1}, i16), zeros({1}, u32)).dtype(), i32);
}

TEST(Promotion, ASelectionIsWeakWhenBothSidesAre) {
  const Array strong = array<float>(2.f);
  for (const Array& y : {where(full({}, true), 1.0, strong), where(full({}, false), 1.0, strong)})
    EXPECT_FALSE(y.weak_type());
  EXPECT_TRUE(where(full({}, true), 1.0, 2.0).weak_type());
}

TEST(Bools, AddAndMultiplyAsOrAndAnd) {
  const Array a = array<bool>({true, true, false}), b = array<bool>({true, false, false});
  EXPECT_EQ((a + b).to_vector<bool>(), (std::vector<bool>{true, true, false}));
  EXPECT_EQ((a * b).to_vector<bool>(), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(square(a).dtype(), i32);
  EXPECT_EQ(shift_left(a, b).to_vector<int>(), (std::vector<int>{2, 1, 0}));
  expect_error<DtypeError>([&] { round(a); }, "bools are not rounded");
}

TEST(ComplexParts, OfRealNumbersStayReal) {
  EXPECT_EQ(conj(array<float>({1, 2})).dtype(), f32);
  EXPECT_EQ(conj(array<int>({1, 2})).dtype(), i32);
  EXPECT_EQ(rint(Array(complex64(1.5f, -2.5f))).to_vector<complex64>(), (std::vector<complex64>{complex64(2, -2)}));
  expect_error<DtypeError>([] { floor(Array(complex64(1.5f, -2.5f))); }, "floor");
}

TEST(Promotion, ScalarsOfCxxAreWeak) {
  EXPECT_EQ((zeros({1}, bf16) + 2.0).dtype(), bf16);
  EXPECT_EQ((zeros({1}, i8) + 1).dtype(), i8);
  EXPECT_EQ((zeros({1}, i8) + 1.5).dtype(), f32);
  EXPECT_TRUE((Array(1) + Array(2)).weak_type());
  EXPECT_FALSE((Array(1) + array<int>(2)).weak_type());
}

TEST(Promotion, RanksGrowAtTheFront) {
  const Arrays p = promote("test", Arrays{ones({2, 3}), ones({3}), Array(1.f)});
  EXPECT_EQ(p[1].dims(), (Dims{1, 3}));
  EXPECT_EQ(p[2].rank(), 0);
  EXPECT_EQ((ones({2, 3}) + ones({3})).dims(), (Dims{2, 3}));
  EXPECT_EQ(promote_inexact("test", Arrays{array<int>({1})})[0].dtype(), f32);
  EXPECT_EQ(to_inexact(array<bool>({true})).to_vector<float>(), Floats{1});
}

TEST(Integers, Wrap) {  // modulo 2^bits, as in JAX
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
  expect([](const Array& x) { return neg(x); }, array<int>({std::numeric_limits<int>::min(), 5}),
         array<int>({std::numeric_limits<int>::min(), -5}));
  expect([](const Array& x) { return reduce_prod(x, {0}); }, array<std::uint16_t>({65535, 65535, 3}),
         array<std::uint16_t>({3})[0]);
}

TEST(Integers, BecomeFloatsWhereTheMathematicsNeedsIt) {
  for (const Array& y : {exp(Array(0)), sqrt(array<int>(1)), logistic(array<bool>(false)), divide(array<int>(1), 2)})
    EXPECT_EQ(y.dtype(), f32);
  EXPECT_EQ(divide(array<int>({1}), array<int>({2})).item<float>(0), 0.5f);
  EXPECT_EQ(abs(array<int>({-3})).dtype(), i32);
  EXPECT_EQ(floor_divide(array<int>({7, -7}), array<int>({2, 2})).to_vector<int>(), (std::vector<int>{3, -4}));
  EXPECT_EQ(mod(array<int>({7, -7, 7}), array<int>({2, 2, -2})).to_vector<int>(), (std::vector<int>{1, 1, -1}));
  EXPECT_EQ(mod(array<float>({-5.5f}), array<float>({2})).item<float>(0), 0.5f);
}

TEST(IntegerPow, NegativePowersOfIntegersAreRefused) {
  EXPECT_THAT(message_of<TypeError>([] { pow(array<int>({2}), -1); }), HasSubstr("integers have no negative powers"));
}

TEST(Where, BroadcastsAndPromotes) {
  const Array y = where(array<bool>({{true}, {false}}), array<int>({1, 2}), 0.5f);
  EXPECT_EQ(y.dtype(), f32);
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 2, 0.5, 0.5}));
  EXPECT_EQ(where(array<int>({2, 0}), 1, 0).to_vector<int>(), (std::vector<int>{1, 0}));
}

TEST(Logical, NumbersCountAsTrueUnlessZero) {
  const Array x = array<float>({0, 2}), y = array<float>({3, 0});
  EXPECT_EQ(logical_and(x, y).to_vector<int>(), (std::vector<int>{0, 0}));
  EXPECT_EQ(logical_or(x, y).to_vector<int>(), (std::vector<int>{1, 1}));
  EXPECT_EQ(logical_xor(x, x).to_vector<int>(), (std::vector<int>{0, 0}));
  EXPECT_EQ(logical_not(x).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ((~array<int>({5})).item<int>(0), -6);
}

TEST(Rounding, HalvesGoWhereTheNameSays) {
  const Array x = array<float>({-2.5f, -0.5f, 0.5f, 1.5f, 2.5f});
  EXPECT_EQ(round(x).to_vector<float>(), (Floats{-3, -1, 1, 2, 3}));
  EXPECT_EQ(rint(x).to_vector<float>(), (Floats{-2, 0, 0, 2, 2}));
  EXPECT_EQ(floor(x).to_vector<float>(), (Floats{-3, -1, 0, 1, 2}));
  EXPECT_EQ(ceil(x).to_vector<float>(), (Floats{-2, 0, 1, 2, 3}));
}

TEST(StopGradient, IsAConstant) {
  EXPECT_EQ(grad([](const Array& x) { return x * stop_gradient(x); })(Array(3.f)).item<float>(), 3);
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(select_n(flags, Arrays{}), "select_n"),
      ROW(select_n(flags, Arrays{v3}), "select_n"),
      ROW(select_n(v3, Arrays{v3, v3}), "what chooses must be"),
      ROW(select_n(flags, Arrays{v3, m}), "select_n"),
      ROW(where(flags, v3, ones({4})), ""),
      ROW(clamp(m, v3, 1.f), ""),
      ROW(add(v3, ones({4})), "incompatible shapes"),
      ROW(bitwise_and(v3, v3), "and"),
      ROW(shift_left(v3, v3), "shift_left"),
      ROW(population_count(v3), "population_count"),
      ROW(erf(complex(v3, v3)), "erf"),
      ROW(integer_pow(i3, -1), "integer_pow"),
      ROW(rem(complex(v3, v3), v3), "rem"),
      ROW(promote("where", {}), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Elementwise, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
