// Functions, gradients and definitions of operations.
#include <gtest/gtest.h>
#include <tf2jax/base/error.h>
#include <tf2jax/tf_graph/function_library.h>
#include <tf2jax/tf_graph/internal/protos.h>

#include "../support.h"

namespace tf2jax {
namespace {

constexpr const char* kText = R"(
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } some_future_field: 3 }
node { name: "y" op: "Split" input: "x" attr { key: "num_split" value { i: 3 } } }
library { function { signature { name: "f" output_arg { name: "r" type: DT_FLOAT } }
                     node_def { name: "s" op: "Sin" input: "x" } } }
)";

TEST(FunctionLibrary, KnowsOutputsAndDefaults) {
  const Graph g = Graph::parse_text(kText);
  const FunctionLibrary library(g);
  EXPECT_EQ(library.output(g.proto().node(1), "output").count, 3);
  EXPECT_EQ(library.attr_default("Conv2D", "data_format")->s(), "NHWC");
  EXPECT_FLOAT_EQ(library.attr_default("LeakyRelu", "alpha")->f(), 0.2f);
  EXPECT_EQ(library.attr_default("Conv2D", "strides"), nullptr);
  EXPECT_NE(library.find("f"), nullptr);
}

TEST(FunctionLibrary, RejectsLegacyGradients) {
  const Graph g = Graph::parse_text(
      R"(node { name: "x" op: "NoOp" } library { gradient { function_name: "f" gradient_func: "g" } })");
  EXPECT_THROW(FunctionLibrary{g}, ValueError);
}

TEST(FunctionLibrary, FindsFunctionsAndGradientsByName) {
  const Graph g = Graph::parse_text(R"(
    node { name: "x" op: "NoOp" }
    library { function { signature { name: "f" } }
              gradient { function_name: "g" gradient_func: "h" } })",
                                    "test");
  EXPECT_THROW(FunctionLibrary{g}, ValueError);  // legacy gradients
  const FunctionLibrary library(
      Graph::parse_text(R"(library { function { signature { name: "f" } } function { signature { name: "g" } } })"));
  ASSERT_NE(library.find("g"), nullptr);
  EXPECT_EQ(library.find("g")->signature().name(), "g");
  EXPECT_EQ(library.find("h"), nullptr);
  EXPECT_EQ(library.gradient("anything"), nullptr);
}

TEST(FunctionLibrary, TwoFunctionsOfOneNameAreRefused) {
  expect_error<ValueError>(
      [] {
        FunctionLibrary(Graph::parse_text(
            R"(library { function { signature { name: "f" } } function { signature { name: "f" } } })"));
      },
      "f");
}

TEST(FunctionLibrary, OutputsOfSeveralTensors) {
  const Graph g = Graph::parse_text(R"(
    node { name: "n" op: "IdentityN" attr { key: "T" value { list { type: DT_FLOAT type: DT_INT32 } } } }
    node { name: "t" op: "TopKV2" }
    node { name: "unknown" op: "NoSuchOp" })");
  const FunctionLibrary library(g);
  EXPECT_EQ(library.output(g.proto().node(0), "output").count, 2);
  EXPECT_EQ(library.output(g.proto().node(1), "values").start, 0);
  EXPECT_EQ(library.output(g.proto().node(1), "indices").start, 1);
  EXPECT_THROW(library.output(g.proto().node(1), "nonsense"), ValueError);
}

TEST(FunctionLibrary, DefinitionsOfTheModelComeFirst) {
  auto ops = std::make_shared<tensorflow::OpList>();
  detail::parse_text(R"(op { name: "LeakyRelu" attr { name: "alpha" default_value { f: 0.75 } } })", *ops, "test");
  const FunctionLibrary library(Graph::parse_text("node { name: \"x\" op: \"NoOp\" }"), ops);
  EXPECT_FLOAT_EQ(library.attr_default("LeakyRelu", "alpha")->f(), 0.75f);
  EXPECT_EQ(library.attr_default("Conv2D", "data_format")->s(), "NHWC");  // the model does not define it
}

}  // namespace
}  // namespace tf2jax
