// Primitives of two operands and the selections: known values in each group of dtypes, broadcasting, derivatives.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <numbers>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Array one(DType d, double v) { return astype(array<float>({static_cast<float>(v)}), d); }

TEST(Binary, EveryDtypeHasTheArithmetic) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array y = one(d, 3) * one(d, 2) - one(d, 1);
    EXPECT_EQ(y.dtype(), d);
    EXPECT_EQ(y.to_vector<float>(), Floats{5}) << short_name(d);
  }
}

TEST(Binary, IntegersWrap) {
  EXPECT_EQ((array<std::int8_t>({100}) + array<std::int8_t>({100})).item<int>(0), 200 - 256);
  EXPECT_EQ((array<std::uint8_t>({20}) - array<std::uint8_t>({21})).item<int>(0), 255);
  EXPECT_EQ((array<int>({65536}) * array<int>({65536})).item<int>(0), 0);
}

TEST(Binary, HalvesRoundOnce) {
  EXPECT_EQ((one(bf16, 1) + one(bf16, 1.0 / 512)).item<float>(0), 1);  // the next number is 1 + 1/128
  EXPECT_EQ((one(f16, 2048) + one(f16, 1)).item<float>(0), 2048);
  EXPECT_TRUE(std::isinf((one(f16, 60000) + one(f16, 60000)).item<float>(0)));
}

TEST(Binary, EqualRanksBroadcastAxesOfSizeOneAndScalars) {
  const Array column = array<float>({{1}, {2}}), row = array<float>({{10, 20, 30}});
  const Array y = add_p().bind1({column, row});
  EXPECT_EQ(y.dims(), (Dims{2, 3}));
  EXPECT_EQ(y.to_vector<float>(), (Floats{11, 21, 31, 12, 22, 32}));
  EXPECT_EQ(mul_p().bind1({array<float>(2), row}).to_vector<float>(), (Floats{20, 40, 60}));
  EXPECT_EQ(add_p().bind1({zeros({0, 3}), row}).dims(), (Dims{0, 3}));
}

TEST(Binary, CotangentsOfWhatWasBroadcastAreSums) {
  const Array column = array<float>({{1}, {2}}), row = array<float>({{10, 20, 30}});
  const auto [dc, dr] = grad<0, 1>([](const Array& c, const Array& r) { return sum(c * r); })(column, row);
  EXPECT_EQ(dc.dims(), (Dims{2, 1}));
  EXPECT_EQ(dc.to_vector<float>(), (Floats{60, 60}));
  EXPECT_EQ(dr.dims(), (Dims{1, 3}));
  EXPECT_EQ(dr.to_vector<float>(), (Floats{3, 3, 3}));
}

TEST(Binary, SymbolicSizesAreKept) {
  const Dim b = Dim::variable("b");
  const Avals out =
      eval_shape([](const Array& x, const Array& y) { return x * y; }, spec(f32, {b, 3}), spec(f32, {1, 3}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b, 3}));
}

TEST(Binary, QuotientsAndRemaindersOfIntegers) {
  const Array x = array<int>({7, -7, 7, -7}), y = array<int>({2, 2, -2, -2});
  EXPECT_EQ(div(x, y).to_vector<int>(), (std::vector<int>{3, -3, -3, 3}));
  EXPECT_EQ(rem(x, y).to_vector<int>(), (std::vector<int>{1, -1, 1, -1}));
  EXPECT_EQ(rem(array<float>({5.5, -5.5}), array<float>({2, 2})).to_vector<float>(), (Floats{1.5, -1.5}));
}

TEST(Binary, ExtremesTakeNanAndShareTheGradientOfTies) {
  const Array x = array<float>({1, NAN, 3}), y = array<float>({2, 0, NAN});
  for (const Array& z : {maximum(x, y), minimum(x, y)}) {
    EXPECT_TRUE(std::isnan(z.item<float>(1)));
    EXPECT_TRUE(std::isnan(z.item<float>(2)));
  }
  const Array ties = array<float>({2, 5, 1}), others = array<float>({2, 1, 5});
  EXPECT_EQ(grad([&](const Array& v) { return sum(maximum(v, others)); })(ties).to_vector<float>(),
            (Floats{0.5, 1, 0}));
  EXPECT_EQ(grad([&](const Array& v) { return sum(minimum(v, others)); })(ties).to_vector<float>(),
            (Floats{0.5, 0, 1}));
}

