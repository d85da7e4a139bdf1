// Lists of tensors, made and read within one graph.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../text_graph.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const std::string kType = "attr { key: \"element_dtype\" value { type: DT_FLOAT } }";
const std::string kIndex = constant("zero", "dtype: DT_INT32 tensor_shape { } int_val: 0") +
                           constant("one", "dtype: DT_INT32 tensor_shape { } int_val: 1") +
                           constant("two", "dtype: DT_INT32 tensor_shape { } int_val: 2") +
                           constant("scalar", "dtype: DT_INT32 tensor_shape { dim { size: 0 } }");
Floats list_of(const std::string& text) { return Array(import(kScalarX + kIndex + text)(3.0f)).to_vector<float>(); }
const std::string kReserve = node("l", "TensorListReserve", {"scalar", "two"}, kType);

TEST(TensorList, ItemsAreSetAndStacked) {
  EXPECT_EQ(list_of(kReserve + node("a", "TensorListSetItem", {"l", "one", "x"}, kType) +
                    node("y", "TensorListStack", {"a", "scalar"}, kType)),
            (Floats{0, 3}));
}

TEST(TensorList, ItemsAreRead) {
  EXPECT_EQ(list_of(kReserve + node("a", "TensorListSetItem", {"l", "one", "x"}, kType) +
                    node("y", "TensorListGetItem", {"a", "one", "scalar"}, kType)),
            Floats{3});
  EXPECT_EQ(list_of(kReserve + node("item", "TensorListGetItem", {"l", "zero", "scalar"}, kType) +
                    node("y", "Maximum", {"item", "x"})),
            Floats{3});  // nothing was written there
}

TEST(TensorList, GrowsAndShrinksAtTheEnd) {
  const std::string pushed = node("e", "EmptyTensorList", {"scalar", "two"}, kType) +
                             node("a", "TensorListPushBack", {"e", "x"}, kType) +
                             node("b", "TensorListPushBack", {"a", "x"}, kType);
  EXPECT_EQ(list_of(pushed + node("y", "TensorListStack", {"b", "scalar"}, kType)), (Floats{3, 3}));
  EXPECT_EQ(list_of(pushed + node("y", "TensorListLength", {"b"})), Floats{2});
  EXPECT_EQ(list_of(pushed + node("p", "TensorListPopBack", {"b", "scalar"}, kType) + node("y", "Identity", {"p:1"})),
            Floats{3});
}

TEST(TensorList, OfATensorAreItsRows) {
  const auto f = import(kVectorX + kIndex + node("l", "TensorListFromTensor", {"x", "scalar"}, kType) +
                        node("y", "TensorListGetItem", {"l", "two", "scalar"}, kType));
  EXPECT_EQ(Array(f(array<float>({1, 2, 5}))).item<float>(), 5);
}

TEST(TensorList, WhatIsRefused) {
  expect_error<ImportError>(
      [] {
        list_of(node("e", "EmptyTensorList", {"scalar", "two"}, kType) +
                node("item", "TensorListGetItem", {"e", "zero", "scalar"}, kType) + node("y", "Add", {"item", "x"}));
      },
      "the list is empty");
  // "x" is a scalar, which has no rows.
  expect_error<ImportError>(
      [] {
        list_of(node("l", "TensorListFromTensor", {"x", "scalar"}, kType) +
                node("y", "TensorListConcatLists", {"l", "l"}, kType));
      },
      "import 'l'");
}

}  // namespace
}  // namespace tf2jax
