// Nodes of functions: names, types, constants.
#include "tf2jax/jax2tf/internal/function_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support.h"

using namespace tf2jax;
using namespace tf2jax::jax2tf;

TEST(FunctionWriter, NamesAreUniqueWithoutRegardToCase) {
  FunctionWriter w("f");
  const Tensor x = w.argument("x", {f32, {2}});
  EXPECT_EQ(w.node("Sin", {x}, {f32, {2}}).ref, "Sin:y:0");
  EXPECT_EQ(w.node("Sin", {x}, {f32, {2}}).ref, "Sin_1:y:0");
  EXPECT_EQ(w.argument("sin", {f32, {}}).ref, "sin_2");
  w.set_scope("layer/dense");
  EXPECT_EQ(w.node("Sin", {x}, {f32, {2}}).ref, "layer/dense/Sin:y:0");
}

TEST(FunctionWriter, TypesFollowFromOperandsAndResults) {
  FunctionWriter w("f");
  const Tensor x = w.argument("x", {f32, {2}});
  const Tensor y = w.node("Cast", {x}, {i32, {2}});
  w.nodes("TopKV2", {x, w.constant(Array(1))}, {{f32, {1}}, {i32, {1}}}, {{"sorted", true}});
  const auto f = w.finish({y});
  EXPECT_EQ(f.node_def(0).attr().at("SrcT").type(), tensorflow::DT_FLOAT);
  EXPECT_EQ(f.node_def(0).attr().at("DstT").type(), tensorflow::DT_INT32);
  EXPECT_EQ(f.node_def(2).attr().at("index_type").type(), tensorflow::DT_INT32);
  EXPECT_EQ(f.signature().output_arg(0).type(), tensorflow::DT_INT32);
  EXPECT_EQ(f.ret().begin()->second, "Identity:output:0");
}

TEST(FunctionWriter, SmallConstantsAreWrittenOnce) {
  FunctionWriter w("f");
  EXPECT_EQ(w.constant(Array(1.f)).ref, w.constant(Array(1.f)).ref);
  EXPECT_NE(w.constant(Array(1.f)).ref, w.constant(Array(1)).ref);
  EXPECT_NE(w.constant(ones({1})).ref, w.constant(Array(1.f)).ref);
}

TEST(FunctionWriter, ResultsWaitForChecksAndReads) {
  FunctionWriter w("f");
  const Tensor v = w.variable("w", {f32, {2}});
  w.check_holds(w.constant(Array(true)), "it holds");
  const auto f = w.finish({v});
  EXPECT_TRUE(f.signature().is_stateful());
  const auto& last = f.node_def(f.node_def_size() - 1);
  EXPECT_EQ(last.input(1), "^w/ReadVariableOp");
  EXPECT_EQ(last.input(2), "^Assert/Assert");
  EXPECT_EQ(f.signature().input_arg(0).handle_data(0).dtype(), tensorflow::DT_FLOAT);
}

TEST(FunctionWriter, UnknownOperationIsOurFault) {
  FunctionWriter w("f");
  expect_error<InternalError>([&] { w.node("NoSuchOp", {}, {f32, {}}); }, "operation 'NoSuchOp' is not in the table");
}
