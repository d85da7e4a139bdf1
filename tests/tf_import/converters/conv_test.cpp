// Convolutions and their gradients: by hand, and by the form that they are bilinear in.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

using Ints = std::vector<std::int64_t>;
std::map<std::string, AttributeValue> attributes(const std::string& padding, Ints strides = {1, 1, 1, 1},
                                                 Ints dilations = {1, 1, 1, 1}) {
  return {{"padding", padding}, {"strides", std::move(strides)}, {"dilations", std::move(dilations)}};
}
Array image(const Dims& dims) { return reshape(astype(arange(num_elements(dims)), f32), symbolic(dims)); }

TEST(ConvOps, Conv2DByHand) {
  // One channel, 3 by 3; the kernel adds a pixel to its right neighbour.
  const Array x = image({1, 3, 3, 1}), k = reshape(array<float>({1, 1}), {1, 2, 1, 1});
  EXPECT_EQ(floats_of(call_node("Conv2D", {argument(x), argument(k)}, attributes("VALID"))),
            (Floats{1, 3, 7, 9, 13, 15}));
  EXPECT_EQ(floats_of(call_node("Conv2D", {argument(x), argument(k)}, attributes("SAME"))),
            (Floats{1, 3, 2, 7, 9, 5, 13, 15, 8}));
  EXPECT_EQ(floats_of(call_node("Conv2D", {argument(x), argument(k)}, attributes("VALID", {1, 2, 1, 1}))),
            (Floats{1, 3, 13, 15}));
  EXPECT_EQ(floats_of(call_node("Conv2D", {argument(x), argument(k)}, attributes("VALID", {1, 1, 1, 1}, {1, 1, 2, 1}))),
            (Floats{2, 8, 14}));
}

TEST(ConvOps, ChannelsAreSummedAndMayComeFirst) {
  const Array x = reshape(array<float>({1, 2, 3, 4}), {1, 1, 2, 2}), k = reshape(array<float>({10, 100}), {1, 1, 2, 1});
  EXPECT_EQ(floats_of(call_node("Conv2D", {argument(x), argument(k)}, attributes("VALID"))), (Floats{210, 430}));
  auto first = attributes("VALID");
  first.insert_or_assign("data_format", std::string("NCHW"));
  EXPECT_EQ(floats_of(call_node("Conv2D", {argument(transpose(x, {0, 3, 1, 2})), argument(k)}, first)),
            (Floats{210, 430}));
}

TEST(ConvOps, DepthwiseKeepsChannelsApart) {
  const Array x = reshape(array<float>({1, 2, 3, 4}), {1, 1, 2, 2});
  const Array k = reshape(array<float>({1, 10, 100, 1000}), {1, 1, 2, 2});  // two outputs for each channel
  EXPECT_EQ(floats_of(call_node("DepthwiseConv2dNative", {argument(x), argument(k)}, attributes("VALID"))),
            (Floats{1, 10, 200, 2000, 3, 30, 400, 4000}));
}

TEST(ConvOps, Conv3DByHand) {
  const Array x = image({1, 2, 1, 2, 1}), k = reshape(array<float>({1, 10}), {2, 1, 1, 1, 1});
  EXPECT_EQ(
      floats_of(call_node("Conv3D", {argument(x), argument(k)}, attributes("VALID", {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}))),
      (Floats{20, 31}));
}

TEST(ConvOps, GradientsAreThoseOfTheBilinearForm) {
  const Dims in{2, 5, 6, 2}, kernel{3, 2, 2, 4};
  const Array x = mod(image(in) * 7.f, 5.f) - 2.f, k = mod(image(kernel) * 3.f, 7.f) - 3.f;
  for (const auto& padding : {"SAME", "VALID"}) {
    const auto how = attributes(padding, {1, 2, 1, 1});
    const Array y = call_node("Conv2D", {argument(x), argument(k)}, how);
    const Array g = mod(image(y.dims()) * 11.f, 7.f) - 3.f;
    const Operand sizes = fixed(array<int>({2, 5, 6, 2})), kernel_sizes = fixed(array<int>({3, 2, 2, 4}));
    const Array dx = call_node("Conv2DBackpropInput", {sizes, argument(k), argument(g)}, how);
    const Array dk = call_node("Conv2DBackpropFilter", {argument(x), kernel_sizes, argument(g)}, how);
    EXPECT_EQ(dx.dims(), in);
    EXPECT_EQ(dk.dims(), kernel);
    const float form = sum(y * g).item<float>();
    EXPECT_EQ(sum(dx * x).item<float>(), form) << padding;
    EXPECT_EQ(sum(dk * k).item<float>(), form) << padding;
  }
}

TEST(ConvOps, WhatIsRefused) {
  const auto x = argument(ones({1, 3, 3, 2}));
  expect_error<ImportError>([&] { call_node("Conv2D", {x, argument(ones({1, 1, 3, 1}))}, attributes("VALID")); },
                            "import 'y' (Conv2D)");
  expect_error<ImportError>(
      [&] { call_node("Conv2D", {argument(ones({3, 3})), argument(ones({1, 1, 2, 1}))}, attributes("VALID")); },
      "expected rank 4");
  expect_error<ImportError>([&] { call_node("Conv2D", {x, argument(ones({1, 1, 2, 1}))}, attributes("OTHER")); },
                            "OTHER");
  expect_error<ImportError>(
      [&] { call_node("Conv2D", {x, argument(ones({1, 1, 2, 1}))}, attributes("VALID", {2, 1, 1, 1})); }, "strides");
}

}  // namespace
}  // namespace tf2jax
