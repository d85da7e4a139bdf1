// tf.random.Generator: numbers and states as TensorFlow 2.21 has them from a state whose counter carries.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../../support.h"
#include "../../text_graph.h"

namespace tf2jax {
namespace {

using Words = std::vector<std::int64_t>;
const std::string kShape = constant("n", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 3") +
                           constant("alg", "dtype: DT_INT64 tensor_shape { } int64_val: 1");

std::string scalar(const std::string& name, const std::string& type, const std::string& value) {
  return constant(name, "dtype: " + type + " tensor_shape { } " + value);
}
std::string type_of(const std::string& type) { return "attr { key: \"dtype\" value { type: " + type + " } }"; }

// One operation on the state: its numbers, and the state behind it.
struct Drawn {
  Array numbers;
  Words state;
};
Drawn draw(const std::string& op, const std::string& more, const std::vector<std::string>& inputs,
           const std::string& type, const Words& state) {
  const std::string text = kShape + more +
                           node("v", "VarHandleOp", {},
                                type_of("DT_INT64") +
                                    " attr { key: \"shape\" value { shape { dim { "
                                    "size: 3 } } } }") +
                           node("y", op, inputs, type_of(type));
  const auto f = convert(Graph::parse_text(text),
                         {.outputs = {"y"}, .captures = {{"v", "v", from_span<std::int64_t>(state, {3}), false}}});
  const auto [y, after] = f.apply()(f.params());
  return {y.array(), after.at("v").value().to_vector<std::int64_t>()};
}

class Generator : public ::testing::Test {
 protected:
  const ConfigScope x64_ = override_config(&Config::enable_x64, true);
};

TEST_F(Generator, GivesTensorFlowsNumbersWhereTheyAreAskedFor) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const auto uniform = draw("StatefulUniform", "", {"v", "alg", "n"}, "DT_FLOAT", {-300, 7, 123456789012345});
  EXPECT_EQ(uniform.numbers.to_vector<float>(),
            (std::vector<float>{0.931306004524231F, 0.9929641485214233F, 0.6626522541046143F}));
  EXPECT_EQ(uniform.state, (Words{468, 8, 123456789012345}));
  const auto normal = draw("StatefulStandardNormalV2", "", {"v", "alg", "n"}, "DT_FLOAT", uniform.state);
  EXPECT_EQ(normal.numbers.to_vector<float>(),
            (std::vector<float>{-0.7737160921096802F, -0.5534032583236694F, -0.03756032884120941F}));
  const auto whole =
      draw("StatefulUniformInt", scalar("a", "DT_INT32", "int_val: 3") + scalar("b", "DT_INT32", "int_val: 1000"),
           {"v", "alg", "n", "a", "b"}, "DT_INT32", normal.state);
  EXPECT_EQ(whole.numbers.to_vector<std::int32_t>(), (std::vector<std::int32_t>{673, 633, 953}));
  const auto counted = draw("StatefulRandomBinomial",
                            scalar("a", "DT_FLOAT", "float_val: 40") + scalar("b", "DT_FLOAT", "float_val: 0.4"),
                            {"v", "alg", "n", "a", "b"}, "DT_INT64", whole.state);
  EXPECT_EQ(counted.numbers.to_vector<std::int64_t>(), (Words{14, 17, 17}));
  EXPECT_EQ(counted.state, (Words{78804, 8, 123456789012345}));
}

TEST_F(Generator, IsReadAndMovedOn) {
  const auto d =
      draw("RngReadAndSkip", scalar("five", "DT_UINT64", "uint64_val: 5") + scalar("one", "DT_INT32", "int_val: 1"),
           {"v", "one", "five"}, "DT_INT64", {78804, 8, 123456789012345});
  EXPECT_EQ(d.numbers.to_vector<std::int64_t>(), (Words{78804, 8, 123456789012345}));
  EXPECT_EQ(d.state, (Words{80084, 8, 123456789012345}));
}

TEST_F(Generator, DrawsOtherNumbersOfOtherStates) {
  const auto drawn = [](const Words& state) {
    return draw("StatefulUniform", "", {"v", "alg", "n"}, "DT_FLOAT", state).numbers.to_vector<float>();
  };
  const auto first = drawn({1, 2, 3});
  EXPECT_EQ(drawn({1, 2, 3}), first);
  for (const Words& other : {Words{2, 2, 3}, Words{1, 3, 3}, Words{1, 2, 4}, Words{1, 2, 3 + (std::int64_t{1} << 32)}})
    EXPECT_NE(drawn(other), first);
}

TEST(GeneratorState, Is64BitsWide) {
  expect_error<NotImplementedError>([] { draw("StatefulUniform", "", {"v", "alg", "n"}, "DT_FLOAT", {1, 2, 3}); },
                                    "Set Config::enable_x64");
}

}  // namespace
}  // namespace tf2jax
