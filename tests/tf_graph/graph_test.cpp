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

}  // namespace
}  // namespace tf2jax
