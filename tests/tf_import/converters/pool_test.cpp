// Pooling and its gradients, by hand.
#include <gtest/gtest.h>
#include <tf2jax/ops/shape_ops.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

using Ints = std::vector<std::int64_t>;
const std::map<std::string, AttributeValue> kTwo{
    {"ksize", Ints{1, 1, 2, 1}}, {"strides", Ints{1, 1, 2, 1}}, {"padding", std::string("SAME")}};
const Array line = reshape(array<float>({1, 5, 2, 8, 4}), {1, 1, 5, 1});

TEST(PoolOps, LargestAndMean) {
  EXPECT_EQ(floats_of(call_node("MaxPool", {argument(line)}, kTwo)), (Floats{5, 8, 4}));
  EXPECT_EQ(floats_of(call_node("AvgPool", {argument(line)}, kTwo)), (Floats{3, 5, 4}));  // padding does not count
}

TEST(PoolOps, PaddingNeverWins) {
  EXPECT_EQ(floats_of(call_node("MaxPool", {argument(-line)}, kTwo)), (Floats{-1, -2, -4}));
}

TEST(PoolOps, SizesMayBeInputs) {
  const Array y =
      call_node("MaxPoolV2", {argument(line), fixed(array<int>({1, 1, 3, 1})), fixed(array<int>({1, 1, 1, 1}))},
                {{"padding", std::string("VALID")}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{5, 8, 8}));
}

TEST(PoolOps, ChannelsMayComeFirstAndVolumesArePooledToo) {
  const Array y = call_node("MaxPool", {argument(reshape(line, {1, 1, 1, 5}))},
                            {{"ksize", Ints{1, 1, 1, 2}},
                             {"strides", Ints{1, 1, 1, 2}},
                             {"padding", std::string("VALID")},
                             {"data_format", std::string("NCHW")}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{5, 8}));
  const Array volume =
      call_node("AvgPool3D", {argument(reshape(array<float>({1, 2, 3, 4}), {1, 2, 1, 2, 1}))},
                {{"ksize", Ints{1, 2, 1, 2, 1}}, {"strides", Ints{1, 1, 1, 1, 1}}, {"padding", std::string("VALID")}});
  EXPECT_EQ(volume.to_vector<float>(), Floats{2.5});
}

TEST(PoolOps, GradientsGoToTheLargestOrToAll) {
  const Array y = call_node("MaxPool", {argument(line)}, kTwo), g = reshape(array<float>({10, 20, 30}), {1, 1, 3, 1});
  EXPECT_EQ(floats_of(call_node("MaxPoolGrad", {argument(line), argument(y), argument(g)}, kTwo)),
            (Floats{0, 10, 0, 20, 30}));
  EXPECT_EQ(floats_of(call_node("AvgPoolGrad", {fixed(array<int>({1, 1, 5, 1})), argument(g)}, kTwo)),
            (Floats{5, 5, 10, 10, 30}));
}

TEST(PoolOps, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("MaxPool", {argument(ones({5}))}, kTwo); }, "expected rank 4");
  auto batch = kTwo;
  batch.insert_or_assign("ksize", Ints{2, 1, 1, 1});
  expect_error<ImportError>([&] { call_node("MaxPool", {argument(line)}, batch); }, "ksize");
}

}  // namespace
}  // namespace tf2jax
