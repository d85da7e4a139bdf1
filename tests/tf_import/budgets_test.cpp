// Budgets of imported models: each stops what exceeds it with an error that names the place, and can be raised.
#include "tf2jax/base/config.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/tf_import/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

const std::string kX =
    "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' value { "
    "shape { } } } }\n";

std::string call(const std::string& name, const std::string& function, const std::string& input) {
  return fmt::format(
      "{{ name: '{}' op: 'PartitionedCall' input: '{}' attr {{ key: 'f' value {{ func {{ name: '{}' }} }} }} attr {{ "
      "key: 'Tout' value {{ list {{ type: DT_FLOAT }} }} }} }}\n",
      name, input, function);
}
std::string function(const std::string& name, const std::string& nodes, const std::string& result) {
  return fmt::format(
      "function {{ signature {{ name: '{}' input_arg {{ name: 'a' type: DT_FLOAT }} output_arg {{ name: 'r' type: "
      "DT_FLOAT }} }} {} ret {{ key: 'r' value: '{}' }} }}\n",
      name, nodes, result);
}

// f0 calls f1 `width` times, f1 calls f2 `width` times, …; the last one adds a to itself.
Graph nested(int depth, int width) {
  std::string text = kX + "node " + call("y", "f0", "x") + "library {";
  for (int i = 0; i < depth; ++i) {
    std::string nodes, last = "a";
    for (int k = 0; k < width; ++k) {
      nodes += "node_def " + call(fmt::format("c{}", k), fmt::format("f{}", i + 1), last);
      last = fmt::format("c{}:output:0", k);
    }
    text += function(fmt::format("f{}", i), nodes, last);
  }
  return Graph::parse_text(
      text + function(fmt::format("f{}", depth), "node_def { name: 's' op: 'AddV2' input: 'a' input: 'a' }", "s:z:0") +
          "}",
      "nested");
}

float run(const Graph& graph, bool jit = true) {
  return Array(convert(graph, {.outputs = {"y"}, .jit = jit})(1.0f)).item<float>();
}

TEST(ExpandedNodes, DoublingFunctionsAreRefusedAtOnce) {
  const auto text = message_of<ResourceExhaustedError>([] { run(nested(40, 2)); });
  EXPECT_THAT(text, HasSubstr("import 'y' (PartitionedCall)"));
  EXPECT_THAT(text, HasSubstr("Config::max_expanded_nodes"));
  EXPECT_THAT(message_of<ResourceExhaustedError>([] { run(nested(90, 4)); }), HasSubstr("more than 2^60"));
}

TEST(ExpandedNodes, LimitIsTheCallersAndCanBeRaised) {
  const auto f = convert(nested(5, 2), {.outputs = {"y"}});
  {
    const auto few = override_config(&Config::max_expanded_nodes, 64);
    EXPECT_THAT(message_of<ResourceExhaustedError>([&] { f(1.0f); }), HasSubstr("at most 64"));
  }
  EXPECT_EQ(Array(f(1.0f)).item<float>(), 4294967296.0f);  // 32 doublings
}

TEST(FunctionDepth, LimitNamesAFunctionAndCanBeRaised) {
  const Graph deep = nested(150, 1);
  for (const bool jit : {false, true}) {
    EXPECT_THAT(message_of<ResourceExhaustedError>([&] { run(deep, jit); }),
                HasSubstr("more than 100 deep, function 'f99' among them"));
    const auto deeper = override_config(&Config::max_function_depth, 200);
    EXPECT_EQ(run(deep, jit), 2);
  }
}

TEST(FunctionDepth, ChainsOfAnyLengthAreLookedThrough) {
  const Graph chain = nested(20000, 1);
  EXPECT_EQ(convert(chain, {.outputs = {"y"}}).op_counts().at("PartitionedCall"), 20001);
  EXPECT_THROW(run(chain), ResourceExhaustedError);
}

