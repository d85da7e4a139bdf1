// Padding and blocks of space: values of TensorFlow's documentation of the operations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../support.h"
#include "../one_node.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using Ints = std::vector<int>;

const Array kMatrix = array<std::int32_t>({{1, 2, 3}, {4, 5, 6}});
const Operand kWidths{array<std::int32_t>({{1, 1}, {2, 2}})};

TEST(Padding, ReflectsAboutTheEdgeOrRepeatsIt) {
  const auto padded = [](const char* mode) {
    return Array(call_node("MirrorPad", {{kMatrix, true}, kWidths}, {{"mode", std::string(mode)}})).to_vector<int>();
  };
  EXPECT_EQ(padded("REFLECT"),
            (Ints{6, 5, 4, 5, 6, 5, 4, 3, 2, 1, 2, 3, 2, 1, 6, 5, 4, 5, 6, 5, 4, 3, 2, 1, 2, 3, 2, 1}));
  EXPECT_EQ(padded("SYMMETRIC"),
            (Ints{2, 1, 1, 2, 3, 3, 2, 2, 1, 1, 2, 3, 3, 2, 5, 4, 4, 5, 6, 6, 5, 5, 4, 4, 5, 6, 6, 5}));
}

TEST(Padding, ReflectionNeedsMoreElementsThanItAdds) {
  const Operand wide{array<std::int32_t>({{2, 0}, {0, 0}})};
  const auto call = [&] { call_node("MirrorPad", {{kMatrix, true}, wide}, {{"mode", std::string("REFLECT")}}); };
  EXPECT_THAT(message_of<ImportError>(call), HasSubstr("for axis 0 of size 2"));
}

TEST(Padding, TakesAValue) {
  const Operand value{Array(std::int32_t{7})}, widths{array<std::int32_t>({{0, 1}, {1, 0}})};
  const Array y = call_node("PadV2", {{kMatrix, true}, widths, value}, {});
  EXPECT_EQ(y.to_vector<int>(), (Ints{7, 1, 2, 3, 7, 4, 5, 6, 7, 7, 7, 7}));
}

TEST(Blocks, OfSpaceBecomeBatchAndReturn) {
  const Operand block{array<std::int32_t>({2, 2})}, none{zeros({2, 2}, i32)};
  const Array image = reshape(arange(1, 5), {1, 2, 2, 1});
  const Array batch = call_node("SpaceToBatchND", {{image, true}, block, none}, {});
  EXPECT_EQ(batch.dims(), (Dims{4, 1, 1, 1}));
  EXPECT_EQ(batch.to_vector<int>(), (Ints{1, 2, 3, 4}));
  EXPECT_EQ(Array(call_node("BatchToSpaceND", {{batch, true}, block, none}, {})).dims(), (Dims{1, 2, 2, 1}));
}

TEST(Blocks, OfSpaceBecomeDepthAndReturn) {
  const Array image = reshape(arange(16), {1, 4, 4, 1});
  const std::map<std::string, AttributeValue> two{{"block_size", std::int64_t{2}}};
  const Array deep = call_node("SpaceToDepth", {{image, true}}, two);
  EXPECT_EQ(deep.to_vector<int>(), (Ints{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}));
  EXPECT_EQ(Array(call_node("DepthToSpace", {{deep, true}}, two)).to_vector<int>(), image.to_vector<int>());
}

}  // namespace
}  // namespace tf2jax