TEST(Binary, PowerAndAngleHaveTheirPartials) {
  const auto [dx, dy] = grad<0, 1>([](const Array& x, const Array& y) { return pow(x, y); })(Array(3.f), Array(2.f));
  EXPECT_FLOAT_EQ(dx.item<float>(), 6);
  EXPECT_FLOAT_EQ(dy.item<float>(), 9 * std::log(3.f));
  const Array angles = atan2(array<float>({1, 1, -1, -1}), array<float>({1, -1, 1, -1}));
  const float quarter = std::numbers::pi_v<float> / 4;
  const Floats want{quarter, 3 * quarter, -quarter, -3 * quarter};
  for (int i = 0; i < 4; ++i) EXPECT_FLOAT_EQ(angles.item<float>(i), want[static_cast<std::size_t>(i)]);
  const auto [ay, ax] = grad<0, 1>([](const Array& y, const Array& x) { return atan2(y, x); })(Array(1.f), Array(2.f));
  EXPECT_FLOAT_EQ(ay.item<float>(), 2.f / 5);
  EXPECT_FLOAT_EQ(ax.item<float>(), -1.f / 5);
}

TEST(Binary, BitsAndShifts) {
  const Array x = array<int>({12, -8}), y = array<int>({10, 1});
  EXPECT_EQ(bitwise_and(x, y).to_vector<int>(), (std::vector<int>{8, 0}));
  EXPECT_EQ(bitwise_or(x, y).to_vector<int>(), (std::vector<int>{14, -7}));
  EXPECT_EQ(bitwise_xor(x, y).to_vector<int>(), (std::vector<int>{6, -7}));
  const Array eight = array<int>({-8, -8}), by = array<int>({1, 40});
  EXPECT_EQ(shift_left(eight, by).to_vector<int>(), (std::vector<int>{-16, 0}));
  EXPECT_EQ(shift_right_logical(eight, by).to_vector<int>(), (std::vector<int>{0x7ffffffc, 0}));
  EXPECT_EQ(shift_right_arithmetic(eight, by).to_vector<int>(), (std::vector<int>{-4, -1}));
  EXPECT_EQ(bitwise_xor(array<bool>({true, true}), array<bool>({true, false})).to_vector<int>(),
            (std::vector<int>{0, 1}));
}

