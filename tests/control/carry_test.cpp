// Bodies of loops that are staged until their carry keeps its types.
#include <gtest/gtest.h>
#include <tf2jax/control/internal/carry.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(StageCarry, WeakInitialValuesAreConverted) {
  const auto [carry, body] =
      stage_carry("loop", [](const Arrays& x) { return Arrays{x[0] + x[1]}; }, {Array(0)}, {spec(f32)}, 1);
  EXPECT_EQ(carry[0].dtype(), f32);
  EXPECT_TRUE(body.input(0).matches(body.output_avals()[0]));
}

TEST(StageCarry, StrongOnesAreKept) {
  const Array init = array<float>({1, 2});
  const auto [carry, body] =
      stage_carry("loop", [](const Arrays& x) { return Arrays{x[0] * 2.f, x[0][0]}; }, {init}, {}, 1);
  EXPECT_TRUE(carry[0].same_as(init));
  EXPECT_EQ(body.num_outputs(), 2u);
}

TEST(StageCarry, NamesTheLeafThatChanges) {
  expect_error<TypeError>(
      [] {
        stage_carry("loop", [](const Arrays& x) { return Arrays{x[0], sum(x[1])}; }, {Array(0), ones({2})}, {}, 2);
      },
      "carry leaf 1 has type f32[2] but the corresponding output has type f32[]");
  expect_error<TypeError>([] { stage_carry("loop", [](const Arrays&) { return Arrays{}; }, {Array(0)}, {}, 1); },
                          "returns too few values. Got 0");
}

TEST(Orders, CountUp) {
  Order order{7};
  append_range(order, 2, 3);
  EXPECT_EQ(order, (Order{7, 2, 3, 4}));
  EXPECT_EQ(all_of(3), (Order{0, 1, 2}));
  EXPECT_TRUE(all_of(0).empty());
}

}  // namespace
}  // namespace tf2jax
