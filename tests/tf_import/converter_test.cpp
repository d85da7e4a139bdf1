// The table of converters.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/converter.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

TEST(ConverterTable, LaterEntriesReplaceEarlierOnes) {
  ConverterTable table;
  table.add("A", [](Node&) { return Values{}; });
  table.add("A", [](Node&) { return Values{Value(Array(1))}; }, {.is_random = true});
  table.declare("B", {.has_effect = true});
  ASSERT_NE(table.find("A"), nullptr);
  EXPECT_TRUE(table.traits("A").is_random);
  EXPECT_EQ(table.find("B"), nullptr);
  EXPECT_TRUE(table.traits("B").has_effect);
  EXPECT_EQ(table.names(), std::vector<std::string>{"A"});
}

TEST(ConverterTable, UnknownOperationsWriteWhenTheirNameSaysSo) {
  const ConverterTable table;
  for (const char* op : {"ResourceApplyAdam", "AssignSomething", "ApplyMomentum", "ScatterUpdate", "SparseApplyFtrl"})
    EXPECT_TRUE(table.traits(op).has_effect) << op;
  for (const char* op : {"ResourceGather", "Add", "Reassign"}) EXPECT_FALSE(table.traits(op).has_effect) << op;
}

TEST(CurrentConverters, HaveEveryBuiltInFamily) {
  const auto table = current_converters();
  for (const char* op : {"Const",
                         "IdentityN",
                         "Add",
                         "Reshape",
                         "ConcatV2",
                         "Pad",
                         "Fill",
                         "StridedSlice",
                         "Sum",
                         "MatMul",
                         "RandomUniform",
                         "XlaDot",
                         "MatrixDiag",
                         "TensorListReserve",
                         "If",
                         "FFT",
                         "Cholesky",
                         "LowerBound",
                         "Conv2D",
                         "MaxPool",
                         "SegmentSum",
                         "ResizeBilinear",
                         "RGBToHSV"})
    EXPECT_NE(table->find(op), nullptr) << op;
}

TEST(RegisterOperation, ModelsThatAreConvertedKeepTheirTable) {
  register_operation("ConverterTestOp", [](Node& n) { return Values{n.array(0) * 2.f}; });
  const auto f = import(kScalarX + node("y", "ConverterTestOp", {"x"}));
  expect_error<ValueError>([] { register_operation("ConverterTestOp", [](Node&) { return Values{}; }); },
                           "ConverterTestOp is already registered as a converter of this program");
  replace_operation("ConverterTestOp", [](Node& n) { return Values{n.array(0) * 5.f}; });
  EXPECT_EQ(Array(f(1.0f)).item<float>(), 2);
  EXPECT_EQ(Array(import(kScalarX + node("y", "ConverterTestOp", {"x"}))(1.0f)).item<float>(), 5);
  expect_error<ValueError>([] { register_operation("ConverterTestEmpty", {}); }, "ConverterTestEmpty");
  expect_error<ValueError>([] { replace_operation("ConverterTestEmpty", {}); }, "ConverterTestEmpty");
}

TEST(RegisterOperation, WhatTheLibraryHasIsOnlyReplaced) {
  expect_error<ValueError>([] { register_operation("BitwiseOr", [](Node&) { return Values{}; }); },
                           "BitwiseOr is already registered as a converter of the library");
}

}  // namespace
}  // namespace tf2jax
