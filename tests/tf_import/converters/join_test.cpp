// Joining, stacking and splitting: values written out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../support.h"
#include "../one_node.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

const Array kLeft = array<float>({{1, 2}, {3, 4}}), kRight = array<float>({{5}, {6}});
Operand traced(const Array& x) { return {x, true}; }
Operand number(std::int32_t v) { return {Array(v)}; }

TEST(Join, ConcatenatesAlongAnAxisFromEitherEnd) {
  for (const int axis : {1, -1}) {
    const Array y = call_node("ConcatV2", {traced(kLeft), traced(kRight), number(axis)}, {{"N", std::int64_t{2}}});
    EXPECT_EQ(y.to_vector<float>(), (Floats{1, 2, 5, 3, 4, 6}));
  }
}

TEST(Join, ConcatTakesItsAxisFirst) {
  const Array y = call_node("Concat", {number(0), traced(kLeft), traced(kLeft)}, {{"N", std::int64_t{2}}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 2, 3, 4, 1, 2, 3, 4}));
}

TEST(Join, PacksAlongANewAxis) {
  const Array y =
      call_node("Pack", {traced(kLeft), traced(kLeft)}, {{"N", std::int64_t{2}}, {"axis", std::int64_t{2}}});
  EXPECT_EQ(y.dims(), (Dims{2, 2, 2}));
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 1, 2, 2, 3, 3, 4, 4}));
}

TEST(Join, UnpacksColumns) {
  const Array y =
      call_node("Unpack", {traced(kLeft)}, {{"num", std::int64_t{2}}, {"axis", std::int64_t{1}}}, true, {"y:1"});
  EXPECT_EQ(y.to_vector<float>(), (Floats{2, 4}));
}

TEST(Join, OneSizeOfASplitFollowsFromTheOthers) {
  const Operand sizes{array<std::int32_t>({1, -1})};
  const Array y =
      call_node("SplitV", {traced(arange(5)), sizes, number(0)}, {{"num_split", std::int64_t{2}}}, true, {"y:1"});
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{1, 2, 3, 4}));
}

TEST(Join, RefusesAnAxisThatIsNotThere) {
  const auto call = [] { call_node("ConcatV2", {traced(kLeft), traced(kLeft), number(2)}, {{"N", std::int64_t{2}}}); };
  EXPECT_THAT(message_of<ImportError>(call), HasSubstr("import 'y' (ConcatV2)"));
}

}  // namespace
}  // namespace tf2jax
