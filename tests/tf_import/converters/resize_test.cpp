// Resizing of images: by hand, and gradients as transposes.
#include <gtest/gtest.h>
#include <tf2jax/ops/random.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"
#include "../text_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

using Attributes = std::map<std::string, AttributeValue>;
const Attributes kLegacy{{"align_corners", false}, {"half_pixel_centers", false}},
    kCorners{{"align_corners", true}, {"half_pixel_centers", false}},
    kCentres{{"align_corners", false}, {"half_pixel_centers", true}};
// A row of pixels.
Floats resized(const std::string& op, const Array& row, int width, const Attributes& how) {
  const Array x = reshape(row, {1, 1, row.size(), 1});
  return floats_of(call_node(op, {argument(x), fixed(array<int>({1, width}))}, how));
}

TEST(ResizeOps, BilinearByItsGrids) {
  const Array row = array<float>({0, 10});
  EXPECT_EQ(resized("ResizeBilinear", row, 4, kLegacy), (Floats{0, 5, 10, 10}));
  EXPECT_EQ(resized("ResizeBilinear", row, 3, kCorners), (Floats{0, 5, 10}));
  EXPECT_EQ(resized("ResizeBilinear", row, 4, kCentres), (Floats{0, 2.5, 7.5, 10}));
}

TEST(ResizeOps, NearestByItsGrids) {
  const Array row = array<float>({1, 2, 3});
  EXPECT_EQ(resized("ResizeNearestNeighbor", row, 6, kLegacy), (Floats{1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(resized("ResizeNearestNeighbor", row, 2, kCentres), (Floats{1, 3}));  // at 0.25 and 1.75
}

TEST(ResizeOps, AreasAreMeans) {
  EXPECT_EQ(resized("ResizeArea", array<float>({1, 3, 5, 7}), 2, {{"align_corners", false}}), (Floats{2, 6}));
}

TEST(ResizeOps, TheSameSizeChangesNothing) {
  const Array row = array<float>({1, -2, 5, 0});
  for (const char* op : {"ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"})
    EXPECT_EQ(resized(op, row, 4, kLegacy), row.to_vector<float>()) << op;
}

TEST(ResizeOps, LinesStayLines) {
  // Cubic and triangle kernels reproduce a line, away from the border.
  const Array row = astype(arange(8), f32);
  const Floats cubic = resized("ResizeBicubic", row, 16, kCentres);
  for (std::size_t i = 4; i < 12; ++i) EXPECT_NEAR(cubic[i], (static_cast<double>(i) + 0.5) / 2 - 0.5, 1e-4) << i;
  const Array y = call_node("ScaleAndTranslate",
                            {argument(reshape(row, {1, 1, 8, 1})), fixed(array<int>({1, 16})),
                             fixed(array<float>({1, 2})), fixed(array<float>({0, 0}))},
                            {{"kernel_type", std::string("triangle")}, {"antialias", true}});
  for (std::size_t i = 2; i < 14; ++i)
    EXPECT_NEAR(y.to_vector<float>()[i], (static_cast<double>(i) + 0.5) / 2 - 0.5, 1e-4) << i;
}

TEST(Convert, GradientsOfResizingAreTheirTransposes) {
  for (const std::string name : {"ResizeBilinear", "ResizeNearestNeighbor"}) {
    const std::string centres = "attr { key: \"half_pixel_centers\" value { b: true } }";
    const std::string dims = "dim { size: 1 } dim { size: 3 } dim { size: 4 } dim { size: 2 }",
                      larger = "dim { size: 1 } dim { size: 5 } dim { size: 6 } dim { size: 2 }";
    const auto resize = import(placeholder("x", dims) +
                               constant("s", "dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 5 int_val: 6") +
                               node("y", name, {"x", "s"}, centres));
    const bool bilinear = name == "ResizeBilinear";
    const auto gradient =
        import(placeholder("ct", larger) + placeholder("x", dims) +
                   constant("s", "dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 3 int_val: 4") +
                   node("y", name + "Grad", {"ct", bilinear ? "x" : "s"}, centres),
               {"y"}, bilinear ? std::vector<std::string>{"ct", "x"} : std::vector<std::string>{"ct"});
    const Array x = random::normal(random::key(1), {1, 3, 4, 2}), ct = random::normal(random::key(2), {1, 5, 6, 2});
    const Array pulled = bilinear ? Array(gradient(ct, x)) : Array(gradient(ct));
    EXPECT_NEAR(sum(ct * Array(resize(x))).item<float>(), sum(pulled * x).item<float>(), 1e-4) << name;
  }
}

TEST(ResizeOps, WhatIsRefused) {
  expect_error<ImportError>(
      [] { resized("ResizeBilinear", ones({2}), 2, {{"align_corners", true}, {"half_pixel_centers", true}}); },
      "not supported");
  expect_error<ImportError>(
      [] { call_node("ResizeBilinear", {argument(ones({2, 2})), fixed(array<int>({1, 1}))}, kLegacy); }, "4D tensor");
  expect_error<ImportError>([] { resized("ResizeBilinear", ones({2}), 0, kLegacy); }, "import 'y' (ResizeBilinear)");
}

}  // namespace
}  // namespace tf2jax
