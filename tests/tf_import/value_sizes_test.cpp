// Sizes that are data: lists that grow, and models that run op by op because of them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <limits>

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const std::string kX = "node { name: \"x\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_FLOAT } } }\n";

std::string number(const std::string& name, int value) {
  return fmt::format(
      "node {{ name: \"{}\" op: \"Const\" attr {{ key: \"dtype\" value {{ type: DT_INT32 }} }} attr {{ key: \"value\" "
      "value {{ "
      "tensor {{ dtype: DT_INT32 tensor_shape {{}} int_val: {} }} }} }} }}\n",
      name, value);
}

std::string array_of(int size, bool dynamic) {
  return number("size", size) + fmt::format(
                                    "node {{ name: \"a\" op: \"TensorArrayV3\" input: \"size\" attr {{ key: \"dtype\" "
                                    "value {{ type: DT_FLOAT }} }} "
                                    "attr {{ key: \"dynamic_size\" value {{ b: {} }} }} attr {{ key: \"element_shape\" "
                                    "value {{ shape {{ }} }} }} }}\n",
                                    dynamic);
}
const std::string kWriteAndRead =
    "node { name: \"w\" op: \"TensorArrayWriteV3\" input: \"a\" input: \"at\" input: \"x\" input: \"a:1\" attr { key: "
    "\"T\" "
    "value { type: DT_FLOAT } } }\n"
    "node { name: \"y\" op: \"TensorArrayReadV3\" input: \"a\" input: \"at\" input: \"w\" attr { key: \"dtype\" value "
    "{ type: "
    "DT_FLOAT } } }\n"
    "node { name: \"n\" op: \"TensorArraySizeV3\" input: \"a\" input: \"w\" }\n";

TEST(GrowingLists, ATensorArrayOfDynamicSizeGrowsWhereItIsWritten) {
  const auto f = convert(Graph::parse_text(kX + array_of(1, true) + number("at", 3) + kWriteAndRead),
                         {.inputs = {"x"}, .outputs = {"y", "n"}});
  const auto out = tree::leaves(f(Array(2.5f)));
  EXPECT_EQ(out.at(0).item<int>(), 4);  // in the order of their names
  EXPECT_EQ(out.at(1).item<float>(), 2.5f);
}

TEST(GrowingLists, OthersRefusePositionsBehindTheirEnd) {
  const auto f = convert(Graph::parse_text(kX + array_of(2, false) + number("at", 2) + kWriteAndRead),
                         {.inputs = {"x"}, .outputs = {"y"}});
  EXPECT_THROW(f(Array(2.5f)), ImportError);
}

// x where it is positive, doubled.
const std::string kPositive =
    kX +
    "node { name: \"zero\" op: \"ZerosLike\" input: \"x\" attr { key: \"T\" value { type: DT_FLOAT } } }\n"
    "node { name: \"set\" op: \"Greater\" input: \"x\" input: \"zero\" attr { key: \"T\" value { type: DT_FLOAT } } }\n"
    "node { name: \"where\" op: \"Where\" input: \"set\" attr { key: \"T\" value { type: DT_BOOL } } }\n"
    "node { name: \"some\" op: \"GatherNd\" input: \"x\" input: \"where\" attr { key: \"Tparams\" value { type: "
    "DT_FLOAT } } "
    "attr { key: \"Tindices\" value { type: DT_INT64 } } }\n"
    "node { name: \"y\" op: \"AddV2\" input: \"some\" input: \"some\" attr { key: \"T\" value { type: DT_FLOAT } } }\n";

TEST(ValueSizes, ModelsThatNeedValuesRunOpByOp) {
  const auto f = convert(Graph::parse_text(kPositive), {.inputs = {"x"}, .outputs = {"y"}});
  const Array x = array<float>({1, -2, 3});
  EXPECT_EQ(Array(f(x)).to_vector<float>(), (std::vector<float>{2, 6}));
  EXPECT_EQ(Array(f(array<float>({-1, -2, 3}))).to_vector<float>(), (std::vector<float>{6}));
  const auto total = [&](const Array& v) { return sum(Array(f(v))); };
  EXPECT_EQ(grad(total)(x).to_vector<float>(), (std::vector<float>{2, 0, 2}));
  EXPECT_THROW(jit(total)(x), ConcretizationError);
}

