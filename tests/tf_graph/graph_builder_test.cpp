#include "tf2jax/tf_graph/graph_builder.h"

#include "tf2jax/ops/numpy.h"
#include "tf2jax/tf_graph/saved_model.h"
#include "tf2jax/tf_import/convert.h"
#include "tf2jax/transforms/grad.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "../support.h"

namespace tf2jax {
namespace {

namespace fs = std::filesystem;

// y = tanh(x w + b), saved under a fresh directory.
class GraphBuilderTest : public TestWithFolder {
 protected:
  void save(float bias) const {
    GraphBuilder g;
    const auto x = g.placeholder("x", f32, {-1, 2});
    const auto w = g.variable("w", array<float>({{1}, {2}})), b = g.variable("b", array<float>({bias}));
    const auto product = g.node("MatMul", "product", {x, w}, f32);
    const auto y = g.node("Tanh", "y", {g.node("AddV2", "sum", {product, b}, f32)}, f32);
    g.save(directory_, {{"serving_default", {.inputs = {{"x", x}}, .outputs = {{"y", y}}}}});
  }
};

TEST(GraphBuilder, GraphsConvertWithoutAFile) {
  GraphBuilder g;
  const auto x = g.placeholder("x", f32, {3});
  const auto y = g.node("Mul", "y", {x, g.constant("c", array<float>({1, 2, 3}))}, f32);
  const auto f = convert(g.graph(), {.outputs = {y}});
  EXPECT_EQ(Array(f(array<float>({5, 6, 7}))).to_vector<float>(), (std::vector<float>{5, 12, 21}));
}

TEST(GraphBuilder, TakenNamesGetASuffix) {
  GraphBuilder g;
  EXPECT_EQ(g.placeholder("x", f32, {}), "x:0");
  EXPECT_EQ(g.placeholder("x", f32, {}), "x_1:0");
}

TEST_F(GraphBuilderTest, SavedModelComputesTheClosedForm) {
  save(0.5f);
  const auto f = convert(directory_);
  const Array x = array<float>({{0.25f, -0.5f}, {0.1f, 0.2f}});
  const Array y = f(kw("x", x))["y"].array();
  EXPECT_NEAR(y.item<float>(0, 0), std::tanh(0.25 - 1.0 + 0.5), 1e-6);
  EXPECT_NEAR(y.item<float>(1, 0), std::tanh(0.1 + 0.4 + 0.5), 1e-6);
}

TEST_F(GraphBuilderTest, SavedModelDifferentiatesByTheClosedForm) {
  save(0.5f);
  const auto f = convert(directory_);
  const Array g = grad([&](const Array& x) { return sum(f(kw("x", x))["y"].array()); })(array<float>({{0.25f, -0.5f}}));
  const double slope = 1 - std::tanh(-0.25) * std::tanh(-0.25);
  EXPECT_NEAR(g.item<float>(0, 0), slope, 1e-6);
  EXPECT_NEAR(g.item<float>(0, 1), 2 * slope, 1e-6);
}

TEST_F(GraphBuilderTest, SavingReplacesAnExistingModelAtOnce) {
  save(0.5f);
  const auto before = convert(directory_);
  save(-3.0f);
  EXPECT_EQ(convert(directory_).params().at("b").value().item<float>(0), -3.0f);
  EXPECT_EQ(before.params().at("b").value().item<float>(0), 0.5f);
  for (const auto& entry : fs::directory_iterator(directory_.parent_path())) {
    const auto name = entry.path().filename().string();
    EXPECT_TRUE(name == directory_.filename().string() || !name.starts_with(directory_.filename().string()))
        << name << " is left over";
  }
}

TEST_F(GraphBuilderTest, RefusedSignatureLeavesTheOldModel) {
  save(0.5f);
  GraphBuilder g;
  g.placeholder("x", f32, {});
  try {
    g.save(directory_, {{"serving_default", {.inputs = {{"x", "nowhere:0"}}, .outputs = {}}}});
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("'nowhere:0'"));
  }
  EXPECT_EQ(SavedModel::load(directory_).variables().size(), 2u);
}

}  // namespace
}  // namespace tf2jax
