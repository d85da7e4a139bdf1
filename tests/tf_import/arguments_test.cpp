// From the arguments of a call to the tensors of a signature, and back.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/internal/imported_function.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

using Kind = StructuredValue::Kind;
using namespace tf_import;

StructuredValue tensor(const std::string& name) {
  StructuredValue v;
  v.kind = Kind::tensor;
  v.tensor = {name, "FLOAT", f32, Dims{}};
  return v;
}
StructuredValue of(Kind kind, std::vector<StructuredItem> items) {
  StructuredValue v;
  v.kind = kind;
  v.items = std::move(items);
  return v;
}
StructuredValue whole(std::int64_t i) {
  StructuredValue v;
  v.kind = Kind::integer;
  v.integer = i;
  return v;
}
// f(a, {"p": p, "q": q}, 3, *, k)
Signature signature() {
  const StructuredValue args = of(
      Kind::tuple, {{"", tensor("a")}, {"", of(Kind::dict, {{"p", tensor("p")}, {"q", tensor("q")}})}, {"", whole(3)}});
  Signature s;
  s.name = "f";
  s.parameters = {"a", "b", "n", "k"};
  s.keyword_only = 1;
  s.inputs = of(Kind::tuple, {{"", args}, {"", of(Kind::dict, {{"k", tensor("k")}})}});
  s.outputs = tensor("y");
  return s;
}
template <class... A>
std::string matched(const A&... args) {
  std::string text;
  for (const Tree& t : match_arguments(signature(), CallArguments(args...)))
    text += t.kind() == Tree::Kind::none ? "-" : std::to_string(t.array().item<int>());
  return text;
}
const std::map<std::string, Array> kPair{{"p", Array(2.f)}, {"q", Array(3.f)}};

TEST(MatchArguments, PositionsAndNames) {
  EXPECT_EQ(matched(1.f, kPair, 3, kw("k", 4.f)), "1234");
  EXPECT_EQ(matched(kw("b", Tree(Tree::Dict{{"q", Tree(3.f)}, {"p", Tree(2.f)}})), kw("a", 1.f), kw("k", 4.f)), "1234");
  EXPECT_EQ(matched(1.f, std::vector<Array>{Array(2.f), Array(3.f)}), "123-");
}

TEST(MatchArguments, WhatIsLeftOutIsMissing) {
  EXPECT_EQ(matched(), "----");
  EXPECT_EQ(matched(1.f, std::map<std::string, Array>{{"q", Array(3.f)}}), "1-3-");
}

TEST(MatchArguments, DefaultsStandInForWhatIsLeftOut) {
  Signature s = signature();
  StructuredValue real = whole(0);
  real.kind = Kind::real;
  real.real = 2.5;
  s.defaults = {{"a", whole(7)}, {"k", real}, {"n", whole(3)}};
  const auto leaves = match_arguments(s, CallArguments(kw("b", Tree(Tree::Dict{{"p", Tree(1.f)}, {"q", Tree(2.f)}}))));
  EXPECT_EQ(leaves.at(0).array().item<float>(), 7);
  EXPECT_EQ(leaves.at(0).array().dtype(), f32);  // the tensor's type
  EXPECT_EQ(leaves.at(3).array().item<float>(), 2.5f);
  EXPECT_EQ(match_arguments(s, CallArguments(1.f, kPair, kw("k", 4.f))).at(3).array().item<float>(), 4);
}

TEST(MatchArguments, WhatDoesNotFitIsRefused) {
  expect_error<TypeError>([] { matched(1.f, kPair, 3, 4.f, 5.f); }, "positional arguments");
  expect_error<TypeError>([] { matched(1.f, kw("z", 1.f)); }, "unexpected keyword argument 'z'");
  expect_error<TypeError>([] { matched(1.f, kw("a", 1.f)); }, "multiple values for argument 'a'");
  expect_error<TypeError>([] { matched(kPair); }, "is a container");
  expect_error<TypeError>([] { matched(1.f, std::map<std::string, Array>{{"r", Array(1.f)}}); },
                          "unexpected entry. Got 'r'");
  expect_error<TypeError>([] { matched(1.f, 2.f); }, "is one tensor");
  expect_error<ValueError>([] { matched(1.f, kPair, 4); },
                           "Found unexpected literal value `4`, expected `3` for argument at (0, 2)");
}

TEST(MatchArguments, StringsAreTensors) {
  const auto leaves = match_arguments(signature(), CallArguments("text", kPair, 3, kw("k", strings({"a", "b"}))));
  EXPECT_EQ(leaves[0].strings(), (StringTensor{{}, {"text"}}));
  EXPECT_EQ(leaves[3].strings(), (StringTensor{{2}, {"a", "b"}}));
  EXPECT_EQ(match_arguments(signature(), CallArguments(std::vector<std::string>{"a"}))[0].strings(), strings({"a"}));
  expect_error<ValueError>([] { matched(1.f, kPair, "3"); }, "unexpected literal value `'3'`, expected `3`");
}

TEST(MatchArguments, LiteralStringsAreCompared) {
  Signature s = signature();
  auto& literal = s.inputs.items[0].second.items[2].second;
  literal.kind = Kind::string;
  literal.string = "mode";
  EXPECT_EQ(match_arguments(s, CallArguments(1.f, kPair, "mode")).size(), 4u);
  expect_error<ValueError>([&] { match_arguments(s, CallArguments(1.f, kPair, "other")); },
                           "unexpected literal value `'other'`");
}

TEST(FlatInputs, HavePathsAsTfNestPrintsThem) {
  std::string text;
  for (const FlatInput& i : flat_inputs(signature().inputs)) text += i.name + i.path + " ";
  EXPECT_EQ(text, "a(0, 0) p(0, 1, 'p') q(0, 1, 'q') k(1, 'k') ");
}

TEST(BuildTree, PutsTensorsIntoTheStructure) {
  std::size_t next = 0;
  const Tree t = build_tree(of(Kind::tuple, {{"", tensor("x")}, {"", of(Kind::dict, {{"a", tensor("y")}})}}),
                            {Array(1.f), Array(2.f)}, next);
  EXPECT_EQ(next, 2u);
  EXPECT_EQ(t[0].array().item<float>(), 1);
  EXPECT_EQ(t[1]["a"].array().item<float>(), 2);
}

TEST(MissingInputs, ShowWhatIsThere) {
  const auto leaves = match_arguments(signature(), CallArguments(1.f));
  const std::string text = missing_inputs_text(signature(), leaves);
  EXPECT_NE(text.find("\"a\": \".\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"p\": \"float32[]\""), std::string::npos) << text;
}

}  // namespace
}  // namespace tf2jax
