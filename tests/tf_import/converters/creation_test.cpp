// Arrays out of sizes and ranges: values written out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../support.h"
#include "../one_node.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

Operand real(float v) { return {Array::from_bytes(f32, {}, std::as_bytes(std::span(&v, 1)))}; }
Operand number(std::int32_t v) { return {Array::from_bytes(i32, {}, std::as_bytes(std::span(&v, 1)))}; }

TEST(Creation, FillRepeatsATracedValue) {
  const Array y = call_node("Fill", {{array<std::int32_t>({2, 1})}, {Array(2.5f), true}}, {});
  EXPECT_EQ(y.dims(), (Dims{2, 1}));
  EXPECT_EQ(y.to_vector<float>(), (Floats{2.5f, 2.5f}));
}

TEST(Creation, RangesEndBeforeTheirLimit) {
  const Array down = call_node("Range", {number(5), number(-2), number(-3)}, {});
  EXPECT_EQ(down.to_vector<int>(), (std::vector<int>{5, 2, -1}));
  const Array none = call_node("Range", {number(5), number(5), number(1)}, {});
  EXPECT_EQ(none.size(), 0);
  const Array halves = call_node("Range", {real(0), real(1.2f), real(0.5f)}, {});
  EXPECT_EQ(halves.to_vector<float>(), (Floats{0, 0.5f, 1}));
}

TEST(Creation, ARangeNeedsAStep) {
  const auto call = [] { call_node("Range", {number(0), number(3), number(0)}, {}); };
  EXPECT_THAT(message_of<ImportError>(call), HasSubstr("import 'y' (Range)"));
}

TEST(Creation, LinSpaceHoldsBothEnds) {
  const Array y = call_node("LinSpace", {real(1), real(3), number(5)}, {});
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 1.5f, 2, 2.5f, 3}));
  const Array one = call_node("LinSpace", {real(1), real(3), number(1)}, {});
  EXPECT_EQ(one.to_vector<float>(), Floats{1});
}

}  // namespace
}  // namespace tf2jax