TEST(Binary, ComparisonsKnowNothingEqualToNan) {
  const Array x = array<float>({1, 2, NAN}), y = array<float>({2, 2, NAN});
  const auto bits = [](const Array& v) {
    EXPECT_EQ(v.dtype(), bool_);
    return v.to_vector<int>();
  };
  EXPECT_EQ(bits(equal(x, y)), (std::vector<int>{0, 1, 0}));
  EXPECT_EQ(bits(not_equal(x, y)), (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(bits(less(x, y)), (std::vector<int>{1, 0, 0}));
  EXPECT_EQ(bits(less_equal(x, y)), (std::vector<int>{1, 1, 0}));
  EXPECT_EQ(bits(greater(x, y)), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(bits(greater_equal(x, y)), (std::vector<int>{0, 1, 0}));
}

TEST(Binary, TheTotalOrderHasNanLastAndZerosApart) {
  const Array x = array<float>({-0.f, INFINITY, NAN}), y = array<float>({0.f, NAN, NAN});
  EXPECT_EQ(lt_to_p().bind1({x, y}).to_vector<int>(), (std::vector<int>{1, 1, 0}));
  EXPECT_EQ(le_to_p().bind1({x, y}).to_vector<int>(), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(eq_to_p().bind1({x, y}).to_vector<int>(), (std::vector<int>{0, 0, 1}));
}

TEST(Binary, NeighboursOfFloats) {
  const Array y = nextafter(array<float>({1, 1, 0}), array<float>({2, 0, 1}));
  EXPECT_EQ(y.to_vector<float>(), (Floats{1 + 0x1p-23f, 1 - 0x1p-24f, 0x1p-149f}));
}

TEST(Complex, PartsAreLinear) {
  const auto f = [](const Array& re, const Array& im) {
    return sum(real(complex(re, im) * complex(Array(2.f), Array(3.f))));
  };
  const auto [dre, dim] = grad<0, 1>(f)(array<float>({1}), array<float>({1}));
  EXPECT_EQ(dre.to_vector<float>(), Floats{2});  // (a + bi)(2 + 3i) has the real part 2a - 3b
  EXPECT_EQ(dim.to_vector<float>(), Floats{-3});
}

TEST(Clamp, BoundsHoldAndStopTheGradient) {
  const Array x = array<float>({-2, 0.5, 2});
  EXPECT_EQ(clamp(-1.f, x, 1.f).to_vector<float>(), (Floats{-1, 0.5, 1}));
  EXPECT_EQ(grad([](const Array& v) { return sum(clamp(-1.f, v, 1.f)); })(x).to_vector<float>(), (Floats{0, 1, 0}));
  EXPECT_EQ(clamp(0, array<int>({-5, 5}), 3).to_vector<int>(), (std::vector<int>{0, 3}));
}

TEST(SelectN, PicksByIndexAndRoutesTheCotangent) {
  const Array which = array<int>({2, 0, 1}), a = array<float>({1, 2, 3}), b = a * 10.f, c = a * 100.f;
  EXPECT_EQ(select_n(which, Arrays{a, b, c}).to_vector<float>(), (Floats{100, 2, 30}));
  EXPECT_EQ(select_n(array<bool>(true), Arrays{a, b}).to_vector<float>(), (Floats{10, 20, 30}));
  const auto [da, db] = grad<0, 1>([&](const Array& x, const Array& y) {
    return sum(select_n(array<bool>({true, false, true}), Arrays{x, y}));
  })(a, b);
  EXPECT_EQ(da.to_vector<float>(), (Floats{0, 1, 0}));
  EXPECT_EQ(db.to_vector<float>(), (Floats{1, 0, 1}));
}

TEST(Binary, RefusesWhatDoesNotFit) {
  const Array x = ones({2}), wide = ones({3}), whole = astype(x, i32);
  expect_error<ShapeError>([&] { add_p().bind1({x, wide}); }, "incompatible shapes for broadcasting");
  expect_error<DtypeError>([&] { add_p().bind1({x, whole}); }, "add");
  expect_error<DtypeError>([&] { and_p().bind1({x, x}); }, "and: the dtype is not accepted. Got f32");
  expect_error<DtypeError>([&] { atan2_p().bind1({whole, whole}); }, "atan2: the dtype is not accepted. Got i32");
  expect_error<DtypeError>([&] { lt_p().bind1({complex(x, x), complex(x, x)}); },
                           "lt: the dtype is not accepted. Got c64");
}

TEST(SelectN, TakesIntegersOfEveryWidth) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array which = array<float>({0, 2, 1, 2});
  const Arrays cases{array<float>({1, 2, 3, 4}), array<float>({10, 20, 30, 40}), array<float>({100, 200, 300, 400})};
  const std::vector<float> want{1, 200, 30, 400};
  for (const DType d : {i8, u8, i16, u16, i32, u32, i64, u64}) {
    const auto f = [&](const Array& w) { return select_n(astype(w, d), cases); };
    EXPECT_EQ(f(which).to_vector<float>(), want) << short_name(d);
    EXPECT_EQ(jit(f)(which).to_vector<float>(), want) << short_name(d);
    EXPECT_EQ(vmap(f)(stack({which, which}))[1].to_vector<float>(), want) << short_name(d);
    EXPECT_EQ(select_n(astype(Array(1), d), cases).to_vector<float>(), cases[1].to_vector<float>()) << short_name(d);
  }
}

TEST(SelectN, RefusesNumbersThatAreNoIntegers) {
  EXPECT_THROW(select_n(array<float>({0, 1}), Arrays{ones({2}), ones({2})}), DtypeError);
}

}  // namespace
}  // namespace tf2jax
