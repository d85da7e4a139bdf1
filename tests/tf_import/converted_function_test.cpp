// What a converted function tells about itself, and its outputs one by one.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <sstream>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

const std::string kTwo = kScalarX + node("a", "Neg", {"x"}) + node("b", "Square", {"x"});

TEST(ConvertedFunction, SeveralOutputsComeTogetherOrAlone) {
  const auto f = import(kTwo, {"a", "b"});
  const Tree y = f(3.0f);
  EXPECT_EQ(y["a"].array().item<float>(), -3);
  EXPECT_EQ(y["b"].array().item<float>(), 9);
  EXPECT_EQ(Array(f.output("b")(3.0f)).item<float>(), 9);
  expect_error<LookupError>([&] { f.output("2"); }, "there is no output '2'");
}

TEST(ConvertedFunction, CountsTheOperationsThatItsOutputsNeed) {
  const auto f = import(kTwo + node("c", "Neg", {"a"}) + node("unneeded", "Exp", {"x"}), {"c"});
  EXPECT_EQ(f.op_counts().at("Neg"), 2);
  EXPECT_EQ(f.op_counts().count("Exp"), 0u);
  EXPECT_EQ(std::ranges::count(f.ops(), "Neg"), 1);
}

TEST(OpCounts, PrintTheMostFrequentFirst) {
  OpCounts counts;
  counts["A"] = 1;
  counts["B"] = 12;
  EXPECT_EQ(counts.to_string(), "    12  B\n     1  A\n");
}

TEST(ConvertedFunction, PrintsItsSignature) {
  std::ostringstream text;
  text << import(kVectorX + node("y", "Neg", {"x"})).signature();
  EXPECT_NE(text.str().find("x: float32[3]"), std::string::npos) << text.str();
}

TEST(ApplyFunction, IsTheFunctionalForm) {
  const auto [apply, params] = import(kTwo, {"b"});
  EXPECT_TRUE(params.empty());
  const auto [y, next] = apply(params, 3.0f);
  EXPECT_EQ(y.array().item<float>(), 9);
  EXPECT_TRUE(next.empty());
}

}  // namespace
}  // namespace tf2jax
