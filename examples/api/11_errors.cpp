// Errors that help: what was being done, what was got and expected, how to fix it.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

template <class F>
void show(F f) {
  try {
    f();
    std::cout << "no error\n";
  } catch (const TypeError& e) {
    std::cout << "TypeError: " << e.what() << "\n";
  } catch (const UnsupportedOpError& e) {
    std::cout << "UnsupportedOpError: " << std::string(e.what()).substr(0, 60) << "\n";
  } catch (const IoError&) {
    std::cout << "IoError\n";
  } catch (const ShapeError& e) {
    std::cout << "ShapeError: " << e.what() << "\n";
  }
}

int main() {
  show([] { grad([](const Array& x) { return x; })(ones({3})); });
  show([] { jit([](const Array& x) { return x > 0.f ? x : -x; })(1.f); });
  show([] { add(ones({3}), ones({4})); });
  show([] { matmul(ones({2, 3}), ones({4, 5})); });
  show([] { convert("no/such/model"); });
  show([] {
    GraphBuilder g;
    const std::string x = g.placeholder("x", f32, {2});
    g.node("SparseCross", "features/cross", {x});
    convert_functional(g.graph(), {.inputs = {"x"}, .outputs = {"features/cross"}});
  });
}
