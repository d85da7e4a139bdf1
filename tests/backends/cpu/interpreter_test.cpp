// Programs run equation by equation.
#include <gtest/gtest.h>
#include <tf2jax/backends/cpu/interpreter.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"

namespace tf2jax {
namespace {

std::shared_ptr<const Executable> interpreted(const Jaxpr& j) { return cpu::make_interpreter(j, default_backend()); }

TEST(Interpreter, GivesWhatEvaluationGives) {
  const Array c = array<float>({10, 20});
  const Jaxpr j = make_jaxpr([&](const Array& x) { return std::tuple(sin(x) * c, x, Array(7)); })(spec(f32, {2}));
  const Array x = array<float>({1, 2});
  const Arrays out = interpreted(j)->run(Arrays{x});
  EXPECT_EQ(out[0].to_vector<float>(), (sin(x) * c).to_vector<float>());
  EXPECT_TRUE(out[1].same_as(x));
  EXPECT_EQ(out[2].item<int>(), 7);
  EXPECT_TRUE(interpreted(Jaxpr())->run(Arrays{}).empty());
}

TEST(Interpreter, ValuesUsedTwiceLiveUntilTheLastUse) {
  const Jaxpr j = make_jaxpr([](const Array& x) {
    const Array a = x + 1.f, b = a * a;
    return std::tuple(b + a, a);
  })(spec(f32));
  const auto e = interpreted(j);
  for (int i = 0; i < 2; ++i) {
    const Arrays out = e->run(Arrays{Array(2.f)});
    EXPECT_EQ(out[0].item<float>(), 12);
    EXPECT_EQ(out[1].item<float>(), 3);
  }
}

TEST(Interpreter, TellsWhatItIs) {
  const auto e = interpreted(make_jaxpr([](const Array& x) { return x * 2.f; })(spec(f32)));
  EXPECT_NE(e->explain().find("equation by equation"), std::string::npos);
  EXPECT_EQ(e->cost().steps, 1);
}

TEST(Interpreter, ArgumentsThatDoNotFitAreRefused) {
  const auto e = interpreted(make_jaxpr([](const Array& x) { return x * 2.f; })(spec(f32, {2})));
  expect_error<ValueError>([&] { e->run(Arrays{}); }, "the number of arguments is wrong. Got 0");
  expect_error<TypeError>([&] { e->run(Arrays{ones({3})}); }, "argument 0");
  expect_error<TypeError>([&] { e->run(Arrays{ones({2}, i32)}); }, "argument 0");
}

TEST(Interpreter, PrimitivesWithoutAKernelAreNamed) {
  const Primitive p =
      make_primitive({.name = "interpreter_test_missing",
                      .operands = 1,
                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; }});
  expect_error<MissingRule>([&] { interpreted(make_jaxpr([&](const Array& x) { return p.bind1({x}); })(spec(f32))); },
                            "interpreter_test_missing");
}

}  // namespace
}  // namespace tf2jax
