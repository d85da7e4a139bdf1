#include "tf2jax/base/dim.h"

#include "tf2jax/base/shape.h"

#include <gtest/gtest.h>

namespace tf2jax {
namespace {

const Dim a = Dim::variable("a"), b = Dim::variable("b");

TEST(DimDivision, IsExactWherePossible) {
  EXPECT_EQ(floordiv(a * 4 + 3, 2).to_string(), "2*a + 1");
  EXPECT_EQ(mod(a * 4 + 3, 2).value(), 1);
  EXPECT_EQ(floordiv(a * a + Dim(2) * a * b + b * b, a + b).to_string(), "b + a");
  EXPECT_EQ(floordiv(a + 1, a).to_string(), "floordiv(a + 1, a)");
  EXPECT_EQ(mod(a, a * 2).to_string(), "mod(a, 2*a)");
  EXPECT_EQ(floordiv(-7, 2).value(), -4);
  EXPECT_EQ(mod(Dim(-7), 2).value(), 1);
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
  EXPECT_THROW((void)(a != 1), InconclusiveDimensionOperation);
  EXPECT_THROW(a.value(), InconclusiveDimensionOperation);
  try {
    (void)(a + 1 == b);
    FAIL();
  } catch (const InconclusiveDimensionOperation& e) {
    EXPECT_NE(std::string(e.what()).find("Dimension polynomial comparison 'a + 1' == 'b' is inconclusive."),
              std::string::npos);
  }
  try {
    (void)(a * 2 - 3 >= 0);
    FAIL();
  } catch (const InconclusiveDimensionOperation& e) {
    EXPECT_NE(std::string(e.what()).find("Symbolic dimension comparison '2*a - 3' >= '0' is inconclusive."),
              std::string::npos);
  }
}

TEST(DimEvaluate, ReplacesVariables) {
  EXPECT_EQ((floordiv(a, 2) + b).evaluate({{"a", 7}, {"b", 10}}), 13);
  EXPECT_THROW(a.evaluate({{"b", 1}}), ValueError);
  EXPECT_EQ(floordiv(a, 2).substitute({{"a", b * 4}}).to_string(), "2*b");
  EXPECT_EQ((a * b).variables(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace tf2jax
