// Look at the program a function performs.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

int main() {
  auto f = [](const Array& x) { return sum(sin(x) * x); };
  std::cout << make_jaxpr(f)(spec(f32, {3})) << "\n";
  Jaxpr again = parse_jaxpr(to_string(make_jaxpr(f)(ones({3}))));
  std::cout << (to_string(again) == to_string(make_jaxpr(f)(spec(f32, {3})))) << " "
            << (again == make_jaxpr(f)(spec(f32, {3}))) << "\n";
  auto shapes = eval_shape(f, spec(f32, {1000000}));  // no data touched
  std::cout << shapes[0] << "\n";
}
