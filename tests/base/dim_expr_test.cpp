// Canonical polynomials: one text and one address for each.
#include <gtest/gtest.h>
#include <tf2jax/base/dim.h>
#include <tf2jax/base/internal/dim_expr.h>

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

TEST(DimArithmetic, OverflowIsAnError) { EXPECT_THROW(Dim(std::int64_t{1} << 62) * 4, ValueError); }

TEST(DimExpr, EqualPolynomialsAreOne) {
  EXPECT_EQ(((a + b) * (a - b)).expr(), (a * a - b * b).expr());
  EXPECT_EQ((a + b).expr(), (b + a).expr());
  EXPECT_TRUE((a - a).is_constant());
  EXPECT_EQ((a * 0).value(), 0);
  EXPECT_EQ(hash_value(a * b), hash_value(b * a));
  EXPECT_NE((a * a).expr(), a.expr());
}

TEST(DimExpr, TermsComeLargestFirst) {
  const auto terms = detail::terms_of(a * 3 + a * a * b + 5);
  ASSERT_EQ(terms.size(), 3u);
  EXPECT_EQ(terms[0].second, 1);
  EXPECT_EQ(terms[1].second, 3);
  EXPECT_EQ(terms[2].second, 5);
  EXPECT_TRUE(terms[2].first.factors.empty());
  EXPECT_TRUE(detail::terms_of(0).empty());
  EXPECT_TRUE(identical(detail::from_terms(terms), a * 3 + a * a * b + 5));
}

TEST(DimExpr, RepeatedAndZeroTermsAreJoined) {
  auto terms = detail::terms_of(a);
  terms.push_back({terms[0].first, 4});
  terms.push_back({{}, 0});
  EXPECT_EQ(detail::from_terms(terms).to_string(), "5*a");
  terms[1].second = -1;
  EXPECT_EQ(detail::from_terms(terms).value(), 0);
}

TEST(DimExpr, MonomialsDivide) {
  const auto of = [](Dim d) { return detail::terms_of(d)[0].first; };
  const auto quotient = detail::divide(of(a * a * b), of(a));
  ASSERT_TRUE(quotient);
  EXPECT_TRUE(identical(detail::from_monomial(*quotient, 1), a * b));
  EXPECT_FALSE(detail::divide(of(a), of(b)));
  EXPECT_FALSE(detail::divide(of(a), of(a * a)));
}

TEST(DimExpr, FloorsGoDown) {
  EXPECT_EQ(detail::floor_quotient(-7, 2), -4);
  EXPECT_EQ(detail::floor_quotient(7, -2), -4);
  EXPECT_EQ(detail::floor_quotient(-8, 2), -4);
  EXPECT_EQ(detail::floor_remainder(-7, 2), 1);
  EXPECT_EQ(detail::floor_remainder(7, -2), -1);
}

TEST(DimExpr, ArithmeticDoesNotWrap) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max(),
                         kLeast = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(detail::checked_add(kMost, -1), kMost - 1);
  EXPECT_THROW(detail::checked_add(kMost, 1), ValueError);
  EXPECT_THROW(detail::checked_mul(kLeast, -1), ValueError);
  EXPECT_THROW(a * kMost * 2, ValueError);
  EXPECT_THROW(Dim(kMost) + 1, ValueError);
}

}  // namespace
}  // namespace tf2jax
