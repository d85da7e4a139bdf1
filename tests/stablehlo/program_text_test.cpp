// Texts of lowered programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

using namespace tf2jax;
using ::testing::HasSubstr;

TEST(LoweredText, IsAJaxprOrAModule) {
  const auto lowered = jit([](const Array& x) { return sin(x); }).lower(spec(f32, {3}));
  EXPECT_THAT(lowered.as_text(), HasSubstr("sin"));
  EXPECT_EQ(lowered.as_text(), lowered.as_text("jaxpr"));
  EXPECT_THAT(lowered.as_text("stablehlo"), HasSubstr("%0 = stablehlo.sine %arg0 : tensor<3xf32>"));
}

TEST(LoweredText, OtherDialectsAreErrors) {
  const auto lowered = jit([](const Array& x) { return sin(x); }).lower(spec(f32, {3}));
  expect_error<ValueError>([&] { (void)lowered.as_text("hlo"); }, "Got 'hlo'; expected 'jaxpr' or 'stablehlo'");
}
