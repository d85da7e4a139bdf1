// A node as a converter sees it: inputs, attributes and what it refuses.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/converter.h>

#include "../support.h"
#include "one_node.h"

namespace tf2jax {
namespace {

// Runs `f` as the converter of a node with these operands and attributes.
void with_node(const std::function<void(Node&)>& f, const std::vector<Operand>& operands,
               const std::map<std::string, AttributeValue>& attributes = {}) {
  replace_operation("NodeTestOp", [f](Node& n) {
    f(n);
    return Values{n.array(0)};
  });
  call_node("NodeTestOp", operands, attributes, false);
}
const Operand kX = argument(ones({2, 3}));

TEST(Node, InputsOfTheRightKind) {
  with_node(
      [](Node& n) {
        EXPECT_EQ(n.name(), "y");
        EXPECT_EQ(n.op(), "NodeTestOp");
        EXPECT_EQ(n.num_inputs(), 3u);
        EXPECT_EQ(n.array(0, 2).dims(), (Dims{2, 3}));
        EXPECT_EQ(n.integers(1), (std::vector<std::int64_t>{4, -5}));
        EXPECT_EQ(n.integer(2), 7);
        EXPECT_EQ(n.axis(2, 8), 7);
        EXPECT_EQ(n.axes(1, 6), (Axes{1, 4}));
        EXPECT_FALSE(n.on_host());
        EXPECT_EQ(n.indices(1).dtype(), i32);
      },
      {kX, fixed(array<int>({4, -5})), fixed(array<int>(7))});
}

TEST(Node, InputsThatDoNotFit) {
  const std::vector<Operand> operands{kX, fixed(array<int>({4, -5})), fixed(array<float>(7))};
  const auto refused = [&](const std::function<void(Node&)>& f, const char* text) {
    expect_error<ImportError>([&] { with_node(f, operands); }, text);
  };
  refused([](Node& n) { n.array(3); }, "input 3 is missing; the node has 3 inputs");
  refused([](Node& n) { n.scalar(0); }, "expected rank 0");
  refused([](Node& n) { n.array(0, 3); }, "expected rank 3 or more");
  refused([](Node& n) { n.strings(0); }, "expected strings");
  refused([](Node& n) { n.variable(0); }, "expected a variable");
  refused([](Node& n) { n.indices(2); }, "expected integers");
  refused([](Node& n) { n.integer(1); }, "expected one integer");
  refused([](Node& n) { n.integers(1, 2, 0); }, "-5");
  refused([](Node& n) { n.axis(1, 3); }, "");
  refused([](Node& n) { n.axes(1, 3); }, "");
  refused([](Node& n) { n.fail("because"); }, "import 'y' (NodeTestOp): because");
}

TEST(Node, AttributesOfEveryKind) {
  with_node(
      [](Node& n) {
        EXPECT_TRUE(n.attr<bool>("b"));
        EXPECT_EQ(n.attr<std::int64_t>("i"), 5);
        EXPECT_EQ(n.attr_integer("i", 0, 5), 5);
        EXPECT_EQ(n.attr<float>("f"), 2.5f);
        EXPECT_EQ(n.attr<std::string>("s"), "text");
        EXPECT_EQ(n.attr<DType>("t"), bf16);
        EXPECT_EQ(n.attr_or<std::int64_t>("absent", 9), 9);
        EXPECT_FALSE(n.has_attr("absent"));
      },
      {kX}, {{"b", true}, {"i", std::int64_t{5}}, {"f", 2.5f}, {"s", std::string("text")}, {"t", bf16}});
}

TEST(Node, AttributesThatDoNotFit) {
  const std::map<std::string, AttributeValue> attributes{{"i", std::int64_t{5}}};
  const auto refused = [&](const std::function<void(Node&)>& f, const char* text) {
    expect_error<ImportError>([&] { with_node(f, {kX}, attributes); }, text);
  };
  refused([](Node& n) { n.attr<bool>("i"); }, "'i'");
  refused([](Node& n) { n.attr<std::int64_t>("absent"); }, "'absent'");
  refused([](Node& n) { n.attr_integer("i", 6); }, "'i'");
  refused([](Node&) {}, "Unexpected attr(s)");
  with_node([](Node& n) { n.ignore({"i"}); }, {kX}, attributes);
}

}  // namespace
}  // namespace tf2jax
