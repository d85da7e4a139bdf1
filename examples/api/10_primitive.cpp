// A primitive of your own, with a kernel and every rule.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

const Primitive& cube_p() {
  static const Primitive p =
      make_primitive({.name = "cube",
                      .aval = rules::same_as_operand(kind::inexact),
                      .jvp = rules::jvp_unary([](auto& x, auto&, auto& t) { return 3.f * x * x * t; }, cube_p),
                      .batch = rules::batch_unary(cube_p)});
  return p;
}
Array cube(const Array& x) { return cube_p().bind1({x}); }

int main() {
  set_kernel(cube_p(), cpu::unary_kernel<float, double>([](auto x) { return x * x * x; }));
  register_primitive(cube_p());  // so that parse_jaxpr knows it
  auto f = [](const Array& x) { return sum(cube(x)); };
  Array x = array<float>({1, 2});
  std::cout << cube(x) << " " << grad(f)(x) << " " << hessian(f)(x)(0, 0) << " " << vmap(grad(f))(stack({x, x})).aval()
            << "\n";
  std::cout << parse_jaxpr(to_string(make_jaxpr(f)(x))) << "\n";
  testing::check_grads(f, {x}, {.order = 2});
}
