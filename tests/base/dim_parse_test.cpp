// Texts of dimensions.
#include <gtest/gtest.h>
#include <tf2jax/base/dim.h>

#include "../support.h"

namespace tf2jax {
namespace {

const Dim a = Dim::variable("a"), b = Dim::variable("b");

TEST(DimParse, ReadsWhatItPrints) {
  for (const char* text : {"2*b + 1", "floordiv(a, 2)", "mod(a^2 - 3, - 2)", "max(b, a) - 4*a*b^2", "- a"}) {
    EXPECT_TRUE(identical(Dim::parse(Dim::parse(text).to_string()), Dim::parse(text))) << text;
  }
  EXPECT_EQ(Dim::parse("-3").value(), -3);
  for (const char* text :
       {"", "2*", "a b", "foo(a, b)", "mod(a)", "1.5", "((((a", "a^-1", "a*(b - 1)", "a - -b", "a, b"})
    EXPECT_THROW(Dim::parse(text), ParseError) << text;
  EXPECT_THROW(Dim::parse(std::string(100000, '(')), ParseError);
  EXPECT_THROW(Dim::parse(std::string(100000, '-')), ParseError);
}

TEST(DimParse, PrecedenceSignsAndSpaces) {
  EXPECT_TRUE(identical(Dim::parse(" a + 2 * b ^ 2 "), a + b * b * 2));
  EXPECT_TRUE(identical(Dim::parse("-a+b"), b - a));
  EXPECT_TRUE(identical(Dim::parse("a - -3"), a + 3));
  EXPECT_TRUE(identical(Dim::parse("-2*a"), a * -2));
  EXPECT_EQ(Dim::parse("2^10").value(), 1024);
  EXPECT_EQ(Dim::parse("a^0").value(), 1);
  EXPECT_TRUE(identical(Dim::parse("mod(a, 3)"), mod(a, 3)));
  EXPECT_TRUE(identical(Dim::parse("max(a, min(b, 2))"), max(a, min(b, 2))));
  EXPECT_EQ(Dim::parse("_n1").to_string(), "_n1");
}

TEST(DimParse, ErrorsSayWhere) {
  expect_error<ParseError>([] { Dim::parse("a b"); }, "found NAME. Parsed 'a ', remaining 'b'.");
  expect_error<ParseError>([] { Dim::parse("foo(a, b)"); }, "found LPAR. Parsed 'foo', remaining '(a, b)'.");
  expect_error<ParseError>([] { Dim::parse("a^65"); }, "an exponent up to 64, found 65");
  expect_error<ParseError>([] { Dim::parse("99999999999999999999"); }, "expecting integer");
}

}  // namespace
}  // namespace tf2jax
