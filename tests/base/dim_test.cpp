#include "tf2jax/base/dim.h"

#include "tf2jax/base/shape.h"

#include <gtest/gtest.h>

namespace tf2jax {
namespace {

const Dim a = Dim::variable("a"), b = Dim::variable("b");

// Expected texts were printed by JAX 0.11.2.
TEST(DimPrinting, PutsLargerTermsFirst) {
  EXPECT_EQ((b * 2 + 1).to_string(), "2*b + 1");
  EXPECT_EQ((Dim(2) * a * b * (a + b)).to_string(), "2*a*b^2 + 2*a^2*b");
  EXPECT_EQ(((a * a + Dim(2) * a * b + b * b) * (a + b)).to_string(), "3*a*b^2 + 3*a^2*b + b^3 + a^3");
  EXPECT_EQ((Dim(2) * a * b - (a + b)).to_string(), "2*a*b - b - a");
  EXPECT_EQ((Dim(7) - a).to_string(), "- a + 7");
  EXPECT_EQ((mod(a, 3) * 3).to_string(), "3*mod(a, 3)");
  EXPECT_EQ((min(a, b) * a).to_string(), "a*min(a, b)");
  EXPECT_EQ(floordiv(Dim(3) * a, -2).to_string(), "floordiv(3*a, - 2)");
}

TEST(DimDivision, IsExactWherePossible) {
  EXPECT_EQ(floordiv(a * 4 + 3, 2).to_string(), "2*a + 1");
  EXPECT_EQ(mod(a * 4 + 3, 2).value(), 1);
  EXPECT_EQ(floordiv(a * a + Dim(2) * a * b + b * b, a + b).to_string(), "b + a");
  EXPECT_EQ(floordiv(a + 1, a).to_string(), "floordiv(a + 1, a)");
  EXPECT_EQ(mod(a, a * 2).to_string(), "mod(a, 2*a)");
  EXPECT_EQ(floordiv(-7, 2).value(), -4);
  EXPECT_EQ(mod(-7, 2).value(), 1);
  EXPECT_THROW(floordiv(a, 0), ValueError);
  EXPECT_FALSE(exact_div(a + 1, a));
  EXPECT_EQ(exact_div(a * b * 6, b * 2)->to_string(), "3*a");
}

TEST(DimComparison, DecidesWhatHoldsForAllValues) {
  EXPECT_TRUE(a >= 1);
  EXPECT_TRUE(a * 2 - 1 >= 1);
  EXPECT_FALSE(a == 0);
  EXPECT_TRUE(max(a, b) >= a);
  EXPECT_TRUE(mod(a, 3) < 3);
  EXPECT_TRUE(floordiv(a, 2) <= a);
  EXPECT_TRUE(identical(min(a, a + b), a));
}

TEST(DimComparison, ThrowsWhenUndecided) {
  EXPECT_THROW((void)(a > 1), InconclusiveDimensionOperation);
  EXPECT_THROW((void)(a == b), InconclusiveDimensionOperation);
  EXPECT_THROW(a.value(), InconclusiveDimensionOperation);
  try {
    (void)(a * 2 - 3 >= 0);
    FAIL();
  } catch (const InconclusiveDimensionOperation& e) {
    EXPECT_NE(std::string(e.what()).find("Symbolic dimension comparison '2*a - 3' >= '0' is inconclusive."), std::string::npos);
  }
}

TEST(DimParse, ReadsWhatItPrints) {
  for (const char* text : {"2*b + 1", "floordiv(a, 2)", "mod(a^2 - 3, - 2)", "max(b, a) - 4*a*b^2", "- a"}) {
    EXPECT_TRUE(identical(Dim::parse(Dim::parse(text).to_string()), Dim::parse(text))) << text;
  }
  EXPECT_EQ(Dim::parse("a*(b - 1)").to_string(), "a*b - a");
  EXPECT_EQ(Dim::parse("-3").value(), -3);
  for (const char* text : {"", "2*", "a b", "foo(a, b)", "mod(a)", "1.5", "((((a", "a^-1"}) EXPECT_THROW(Dim::parse(text), ParseError) << text;
  EXPECT_THROW(Dim::parse(std::string(100000, '(')), ParseError);
  EXPECT_THROW(Dim::parse(std::string(100000, '-')), ParseError);
}

TEST(DimEvaluate, ReplacesVariables) {
  EXPECT_EQ((floordiv(a, 2) + b).evaluate({{"a", 7}, {"b", 10}}), 13);
  EXPECT_THROW(a.evaluate({{"b", 1}}), ValueError);
  EXPECT_EQ(floordiv(a, 2).substitute({{"a", b * 4}}).to_string(), "2*b");
  EXPECT_EQ((a * b).variables(), (std::vector<std::string>{"a", "b"}));
}

TEST(DimArithmetic, OverflowIsAnError) { EXPECT_THROW(Dim(std::int64_t{1} << 62) * 4, ValueError); }

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

}  // namespace
}  // namespace tf2jax
