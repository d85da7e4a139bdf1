// Arithmetic of sizes that are not known.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../text_graph.h"

namespace tf2jax {
namespace {

// The shape of the result of a Reshape whose size is computed from that of x by a node.
Shape reshaped(const std::string& op, const std::string& constant_value) {
  const std::string text =
      placeholder("x", "dim { size: -1 } dim { size: 4 }") + node("s", "Shape", {"x"}) +
      constant("zero", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 0") +
      constant("one", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1") +
      node("b", "StridedSlice", {"s", "zero", "one", "one"}, "attr { key: \"shrink_axis_mask\" value { i: 1 } }") +
      constant("k", "dtype: DT_INT32 tensor_shape { } int_val: " + constant_value) + node("m", op, {"b", "k"}) +
      constant("rest", "dtype: DT_INT32 tensor_shape { } int_val: -1") +
      node("p", "Pack", {"m", "rest"}, "attr { key: \"N\" value { i: 2 } }") + node("y", "Reshape", {"x", "p"});
  const auto f = import(text);
  return make_jaxpr([&](const Array& x) { return Array(f(x)); })(spec(f32, {Dim::variable("b") * 6, 4}))
      .output_avals()[0]
      .shape;
}

TEST(SymbolicInts, ProductsAndQuotients) {
  const Dim b = Dim::variable("b");
  EXPECT_TRUE(identical(reshaped("Mul", "2"), Shape{b * 12, 2}));
  EXPECT_TRUE(identical(reshaped("FloorDiv", "3"), Shape{b * 2, 12}));
  EXPECT_TRUE(identical(reshaped("TruncateDiv", "2"), Shape{b * 3, 8}));
  EXPECT_TRUE(identical(reshaped("Maximum", "1"), Shape{b * 6, 4}));
  EXPECT_TRUE(identical(reshaped("Minimum", "1"), Shape{1, b * 24}));
}

TEST(SymbolicInts, KnownSizesStayNumbers) {
  const auto f = import(placeholder("x", "dim { size: -1 }") + node("s", "Shape", {"x"}) +
                        constant("k", "dtype: DT_INT32 tensor_shape { } int_val: 10") + node("y", "AddV2", {"s", "k"}));
  EXPECT_EQ(Array(f(ones({5}))).to_vector<int>(), std::vector<int>{15});
}

TEST(SymbolicInts, FillArraysAndMeetNumbers) {
  const std::string sizes =
      placeholder("x", "dim { size: -1 } dim { size: 3 }") + node("s", "Shape", {"x"}) +
      constant("zero", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 0") +
      constant("one", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1") +
      node("b", "StridedSlice", {"s", "zero", "one", "one"}, "attr { key: \"shrink_axis_mask\" value { i: 1 } }");
  const auto traced = [](const std::string& text) {
    const auto f = import(text);
    return make_jaxpr([&](const Array& x) { return Array(f(x)); })(spec(f32, {Dim::variable("b"), 3}));
  };
  const std::string fill =
      constant("v", "dtype: DT_FLOAT tensor_shape { } float_val: 2") + node("y", "Fill", {"s", "v"});
  EXPECT_TRUE(identical(traced(sizes + fill).output_avals()[0].shape, Shape{Dim::variable("b"), 3}));
  const std::string less = constant("k", "dtype: DT_INT32 tensor_shape { } int_val: 4") + node("y", "Less", {"b", "k"});
  EXPECT_EQ(traced(sizes + less).output_avals()[0], spec(bool_, {}));
  EXPECT_TRUE(Array(import(sizes + less)(ones({3, 3}))).item<bool>());
}

}  // namespace
}  // namespace tf2jax
