// Sizes that are data: lists that grow, and models that run op by op because of them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

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

}  // namespace
}  // namespace tf2jax
