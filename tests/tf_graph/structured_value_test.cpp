// Nested Python values as text, and their tensors in order.
#include <gtest/gtest.h>
#include <tf2jax/tf_graph/structured_value.h>

namespace tf2jax {
namespace {

using Kind = StructuredValue::Kind;

StructuredValue tensor(const std::string& name) {
  StructuredValue v;
  v.kind = Kind::tensor;
  v.tensor = {name, "FLOAT", f32, Dims{-1, 3}};
  return v;
}
StructuredValue of(Kind kind, std::vector<StructuredItem> items, std::string name = "") {
  StructuredValue v;
  v.kind = kind;
  v.items = std::move(items);
  v.string = std::move(name);
  return v;
}

TEST(StructuredValue, PrintsAsPython) {
  StructuredValue v;
  EXPECT_EQ(v.to_string(), "None");
  v.kind = Kind::boolean;
  v.boolean = true;
  EXPECT_EQ(v.to_string(), "True");
  v.kind = Kind::integer;
  v.integer = -3;
  EXPECT_EQ(v.to_string(), "-3");
  v.kind = Kind::string;
  v.string = "a";
  EXPECT_EQ(v.to_string(), "'a'");
  EXPECT_EQ(tensor("x").to_string(), "float32[?,3]");
}

TEST(StructuredValue, PrintsContainers) {
  EXPECT_EQ(of(Kind::tuple, {}).to_string(), "()");
  EXPECT_EQ(of(Kind::tuple, {{"", StructuredValue()}}).to_string(), "(None,)");
  EXPECT_EQ(of(Kind::list, {{"", StructuredValue()}, {"", tensor("x")}}).to_string(), "[None, float32[?,3]]");
  EXPECT_EQ(of(Kind::dict, {{"a", tensor("x")}}).to_string(), "{'a': float32[?,3]}");
  EXPECT_EQ(of(Kind::named_tuple, {{"a", StructuredValue()}}, "Point").to_string(), "Point(a=None)");
}

TEST(StructuredValue, TensorsComeInOrder) {
  const StructuredValue v =
      of(Kind::tuple,
         {{"", of(Kind::dict, {{"b", tensor("1")}, {"c", tensor("2")}})}, {"", StructuredValue()}, {"", tensor("3")}});
  std::string names;
  for (const TensorSpec& t : v.tensors()) names += t.name;
  EXPECT_EQ(names, "123");
  EXPECT_TRUE(of(Kind::list, {}).tensors().empty());
  EXPECT_TRUE(of(Kind::list, {}).is_container());
  EXPECT_FALSE(tensor("x").is_container());
}

}  // namespace
}  // namespace tf2jax
