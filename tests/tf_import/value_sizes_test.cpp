// Sizes that are data: lists that grow, and models that run op by op because of them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <limits>

namespace tf2jax {
namespace {

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