TEST(FunctionDepth, ReducersThatCallThemselvesAreErrors) {
  const std::string pair =
      "function { signature { name: 'g' input_arg { name: 'a' type: DT_FLOAT } input_arg { name: 'b' type: DT_FLOAT } "
      "output_arg { name: 'r' type: DT_FLOAT } } "
      "node_def { name: 'c' op: 'PartitionedCall' input: 'a' input: 'b' attr { key: 'f' value { func { name: 'g' } } } "
      "} ret { key: 'r' value: 'c:output:0' } }";
  const auto graph = Graph::parse_text(kX +
                                       "node { name: 'y' op: 'XlaVariadicReduceV2' input: 'x' input: 'x' attr { key: "
                                       "'reducer' value { func { name: 'g' } } } "
                                       "attr { key: 'dimensions_to_reduce' value { list { } } } } library { " +
                                       pair + " }");
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { run(graph); }),
              HasSubstr("function 'g' calls others more than 100 deep"));
}

TEST(ArrayElements, LimitIsTheCallers) {
  const auto fill = Graph::parse_text(
      "node { name: 's' op: 'Const' attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 "
      "} } int_val: 100 } } } }"
      "node { name: 'v' op: 'Const' attr { key: 'value' value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 2 "
      "} } } }"
      "node { name: 'y' op: 'Fill' input: 's' input: 'v' }");
  const auto f = convert(fill, {.outputs = {"y"}});
  {
    const auto few = override_config(&Config::max_array_elements, 99);
    EXPECT_THAT(message_of<ResourceExhaustedError>([&] { f(); }), HasSubstr("import 'y' (Fill)"));
  }
  EXPECT_EQ(Array(f()).size(), 100);
}

TEST(LoopSteps, CountedLoopsKeepToTheLimit) {
  const std::string args = "input_arg { name: 'i' type: DT_INT32 } ";
  const auto number = [](const std::string& name, int value) {
    return fmt::format(
        "node_def {{ name: '{}' op: 'Const' attr {{ key: 'value' value {{ tensor {{ dtype: DT_INT32 tensor_shape {{ }} "
        "int_val: {} }} }} }} }} ",
        name, value);
  };
  const auto loop = Graph::parse_text(
      "node { name: 'zero' op: 'Const' attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape { } int_val: "
      "0 } } } }"
      "node { name: 'y' op: 'StatelessWhile' input: 'zero' attr { key: 'cond' value { func { name: 'more' } } } attr { "
      "key: 'body' value { func { name: 'step' } } } }"
      "library { function { signature { name: 'more' " +
      args + "output_arg { name: 'r' type: DT_BOOL } } " + number("n", 50) +
      "node_def { name: 'l' op: 'Less' input: 'i' input: 'n:output:0' } ret { key: 'r' value: 'l:z:0' } } function { "
      "signature { name: 'step' " +
      args + "output_arg { name: 'j' type: DT_INT32 } } " + number("o", 1) +
      "node_def { name: 'a' op: 'AddV2' input: 'i' input: 'o:output:0' } ret { key: 'j' value: 'a:z:0' } } }");
  const auto f = convert(loop, {.outputs = {"y"}});
  {
    const auto few = override_config(&Config::max_loop_steps, 49);
    EXPECT_THAT(message_of<ResourceExhaustedError>([&] { f(); }),
                HasSubstr("import 'y' (StatelessWhile): the loop takes too many steps. Got 50; expected at most 49"));
  }
  const auto enough = override_config(&Config::max_loop_steps, 50);
  EXPECT_EQ(Array(f()).item<int>(), 50);
}

TEST(Exceptions, OfConvertersAreErrorsOfTheLibrary) {
  register_operation("TestThrowsLength", [](Node&) -> Values { throw std::length_error("vector"); });
  register_operation("TestThrowsMemory", [](Node&) -> Values { throw std::bad_alloc(); });
  register_operation("TestThrowsRange", [](Node&) -> Values { throw std::out_of_range("map::at"); });
  const auto text = [](const std::string& op) {
    return Graph::parse_text(kX + "node { name: 'y' op: '" + op + "' input: 'x' }");
  };
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { run(text("TestThrowsLength")); }),
              HasSubstr("import 'y' (TestThrowsLength): more memory"));
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { run(text("TestThrowsMemory")); }),
              HasSubstr("import 'y' (TestThrowsMemory): there is not enough memory"));
  EXPECT_THAT(message_of<InternalError>([&] { run(text("TestThrowsRange")); }), HasSubstr("map::at"));
}

}  // namespace
}  // namespace tf2jax
