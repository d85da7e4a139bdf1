// Uses the installed library: a gradient, and a model of which a file is given.
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/convert.h>

#include <cmath>
#include <iostream>

int main(int, char** argv) {
  using namespace tf2jax;
  const Array g = grad([](const Array& x) { return sum(sin(x) * x); })(array<float>({0.5f}));
  const float expected = std::cos(0.5f) * 0.5f + std::sin(0.5f);
  if (std::fabs(g.item<float>(0) - expected) > 1e-6f) return 1;
  const auto model = convert(argv[1]);
  const Tree out = model(kw("image", zeros({1, 16, 16, 1})));
  std::cout << out["probabilities"].array().aval().to_string() << "\n";
  return 0;
}
