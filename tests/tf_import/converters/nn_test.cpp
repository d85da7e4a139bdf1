// Products, biases, normalisation and losses.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../one_node.h"
#include "../text_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array m = array<float>({{1, 2}, {3, 4}}), v = array<float>({{5, 6}, {7, 8}});

TEST(NnOps, ProductsMayTransposeTheirOperands) {
  const auto product = [](bool a, bool b) {
    return floats_of(call_node("MatMul", {argument(m), argument(v)}, {{"transpose_a", a}, {"transpose_b", b}}));
  };
  EXPECT_EQ(product(false, false), (Floats{19, 22, 43, 50}));
  EXPECT_EQ(product(true, false), (Floats{26, 30, 38, 44}));
  EXPECT_EQ(product(false, true), (Floats{17, 23, 39, 53}));
}

TEST(NnOps, BatchesOfProductsAreAdjoint) {
  const Array i = complex(zeros({1, 1, 1}), ones({1, 1, 1}));
  const Array y = call_node("BatchMatMulV2", {argument(i), argument(i)}, {{"adj_x", true}, {"adj_y", false}});
  EXPECT_EQ(y.item<complex64>(0), complex64(1, 0));  // conj(i) i
}

TEST(NnOps, EinsumTakesItsEquation) {
  EXPECT_EQ(floats_of(call_node("Einsum", {argument(m), argument(v)},
                                {{"equation", std::string("ij,ij->i")}, {"N", std::int64_t{2}}})),
            (Floats{17, 53}));
}

TEST(NnOps, BiasesBelongToChannels) {
  const Array x = zeros({1, 2, 1, 2}), bias = array<float>({1, 2});
  EXPECT_EQ(floats_of(call_node("BiasAdd", {argument(x), argument(bias)}, {})), (Floats{1, 2, 1, 2}));
  EXPECT_EQ(floats_of(call_node("BiasAdd", {argument(x), argument(bias)}, {{"data_format", std::string("NCHW")}})),
            (Floats{1, 1, 2, 2}));
  EXPECT_EQ(floats_of(call_node("BiasAddGrad", {argument(m)}, {})), (Floats{4, 6}));
}

TEST(NnOps, BatchNormalisation) {
  const Array x = reshape(array<float>({1, 3}), {2, 1, 1, 1}), one = ones({1}), zero = zeros({1});
  const std::vector<Operand> operands{argument(x), argument(one * 2.f), argument(one * 10.f), argument(zero),
                                      argument(one * 4.f)};
  const Array infer = call_node("FusedBatchNormV3", operands, {{"epsilon", 0.f}, {"is_training", false}});
  EXPECT_EQ(infer.to_vector<float>(), (Floats{11, 13}));  // x / 2 * 2 + 10
  const Tree train =
      call_node("FusedBatchNormV3", operands, {{"epsilon", 0.f}, {"is_training", true}}, true, {"y:0", "y:1", "y:2"});
  EXPECT_EQ(floats_of(train[0]), (Floats{8, 12}));  // mean 2, variance 1
  EXPECT_EQ(floats_of(train[1]), Floats{2});
  EXPECT_EQ(floats_of(train[2]), Floats{2});  // unbiased
}

TEST(NnOps, SparseCrossEntropyAndItsGradient) {
  const Array logits = array<float>({{0, 0}, {0, std::log(3.f)}});
  const Tree y = call_node("SparseSoftmaxCrossEntropyWithLogits", {argument(logits), argument(array<int>({0, 1}))}, {},
                           true, {"y:0", "y:1"});
  expect_close(y[0].array(), {std::log(2.0), std::log(4.0 / 3)});
  expect_close(y[1].array(), {-0.5, 0.5, 0.25, -0.25});
}

TEST(Convert, CrossEntropyHasTensorFlowsGradient) {
  // softmax - labels, also where a row of labels adds up to 1.5 (TensorFlow 2.21); the value is the loss.
  const auto f = import(kVectorX + node("r", "Reshape", {"x", "s"}) +
                        constant("s",
                                 "dtype: DT_INT32 tensor_shape { dim { size: 2 } } tensor_content: "
                                 "\"\\001\\000\\000\\000\\003\\000\\000\\000\"") +
                        constant("l",
                                 "dtype: DT_FLOAT tensor_shape { dim { size: 1 } dim { size: 3 } } float_val: 0.5 "
                                 "float_val: 0.25 float_val: 0.75") +
                        node("y", "SoftmaxCrossEntropyWithLogits", {"r", "l"}));
  const Array x = array<float>({0.3, -1.2, 0.8}), labels = array<float>({0.5, 0.25, 0.75});
  const auto loss = [&](const Array& v) { return sum(Array(f(v))); };
  EXPECT_NEAR(loss(x).item<float>(), -sum(labels * log_softmax(x)).item<float>(), 1e-6);
  const Array got = jit(grad(loss))(x), want = softmax(x) - labels;
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(got.item<float>(i), want.item<float>(i), 1e-6);
}

TEST(NnOps, LocalResponseIsNormalised) {
  const Array x = reshape(array<float>({1, 2, 3}), {1, 1, 1, 3});
  const Array y = call_node("LRN", {argument(x)},
                            {{"depth_radius", std::int64_t{1}}, {"bias", 1.f}, {"alpha", 1.f}, {"beta", 1.f}});
  expect_close(y, {1.0 / 6, 2.0 / 15, 3.0 / 14});  // x / (1 + the sum of squares of neighbours)
}

TEST(NnOps, TheLargestComeFirst) {
  const Tree y =
      call_node("TopKV2", {argument(array<float>({3, 9, 9, 1})), fixed(array<int>(3))}, {}, true, {"y:0", "y:1"});
  EXPECT_EQ(floats_of(y[0]), (Floats{9, 9, 3}));
  EXPECT_EQ(floats_of(y[1]), (Floats{1, 2, 0}));
}

TEST(NnOps, WhatIsRefused) {
  expect_error<ImportError>([] { call_node("MatMul", {argument(ones({2, 3})), argument(ones({2, 3}))}, {}); },
                            "import 'y' (MatMul)");
  expect_error<ImportError>([] { call_node("BiasAdd", {argument(m), argument(m)}, {}); }, "1D array");
  expect_error<ImportError>([] { call_node("TopKV2", {argument(ones({2})), fixed(array<int>(3))}, {}); },
                            "import 'y' (TopKV2)");
  expect_error<ImportError>(
      [] { call_node("BiasAdd", {argument(m), argument(ones({2}))}, {{"data_format", std::string("WHAT")}}); }, "WHAT");
}

}  // namespace
}  // namespace tf2jax
