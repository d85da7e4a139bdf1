// What a function captures: variables, constants and placeholders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
const std::string kHandle = node("v", "VarHandleOp", {},
                                 "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape "
                                 "{ } } } attr { key: \"shared_name\" value { s: \"stored\" } }");

TEST(Importer, PlaceholdersThatOutputsNeedAreTheInputs) {
  const auto f =
      import(placeholder("unneeded", "") + placeholder("b", "") + placeholder("a", "") + node("y", "Sub", {"a", "b"}));
  EXPECT_EQ(f.signature().parameters, (std::vector<std::string>{"b", "a"}));  // in the order of the file
  EXPECT_EQ(Array(f(1.0f, 5.0f)).item<float>(), 4);
}

TEST(Importer, CapturesAreVariablesOrConstants) {
  const std::string text = kScalarX + placeholder("c", "") + node("y", "Mul", {"x", "c"});
  const auto f = convert(Graph::parse_text(text),
                         {.inputs = {"x"}, .outputs = {"y"}, .captures = {{"c", "", array<float>(7.0f)}}});
  EXPECT_TRUE(f.params().empty());
  EXPECT_EQ(Array(f(2.0f)).item<float>(), 14);
}

TEST(Importer, VariablesOfOneNameAreToldApart) {
  const std::string text =
      kScalarX + kHandle +
      node("w", "VarHandleOp", {},
           "attr { key: \"dtype\" value { type: DT_FLOAT } } attr { key: \"shape\" value { shape { } } }") +
      node("r", "ReadVariableOp", {"v"}) + node("s", "ReadVariableOp", {"w"}) + node("y", "Sub", {"r", "s"});
  const auto f =
      convert(Graph::parse_text(text),
              {.outputs = {"y"}, .captures = {{"v", "same", array<float>(7.0f)}, {"w", "same", array<float>(2.0f)}}});
  EXPECT_EQ(f.params().size(), 2u);
  EXPECT_EQ(Array(f()).item<float>(), 5);
}

TEST(Importer, WhatIsNotThereIsNamed) {
  const Graph g = Graph::parse_text(kScalarX + node("y", "Neg", {"x"}));
  EXPECT_THAT(message_of<Error>([&] { convert(g, {.outputs = {"z"}}); }), HasSubstr("'z'"));
  EXPECT_THAT(message_of<Error>([&] { convert(g, {.inputs = {"w"}, .outputs = {"y"}}); }), HasSubstr("'w'"));
  EXPECT_THAT(message_of<Error>([&] { convert(g, {.outputs = {"y"}, .captures = {{"nope", "v", Array(1.f)}}}); }),
              HasSubstr("nope"));
}

}  // namespace
}  // namespace tf2jax
