// Rules of your own: functions with custom derivatives.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

int main() {
  auto safe_norm = custom_vjp([](const Array& x) { return sqrt(sum(x * x)); },
                              /*fwd*/
                              [](const Array& x) {
                                Array n = sqrt(sum(x * x));
                                return std::pair{n, std::tuple{x, n}};
                              },
                              /*bwd*/
                              [](const auto& residuals, const Array& ct) {
                                auto& [x, n] = residuals;
                                return std::tuple{where(n > 0.f, ct * x / n, 0.f)};
                              });
  std::cout << safe_norm(array<float>({3, 4})) << " " << grad(safe_norm)(array<float>({3, 4})) << " "
            << grad(safe_norm)(zeros({2})) << "\n";
  std::cout << jit(vmap(grad(safe_norm)))(array<float>({{3, 4}, {0, 2}})) << "\n";
  try {
    jvp(safe_norm, {ones({2})}, {ones({2})});
  } catch (const TypeError& e) {
    std::cout << e.what() << "\n";
  }
  auto clip = custom_jvp([](const Array& x) { return clamp(-1.f, x, 1.f); }).defjvp([](auto primals, auto tangents) {
    auto& [x] = primals;
    auto& [t] = tangents;
    return std::pair{clamp(-1.f, x, 1.f), t};  // straight through
  });
  auto total = [&](const Array& x) { return sum(clip(x)); };
  std::cout << grad(total)(array<float>({-2, 0, 2})) << " " << jvp(clip, {Array(5.f)}, {Array(7.f)}).second << "\n";
}
