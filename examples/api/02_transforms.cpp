// Transforms compose, in any nesting.
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <iostream>

using namespace tf2jax;

namespace {
bool close(const Array& got, const std::vector<double>& want) {
  const std::vector<double> v = got.to_vector<double>();
  bool ok = v.size() == want.size();
  for (std::size_t i = 0; ok && i < v.size(); ++i) ok = std::abs(v[i] - want[i]) < 1e-5 * (1 + std::abs(want[i]));
  return ok;
}
}  // namespace

int main() {
  Array x = array<float>({0.5f, 1.5f});
  auto f = [](const Array& x) { return sum(sin(x) * x); };
  const auto slope = [](double v) { return std::cos(v) * v + std::sin(v); };
  const auto curvature = [](double v) { return 2 * std::cos(v) - v * std::sin(v); };
  const std::vector<double> slopes{slope(0.5), slope(1.5)};

  Array g = grad(f)(x);
  auto [value, gradient] = value_and_grad(f)(x);
  std::cout << "grad " << close(g, slopes) << " value " << close(value, {0.5 * std::sin(0.5) + 1.5 * std::sin(1.5)})
            << "\n";
  Array h = hessian(f)(x);  // f32[2,2]
  std::cout << "hessian " << close(h, {curvature(0.5), 0, 0, curvature(1.5)}) << " " << h.aval() << "\n";
  auto [out, tangent] = jvp(f, {x}, {ones_like(x)});
  std::cout << "jvp " << close(tangent, {slopes[0] + slopes[1]}) << "\n";
  auto [out2, pullback] = vjp(f, x);
  auto [ct] = pullback(1.f);
  std::cout << "vjp " << close(ct, slopes) << "\n";
  Array batch = array<float>({{1, 2}, {3, 4}, {5, 6}});
  Array per = vmap(grad([](const Array& r) { return sum(r * r); }))(batch);
  std::cout << per << "\n";
  Array same = jit(grad(f))(x);  // jit anywhere, in any nesting
  Array inside = grad([&](const Array& v) { return jit(f)(v); })(x);
  std::cout << "jit " << close(same, slopes) << close(inside, slopes)
            << close(jit(vmap(jit(grad(f))))(stack({x, x})), {slopes[0], slopes[1], slopes[0], slopes[1]}) << "\n";
  auto d3 = grad(grad(grad([](const Array& s) { return sin(s) * s; })))(1.0f);
  std::cout << "third derivative " << close(d3, {-3 * std::sin(1.0) - std::cos(1.0)}) << "\n";
}