// As many rows as there are: TensorFlow's. Others: nothing that could be taken for a value.
TEST(BoundedSizes, WhereHasTheRowsThatTheOptionsSay) {
  const auto f = convert(Graph::parse_text(kPositive), {.inputs = {"x"}, .outputs = {"y"}, .sizes = {{"where", 2}}});
  const auto call = [&](const Array& v) { return Array(f(v)); };
  const Array two = array<float>({1, -2, 3}), one = array<float>({-1, -2, 3}), three = array<float>({1, 2, 3});
  for (const Array& x : {two, one, three}) {  // a call has the rows that there are
    std::vector<float> expected;
    for (const float v : x.to_vector<float>())
      if (v > 0) expected.push_back(2 * v);
    EXPECT_EQ(call(x).to_vector<float>(), expected);
  }
  EXPECT_EQ(jit(call)(two).to_vector<float>(), (std::vector<float>{2, 6}));
  EXPECT_EQ(jit(grad([&](const Array& v) { return sum(call(v)); }))(two).to_vector<float>(),
            (std::vector<float>{2, 0, 2}));
  EXPECT_EQ(vmap(call)(stack({two, array<float>({5, 4, -1})})).to_vector<float>(), (std::vector<float>{2, 6, 10, 8}));
  const auto short_of = jit(call)(one).to_vector<float>();
  EXPECT_EQ(short_of[0], 6);
  EXPECT_TRUE(std::isnan(short_of[1]));
  for (const float v : jit(call)(three).to_vector<float>()) EXPECT_TRUE(std::isnan(v));
}

TEST(BoundedSizes, PositionsInSeveralAxes) {
  const std::string graph =
      "node { name: \"x\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_BOOL } } }\n"
      "node { name: \"y\" op: \"Where\" input: \"x\" attr { key: \"T\" value { type: DT_BOOL } } }\n";
  const auto f = convert(Graph::parse_text(graph), {.inputs = {"x"}, .outputs = {"y"}, .sizes = {{"y", 3}}});
  const auto call = jit([&](const Array& v) { return Array(f(v)); });
  const Array x = array<bool>({{false, true, false}, {true, false, true}});
  EXPECT_EQ(call(x).to_vector<int>(), (std::vector<int>{0, 1, 1, 0, 1, 2}));
  EXPECT_EQ(call(x).to_vector<int>(), Array(f(x)).to_vector<int>());
  const int none = std::numeric_limits<int>::min();
  EXPECT_EQ(call(x.at(1, 2).set(false)).to_vector<int>(), (std::vector<int>{0, 1, 1, 0, none, none}));
  EXPECT_EQ(call(ones({2, 3}, bool_)).to_vector<int>(), (std::vector<int>(6, none)));
}

std::string unique(const std::string& op) {
  return kX + "node { name: \"u\" op: \"" + op +
         "\" input: \"x\" attr { key: \"T\" value { type: DT_FLOAT } } attr { key: \"out_idx\" value { type: DT_INT32 "
         "} "
         "} }\n";
}

TEST(BoundedSizes, UniqueHasTheValuesThatTheOptionsSay) {
  const auto f = convert(Graph::parse_text(unique("UniqueWithCounts")),
                         {.inputs = {"x"}, .outputs = {"u:0", "u:1", "u:2"}, .sizes = {{"u", 3}}});
  const auto call = [&](const Array& v) {
    Arrays out;
    for (const auto& t : tree::leaves(f(v))) out.push_back(t);
    return out;
  };
  const auto traced = jit(call);
  const Array x = array<float>({3, 1, 3, -2, 1, 3});
  for (const Arrays& got : {call(x), traced(x)}) {
    EXPECT_EQ(got.at(0).to_vector<float>(), (std::vector<float>{3, 1, -2}));
    EXPECT_EQ(got.at(1).to_vector<int>(), (std::vector<int>{0, 1, 0, 2, 1, 0}));
    EXPECT_EQ(got.at(2).to_vector<int>(), (std::vector<int>{3, 2, 1}));
  }
  const Arrays few = traced(array<float>({7, 7, 7, 5, 5, 7}));
  EXPECT_EQ(few[0].to_vector<float>()[1], 5);
  EXPECT_TRUE(std::isnan(few[0].to_vector<float>()[2]));
  EXPECT_EQ(few[2].to_vector<int>(), (std::vector<int>{4, 2, 0}));
  for (const float v : traced(iota(f32, {6}, 0))[0].to_vector<float>()) EXPECT_TRUE(std::isnan(v));
}

