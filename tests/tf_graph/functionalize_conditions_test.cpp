// Switch and Merge as If: values of both branches, by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../tf_import/text_graph.h"

namespace tf2jax {
namespace {

const std::string kType = R"(attr { key: "T" value { type: DT_FLOAT } })";
const std::string kInputs = kScalarX + placeholder("p", "", "DT_BOOL") + placeholder("q", "", "DT_BOOL");
std::string op(const std::string& name, const std::string& kind, const std::vector<std::string>& inputs) {
  return node(name, kind, inputs, kType);
}
const auto boolean = [](bool b) { return Array(b); };

TEST(FunctionalizeConditions, EitherBranchMayComeFirst) {
  const std::string branches =
      kInputs + op("s", "Switch", {"x", "p"}) + op("a", "Neg", {"s:1"}) + op("b", "Square", {"s:0"});
  for (const auto& inputs : {std::vector<std::string>{"a", "b"}, {"b", "a"}}) {
    const auto f = import_flat(branches + op("y", "Merge", inputs), {"y", "y:1"}, {"x", "p"});
    const auto yes = f({Array(3.f), boolean(true)}), no = f({Array(3.f), boolean(false)});
    EXPECT_EQ(yes[0].item<float>(), -3);
    EXPECT_EQ(no[0].item<float>(), 9);
    EXPECT_EQ(yes[1].item<int>(), inputs[0] == "a" ? 0 : 1);  // which input came
    EXPECT_EQ(no[1].item<int>(), inputs[0] == "a" ? 1 : 0);
  }
}

TEST(FunctionalizeConditions, ABranchMayBeTheSwitchItself) {
  const auto f =
      import_flat(kInputs + op("s", "Switch", {"x", "p"}) + op("a", "Neg", {"s:1"}) + op("y", "Merge", {"s", "a"}),
                  {"y"}, {"x", "p"});
  EXPECT_EQ(f({Array(3.f), boolean(true)})[0].item<float>(), -3);
  EXPECT_EQ(f({Array(3.f), boolean(false)})[0].item<float>(), 3);
}

TEST(FunctionalizeConditions, PredicatesMayPassThroughIdentities) {
  const auto f = import_flat(kInputs + node("i", "Identity", {"p"}, R"(attr { key: "T" value { type: DT_BOOL } })") +
                                 op("s", "Switch", {"x", "i"}) + op("t", "Switch", {"x", "p"}) +
                                 op("a", "Neg", {"s:1"}) + op("y", "Merge", {"t", "a"}),
                             {"y"}, {"x", "p"});
  EXPECT_EQ(f({Array(3.f), boolean(true)})[0].item<float>(), -3);
  EXPECT_EQ(f({Array(3.f), boolean(false)})[0].item<float>(), 3);
}

TEST(FunctionalizeConditions, ConditionsInConditions) {
  // p ? (q ? -x : x^2) : x
  const std::string bool_type = R"(attr { key: "T" value { type: DT_BOOL } })";
  const auto f = import_flat(kInputs + op("s", "Switch", {"x", "p"}) + node("sq", "Switch", {"q", "p"}, bool_type) +
                                 op("t", "Switch", {"s:1", "sq:1"}) + op("a", "Neg", {"t:1"}) +
                                 op("b", "Square", {"t"}) + op("m", "Merge", {"b", "a"}) + op("y", "Merge", {"s", "m"}),
                             {"y"}, {"x", "p", "q"});
  const auto value = [&](bool p, bool q) { return f({Array(3.f), boolean(p), boolean(q)})[0].item<float>(); };
  EXPECT_EQ(value(true, true), -3);
  EXPECT_EQ(value(true, false), 9);
  EXPECT_EQ(value(false, true), 3);
  EXPECT_EQ(value(false, false), 3);
}

TEST(FunctionalizeConditions, AConditionMayReadTheResultOfAnother) {
  // u = p ? -x : x, then p ? u^2 : -u.
  const auto f = import_flat(kInputs + op("s", "Switch", {"x", "p"}) + op("a", "Neg", {"s:1"}) +
                                 op("u", "Merge", {"s", "a"}) + op("t", "Switch", {"u", "p"}) +
                                 op("c", "Square", {"t:1"}) + op("d", "Neg", {"t"}) + op("y", "Merge", {"d", "c"}),
                             {"y", "u"}, {"x", "p"});
  EXPECT_EQ(f({Array(3.f), boolean(true)})[0].item<float>(), 9);
  EXPECT_EQ(f({Array(3.f), boolean(false)})[0].item<float>(), -3);
  EXPECT_EQ(f({Array(3.f), boolean(true)})[1].item<float>(), -3);
}

TEST(FunctionalizeConditions, NodesMayHaveTheNamesOfArguments) {
  for (const std::string name : {"x0", "argument_0", "y0"}) {
    const auto f = import_flat(placeholder("v", "") + placeholder("p", "", "DT_BOOL") + op("s", "Switch", {"v", "p"}) +
                                   op(name, "Neg", {"s:1"}) + op("a", "Square", {name}) + op("y", "Merge", {"s", "a"}),
                               {"y"}, {"v", "p"});
    EXPECT_EQ(f({Array(3.f), boolean(true)})[0].item<float>(), 9) << name;
    EXPECT_EQ(f({Array(3.f), boolean(false)})[0].item<float>(), 3) << name;
  }
}

}  // namespace
}  // namespace tf2jax
