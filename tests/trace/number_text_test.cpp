// Numbers as Python's repr writes them.
#include <gtest/gtest.h>
#include <tf2jax/trace/internal/number_text.h>

#include <cmath>
#include <limits>

namespace tf2jax {
namespace {

using detail::complex_text;
using detail::float_text;
using detail::shortest_digits;

TEST(FloatText, IsTheReprOfPython) {
  EXPECT_EQ(float_text(0), "0.0");
  EXPECT_EQ(float_text(-0.0), "-0.0");
  EXPECT_EQ(float_text(1), "1.0");
  EXPECT_EQ(float_text(-2.5), "-2.5");
  EXPECT_EQ(float_text(0.1), "0.1");
  EXPECT_EQ(float_text(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(float_text(100), "100.0");
  EXPECT_EQ(float_text(INFINITY), "inf");
  EXPECT_EQ(float_text(-INFINITY), "-inf");
  EXPECT_EQ(float_text(NAN), "nan");
}

TEST(FloatText, ExponentsBeginWherePythonsDo) {
  EXPECT_EQ(float_text(1e15), "1000000000000000.0");
  EXPECT_EQ(float_text(1e16), "1e+16");
  EXPECT_EQ(float_text(1.5e300), "1.5e+300");
  EXPECT_EQ(float_text(0.0001), "0.0001");
  EXPECT_EQ(float_text(0.00001), "1e-05");
  EXPECT_EQ(float_text(std::numeric_limits<double>::denorm_min()), "5e-324");
}

TEST(ComplexText, IsTheReprOfPython) {
  EXPECT_EQ(complex_text({0, 1}), "1j");
  EXPECT_EQ(complex_text({0, -1}), "-1j");
  EXPECT_EQ(complex_text({2, 0}), "(2+0j)");
  EXPECT_EQ(complex_text({1.5, -2.5}), "(1.5-2.5j)");
  EXPECT_EQ(complex_text({-0.0, 1}), "(-0+1j)");
  EXPECT_EQ(complex_text({NAN, INFINITY}), "(nan+infj)");
}

TEST(ShortestDigits, IdentifyAValueWithinItsDtype) {
  EXPECT_EQ(shortest_digits(0.1f, f32).digits, "1");
  EXPECT_EQ(shortest_digits(0.1f, f64).digits, "10000000149011612");
  EXPECT_EQ(shortest_digits(static_cast<float>(float16(0.1f)), f16).digits, "1");
  EXPECT_EQ(shortest_digits(static_cast<float>(bfloat16(0.1f)), bf16).digits, "1");
  EXPECT_EQ(shortest_digits(1.f / 3, f32).digits, "33333334");
}

TEST(ShortestDigits, TheExponentCountsFromThePoint) {
  EXPECT_EQ(shortest_digits(123, f64).point, 3);
  EXPECT_EQ(shortest_digits(0.001, f64).point, -2);
  EXPECT_EQ(shortest_digits(0, f64).digits, "");
  EXPECT_TRUE(shortest_digits(-1, f64).negative);
  EXPECT_FALSE(shortest_digits(1, f64).negative);
}

}  // namespace
}  // namespace tf2jax