std::string placeholder(const std::string& name, const std::string& type) {
  return "node { name: \"" + name + "\" op: \"Placeholder\" attr { key: \"dtype\" value { type: " + type + " } } }\n";
}
// Rows of x in two parts, and x again from both, doubled on the way.
const std::string kParts = kX + placeholder("part", "DT_INT32") + placeholder("at", "DT_INT32") +
                           "node { name: \"p\" op: \"DynamicPartition\" input: \"x\" input: \"part\" attr { key: "
                           "\"num_partitions\" value { i: 2 "
                           "} } attr { key: \"T\" value { type: DT_FLOAT } } }\n"
                           "node { name: \"q\" op: \"DynamicPartition\" input: \"at\" input: \"part\" attr { key: "
                           "\"num_partitions\" value { i: "
                           "2 } } attr { key: \"T\" value { type: DT_INT32 } } }\n"
                           "node { name: \"twice\" op: \"AddV2\" input: \"p:1\" input: \"p:1\" attr { key: \"T\" value "
                           "{ type: DT_FLOAT } } }\n"
                           "node { name: \"y\" op: \"DynamicStitch\" input: \"q:0\" input: \"q:1\" input: \"p:0\" "
                           "input: \"twice\" attr { key: "
                           "\"N\" value { i: 2 } } attr { key: \"T\" value { type: DT_FLOAT } } }\n";

TEST(BoundedSizes, PartitionsAndStitchesHaveTheRowsThatTheOptionsSay) {
  const auto f = convert(Graph::parse_text(kParts), {.inputs = {"x", "part", "at"},
                                                     .outputs = {"p:0", "p:1", "y"},
                                                     .sizes = {{"p", 2}, {"p:0", 3}, {"q", 2}, {"q:0", 3}, {"y", 5}}});
  const auto call = [&](const Array& x, const Array& part) {
    Arrays out;
    for (const auto& t : tree::leaves(f(x, part, arange(5)))) out.push_back(t);
    return out;
  };
  const Array x = array<float>({{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}});
  const Array fits = array<int>({0, 1, 0, 0, 1}), other = array<int>({1, 0, 1, 1, 1}),
              wrong = array<int>({0, 1, 0, 2, 1});
  const Arrays expected = call(x, fits), got = jit(call)(x, fits);
  EXPECT_EQ(expected[2].to_vector<float>(), (std::vector<float>{1, 2, 6, 8, 5, 6, 7, 8, 18, 20}));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(got[i].to_vector<float>(), expected[i].to_vector<float>()) << i;
  EXPECT_EQ(call(x, other)[1].shape(), (Shape{4, 2}));  // a call has the rows that there are
  EXPECT_THROW(call(x, wrong), ImportError);
  const auto slopes = [&](const Array& v) { return sum(call(v, fits)[2] * array<float>({{1}, {2}, {3}, {4}, {5}})); };
  EXPECT_EQ(jit(grad(slopes))(x).to_vector<float>(), grad(slopes)(x).to_vector<float>());
  // One part has too few rows, the other too many; what was lost is not taken for a value.
  const Arrays few = jit(call)(x, other);
  EXPECT_EQ(few[0].to_vector<float>()[0], 3);
  EXPECT_TRUE(std::isnan(few[0].to_vector<float>()[2]));
  for (const float v : few[1].to_vector<float>()) EXPECT_TRUE(std::isnan(v));
  for (const std::int64_t row : {0, 2, 3, 4}) EXPECT_TRUE(std::isnan(few[2][row].to_vector<float>()[0])) << row;
  for (const Array& y : jit(call)(x, wrong))
    for (const float v : y.to_vector<float>()) EXPECT_TRUE(std::isnan(v));
}

