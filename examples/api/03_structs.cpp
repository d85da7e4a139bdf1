// Your own structs are trees: gradients have the model's type.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

struct Layer {
  Array w, b;
};
struct Model {
  std::vector<Layer> layers;
  int heads;
};  // int is structure: part of the jit key, never a leaf

Array predict(const Model& m, Array h) {
  for (auto& [w, b] : m.layers) h = tanh(matmul(h, w) + b);
  return h;
}
Array loss(const Model& m, const Array& x, const Array& y) { return mean(square(predict(m, x) - y)); }

int main() {
  auto step = jit([](Model m, const Array& x, const Array& y) {
    auto [l, g] = value_and_grad(loss)(m, x, y);  // g is a Model
    return std::pair{tree::map([](const Array& p, const Array& d) { return p - 0.1f * d; }, m, g), l};
  });
  Array x = random::normal(random::key(1), {8, 3}), y = zeros({8, 2});
  Model m{{{0.3f * random::normal(random::key(2), {3, 4}), zeros({4})},
           {0.3f * random::normal(random::key(3), {4, 2}), zeros({2})}},
          2};
  const float before = loss(m, x, y).item<float>();
  for (int i = 0; i < 50; ++i) m = step(m, x, y).first;
  std::cout << "loss fell " << (loss(m, x, y).item<float>() < 0.5f * before) << ", heads " << m.heads << ", signatures "
            << step.cache_size() << "\n";

  auto per_example = vmap(grad(loss), {.in_axes = {none, 0, 0}});
  Model g = per_example(m, x, y);
  std::cout << g.layers[0].w.aval() << " " << g.layers[1].b.aval() << "\n";
  const Model whole = grad(loss)(m, x, y);
  std::cout << "mean of examples is the batch gradient "
            << (max(abs(mean(g.layers[0].w, 0) - whole.layers[0].w)).item<float>() < 1e-6f) << "\n";
}
