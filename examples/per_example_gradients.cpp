// Per-example gradients: vmap(grad(loss)) over the batch, the parameters shared; then their norms, as differentially
// private training clips them.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

struct Layer {
  Array w, b;
};
struct Model {
  std::vector<Layer> layers;
};

Array predict(const Model& m, Array h) {
  for (const auto& [w, b] : m.layers) h = tanh(matmul(h, w) + b);
  return h;
}
Array loss(const Model& m, const Array& x, const Array& y) { return sum(square(predict(m, x) - y)); }

int main() {
  auto keys = random::split(random::key(0), 4);
  const Model m{
      {{0.5f * random::normal(keys[0], {4, 8}), zeros({8})}, {0.5f * random::normal(keys[1], {8, 2}), zeros({2})}}};
  const Array x = random::normal(keys[2], {16, 4}), y = random::normal(keys[3], {16, 2});

  const auto per_example = jit(vmap(grad(loss), {.in_axes = {none, 0, 0}}));
  const Model g = per_example(m, x, y);  // every leaf has a leading axis of 16
  Array squared_norm = zeros({16});
  for (const Array& leaf : tree::leaves(g)) squared_norm += sum(square(reshape(leaf, {16, -1})), 1);
  std::cout << "gradient norm of each example:\n" << sqrt(squared_norm) << "\n";

  const Array clip = minimum(1.f, 1.f / sqrt(squared_norm));
  const Model clipped = tree::map(
      [&](const Array& leaf) {
        return mean(leaf * reshape(clip,
                                   [&] {
                                     Shape s(leaf.shape().size(), Dim(1));
                                     s[0] = 16;
                                     return s;
                                   }()),
                    0);
      },
      g);
  std::cout << "clipped mean gradient of the last bias: " << clipped.layers[1].b << "\n";
}