TEST(BoundedSizes, StitchesTakeTheLastOfSeveralRows) {
  const std::string graph =
      placeholder("i", "DT_INT32") + kX +
      "node { name: \"y\" op: \"DynamicStitch\" input: \"i\" input: \"x\" attr { key: \"N\" value { i: "
      "1 } } attr { key: \"T\" value { type: DT_FLOAT } } }\n";
  const auto f = convert(Graph::parse_text(graph), {.inputs = {"i", "x"}, .outputs = {"y"}, .sizes = {{"y", 3}}});
  const auto call = jit([&](const Array& i, const Array& x) { return Array(f(i, x)); });
  const Array x = array<float>({1, 2, 3, 4});
  EXPECT_EQ(call(array<int>({2, 0, 1, 0}), x).to_vector<float>(), (std::vector<float>{4, 3, 1}));
  EXPECT_EQ(call(array<int>({2, 0, -5, 1}), x).to_vector<float>(), (std::vector<float>{2, 4, 1}));
  EXPECT_TRUE(std::isnan(call(array<int>({0, 1, 1, 0}), x).to_vector<float>()[2]));
  for (const float v : call(array<int>({0, 1, 2, 3}), x).to_vector<float>()) EXPECT_TRUE(std::isnan(v));
}

TEST(BoundedSizes, DifferencesHaveTheValuesThatTheOptionsSay) {
  const std::string graph =
      kX + placeholder("y", "DT_FLOAT") +
      "node { name: \"d\" op: \"ListDiff\" input: \"x\" input: \"y\" attr { key: \"T\" value { type: "
      "DT_FLOAT } } attr { key: \"out_idx\" value { type: DT_INT32 } } }\n";
  const auto f =
      convert(Graph::parse_text(graph), {.inputs = {"x", "y"}, .outputs = {"d:0", "d:1"}, .sizes = {{"d", 3}}});
  const auto call = [&](const Array& x, const Array& y) {
    Arrays out;
    for (const auto& t : tree::leaves(f(x, y))) out.push_back(t);
    return out;
  };
  const Array x = array<float>({3, NAN, 5, -0.f, 7}), y = array<float>({5, 0, NAN});
  for (const Arrays& got : {call(x, y), jit(call)(x, y)}) {
    EXPECT_EQ(got[0].to_vector<float>()[2], 7);
    EXPECT_EQ(got[1].to_vector<int>(), (std::vector<int>{0, 1, 4}));
  }
  const int none = std::numeric_limits<int>::min();
  EXPECT_EQ(jit(call)(x, array<float>({3, 5, 0}))[1].to_vector<int>(), (std::vector<int>{1, 4, none}));
  EXPECT_EQ(jit(call)(x, array<float>({9, 9, 9}))[1].to_vector<int>(), (std::vector<int>{none, none, none}));
}

