// Gradients where JAX's and TensorFlow's conventions differ. tests/golden/tf/tf_gradients.json has TensorFlow's own.
#include <gtest/gtest.h>

#include "../../support.h"
#include "../one_node.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/tf2jax.h"

using namespace tf2jax;

namespace {

using Attributes = std::map<std::string, AttributeValue>;

// The gradient with respect to its arguments of the sum of an operation's output.
Arrays gradients(const std::string& op, const Arrays& xs, GradientConvention convention, const Attributes& more = {}) {
  const auto scope = override_config(&Config::gradient_convention, convention);
  GraphBuilder g;
  std::vector<std::string> names;
  for (const Array& x : xs) names.push_back(g.placeholder(fmt::format("x{}", names.size()), x.dtype(), x.dims()));
  Attributes attributes = more;
  attributes["T"] = xs[0].dtype();
  g.node(op, "y", names, attributes);
  const auto f = convert(g.graph(), {.inputs = names, .outputs = {"y"}});
  const auto [y, back] = vjp(
      [&](const Arrays& v) {
        CallArguments arguments;
        for (const Array& x : v) arguments.positional.push_back(Tree(x));
        return f.call(arguments).array();
      },
      xs);
  return std::get<0>(back(ones_like(y)));
}
std::vector<float> floats(const Array& x) { return x.to_vector<float>(); }

}  // namespace

TEST(GradientConvention, TiesOfMaximumGoToTheFirst) {
  const Arrays xs{array<float>({1, 2, 3}), array<float>({2, 2, 2})};
  const Arrays jax = gradients("Maximum", xs, GradientConvention::jax);
  EXPECT_EQ(floats(jax[0]), (std::vector<float>{0, 0.5f, 1}));
  const Arrays tf = gradients("Maximum", xs, GradientConvention::tf);
  EXPECT_EQ(floats(tf[0]), (std::vector<float>{0, 1, 1}));
  EXPECT_EQ(floats(tf[1]), (std::vector<float>{1, 0, 0}));
}

TEST(GradientConvention, KinksOfActivations) {
  const Arrays x{array<float>({0, 6, 3})};
  EXPECT_EQ(floats(gradients("Relu6", x, GradientConvention::tf)[0]), (std::vector<float>{0, 0, 1}));
  const Attributes alpha{{"alpha", 0.25f}};
  EXPECT_EQ(floats(gradients("LeakyRelu", x, GradientConvention::jax, alpha)[0])[0], 1);
  EXPECT_EQ(floats(gradients("LeakyRelu", x, GradientConvention::tf, alpha)[0])[0], 0.25f);
}

TEST(GradientConvention, PowersOfNegativeNumbersHaveNoGradientOfTheExponent) {
  const Arrays xs{array<float>({-2, 0, 2}), array<float>({3, 3, 3})};
  const Arrays tf = gradients("Pow", xs, GradientConvention::tf);
  EXPECT_EQ(floats(tf[0]), (std::vector<float>{12, 0, 12}));
  EXPECT_EQ(floats(tf[1])[0], 0);
  EXPECT_TRUE(std::isnan(floats(gradients("Pow", xs, GradientConvention::jax)[1])[0]));
}

TEST(GradientConvention, GradientsOfComplexNumbersAreConjugates) {
  const Arrays x{complex(array<float>({1, 2}), array<float>({3, -1}))};
  const Array jax = gradients("Square", x, GradientConvention::jax)[0],
              tf = gradients("Square", x, GradientConvention::tf)[0];
  EXPECT_EQ(floats(imag(jax)), (std::vector<float>{6, -2}));
  EXPECT_EQ(floats(imag(tf)), (std::vector<float>{-6, 2}));
  EXPECT_EQ(floats(real(tf)), floats(real(jax)));
}

TEST(GradientConvention, IsThatInForceWhenTheModelWasConverted) {
  GraphBuilder g;
  const std::string x = g.placeholder("x", f32, {});
  g.node("Maximum", "y", {x, x}, f32);
  const auto f = [&] {
    const auto scope = override_config(&Config::gradient_convention, GradientConvention::tf);
    return convert(g.graph(), {.inputs = {"x"}, .outputs = {"y"}});
  }();
  const auto value = [&](const Array& v) { return f(v).array(); };
  EXPECT_EQ(grad(value)(Array(3.f)).item<float>(), 1);
  EXPECT_EQ(jit(grad(value))(Array(3.f)).item<float>(), 1);
  EXPECT_EQ(grad(grad(value))(Array(3.f)).item<float>(), 0);
  EXPECT_EQ(jvp(value, {Array(3.f)}, {Array(2.f)}).second.item<float>(), 2);
}
