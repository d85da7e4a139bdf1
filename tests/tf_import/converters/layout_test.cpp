// The axes of images, through the operations that have layouts.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/converters/internal/layout.h>

#include "../../support.h"
#include "../one_node.h"

namespace tf2jax {
namespace {

using tf_import::Layout;
using Ints = std::vector<std::int64_t>;

TEST(Layout, NamesItsAxes) {
  const Layout nhwc{"NHWC", true, 2}, ncdhw{"NCDHW", false, 3};
  EXPECT_EQ(nhwc.channel_axis(), 3u);
  EXPECT_EQ(nhwc.first_spatial(), 1u);
  EXPECT_EQ(nhwc.spatial_of({9, 1, 2, 8}), (Dims{1, 2}));
  EXPECT_EQ(ncdhw.channel_axis(), 1u);
  EXPECT_EQ(ncdhw.spatial_of({9, 8, 1, 2, 3}), (Dims{1, 2, 3}));
  EXPECT_EQ(tf_import::image_sizes(ones({9, 4, 5, 8}), nhwc), (Dims{4, 5}));
}

TEST(Layout, NamedAndExplicitPadding) {
  EXPECT_EQ(tf_import::padding_pairs({"SAME", {}}, {5, 4}, {3, 2}, {1, 1}), (Padding{{1, 1}, {0, 1}}));
  EXPECT_EQ(tf_import::padding_pairs({"VALID", {}}, {5}, {3}, {1}), (Padding{{0, 0}}));
  EXPECT_EQ(tf_import::padding_pairs({"EXPLICIT", Padding{{2, 3}}}, {5}, {3}, {1}), (Padding{{2, 3}}));
}

TEST(Layout, ExplicitPaddingOfAPool) {
  const Array x = reshape(array<float>({-1, -2}), {1, 1, 2, 1});
  const auto pool = [&](const Ints& padding) {
    return call_node("MaxPool3D", {argument(reshape(x, {1, 1, 1, 2, 1}))},
                     {{"ksize", Ints{1, 1, 1, 2, 1}},
                      {"strides", Ints{1, 1, 1, 1, 1}},
                      {"padding", std::string("EXPLICIT")},
                      {"explicit_paddings", padding}});
  };
  EXPECT_EQ(floats_of(pool({0, 0, 0, 0, 0, 0, 1, 1, 0, 0})), (std::vector<float>{-1, -1, -2}));
  expect_error<ImportError>([&] { pool({1, 0, 0, 0, 0, 0, 1, 1, 0, 0}); }, "batch and channels cannot be padded");
}

TEST(Layout, OthersAreRefused) {
  const std::map<std::string, AttributeValue> how{{"ksize", Ints{1, 1, 1, 1}},
                                                  {"strides", Ints{1, 1, 1, 1}},
                                                  {"padding", std::string("SAME")},
                                                  {"data_format", std::string("HWCN")}};
  expect_error<ImportError>([&] { call_node("MaxPool", {argument(ones({1, 1, 1, 1}))}, how); },
                            "Found unsupported data format HWCN.");
}

}  // namespace
}  // namespace tf2jax
