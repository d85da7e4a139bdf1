// Pytrees: what is a leaf, what is structure, and the dynamic Tree.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

using namespace tf2jax;

namespace {
struct Layer {
  Array w, b;
};
struct Net {
  std::vector<Layer> layers;
  std::map<std::string, Array> extra;
  std::optional<Array> maybe;
  std::string name;
  int heads;
};
Net net() {
  return {{{Array(1.f), Array(2.f)}, {Array(3.f), Array(4.f)}},
          {{"b", Array(6.f)}, {"a", Array(5.f)}},
          std::nullopt,
          "n",
          2};
}
}  // namespace

TEST(Tree, LeavesComeInDeclarationOrderAndMapsByKey) {
  std::vector<float> values;
  for (const Array& a : tree::leaves(net())) values.push_back(a.item<float>());
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Tree, StructureSeesStaticFieldsAndSizesButNotValues) {
  Net a = net(), b = net();
  b.layers[0].w = Array(9.f);
  EXPECT_EQ(tree::structure(a), tree::structure(b));
  b.heads = 3;
  EXPECT_NE(tree::structure(a), tree::structure(b));
  b = net();
  b.name = "m";
  EXPECT_NE(tree::structure(a), tree::structure(b));
  b = net();
  b.maybe = Array(0.f);
  EXPECT_NE(tree::structure(a), tree::structure(b));
  b = net();
  b.layers.pop_back();
  EXPECT_NE(tree::structure(a), tree::structure(b));
}

TEST(Tree, MapKeepsTheTypeAndChecksStructure) {
  const Net doubled = tree::map([](const Array& x, const Array& y) { return x + y; }, net(), net());
  EXPECT_EQ(doubled.extra.at("b").item<float>(), 12);
  EXPECT_EQ(doubled.heads, 2);
  Net smaller = net();
  smaller.layers.pop_back();
  EXPECT_THROW(tree::map([](const Array& x, const Array&) { return x; }, net(), smaller), TreeError);
}

TEST(DynamicTree, StringsAreStructure) {
  const Tree t(Tree::Dict{{"t", strings({"a", "b"})}, {"x", Array(2.f)}});
  EXPECT_EQ(t.to_string(), "{'t': string[2], 'x': f32[]}");
  EXPECT_EQ(t["t"].strings().values[1], "b");
  EXPECT_EQ(tree::leaves(t).size(), 1u);
  EXPECT_NE(tree::structure(t), tree::structure(Tree(Tree::Dict{{"t", strings({"a", "c"})}, {"x", Array(2.f)}})));
  EXPECT_THROW(t["x"].strings(), TreeError);
  EXPECT_THROW(t["t"].array(), TreeError);
  const Tree g = grad([](const Tree& p) { return p["x"].array() * p["x"].array(); })(t);
  EXPECT_EQ(g["x"].array().item<float>(), 4);
  EXPECT_EQ(g["t"].strings(), t["t"].strings());
}

TEST(StringTensor, PrintsItsShape) {
  EXPECT_EQ((StringTensor{{2, 3}, {}}.to_string()), "string[2,3]");
  EXPECT_EQ((StringTensor{{}, {"a"}}.to_string()), "string[]");
}

TEST(DynamicTree, AccessAndMessages) {
  const Tree t(Tree::Dict{{"a", Array(1.f)}, {"b", Tree(Tree::List{Array(2.f), Tree()})}});
  EXPECT_EQ(t["a"].array().item<float>(), 1);
  EXPECT_EQ(t["b"][0].array().item<float>(), 2);
  EXPECT_EQ(t.to_string(), "{'a': f32[], 'b': [f32[], None]}");
  EXPECT_THROW(t["c"], LookupError);
  EXPECT_THROW(t.array(), TreeError);
  EXPECT_EQ(tree::leaves(t).size(), 2u);
  const Tree g = grad([](const Tree& p) { return p["a"].array() * p["b"][0].array(); })(t);
  EXPECT_EQ(g["a"].array().item<float>(), 2);
}