TEST(BoundedSizes, BoxesThatStay) {
  const std::string graph =
      kX + placeholder("s", "DT_FLOAT") + number("most", 4) +
      "node { name: \"limit\" op: \"Const\" attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: "
      "\"value\" value { tensor { dtype: DT_FLOAT tensor_shape {} float_val: 0.5 } } } }\n"
      "node { name: \"b\" op: \"NonMaxSuppressionV3\" input: \"x\" input: \"s\" input: \"most\" "
      "input: \"limit\" input: \"limit\" attr { key: \"T\" value { type: DT_FLOAT } } }\n";
  const auto f = convert(Graph::parse_text(graph), {.inputs = {"x", "s"}, .outputs = {"b"}, .sizes = {{"b", 2}}});
  const auto call = [&](const Array& x, const Array& s) { return Array(f(x, s)); };
  const Array boxes = array<float>({{0, 0, 1, 1}, {0, 0, 1, 0.9f}, {2, 2, 3, 3}, {4, 4, 5, 5}});
  const int none = std::numeric_limits<int>::min();
  const auto stay = [&](const auto& g, std::vector<float> scores) {
    return g(boxes, from_span<float>(std::span<const float>(scores), {4})).template to_vector<int>();
  };
  EXPECT_EQ(stay(call, {0.9f, 0.8f, 0.7f, 0.1f}), (std::vector<int>{0, 2}));
  EXPECT_EQ(stay(call, {0.9f, 0.8f, 0.7f, 0.6f}), (std::vector<int>{0, 2, 3}));
  EXPECT_EQ(stay(jit(call), {0.9f, 0.8f, 0.7f, 0.1f}), (std::vector<int>{0, 2}));
  EXPECT_EQ(stay(jit(call), {0.2f, 0.8f, 0.1f, 0.1f}), (std::vector<int>{1, none}));
  EXPECT_EQ(stay(jit(call), {0.9f, 0.8f, 0.7f, 0.6f}), (std::vector<int>{none, none}));
}

// What is known decides the sizes, also where a program is traced.
TEST(ValueSizes, ConstantsHaveTheirDistinctValuesInPrograms) {
  GraphBuilder g;
  const std::string x = g.placeholder("x", f32, {1}), c = g.constant("c", array<float>({2, 3, 2, -0.f, 0, NAN}));
  const std::string less = g.constant("less", array<float>({3, 7}));
  g.node("AddV2", "y", {x, g.node("Unique", "u", {c}, {{"T", f32}, {"out_idx", i32}})}, f32);
  g.node("AddV2", "z", {x, g.node("ListDiff", "d", {c, less}, {{"T", f32}, {"out_idx", i32}})}, f32);
  for (const auto& [output, expected] : {std::pair{"y", Floats{3, 4, 1}}, std::pair{"z", Floats{3, 3, 1, 1}}}) {
    const auto f = convert(g.graph(), {.inputs = {"x"}, .outputs = {output}});
    const auto call = [&](const Array& v) { return Array(f(v)); };
    for (const Array& y : {call(ones({1})), jit(call)(ones({1}))}) {
      const Floats got = y.to_vector<float>();
      ASSERT_EQ(got.size(), expected.size() + 1);
      EXPECT_EQ(Floats(got.begin(), got.end() - 1), expected);
      EXPECT_TRUE(std::isnan(got.back()));
    }
  }
}

// The values are TensorFlow's.
TEST(Unique, NoNaNIsAnothersEqualAndZeroHasNoSign) {
  const auto f = convert(Graph::parse_text(unique("Unique")), {.inputs = {"x"}, .outputs = {"u:1"}});
  EXPECT_EQ(Array(f(array<float>({NAN, 1, NAN, -0.f, 0}))).to_vector<int>(), (std::vector<int>{0, 1, 2, 3, 3}));
  const auto bounded =
      convert(Graph::parse_text(unique("Unique")), {.inputs = {"x"}, .outputs = {"u:1"}, .sizes = {{"u", 4}}});
  EXPECT_EQ(
      jit([&](const Array& v) { return Array(bounded(v)); })(array<float>({NAN, 1, NAN, -0.f, 0})).to_vector<int>(),
      (std::vector<int>{0, 1, 2, 3, 3}));
  const std::string difference =
      kX + "node { name: \"y\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_FLOAT } } }\n" +
      "node { name: \"d\" op: \"ListDiff\" input: \"x\" input: \"y\" attr { key: \"T\" value { type: DT_FLOAT } } "
      "attr { key: \"out_idx\" value { type: DT_INT32 } } }\n";
  const auto d = convert(Graph::parse_text(difference), {.inputs = {"x", "y"}, .outputs = {"d:1"}});
  EXPECT_EQ(Array(d(array<float>({NAN, 1, 0}), array<float>({NAN, -0.f}))).to_vector<int>(), (std::vector<int>{0, 1}));
}

}  // namespace
}  // namespace tf2jax
