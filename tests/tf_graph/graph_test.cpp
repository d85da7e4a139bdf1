#include "tf2jax/tf_graph/graph.h"

#include "tf2jax/tf_graph/function_library.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/protos.h"

#include <gtest/gtest.h>

namespace tf2jax {
namespace {

constexpr const char* kText = R"(
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } some_future_field: 3 }
node { name: "y" op: "Split" input: "x" attr { key: "num_split" value { i: 3 } } }
library { function { signature { name: "f" output_arg { name: "r" type: DT_FLOAT } }
                     node_def { name: "s" op: "Sin" input: "x" } } }
)";

TEST(GraphText, ReadsNodesAndSkipsUnknownFields) {
  const Graph g = Graph::parse_text(kText);
  ASSERT_EQ(g.nodes().size(), 2u);
  EXPECT_EQ(g.nodes()[1].inputs, std::vector<std::string>{"x"});
  EXPECT_EQ(g.functions(), std::vector<std::string>{"f"});
  EXPECT_EQ(g.op_counts().at("Sin"), 1);
}

TEST(GraphBinary, SurvivesTruncationAndFlippedBytes) {
  const std::string good = Graph::parse_text(kText).serialize();
  EXPECT_EQ(Graph::parse(good).nodes().size(), 2u);
  for (std::size_t n = 0; n < good.size(); ++n) {
    try {
      (void)Graph::parse(std::string_view(good).substr(0, n), "cut");
    } catch (const ParseError& e) {
      EXPECT_NE(std::string(e.what()).find("cut"), std::string::npos);
    }
    std::string bad = good;
    bad[n] = static_cast<char>(bad[n] ^ 0xff);
    try {
      (void)Graph::parse(bad);
    } catch (const ParseError&) {
    }
  }
}

TEST(GraphLoad, NamesFileAndLine) {
  EXPECT_THROW(Graph::load("/nonexistent/graph.pb"), IoError);
  try {
    (void)Graph::parse_text("node { name: \"x\"\n op }", "model.pbtxt");
    FAIL();
  } catch (const ParseError& e) {
    EXPECT_NE(std::string(e.what()).find("model.pbtxt"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("line 2"), std::string::npos);
  }
}

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
  const Graph g = Graph::parse_text(R"(node { name: "x" op: "NoOp" } library { gradient { function_name: "f" gradient_func: "g" } })");
  EXPECT_THROW(FunctionLibrary{g}, ValueError);
}

tensorflow::TensorProto tensor(const char* text) {
  tensorflow::TensorProto proto;
  detail::parse_text(text, proto, "test");
  return proto;
}

TEST(TensorProto, LastValueRepeats) {
  const auto x = std::get<Array>(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { dim { size: 3 } } float_val: 1 float_val: 2"), "c"));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 2}));
  const auto h = std::get<Array>(detail::tensor_from_proto(tensor("dtype: DT_HALF tensor_shape { } half_val: 15360"), "c"));
  EXPECT_EQ(h.item<float>(), 1.f);
}

TEST(TensorProto, RejectsContentsThatDoNotFit) {
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { dim { size: 3 } } tensor_content: \"ab\""), "c"), ValueError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { dim { size: -1 } }"), "c"), ValueError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { dim { size: 1099511627776 } }"), "c"), ResourceExhaustedError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_FLOAT tensor_shape { } float_val: 1 float_val: 2"), "c"), ValueError);
  EXPECT_THROW(detail::tensor_from_proto(tensor("dtype: DT_QINT8 tensor_shape { }"), "c"), NotImplementedError);
}

TEST(Files, PathsStayBelowTheRoot) {
  EXPECT_EQ(detail::join_below("/m", "a/b.txt", "test").string(), "/m/a/b.txt");
  for (const char* bad : {"../x", "/etc/passwd", "a/../../b", ""}) EXPECT_THROW(detail::join_below("/m", bad, "test"), ValueError) << bad;
}

}  // namespace
}  // namespace tf2jax
