// Colours, crops, projections and patches.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

using Ints = std::vector<std::int64_t>;

TEST(ImageOps, ColoursOfTheCube) {
  const Array rgb = array<float>({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0.5, 0.5, 0.5}, {0, 0, 0}});
  const Array hsv = array<float>({{0, 1, 1}, {1.f / 3, 1, 1}, {2.f / 3, 1, 1}, {0, 0, 0.5}, {0, 0, 0}});
  const auto close = [](const Tree& got, const Array& want) { expect_close(got.array(), want.to_vector<double>()); };
  close(call_node("RGBToHSV", {argument(rgb)}, {}), hsv);
  close(call_node("HSVToRGB", {argument(hsv)}, {}), rgb);
}

TEST(ImageOps, AdjustmentsOfColours) {
  const Array red = reshape(array<float>({1, 0, 0}), {1, 1, 3});
  expect_close(call_node("AdjustHue", {argument(red), fixed(array<float>(1.f / 3))}, {}).array(), {0, 1, 0});
  expect_close(call_node("AdjustSaturation", {argument(red), fixed(array<float>(0))}, {}).array(), {1, 1, 1});
  const Array two = reshape(array<float>({1, 3}), {1, 2, 1});
  expect_close(call_node("AdjustContrastv2", {argument(two), fixed(array<float>(2))}, {}).array(), {0, 4});
}

const Array grid = reshape(array<float>({1, 2, 3, 4, 5, 6, 7, 8, 9}), {1, 3, 3, 1});

TEST(ImageOps, CropsAreResized) {
  const auto crop = [](const Array& box, const std::string& method, int size) {
    return floats_of(call_node(
        "CropAndResize", {argument(grid), argument(box), argument(array<int>({0})), fixed(array<int>({size, size}))},
        {{"method", method}, {"extrapolation_value", -1.f}}));
  };
  EXPECT_EQ(crop(array<float>({{0, 0, 1, 1}}), "bilinear", 2), (Floats{1, 3, 7, 9}));
  EXPECT_EQ(crop(array<float>({{0, 0, 0.5, 0.5}}), "bilinear", 2), (Floats{1, 2, 4, 5}));
  EXPECT_EQ(crop(array<float>({{0, 0, 1, 1}}), "bilinear", 1), Floats{5});
  EXPECT_EQ(crop(array<float>({{0, 0, 2, 2}}), "nearest", 2), (Floats{1, -1, -1, -1}));  // outside
}

TEST(ImageOps, ProjectionsMovePixels) {
  const Array right = array<float>({{1, 0, -1, 0, 1, 0, 0, 0}});  // the pixel to the left is read
  const auto move = [&](const std::string& mode) {
    return floats_of(call_node("ImageProjectiveTransformV3",
                               {argument(grid), argument(right), fixed(array<int>({3, 3})), fixed(array<float>(0))},
                               {{"interpolation", std::string("NEAREST")}, {"fill_mode", mode}}));
  };
  EXPECT_EQ(move("CONSTANT"), (Floats{0, 1, 2, 0, 4, 5, 0, 7, 8}));
  EXPECT_EQ(move("NEAREST"), (Floats{1, 1, 2, 4, 4, 5, 7, 7, 8}));
  EXPECT_EQ(move("REFLECT"), (Floats{1, 1, 2, 4, 4, 5, 7, 7, 8}));
  EXPECT_EQ(move("WRAP"), (Floats{3, 1, 2, 6, 4, 5, 9, 7, 8}));
}

TEST(ImageOps, PatchesLieInTheChannels) {
  const Array y = call_node("ExtractImagePatches", {argument(grid)},
                            {{"ksizes", Ints{1, 2, 2, 1}},
                             {"strides", Ints{1, 1, 1, 1}},
                             {"rates", Ints{1, 1, 1, 1}},
                             {"padding", std::string("VALID")}});
  EXPECT_EQ(y.dims(), (Dims{1, 2, 2, 4}));
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 2, 4, 5, 2, 3, 5, 6, 4, 5, 7, 8, 5, 6, 8, 9}));
}

TEST(ImageOps, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("RGBToHSV", {argument(ones({2, 2}))}, {}); }, "3 channels");
  expect_error<ImportError>(
      [] {
        call_node("CropAndResize",
                  {argument(grid), argument(ones({1, 4})), argument(array<int>({0})), fixed(array<int>({1, 1}))},
                  {{"method", std::string("cubic")}, {"extrapolation_value", 0.f}});
      },
      "the method is not known. Got 'cubic'");
}

}  // namespace
}  // namespace tf2jax
