// Checked gradients: finite differences against forward and reverse mode.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

int main() {
  auto f = [](const Array& x) { return sum(exp(-x * x)); };
  Array x = array<float>({0.2f, -0.7f, 1.1f});
  testing::check_grads(f, {x}, {.order = 2});  // throws with the numbers
  testing::check_vmap(f, {x});
  auto wrong = custom_jvp([](const Array& x) { return x * x; }).defjvp([](auto primals, auto tangents) {
    return std::pair{std::get<0>(primals) * std::get<0>(primals), std::get<0>(tangents)};
  });
  try {
    testing::check_grads(wrong, {x});
  } catch (const Error& e) {
    std::cout << std::string(e.what()).substr(0, 65) << "\n";
  }
}
