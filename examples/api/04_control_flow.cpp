// Control flow and randomness.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

int main() {
  Array last = fori_loop(0, 10, [](const Array& i, const Array& c) { return c * 2.f + i; }, Array(1.f));
  std::cout << last << "\n";  // 2^10 + sum over i of i 2^(9-i)
  Array root = while_loop([](const Array& c) { return abs(c * c - 2.f) > 1e-6f; },
                          [](const Array& c) { return c - (c * c - 2.f) / (2.f * c); }, Array(1.f));
  std::cout << root << "\n";
  Array xs = ones({3, 2});
  auto [carry, ys] = scan(
      [](const Array& c, const Array& x) {
        Array n = c + x;
        return std::pair{n, n};
      },
      zeros({2}), xs);
  std::cout << carry << "\n" << ys << "\n";
  Array x = array<float>({-1, 2});
  Array a = cond(x[0] > 0.f, [](const Array& v) { return v; }, [](const Array& v) { return -v; }, x);
  std::cout << a << "\n";
  auto keys = random::split(random::key(42), 2);
  Array n = random::normal(keys[0], {3});  // JAX's bits
  std::cout << n.aval() << " " << random::bits(random::key(0), {2}) << "\n";
}
