// Loops and conditions as TF1 wrote them, by hand: values by hand, derivatives beside differences.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/tf_graph/functionalize.h"

namespace tf2jax {
namespace {

// Nodes of a graph as text, one a call.
class Text {
 public:
  Text& node(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
             const std::string& attrs = "T:FLOAT") {
    text_ += "node { name: \"" + name + "\" op: \"" + op + "\"";
    for (const auto& input : inputs) text_ += " input: \"" + input + "\"";
    std::stringstream in(attrs);
    for (std::string a; in >> a;) {
      const auto colon = a.find_first_of(":=");
      const std::string key = a.substr(0, colon), value = a.substr(colon + 1);
      text_ += " attr { key: \"" + key + "\" value { ";
      if (a[colon] == ':') text_ += "type: DT_" + value;
      else if (value == "true" || value == "false") text_ += "b: " + value;
      else if (value.find_first_not_of("0123456789") == std::string::npos) text_ += "i: " + value;
      else text_ += "s: \"" + value + "\"";
      text_ += " } }";
    }
    text_ += " }\n";
    return *this;
  }
  Text& number(const std::string& name, const std::string& value, const std::vector<std::string>& inputs = {}) {
    text_ += "node { name: \"" + name + "\" op: \"Const\"";
    for (const auto& input : inputs) text_ += " input: \"" + input + "\"";
    const bool whole = value.find('.') == std::string::npos;
    text_ += " attr { key: \"dtype\" value { type: " + std::string(whole ? "DT_INT32" : "DT_FLOAT") +
             " } } attr { key: \"value\" value { tensor { dtype: " +
             (whole ? "DT_INT32 tensor_shape {} int_val: " : "DT_FLOAT tensor_shape {} float_val: ") + value +
             " } } } }\n";
    return *this;
  }
  Graph graph() const { return Graph::parse_text(text_); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// i = 0; v = x; while i < `limit`: i += 1, v = v * factor, in a frame.
Text& loop(Text& t, const std::string& frame, const std::string& x, const std::string& factor, const std::string& limit,
           const std::string& control = "") {
  const auto in = [&](const std::string& n) { return frame + "/" + n; };
  const std::string own = " frame_name=" + frame, fixed = own + " is_constant=true";
  t.number(in("zero"), "0", control.empty() ? std::vector<std::string>{} : std::vector<std::string>{"^" + control});
  t.node(in("i_enter"), "Enter", {in("zero")}, "T:INT32" + own).node(in("v_enter"), "Enter", {x}, "T:FLOAT" + own);
  t.node(in("factor"), "Enter", {factor}, "T:FLOAT" + fixed).node(in("limit"), "Enter", {limit}, "T:INT32" + fixed);
  t.node(in("i"), "Merge", {in("i_enter"), in("i_next")}, "T:INT32 N=2")
      .node(in("v"), "Merge", {in("v_enter"), in("v_next")}, "T:FLOAT N=2");
  t.node(in("less"), "Less", {in("i"), in("limit")}, "T:INT32").node(in("cond"), "LoopCond", {in("less")}, "");
  t.node(in("i_switch"), "Switch", {in("i"), in("cond")}, "T:INT32")
      .node(in("v_switch"), "Switch", {in("v"), in("cond")});
  t.node(in("i_body"), "Identity", {in("i_switch:1")}, "T:INT32").node(in("v_body"), "Identity", {in("v_switch:1")});
  t.number(in("one"), "1", {"^" + in("i_body")});
  t.node(in("i_more"), "Add", {in("i_body"), in("one")}, "T:INT32")
      .node(in("v_more"), "Mul", {in("v_body"), in("factor")});
  t.node(in("i_next"), "NextIteration", {in("i_more")}, "T:INT32").node(in("v_next"), "NextIteration", {in("v_more")});
  return t.node(in("i_exit"), "Exit", {in("i_switch")}, "T:INT32").node(in("v_exit"), "Exit", {in("v_switch")});
}

// N is read as a text by Text; Merge does not need it.
std::map<std::string, std::int64_t> ops(const Graph& g) { return functionalize(g).op_counts(); }

TEST(V1ControlFlow, ALoopIsAWhile) {
  Text t;
  t.node("x", "Placeholder", {}, "dtype:FLOAT").number("factor", "1.5").number("limit", "3");
  loop(t, "loop", "x", "factor", "limit");
  const Graph g = t.graph();
  const auto counts = ops(g);
  EXPECT_EQ(counts.at("While"), 1);
  for (const char* old : {"Merge", "Switch", "Enter", "Exit", "NextIteration", "LoopCond"})
    EXPECT_FALSE(counts.contains(old)) << old;
  const auto f = convert(g, {.outputs = {"loop/v_exit", "loop/i_exit"}});
  const auto out = f(Array(2.f));
  EXPECT_FLOAT_EQ(Array(out["loop/v_exit"]).item<float>(), 2 * 1.5f * 1.5f * 1.5f);
  EXPECT_EQ(Array(out["loop/i_exit"]).item<int>(), 3);
  const auto v = convert(g, {.outputs = {"loop/v_exit"}});
  const auto scalar = [&](const Array& x) { return Array(v(x)); };
  EXPECT_FLOAT_EQ(grad(scalar)(Array(2.f)).item<float>(), 1.5f * 1.5f * 1.5f);
  EXPECT_FLOAT_EQ(jit(grad(scalar))(Array(2.f)).item<float>(), 1.5f * 1.5f * 1.5f);
  EXPECT_EQ(vmap(scalar)(array<float>({1, 2})).to_vector<float>(), (std::vector<float>{3.375f, 6.75f}));
}

// cond(p > 0, x * 2, x + y) and, of the same predicate, cond(…, y, x).
Text two_conditions() {
  Text t;
  t.node("x", "Placeholder", {}, "dtype:FLOAT").node("y", "Placeholder", {}, "dtype:FLOAT").number("zero", "0.0");
  t.node("p", "Greater", {"x", "zero"}).node("c/pred_id", "Identity", {"p"}, "T:BOOL");
  t.node("c/Switch", "Switch", {"p", "p"}, "T:BOOL").node("c/switch_t", "Identity", {"c/Switch:1"}, "T:BOOL");
  t.node("c/x", "Switch", {"x", "c/pred_id"}).node("c/y", "Switch", {"y", "c/pred_id"});
  t.number("c/two", "2.0", {"^c/switch_t"}).node("c/double", "Mul", {"c/x:1", "c/two"});
  t.node("c/sum", "Add", {"c/x", "c/y"});
  return t.node("c/Merge", "Merge", {"c/sum", "c/double"}).node("c/Merge_1", "Merge", {"c/x", "c/y:1"});
}

TEST(V1ControlFlow, ConditionsOfOnePredicateAreOneIf) {
  const Graph g = two_conditions().graph();
  const auto counts = ops(g);
  EXPECT_EQ(counts.at("If"), 1);
  EXPECT_FALSE(counts.contains("Merge"));
  EXPECT_FALSE(counts.contains("Switch"));
  const auto f = convert(g, {.inputs = {"x", "y"}, .outputs = {"c/Merge", "c/Merge_1"}});
  for (const float x : {3.f, -3.f}) {
    const auto out = f(Array(x), Array(10.f)),
               native = jit([&](const Array& a, const Array& b) { return f(a, b); })(Array(x), Array(10.f));
    EXPECT_EQ(Array(out["c/Merge"]).item<float>(), x > 0 ? 6 : 7);
    EXPECT_EQ(Array(out["c/Merge_1"]).item<float>(), x > 0 ? 10 : -3);
    EXPECT_EQ(Array(native["c/Merge"]).item<float>(), x > 0 ? 6 : 7);
  }
  const auto merged = convert(g, {.inputs = {"x", "y"}, .outputs = {"c/Merge"}});
  const auto slope = grad([&](const Array& x) { return Array(merged(x, Array(1.f))); });
  EXPECT_EQ(slope(Array(3.f)).item<float>(), 2);
  EXPECT_EQ(slope(Array(-3.f)).item<float>(), 1);
  EXPECT_EQ(vmap(slope)(array<float>({3, -3})).to_vector<float>(), (std::vector<float>{2, 1}));
}

// switch_case(k, 2 x, x + y, y) as TensorFlow lowers it.
Text three_branches() {
  Text t;
  t.node("k", "Placeholder", {}, "dtype:INT32").node("x", "Placeholder", {}, "dtype:FLOAT");
  t.node("y", "Placeholder", {}, "dtype:FLOAT");
  t.node("c/index", "_SwitchN", {"k", "k"}, "T:INT32 num_outs=3").node("c/pivot", "Identity", {"c/index"}, "T:INT32");
  t.node("c/x", "_SwitchN", {"x", "k"}, "T:FLOAT num_outs=3").node("c/y", "_SwitchN", {"y", "k"}, "T:FLOAT num_outs=3");
  t.number("c/two", "2.0", {"^c/pivot"}).node("c/double", "Mul", {"c/x", "c/two"});
  t.node("c/sum", "Add", {"c/x:1", "c/y:1"});
  return t.node("c/Merge", "Merge", {"c/double", "c/sum", "c/y:2"}, "T:FLOAT N=3");
}

TEST(V1ControlFlow, SwitchesOfManyWaysAreCases) {
  const Graph g = three_branches().graph();
  EXPECT_EQ(ops(g).at("Case"), 1);
  const auto f = convert(g, {.inputs = {"k", "x", "y"}, .outputs = {"c/Merge"}});
  const auto call = [&](const Array& k, const Array& x) { return Array(f(k, x, Array(10.f))); };
  const std::map<int, std::pair<float, float>> wanted{
      {0, {6, 2}}, {1, {13, 1}}, {2, {10, 0}}, {3, {10, 0}}, {-1, {10, 0}}};
  for (const auto& [k, value_and_slope] : wanted) {
    const Array index(k);
    EXPECT_EQ(call(index, Array(3.f)).item<float>(), value_and_slope.first) << k;
    EXPECT_EQ(jit(call)(index, Array(3.f)).item<float>(), value_and_slope.first) << k;
    const auto slope = grad([&](const Array& x) { return call(index, x); });
    EXPECT_EQ(slope(Array(3.f)).item<float>(), value_and_slope.second) << k;
  }
  EXPECT_EQ(vmap(call)(array<std::int32_t>({0, 1, -1}), array<float>({1, 2, 3})).to_vector<float>(),
            (std::vector<float>{2, 12, 10}));
}

TEST(V1ControlFlow, ACaseOfOneBranchIsTaken) {
  Text t;
  t.node("k", "Placeholder", {}, "dtype:INT32").node("x", "Placeholder", {}, "dtype:FLOAT");
  t.node("c/x", "_SwitchN", {"x", "k"}, "T:FLOAT num_outs=1").node("c/neg", "Neg", {"c/x"});
  t.node("c/Merge", "Merge", {"c/neg"}, "T:FLOAT N=1").node("which", "Identity", {"c/Merge:1"}, "T:INT32");
  const auto f = convert(t.graph(), {.inputs = {"k", "x"}, .outputs = {"c/Merge", "which"}});
  const auto out = f(Array(5), Array(2.f));
  EXPECT_EQ(Array(out["c/Merge"]).item<float>(), -2);
  EXPECT_EQ(Array(out["which"]).item<int>(), 0);
}

// -switch_case(k, [switch_case(-k, [-x]) + 2 x]), whose inner predicate is only known in the outer branch.
TEST(V1ControlFlow, CasesOfOneBranchInsideOneAnother) {
  Text t;
  t.node("k", "Placeholder", {}, "dtype:INT32").node("x", "Placeholder", {}, "dtype:FLOAT");
  t.node("a/k", "_SwitchN", {"k", "k"}, "T:INT32 num_outs=1").node("a/x", "_SwitchN", {"x", "k"}, "T:FLOAT num_outs=1");
  t.node("a/j", "Neg", {"a/k"}, "T:INT32");
  t.node("a/b/x", "_SwitchN", {"a/x", "a/j"}, "T:FLOAT num_outs=1").node("a/b/neg", "Neg", {"a/b/x"});
  t.node("a/b/Merge", "Merge", {"a/b/neg"}, "T:FLOAT N=1").node("a/x2", "Add", {"a/x", "a/x"});
  t.node("a/sum", "Add", {"a/b/Merge", "a/x2"});
  t.node("a/Merge", "Merge", {"a/sum"}, "T:FLOAT N=1").node("y", "Neg", {"a/Merge"});
  const auto f = convert(t.graph(), {.inputs = {"k", "x"}, .outputs = {"y"}});
  EXPECT_EQ(Array(f(Array(0), Array(2.f))).item<float>(), -2);
  EXPECT_EQ(grad([&](const Array& x) { return Array(f(Array(0), x)); })(Array(2.f)).item<float>(), -1);
}

TEST(V1ControlFlow, BodiesOfFunctionsAreReplacedToo) {
  const Graph g = Graph::parse_text(R"(
    node { name: "p" op: "Placeholder" attr { key: "dtype" value { type: DT_BOOL } } }
    node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
    node { name: "y" op: "PartitionedCall" input: "p" input: "x" attr { key: "f" value { func { name: "body" } } }
           attr { key: "Tout" value { list { type: DT_FLOAT } } } }
    library { function {
      signature { name: "body" input_arg { name: "p" type: DT_BOOL } input_arg { name: "x" type: DT_FLOAT }
                  output_arg { name: "out" type: DT_FLOAT } }
      node_def { name: "s" op: "Switch" input: "x" input: "p" attr { key: "T" value { type: DT_FLOAT } } }
      node_def { name: "n" op: "Neg" input: "s:output_false:0" attr { key: "T" value { type: DT_FLOAT } } }
      node_def { name: "q" op: "Square" input: "s:output_true:0" attr { key: "T" value { type: DT_FLOAT } } }
      node_def { name: "m" op: "Merge" input: "n:y:0" input: "q:y:0" attr { key: "T" value { type: DT_FLOAT } } }
      node_def { name: "i" op: "Identity" input: "m:output:0" attr { key: "T" value { type: DT_FLOAT } } }
      ret { key: "out" value: "i:output:0" } } })");
  const auto f = convert(g, {.inputs = {"p", "x"}, .outputs = {"y"}});
  const auto call = [&](const Array& p, const Array& x) { return Array(f(p, x)); };
  EXPECT_EQ(call(Array(true), Array(3.f)).item<float>(), 9);
  EXPECT_EQ(jit(call)(Array(false), Array(3.f)).item<float>(), -3);
  EXPECT_EQ(grad([&](const Array& x) { return call(Array(true), x); })(Array(3.f)).item<float>(), 6);
}

TEST(V1ControlFlow, TheSecondOutputOfAMergeSaysWhichInputCame) {
  Text t = two_conditions();
  t.node("which", "Identity", {"c/Merge:1"}, "T:INT32");
  const auto f = convert(t.graph(), {.inputs = {"x", "y"}, .outputs = {"which"}});
  EXPECT_EQ(Array(f(Array(3.f), Array(0.f))).item<int>(), 1);
  EXPECT_EQ(Array(f(Array(-3.f), Array(0.f))).item<int>(), 0);
}

TEST(V1ControlFlow, AChainOfConditionsOfOnePredicate) {
  // The second reads what the first gave: they cannot be one.
  Text t = two_conditions();
  t.node("d/Switch", "Switch", {"c/Merge", "c/pred_id"}).node("d/neg", "Neg", {"d/Switch"});
  t.node("d/Merge", "Merge", {"d/neg", "d/Switch:1"});
  const Graph g = t.graph();
  EXPECT_EQ(ops(g).at("If"), 1 + 1);
  const auto f = convert(g, {.inputs = {"x", "y"}, .outputs = {"d/Merge"}});
  EXPECT_EQ(Array(f(Array(3.f), Array(10.f))).item<float>(), 6);
  EXPECT_EQ(Array(f(Array(-3.f), Array(10.f))).item<float>(), -7);
}

TEST(V1ControlFlow, ALoopInsideACondition) {
  Text t;
  t.node("x", "Placeholder", {}, "dtype:FLOAT").number("zero", "0.0").number("factor", "2.0").number("limit", "4");
  t.node("p", "Greater", {"x", "zero"});
  t.node("c/x", "Switch", {"x", "p"})
      .node("c/f", "Switch", {"factor", "p"})
      .node("c/n", "Switch", {"limit", "p"}, "T:INT32");
  t.node("c/pivot", "Identity", {"c/x:1"});
  loop(t, "c/loop", "c/x:1", "c/f:1", "c/n:1", "c/pivot");
  t.node("c/neg", "Neg", {"c/x"}).node("out", "Merge", {"c/neg", "c/loop/v_exit"});
  const Graph g = t.graph();
  const auto f = convert(g, {.outputs = {"out"}});
  EXPECT_EQ(Array(f(Array(3.f))).item<float>(), 48);
  EXPECT_EQ(Array(f(Array(-3.f))).item<float>(), 3);
  const auto scalar = [&](const Array& x) { return Array(f(x)); };
  EXPECT_EQ(jit(vmap(grad(scalar)))(array<float>({3, -3})).to_vector<float>(), (std::vector<float>{16, -1}));
}

// An assignment that only control edges of the loop lead to.
TEST(V1ControlFlow, AssignmentsInsideALoopAreNotLeftOut) {
  Text t;
  t.node("x", "Placeholder", {}, "dtype:FLOAT").number("factor", "1.5").number("limit", "3");
  t.node("v", "VarHandleOp", {}, "dtype:FLOAT shared_name=v");
  loop(t, "loop", "x", "factor", "limit");
  t.node("loop/var", "Enter", {"v"}, "T:RESOURCE frame_name=loop is_constant=true");
  t.node("loop/assign", "AssignVariableOp", {"loop/var", "loop/v_more"}, "dtype:FLOAT");
  t.node("loop/after", "Identity", {"loop/v_more", "^loop/assign"});
  std::string text = t.text();
  const std::string old = "name: \"loop/v_next\" op: \"NextIteration\" input: \"loop/v_more\"";
  ASSERT_NE(text.find(old), std::string::npos);
  for (const char* next : {"input: \"loop/after\"", "input: \"loop/v_more\" input: \"^loop/assign\""}) {
    std::string changed = text;
    changed.replace(changed.find(old), old.size(), std::string("name: \"loop/v_next\" op: \"NextIteration\" ") + next);
    try {
      convert(Graph::parse_text(changed),
              {.outputs = {"loop/v_exit"}, .captures = {{"v", "v", Array(0.f), true}}})(Array(2.f));
      ADD_FAILURE() << next;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("lost"), std::string::npos) << e.what();
    }
  }
}

TEST(V1ControlFlow, HostileGraphsAreRefused) {
  const auto refused = [](const Text& t) { EXPECT_THROW(functionalize(t.graph()), Error) << t.text(); };
  refused(Text().node("m", "Merge", {}).node("s", "Switch", {"m"}));
  refused(Text().node("m", "Merge", {"s"}).node("s", "_SwitchN", {"m"}));
  refused(Text().node("m", "Merge", {"e"}).node("e", "Enter", {}, "frame_name=f"));
  refused(Text().node("m", "Merge", {"x"}).node("c", "LoopCond", {"^x"}).node("x", "NoOp", {}));
  // Frames inside one another, both ways.
  refused(Text()
              .node("x", "NoOp", {})
              .node("a", "Enter", {"x"}, "frame_name=f")
              .node("b", "Enter", {"a"}, "frame_name=g")
              .node("c", "Enter", {"b"}, "frame_name=f")
              .node("m", "Merge", {"c"}));
  // Conditions in conditions without an end.
  Text deep;
  deep.node("x0", "NoOp", {});
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i), next = std::to_string(i + 1);
    deep.node("p" + n, "NoOp", {})
        .node("s" + n, "Switch", {"x" + n, "p" + n})
        .node("x" + next, "Neg", {"s" + n + ":1"});
  }
  refused(deep.node("m", "Merge", {"x200", "s0"}));
}

TEST(V1ControlFlow, RingsOfIdentitiesEnd) {
  const Text t = Text()
                     .node("a", "Identity", {"b"})
                     .node("b", "Identity", {"a"})
                     .node("s", "Switch", {"a", "b"}, "T:BOOL")
                     .node("m", "Merge", {"s", "s:1"});
  functionalize(t.graph());
}

TEST(V1ControlFlow, ManyConditionsTakeTimeByTheirNumber) {
  Text t;
  t.node("x", "Placeholder", {}, "dtype:FLOAT").number("zero", "0.0").node("p", "Greater", {"x", "zero"});
  std::string last = "x";
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i);
    t.node("s" + n, "Switch", {last, "p"})
        .node("n" + n, "Neg", {"s" + n})
        .node("m" + n, "Merge", {"n" + n, "s" + n + ":1"});
    last = "m" + n;
  }
  EXPECT_EQ(functionalize(t.graph()).op_counts().at("If"), 3000);
}

TEST(V1ControlFlow, WhatIsNoLoopIsReportedByItsOperations) {
  Text t;
  t.node("x", "Placeholder", {}, "dtype:FLOAT").node("m", "Merge", {"x", "x"}).node("out", "Neg", {"m"});
  try {
    convert(t.graph(), {.outputs = {"out"}});
    FAIL();
  } catch (const UnsupportedOpError& e) {
    EXPECT_NE(std::string(e.what()).find("Merge"), std::string::npos) << e.what();
  }
}

TEST(V1ControlFlow, GraphsWithoutItAreTheSame) {
  Text t;
  t.node("x", "Placeholder", {}, "dtype:FLOAT").node("out", "Neg", {"x"});
  const Graph g = t.graph();
  EXPECT_EQ(functionalize(g).shared_proto(), g.shared_proto());
}

}  // namespace
}  // namespace tf2jax
