// Primitives: dispatch, counts of operands, missing rules, kernels and the table of names.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Primitive twice(const std::string& name) {
  return make_primitive({.name = name,
                         .operands = 1,
                         .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; },
                         .impl = [](std::span<const Array> x, const NoParams&) -> Arrays { return {x[0] * 2.f}; }});
}

TEST(Primitive, IsComparedByIdentity) {
  const Primitive a = twice("primitive_test_a"), b = twice("primitive_test_a"), copy = a;
  EXPECT_TRUE(a == copy);
  EXPECT_FALSE(a == b);
  EXPECT_EQ(a.name(), "primitive_test_a");
  EXPECT_FALSE(a.effectful());
}

TEST(Primitive, RunsItsRuleOrItsKernel) {
  EXPECT_EQ(twice("primitive_test_b").bind1({Array(3.f)}).item<float>(), 6);
  const Primitive p = make_primitive(
      {.name = "primitive_test_kernel", .operands = 1, .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
         return {x[0]};
       }});
  expect_error<MissingRule>([&] { p.bind1({Array(3.f)}); }, "Evaluation rule for 'primitive_test_kernel'");
  set_kernel(p, [](const KernelCall& call) -> Arrays { return {call.args[0] * 5.f}; });
  EXPECT_EQ(p.bind1({Array(3.f)}).item<float>(), 15);
  set_kernel(p, [](const KernelCall& call) -> Arrays { return {call.args[0] * 7.f}; });
  EXPECT_EQ(p.bind1({Array(3.f)}).item<float>(), 21);
}

TEST(Primitive, CountsItsOperands) {
  constexpr OperandCount two = 2, some = OperandCount::at_least(1);
  EXPECT_TRUE(two.admits(2) && !two.admits(1) && !two.admits(3));
  EXPECT_TRUE(!some.admits(0) && some.admits(1) && some.admits(1000));
  EXPECT_TRUE(OperandCount().admits(0));
  const Primitive p = twice("primitive_test_c");
  expect_error<TypeError>([&] { p.bind({Array(1.f), Array(2.f)}); },
                          "primitive_test_c: the number of operands is wrong. Got 2; expected 1");
  const Aval none[1] = {};
  expect_error<TypeError>([&] { p.output_avals(std::span(none, 0), no_params()); },
                          "the number of operands is wrong. Got 0");
}

TEST(Primitive, NamesTheRuleThatIsMissing) {
  const Primitive p = twice("primitive_test_d");
  const auto f = [&](const Array& x) { return p.bind1({x}); };
  expect_error<MissingRule>([&] { grad(f)(1.f); }, "primitive_test_d");
  expect_error<MissingRule>([&] { vmap(f)(ones({2})); }, "primitive_test_d");
  EXPECT_EQ(vmap([&](const Array& x) { return x + f(Array(1.f)); })(zeros({2})).to_vector<float>(), (Floats{2, 2}));
}

TEST(Primitive, ResultsAreNotTooLarge) {
  const Primitive p = make_primitive(
      {.name = "primitive_test_large", .operands = 0, .aval = [](std::span<const Aval>, const NoParams&) -> Avals {
         return {Aval{f32, {std::int64_t{1} << 61}, false}};
       }});
  expect_error<ResourceExhaustedError>([&] { p.output_avals({}, no_params()); }, "primitive_test_large");
}

TEST(RegisteredPrimitives, AreFoundByName) {
  EXPECT_TRUE(*find_primitive("sin") == sin_p());
  EXPECT_FALSE(find_primitive("no such primitive"));
  register_primitive(sin_p());  // the same again changes nothing
  expect_error<ValueError>([] { register_primitive(twice("sin")); }, "the name is taken. Got 'sin'");
  const auto known = registered_primitives();
  EXPECT_TRUE(std::ranges::is_sorted(known, {}, [](const Primitive& p) { return p.name(); }));
  EXPECT_GT(known.size(), 100u);
}

}  // namespace
}  // namespace tf2jax
