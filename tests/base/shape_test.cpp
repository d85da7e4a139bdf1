// Shapes and axes.
#include <gtest/gtest.h>
#include <tf2jax/base/shape.h>

#include "../support.h"

namespace tf2jax {
namespace {

const Dim a = Dim::variable("a"), b = Dim::variable("b");

TEST(DimComparison, ShapesAreEqualAsExpressions) {
  EXPECT_TRUE(identical(a + b - a, b));
  EXPECT_FALSE(identical(a, b));
  EXPECT_EQ((Shape{a, 2}), (Shape{a, 2}));
  EXPECT_NE((Shape{a, 2}), (Shape{b, 2}));
}

TEST(Shapes, BroadcastFollowsNumpy) {
  const Shape shapes[] = {{a, 1, 3}, {4, 1}, {}};
  EXPECT_EQ(to_string(broadcast_shapes(shapes, "add")), "(a, 4, 3)");
  const Shape wrong[] = {{2, 3}, {4, 3}};
  EXPECT_THROW(broadcast_shapes(wrong, "add"), ShapeError);
  EXPECT_EQ(to_string(Shape{3}), "(3,)");
}

TEST(Axes, NormalizeRejectsRepeatsAndRange) {
  EXPECT_EQ(normalize_axes({-1, 0}, 3, "sum"), (Axes{0, 2}));
  EXPECT_THROW(normalize_axes({2, -1}, 3, "sum"), AxisError);
  EXPECT_THROW(normalize_axis(3, 3, "sum"), AxisError);
  EXPECT_EQ(inverse_permutation({2, 0, 1}), (Axes{1, 2, 0}));
}

TEST(Shapes, CountElements) {
  EXPECT_EQ(num_elements(Dims{}), 1);
  EXPECT_EQ(num_elements(Dims{2, 3, 4}), 24);
  EXPECT_EQ(num_elements(Dims{2, 0}), 0);
  EXPECT_TRUE(identical(num_elements(Shape{a, 2, b}), a * b * 2));
  expect_error<ShapeError>([] { num_elements(Dims{std::int64_t{1} << 40, std::int64_t{1} << 40}); }, "2^63");
}

TEST(Shapes, KnownAndSymbolic) {
  EXPECT_EQ(concrete(Shape{2, 3}), (Dims{2, 3}));
  EXPECT_EQ(symbolic(Dims{2, 3}), (Shape{2, 3}));
  EXPECT_TRUE(is_concrete(Shape{}));
  EXPECT_FALSE(is_concrete(Shape{2, a}));
  expect_error<InconclusiveDimensionOperation>([] { concrete(Shape{a}); }, "a");
}

TEST(Shapes, TextsAreTuplesOfPython) {
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape{a, 2}), "(a, 2)");
  EXPECT_EQ(tuple_string(Dims{-1}), "(-1,)");
}

TEST(Shapes, StridesAreRowMajor) {
  EXPECT_EQ(row_major_strides(Dims{2, 3, 4}), (Dims{12, 4, 1}));
  EXPECT_EQ(row_major_strides(Dims{5}), Dims{1});
  EXPECT_EQ(row_major_strides(Dims{}), Dims{});
}

TEST(Axes, ListsAndTheirComplements) {
  EXPECT_EQ(iota_axes(3), (Axes{0, 1, 2}));
  EXPECT_EQ(iota_axes(2, 5), (Axes{5, 6}));
  EXPECT_EQ(iota_axes(-1), Axes{});
  EXPECT_TRUE(contains({4, 2}, 2));
  EXPECT_FALSE(contains({}, 0));
  EXPECT_EQ(other_axes({3, 1}, 5), (Axes{0, 2, 4}));
}

TEST(Axes, ErrorsNameTheFunction) {
  expect_error<AxisError>([] { normalize_axis(2, 2, "f"); }, "f: axis 2 is out of bounds for array of dimension 2");
  expect_error<AxisError>([] { normalize_axis(-3, 2, "f"); }, "axis -3");
  expect_error<AxisError>([] { normalize_axis(0, 0, "f"); }, "axis 0");
  expect_error<AxisError>([] { normalize_axes({0, -2}, 2, "f"); }, "f: duplicate value in 'axis'");
}

TEST(Shapes, BroadcastingOfSymbolicSizes) {
  const Shape same[] = {{a, 1}, {a, b}}, apart[] = {{a}, {b}};
  EXPECT_EQ(broadcast_shapes(same, "f"), (Shape{a, b}));
  expect_error<ShapeError>([&] { broadcast_shapes(apart, "f"); },
                           "f: Incompatible shapes for broadcasting: (a,), (b,)");
  EXPECT_EQ(broadcast_shapes({}, "f"), Shape{});
}

}  // namespace
}  // namespace tf2jax
