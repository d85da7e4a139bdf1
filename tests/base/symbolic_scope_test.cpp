// Constraints of dimension variables. What JAX answers is in tests/golden/jax/symbolic_dims.json.
#include <gtest/gtest.h>
#include <tf2jax/base/symbolic_scope.h>

#include <random>

#include "../support.h"

namespace tf2jax {
namespace {

struct Three {
  explicit Three(const std::vector<std::string>& constraints) : scope(constraints) {}
  SymbolicScope scope;
  Dim a = Dim::variable("a", scope), b = Dim::variable("b", scope), c = Dim::variable("c", scope);
};

TEST(SymbolicScope, InequalitiesDecideComparisons) {
  const Three x({"a >= b", "b >= c + 1", "c <= 8"});
  EXPECT_TRUE(x.a >= x.c + 1);
  EXPECT_TRUE(x.a > x.c);
  EXPECT_FALSE(x.c == x.a);
  EXPECT_TRUE(3 * x.a - x.b >= 2 * x.c);
  EXPECT_TRUE(identical(max(x.a, x.c), x.a));
  EXPECT_TRUE(floordiv(x.c, 2) <= 4);
  EXPECT_EQ(bounds(x.c).upper, 8);
  EXPECT_THROW((void)(x.a >= 9), InconclusiveDimensionOperation);
  EXPECT_THROW((void)(Dim::variable("a") >= Dim::variable("b")), InconclusiveDimensionOperation);
}

TEST(SymbolicScope, EqualitiesAreWrittenIn) {
  const Three x({"a == 2*b", "mod(c, 4) == 0"});
  EXPECT_EQ((x.a * x.a).to_string(), "4*b^2");
  EXPECT_EQ((4 * floordiv(x.c, 4)).to_string(), "c");
  EXPECT_EQ(mod(x.c, 4).value(), 0);
  EXPECT_EQ(x.scope.constraints().size(), 3u);  // and what follows of floordiv
  EXPECT_EQ(x.scope.constraints()[1].text, "4*floordiv(c, 4) == c");
}

TEST(SymbolicScope, SameTextsAreOneScopeAndOthersDoNotMix) {
  const Three x({"a >= 2"}), y({"a >= 2"}), z({"a >= 3"});
  EXPECT_TRUE(identical(x.a, y.a));
  EXPECT_FALSE(identical(x.a, z.a));
  EXPECT_TRUE(x.scope == SymbolicScope::of(x.a + 1));
  expect_error<ValueError>([&] { (void)(x.a + z.b); }, "Invalid mixing of symbolic scopes");
  expect_error<ValueError>([&] { (void)max(x.a, Dim::variable("q")); }, "Invalid mixing of symbolic scopes");
}

TEST(SymbolicScope, RefusesWhatCannotBe) {
  const auto make = [](std::vector<std::string> texts) { return [texts] { SymbolicScope scope(texts); }; };
  expect_error<ValueError>(make({"3 >= 4"}), "Unsatisfiable explicit constraint: 3 >= 4");
  expect_error<ValueError>(make({"a >= 4", "a <= 3"}), "Unsatisfiable constraint: a <= 3");
  expect_error<ValueError>(make({"a + b <= 1"}), "Unsatisfiable constraint: a + b <= 1");
  expect_error<ValueError>(make({"4*a == 6"}), "Unsatisfiable constraint: 4*a == 6");
  expect_error<ValueError>(make({"a > 4"}), "must contain one of '==' or '>=' or '<='");
  expect_error<ValueError>(make({"a + b == 4"}), "must be of the form `term * coefficient`");
  expect_error<ValueError>(make({"a == 2*a - 4"}), "must not contain the left one");
  expect_error<NotImplementedError>(make({"2*a == 2*b", "a*1 == c"}), "Found multiple equality constraints");
  expect_error<ParseError>(make({"a >= "}), "expecting one of {NAME, MINUS, NUMBER}");
  expect_error<ResourceExhaustedError>(make(std::vector<std::string>(1001, "a >= 1")), "at most 1000");
}

// What is claimed of random constraints holds for all sizes that meet them.
TEST(SymbolicScope, ClaimsHoldForAllSizes) {
  std::mt19937 draw(20260);
  const auto number = [&](int low, int high) { return std::uniform_int_distribution(low, high)(draw); };
  const auto side = [&] {
    const char* names[] = {"a", "b", "floordiv(a, 2)", "mod(b, 3)", "max(a, b)", "min(a, 3)", "a*b", "2"};
    return fmt::format("{}*{} + {}", number(1, 3), names[number(0, 7)], number(0, 4));
  };
  int claims = 0;
  for (int round = 0; round < 400; ++round) {
    const std::vector<std::string> texts{side() + " >= " + side(), side() + " <= " + side()};
    std::optional<SymbolicScope> scope;
    try {
      scope.emplace(texts);
    } catch (const ValueError&) {  // cannot be met
    }
    const std::string left = side(), right = side();
    const auto answer = scope ? definitely_ge(Dim::parse(left, *scope), Dim::parse(right, *scope)) : std::nullopt;
    if (scope && !answer) continue;
    ++claims;
    for (int a = 1; a < 12; ++a)
      for (int b = 1; b < 12; ++b) {
        const auto at = [&](const std::string& text) { return Dim::parse(text).evaluate({{"a", a}, {"b", b}}); };
        const auto holds = [&](const std::string& text) {
          const std::size_t op = text.find(text.find(">=") == text.npos ? "<=" : ">=");
          const auto x = at(text.substr(0, op)), y = at(text.substr(op + 2));
          return text[op] == '>' ? x >= y : x <= y;
        };
        if (!holds(texts[0]) || !holds(texts[1])) continue;
        ASSERT_TRUE(scope) << texts[0] << ", " << texts[1] << " at " << a << ", " << b;
        ASSERT_EQ(at(left) >= at(right), *answer) << left << " >= " << right << " at " << a << ", " << b;
      }
  }
  EXPECT_GT(claims, 50);
}

TEST(SymbolicShape, TakesSizesFromLike) {
  EXPECT_EQ(to_string(symbolic_shape("(b, _, ...)", {.like = {{2, 3, 4, 5}}})), "(b, 3, 4, 5)");
  EXPECT_EQ(to_string(symbolic_shape("b, 2*b + 1")), "(b, 2*b + 1)");
  expect_error<ParseError>([] { symbolic_shape("(b, 3)", {.like = {{2, 4}}}); },
                           "syntax error in symbolic shape '(b, 3)' in dimension 1: different size 3 for known "
                           "dimension; like=(2, 4). Parsed '(b, 3', remaining ')'.");
  expect_error<ValueError>([] { symbolic_shape("b", {.constraints = {"b >= 2"}, .scope = SymbolicScope()}); },
                           "Cannot specify both");
}

TEST(SymbolicScope, NumbersAtTheEndOf64BitsAreErrorsOrStay) {
  const std::string least = "-9223372036854775807*a - a";  // -2^63 a
  const SymbolicScope negated({"-1*a == b - 10"});
  expect_error<ValueError>([&] { Dim::parse(least, negated); }, "does not fit in 64 bits");
  expect_error<ValueError>([] { SymbolicScope scope({"a - 9223372036854775807 - 1 >= 0"}); },
                           "does not fit in 64 bits");
  const Dim d = Dim::parse(least);
  EXPECT_EQ(definitely_ge(d, 0), false);
  expect_error<ValueError>([&] { definitely_ge(0, d); }, "does not fit in 64 bits");
}

TEST(SymbolicShape, TextsFromStrangers) {
  for (const std::string& text :
       {std::string(100000, '('), std::string(100000, '-'), "a^" + std::string(1000, '9'), std::string("mod(a, 0)")})
    EXPECT_THROW(symbolic_shape(text), ParseError);
  std::string nested = "a";
  for (int i = 0; i < 1000; ++i) nested = "max(" + nested + ", b)";
  EXPECT_THROW(symbolic_shape(nested), ParseError);
}

}  // namespace
}  // namespace tf2jax
