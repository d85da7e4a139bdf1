// Objects of a SavedModel: functions by path, captures and variables.
#include <gtest/gtest.h>
#include <tf2jax/base/error.h>
#include <tf2jax/tf_graph/internal/protos.h>
#include <tf2jax/tf_graph/object_graph.h>

#include "../support.h"

namespace tf2jax {
namespace {

ObjectGraph read(const std::string& text) {
  auto meta = std::make_shared<tensorflow::MetaGraphDef>();
  detail::parse_text("object_graph_def { " + text + " }", *meta, "test");
  return {meta, nullptr, "test"};
}
const std::string kObjects = R"(
  nodes { children { node_id: 1 local_name: "layer" } children { node_id: 3 local_name: "f" } user_object { } }
  nodes { children { node_id: 2 local_name: "w" } children { node_id: 3 local_name: "call" } children { node_id: 0 local_name: "parent" } user_object { } }
  nodes { variable { dtype: DT_FLOAT shape { dim { size: 2 } } trainable: true name: "kernel" } }
  nodes { function { concrete_functions: "__inference_f" } }
  concrete_functions { key: "__inference_f" value { bound_inputs: 2
    canonicalized_input_signature { tuple_value { values { tuple_value { } } values { dict_value { } } } }
    output_signature { tensor_spec_value { dtype: DT_FLOAT } } } })";

TEST(ObjectGraph, FunctionsAreFoundByTheirShortestPath) {
  const ObjectGraph g = read(kObjects);
  ASSERT_NE(g.find("f"), nullptr);
  EXPECT_EQ(g.find("f")->concrete, std::vector<std::string>{"__inference_f"});
  EXPECT_EQ(g.find("no.such"), nullptr);
  EXPECT_EQ(g.functions().at(0).path, "f");
  EXPECT_EQ(g.signature_function("serving_default"), nullptr);
}

TEST(ObjectGraph, VariablesAndCaptures) {
  const ObjectGraph g = read(kObjects);
  ASSERT_EQ(g.variables().size(), 1u);
  EXPECT_EQ(g.variables()[0].name, "kernel");
  EXPECT_TRUE(g.variables()[0].trainable);
  EXPECT_EQ(g.variables()[0].spec.shape, Dims{2});
  EXPECT_EQ(g.variable(2), &g.variables()[0]);
  EXPECT_EQ(g.variable(0), nullptr);
  const ConcreteFunction f = g.concrete("__inference_f");
  ASSERT_EQ(f.captures.size(), 1u);
  EXPECT_EQ(f.captures[0].kind, Capture::Kind::variable);
  EXPECT_EQ(f.captures[0].name, "kernel");
  EXPECT_EQ(f.inputs.to_string(), "((), {})");
}

TEST(ObjectGraph, AnEmptyOneHasNothing) {
  const ObjectGraph g = read("");
  EXPECT_TRUE(g.functions().empty());
  EXPECT_TRUE(g.variables().empty());
}

TEST(ObjectGraph, ReferencesToNothingAreRefused) {
  expect_error<ValueError>([] { read("nodes { children { node_id: 7 local_name: 'x' } user_object { } }"); },
                           "object 7, which does not exist");
  expect_error<LookupError>([] { read(kObjects).concrete("__inference_g"); }, "__inference_g");
}

}  // namespace
}  // namespace tf2jax
