// A module that is one operation.
#include "tf2jax/stablehlo/opaque_call.h"

#include "programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

Array opaque_sine(const Array& x) {
  const Jaxpr program = stage([](const Arrays& xs) { return Arrays{sin(xs[0])}; }, {x.aval().strong()});
  return stablehlo::mhlo_apply_p().bind1({x}, stablehlo::MhloApply{"m", program});
}

template <class F>
std::string refusal(const F& f) {
  try {
    f();
  } catch (const MissingRule& e) {
    return e.what();
  }
  return "no MissingRule";
}

}  // namespace

TEST(OpaqueCall, Runs) {
  EXPECT_FLOAT_EQ(opaque_sine(array(0.5f)).item<float>(), std::sin(0.5f));
  EXPECT_FLOAT_EQ(jit(opaque_sine)(array(0.5f)).item<float>(), std::sin(0.5f));
}

TEST(OpaqueCall, RefusesTransformsAndNamesTheOption) {
  EXPECT_THAT(refusal([] { grad(opaque_sine)(array(0.5f)); }),
              ::testing::AllOf(::testing::HasSubstr("Differentiation rule for 'mhlo_apply' not implemented"),
                               ::testing::HasSubstr("xlacallmodule_transparent")));
  EXPECT_THAT(refusal([] { jvp(opaque_sine, {array(0.5f)}, {array(1.f)}); }),
              ::testing::HasSubstr("Differentiation rule for 'mhlo_apply' not implemented"));
  EXPECT_THAT(refusal([] { vmap(opaque_sine)(three()); }),
              ::testing::HasSubstr("Batching rule for 'mhlo_apply' not implemented"));
}

TEST(OpaqueCall, DerivativesThatNothingUsesAreNoError) {
  const auto f = [](const Array& x) { return mul(stop_gradient(opaque_sine(x)), x); };
  EXPECT_FLOAT_EQ(grad(f)(array(0.5f)).item<float>(), std::sin(0.5f));
}
