// Activations at the points where their derivatives matter.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/converters/internal/nn_functions.h>

#include <cmath>

#include "../../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(NnRelu, ValuesAndSlopes) {
  const Array x = array<float>({-2, 0, 3});
  EXPECT_EQ(tf_import::nn::relu(x).to_vector<float>(), (Floats{0, 0, 3}));
  EXPECT_EQ(grad([](const Array& v) { return sum(tf_import::nn::relu(v)); })(x).to_vector<float>(), (Floats{0, 0, 1}));
  EXPECT_TRUE(std::isnan(tf_import::nn::relu(Array(NAN)).item<float>()));
  EXPECT_EQ(tf_import::nn::relu(array<int>({-2, 5})).to_vector<int>(), (std::vector<int>{0, 5}));
  EXPECT_EQ(tf_import::nn::relu(zeros({0}, bf16)).dtype(), bf16);
}

TEST(NnSoftplus, ValuesAndSlopes) {
  expect_close(tf_import::nn::softplus(array<float>({0, 100, -100})), {std::log(2.0), 100, std::exp(-100.0)});
  const auto slope = [](float x) {
    return grad([](const Array& v) { return tf_import::nn::softplus(v); })(Array(x)).item<float>();
  };
  EXPECT_FLOAT_EQ(slope(0), 0.5f);
  EXPECT_EQ(slope(INFINITY), 1);
  EXPECT_EQ(slope(-INFINITY), 0);
  EXPECT_EQ(tf_import::nn::softplus(array<int>({0})).dtype(), f32);
}

TEST(NnFunctions, AreMappedAndCompiled) {
  const Array x = array<float>({{-1, 2}, {3, -4}});
  EXPECT_EQ(vmap(jit(relu))(x).to_vector<float>(), (Floats{0, 2, 3, 0}));
  EXPECT_EQ(vmap(grad([](const Array& v) { return sum(tf_import::nn::relu(v)); }))(x).to_vector<float>(),
            (Floats{0, 1, 1, 0}));
}

}  // namespace
}  // namespace tf2jax
