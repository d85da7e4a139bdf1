// Arrays: NumPy-like values, indexing and printing.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

int main() {
  Array x = array<float>({{1, 2, 3}, {4, 5, 6}});  // f32[2,3]
  Array y = arange(3) + 0.5f;                      // a C++ scalar is weakly typed, as in JAX
  Array z = sum(x * y, /*axis=*/1);                // f32[2]
  std::cout << z << "\n";
  const float first = z.item<float>(0);
  std::span<const float> raw = z.data<float>();
  std::cout << first << " " << raw[1] << " " << z.aval() << "\n";
  std::cout << sum(x) << " " << sum(x, {0, 1}) << " " << sum(x, 1, keepdims).aval() << "\n";
  Array row = x[0], col = x(all, 1), tail = x(slice(1, {}), newaxis, ellipsis);
  std::cout << row << " " << col << " " << tail.aval() << "\n";
  Array w = x.at(0, 2).set(9.f);  // a new array
  std::cout << w << "\n" << x(0, 2) << "\n";
  const std::vector<float> buffer{1, 2, 3, 4, 5, 6};
  Array copied = from_span(std::span<const float>(buffer), {2, 3});
  Array borrowed = view_of(std::span<const float>(buffer), {3, 2});
  std::cout << copied[1] << " " << borrowed[2] << "\n";
}
