// Results whose sizes are data, by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<int>;
using ::testing::HasSubstr;

TEST(ValueShapes, PartitionsAndStitchesUndoOneAnother) {
  const Array x = array<float>({{1, 2}, {3, 4}, {5, 6}});
  const Tree parts = call_node("DynamicPartition", {argument(x), fixed(array<int>({1, 0, 1}))},
                               {{"num_partitions", std::int64_t{2}}}, true, {"y:0", "y:1"});
  EXPECT_EQ(Array(parts["y:0"]).to_vector<float>(), (Floats{3, 4}));
  EXPECT_EQ(Array(parts["y:1"]).to_vector<float>(), (Floats{1, 2, 5, 6}));
  const Array whole = call_node(
      "DynamicStitch",
      {fixed(array<int>({1})), fixed(array<int>({0, 2})), argument(Array(parts["y:0"])), argument(Array(parts["y:1"]))},
      {{"N", std::int64_t{2}}});
  EXPECT_EQ(whole.to_vector<float>(), x.to_vector<float>());
}

TEST(ValueShapes, LaterRowsOfAStitchWin) {
  const Array y = call_node(
      "DynamicStitch",
      {fixed(array<int>({0, 1})), fixed(array<int>({1})), argument(array<float>({1, 2})), argument(array<float>({9}))},
      {{"N", std::int64_t{2}}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 9}));
}

TEST(ValueShapes, WhatDecidesASizeMustBeKnown) {
  const auto call = [](const Array& parts) {
    return call_node("DynamicPartition", {argument(array<float>({5, 6})), argument(parts)},
                     {{"num_partitions", std::int64_t{2}}}, true, {"y:0"})
        .array();
  };
  EXPECT_EQ(call(array<int>({1, 0})).to_vector<float>(), (Floats{6}));
  EXPECT_THAT(message_of<ConcretizationError>([&] { jit(call)(array<int>({1, 0})); }), HasSubstr("the partitions"));
  const auto out_of_range = [] {
    call_node("DynamicPartition", {argument(ones({2})), fixed(array<int>({0, 2}))},
              {{"num_partitions", std::int64_t{2}}}, true, {"y:0"});
  };
  EXPECT_THAT(message_of<ImportError>(out_of_range), HasSubstr("a partition is out of range. Got 2"));
}

TEST(ValueShapes, DistinctValuesKeepTheirOrder) {
  const Tree y = call_node("UniqueWithCounts", {fixed(array<float>({3, 0, 3, -0.f, 7}))}, {{"out_idx", i32}}, true,
                           {"y:0", "y:1", "y:2"});
  EXPECT_EQ(Array(y["y:0"]).to_vector<float>(), (Floats{3, 0, 7}));
  EXPECT_EQ(Array(y["y:1"]).to_vector<int>(), (Ints{0, 1, 0, 1, 2}));
  EXPECT_EQ(Array(y["y:2"]).to_vector<int>(), (Ints{2, 2, 1}));
}

TEST(ValueShapes, WhatTheOtherListLacks) {
  const Tree y = call_node("ListDiff", {fixed(array<int>({1, 2, 3, 4})), fixed(array<int>({3, 1}))}, {{"out_idx", i32}},
                           true, {"y:0", "y:1"});
  EXPECT_EQ(Array(y["y:0"]).to_vector<int>(), (Ints{2, 4}));
  EXPECT_EQ(Array(y["y:1"]).to_vector<int>(), (Ints{1, 3}));
}

// Two unit squares that share a half, and one apart.
const Array kBoxes = array<float>({{0, 0, 1, 1}, {0, 0.5f, 1, 1.5f}, {5, 5, 6, 6}});
const Array kScores = array<float>({0.6f, 0.9f, 0.3f});

TEST(ValueShapes, TheBestOfOverlappingBoxesStays) {
  const auto kept = [](float overlap, float limit) {
    return Array(call_node(
                     "NonMaxSuppressionV3",
                     {fixed(kBoxes), fixed(kScores), fixed(array<int>(3)), fixed(Array(overlap)), fixed(Array(limit))},
                     {}))
        .to_vector<int>();
  };
  EXPECT_EQ(kept(0.2f, 0.f), (Ints{1, 2}));  // they share a third of what they cover
  EXPECT_EQ(kept(0.5f, 0.f), (Ints{1, 0, 2}));
  EXPECT_EQ(kept(0.2f, 0.5f), (Ints{1}));
}

TEST(ValueShapes, PaddedSuppressionIsTraced) {
  const Tree y =
      call_node("NonMaxSuppressionV4",
                {argument(kBoxes), argument(kScores), fixed(array<int>(4)), fixed(Array(0.2f)), fixed(Array(0.f))},
                {{"pad_to_max_output_size", true}}, true, {"y:0", "y:1"});
  EXPECT_EQ(Array(y["y:0"]).to_vector<int>(), (Ints{1, 2, 0, 0}));
  EXPECT_EQ(Array(y["y:1"]).item<int>(), 2);
}

TEST(ValueShapes, SparseTensorsByTheirIndices) {
  const Array y = call_node("SparseToDense",
                            {fixed(array<int>({{0, 1}, {1, 2}})), fixed(array<int>({2, 3})),
                             argument(array<float>({5, 6})), argument(Array(-1.f))},
                            {});
  EXPECT_EQ(y.to_vector<float>(), (Floats{-1, 5, -1, -1, -1, 6}));
  const std::vector<Operand> product{fixed(array<int>({{0, 1}, {1, 0}})), argument(array<float>({2, 3})),
                                     fixed(array<int>({2, 2})), argument(array<float>({{1, 10}, {2, 20}}))};
  const std::map<std::string, AttributeValue> plain{{"adjoint_a", false}, {"adjoint_b", false}};
  EXPECT_EQ(floats_of(call_node("SparseTensorDenseMatMul", product, plain)), (Floats{4, 40, 3, 30}));
}

// The values are TensorFlow's: boxes that overlap by more than the threshold fade like the others.
TEST(NonMaxSuppression, WithASigmaScoresFadeWhateverTheOverlap) {
  const Array boxes = array<float>({{0, 0, 1, 1}, {0, 0, 1, 1}, {0, 0, 1, 0.9f}, {0, 0, 1, 0.5f}});
  const Array scores = array<float>({0.9f, 0.8f, 0.7f, 0.6f});
  const Tree y = call_node(
      "NonMaxSuppressionV5",
      {argument(boxes), argument(scores), fixed(Array(4)), fixed(Array(0.3f)), fixed(Array(-1.f)), fixed(Array(0.5f))},
      {{"pad_to_max_output_size", true}}, true, {"y:0", "y:1"});
  const auto out = tree::leaves(y);
  EXPECT_EQ(out.at(0).to_vector<int>(), (std::vector<int>{0, 3, 1, 2}));
  const std::vector<float> expected{0.9f, 0.46728048f, 0.22920385f, 0.10174183f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(out.at(1).to_vector<float>()[i], expected[i], 1e-6);
}

}  // namespace
}  // namespace tf2jax
