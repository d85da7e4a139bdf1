// Facts about functions before any of them runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/internal/model.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using tf_import::Model;

const std::string kLibrary =
    "library { function { signature { name: \"quiet\" input_arg { name: \"a\" type: DT_FLOAT } output_arg { name: "
    "\"r\" type: DT_FLOAT } } "
    "node_def { name: \"n\" op: \"Neg\" input: \"a\" } ret { key: \"r\" value: \"n:y:0\" } } "
    "function { signature { name: \"drawing\" input_arg { name: \"s\" type: DT_INT32 } output_arg { name: \"r\" type: "
    "DT_FLOAT } } "
    "node_def { name: \"u\" op: \"RandomUniform\" input: \"s\" } ret { key: \"r\" value: \"u:output:0\" } } "
    "function { signature { name: \"outer\" input_arg { name: \"s\" type: DT_INT32 } output_arg { name: \"r\" type: "
    "DT_FLOAT } } "
    "node_def { name: \"c\" op: \"PartitionedCall\" input: \"s\" attr { key: \"f\" value { func { name: \"drawing\" } "
    "} } attr { key: \"Tout\" value { list { type: DT_FLOAT } } } } "
    "node_def { name: \"d\" op: \"PartitionedCall\" input: \"s\" attr { key: \"f\" value { func { name: \"drawing\" } "
    "} } attr { key: \"Tout\" value { list { type: DT_FLOAT } } } } "
    "ret { key: \"r\" value: \"d:output:0\" } } }";
Model model(const std::string& text) { return Model("test", FunctionLibrary(Graph::parse_text(text))); }

TEST(Model, BodiesArePlannedOnFirstUse) {
  const Model m = model(kLibrary);
  const auto body = m.body("quiet");
  EXPECT_EQ(body, m.body("quiet"));
  EXPECT_EQ(body->plan.steps.size(), 1u);
  EXPECT_EQ(body->random_nodes, 0u);
  EXPECT_EQ(m.body("drawing")->random_nodes, 1u);
  expect_error<ValueError>([&] { m.body("missing"); }, "there is no function 'missing'");
}

TEST(Model, FactsOfFunctionsAreThoseOfWhatTheyCall) {
  const Model m = model(kLibrary);
  EXPECT_FALSE(m.facts(*m.body("quiet")).is_random);
  const auto facts = m.facts(*m.body("outer"));
  EXPECT_TRUE(facts.is_random);
  EXPECT_FALSE(facts.has_effect);
  EXPECT_FALSE(facts.has_loop);
  EXPECT_EQ(facts.nodes, 2);  // the call that the result needs, and the node in it
}

TEST(Model, ExpansionHasALimit) {
  const Model m = model(kLibrary);
  m.check_expansion(*m.body("outer"));
  const auto few = override_config(&Config::max_expanded_nodes, 1);
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { m.check_expansion(*m.body("outer")); }),
              HasSubstr("Config::max_expanded_nodes"));
}

TEST(Model, OperationsWithoutAConverterAreListed) {
  const Model m = model(kScalarX + node("a", "OddOp", {"x"}) + node("b", "OddOp", {"a"}));
  const auto body = m.main({"b"}, {"x"});
  EXPECT_THAT(message_of<UnsupportedOpError>([&] { m.check_supported(body); }),
              HasSubstr("'OddOp' (2 nodes, first 'a')"));
}

}  // namespace
}  // namespace tf2jax
