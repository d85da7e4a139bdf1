// Constants are equal when their bytes are.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/trace/same_bytes.h>

#include <cmath>

namespace tf2jax {
namespace {

TEST(SameBytes, ComparesBitsNotValues) {
  EXPECT_TRUE(same_bytes(array<float>({1, NAN}), array<float>({1, NAN})));
  EXPECT_FALSE(same_bytes(array<float>({0.f}), array<float>({-0.f})));
  EXPECT_FALSE(same_bytes(array<float>({1}), array<float>({2})));
}

TEST(SameBytes, TypesAndShapesCount) {
  EXPECT_FALSE(same_bytes(array<float>({0}), array<int>({0})));
  EXPECT_FALSE(same_bytes(zeros({2, 1}), zeros({1, 2})));
  EXPECT_TRUE(same_bytes(zeros({0, 2}), zeros({0, 2})));
  EXPECT_TRUE(same_bytes(Array(1.f), array<float>(1)));  // weak types do not
}

TEST(SameBytes, TracedValuesAreNeverTheSame) {
  make_jaxpr([](const Array& x) {
    EXPECT_FALSE(same_bytes(x, x));
    EXPECT_FALSE(same_bytes(x, Array(1.f)));
    return x;
  })(1.f);
}

}  // namespace
}  // namespace tf2jax
