// A function as a SavedModel, with its parameters as variables and any batch size; and TensorFlow functions in
// programs.
#include <tf2jax/tf2jax.h>

#include <filesystem>
#include <iostream>

using namespace tf2jax;

int main() {
  const Array weights = array<float>({{1, 0}, {0, 2}, {1, 1}}), bias = array<float>({0.5f, -0.5f});
  const auto step_fn = [weights, bias](const Array& x) { return tanh(matmul(x, weights) + bias); };
  const auto exported = jax2tf::convert(step_fn, {.polymorphic_shapes = {"(b, 3)"}, .with_gradient = true});

  const auto directory = std::filesystem::temp_directory_path() / "tf2jax-example-13";
  jax2tf::save(directory, {{"serving_default", exported}},
               {.variables = jax2tf::variables_of(std::tuple(weights, bias), "params")});
  std::cout << exported.jaxpr() << "\n";

  // Back again: the same values and gradients, for any batch.
  const auto [apply, params] = convert(directory, {.function = "serving_default"});
  const auto loss = [apply = apply](const Params& p, const Array& x) { return sum(apply(p, x).first.array()); };
  for (const std::int64_t batch : {2, 5}) {
    const Array x = reshape(arange(3 * batch), {batch, 3}) * 0.1f;
    std::cout << batch << ": " << all_true(less(abs(apply(params, x).first.array() - step_fn(x)), 1e-6f)) << "\n";
  }
  const Params gradient = grad(loss)(params, ones({1, 3}));
  for (const auto& [name, g] : gradient) std::cout << name << ": " << g.value() << "\n";

  // A TensorFlow function inside a program.
  GraphBuilder graph;
  graph.node("Cos", "y", {graph.placeholder("x", f32, {})}, f32);
  const auto tf_cos = call_tf(graph.graph());
  const auto f = [&](const Array& x) { return sin(tf_cos(x)); };
  std::cout << jit(f)(Array(1.f)) << " " << grad(f)(Array(1.f)) << "\n";
  std::filesystem::remove_all(directory);
}
