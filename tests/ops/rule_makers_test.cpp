// What rules share: shapes of applications, broadcasting and its transpose, mapped axes.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Aval aval(DType d, Shape shape, bool weak = false) { return {d, std::move(shape), weak}; }

TEST(ElementwiseShape, ScalarsAndAxesOfSizeOneFit) {
  const Aval x[] = {aval(f32, {2, 1}), aval(f32, {}), aval(f32, {1, 3})};
  EXPECT_EQ(rules::elementwise_shape("f", x), (Shape{2, 3}));
  const Dim b = Dim::variable("b");
  const Aval y[] = {aval(f32, {b, 1}), aval(f32, {1, 3})};
  EXPECT_EQ(rules::elementwise_shape("f", y), (Shape{b, 3}));
}

TEST(ElementwiseShape, OtherSizesAreRefused) {
  const Aval sizes[] = {aval(f32, {3}), aval(f32, {4})}, ranks[] = {aval(f32, {3}), aval(f32, {1, 3})};
  expect_error<ShapeError>([&] { rules::elementwise_shape("f", sizes); },
                           "f got incompatible shapes for broadcasting: (3,), (4,)");
  expect_error<ShapeError>([&] { rules::elementwise_shape("f", ranks); }, "must have one rank");
}

TEST(Dtypes, AreSharedAndChecked) {
  const Aval same[] = {aval(bf16, {}, true), aval(bf16, {2}, true)}, mixed[] = {aval(bf16, {}, true), aval(f32, {})};
  EXPECT_EQ(rules::same_dtype("f", same), bf16);
  EXPECT_TRUE(rules::all_weak(same));
  EXPECT_FALSE(rules::all_weak(mixed));
  expect_error<DtypeError>([&] { rules::same_dtype("f", mixed); }, "f");
  expect_error<DtypeError>([] { rules::check_dtype("f", i32, kind::floating); },
                           "f: the dtype is not accepted. Got i32");
}

TEST(Unbroadcast, SumsWhatWasRepeated) {
  const Array ct = array<float>({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(rules::unbroadcast(ct, aval(f32, {2, 1})).to_vector<float>(), (Floats{6, 15}));
  EXPECT_EQ(rules::unbroadcast(ct, aval(f32, {1, 3})).to_vector<float>(), (Floats{5, 7, 9}));
  EXPECT_EQ(rules::unbroadcast(ct, aval(f32, {})).item<float>(), 21);
  EXPECT_TRUE(rules::unbroadcast(ct, aval(f32, {2, 3})).same_as(ct));
  EXPECT_TRUE(rules::unbroadcast(Tangent::zero(aval(f32, {2, 3})), aval(f32, {})).is_zero());
}

TEST(BroadcastLike, RepeatsToTheShape) {
  EXPECT_EQ(rules::broadcast_like(array<float>({{1}, {2}}), {2, 2}).to_vector<float>(), (Floats{1, 1, 2, 2}));
  EXPECT_EQ(rules::broadcast_like(Array(3.f), {2}).to_vector<float>(), (Floats{3, 3}));
}

TEST(Tangents, ZerosCostNothing) {
  const Tangent zero = Tangent::zero(aval(f32, {2})), one(ones({2}));
  EXPECT_TRUE(rules::add_tangents(zero, zero).is_zero());
  EXPECT_TRUE(rules::add_tangents(zero, one).value().same_as(one.value()));
  EXPECT_EQ(rules::add_tangents(one, one).value().to_vector<float>(), (Floats{2, 2}));
  EXPECT_EQ(rules::instantiate(zero).to_vector<float>(), (Floats{0, 0}));
}

TEST(Types, AreThoseOfOperandsAlsoWithoutWideOnes) {
  EXPECT_EQ(rules::as_dtype(ones({1}), f64).dtype(), f64);
  EXPECT_EQ(rules::scalar_of(i64, 3).dtype(), i64);
  EXPECT_EQ(rules::filled({2}, c128, 1).dtype(), c128);
  EXPECT_TRUE(rules::converted(ones({1}), f32, true).weak_type());
}

TEST(Extremes, OfEveryOrderedDtype) {
  EXPECT_EQ(rules::extreme(i8, true).item<int>(), -128);
  EXPECT_EQ(rules::extreme(u16, false).item<int>(), 65535);
  EXPECT_EQ(rules::extreme(i64, false).item<std::int64_t>(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(rules::extreme(bf16, true).item<float>(), -INFINITY);
  expect_error<DtypeError>([] { rules::extreme(c64, true); }, "");
}

TEST(MappedAxes, GoToTheFront) {
  const Array x = array<float>({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(rules::to_front(x, 1, 3).to_vector<float>(), (Floats{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(rules::to_front(Array(7.f), std::nullopt, 2).to_vector<float>(), (Floats{7, 7}));
  EXPECT_TRUE(rules::mapped_to_front(x, std::nullopt).same_as(x));
  EXPECT_EQ(rules::move_axis(ones({2, 3, 4}), 2, 0).dims(), (Dims{4, 2, 3}));
}

TEST(BatchElementwise, PutsLowerRanksUnderTheMappedAxis) {
  // Mapped vectors beside a matrix that is shared.
  const auto f = [](const Array& v, const Array& m) { return v + m; };
  const Array v = array<float>({{1, 2}, {10, 20}}), m = array<float>({{100, 200}, {300, 400}});
  const Array y = vmap(f, {.in_axes = {0, std::nullopt}})(v, m);
  EXPECT_EQ(y.to_vector<float>(), (Floats{101, 202, 301, 402, 110, 220, 310, 420}));
}

}  // namespace
}  // namespace tf2jax
