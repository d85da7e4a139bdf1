// Equations that give an operand as it is.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "tf2jax/passes/identities.h"

namespace tf2jax {
namespace {

TEST(Identities, OperandsThatAreTheResult) {
  const auto count = [](auto&& f, const Array& x) { return drop_identities(make_jaxpr(f)(x))->eqns.size(); };
  const Array x = array<float>({1, 2}), n = array<std::int32_t>({1, 2});
  EXPECT_EQ(count([](const Array& v) { return v * ones({2}); }, x), 2u);  // an array of ones is not looked at
  EXPECT_EQ(count([](const Array& v) { return 1.f * v / 1.f; }, Array(3.f)), 0u);
  EXPECT_EQ(count([](const Array& v) { return transpose(reshape(v, {1, 2}), {0, 1}); }, x), 1u);
  EXPECT_EQ(count([](const Array& v) { return reshape(astype(v, f32), {2}); }, x), 0u);
  EXPECT_EQ(count([](const Array& v) { return (v + 0) - 0; }, Array(std::int32_t{3})), 0u);
  EXPECT_EQ(count([](const Array& v) { return v * 2; }, n), 1u);
}

TEST(Identities, NegativeZeroPlusZeroIsNotItself) {
  const Jaxpr j = drop_identities(make_jaxpr([](const Array& v) { return v + 0.f; })(1.f));
  const Array args[] = {Array(-0.f)};
  EXPECT_FALSE(std::signbit(eval_jaxpr(j, args)[0].item<float>()));
}

TEST(Identities, ScalarNumbersAreExact) {
  EXPECT_TRUE(is_scalar_number(Array(1.f), 1));
  EXPECT_TRUE(is_scalar_number(Array(std::int32_t{0}), 0));
  EXPECT_FALSE(is_scalar_number(Array(-0.f), 0));
  EXPECT_FALSE(is_scalar_number(Array(1.5f), 1));
  EXPECT_FALSE(is_scalar_number(ones({1}), 1));
  EXPECT_FALSE(is_scalar_number(Array(complex64(1)), 1));
}

TEST(Identities, OnlySomePrimitivesHaveThem) {
  EXPECT_TRUE(has_identity(mul_p()));
  EXPECT_TRUE(has_identity(reshape_p()));
  EXPECT_FALSE(has_identity(sin_p()));
}

}  // namespace
}  // namespace tf2jax
