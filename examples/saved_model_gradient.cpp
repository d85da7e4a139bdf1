// The gradient of a SavedModel: with respect to its input, and with respect to its variables.
// Usage: saved_model_gradient [MODEL_DIRECTORY], by default the bundled digit classifier.
#include <tf2jax/tf2jax.h>

#include <iostream>

#include "digits.h"

using namespace tf2jax;

int main(int argc, char** argv) try {
  const std::string directory = argc > 1 ? argv[1] : "examples/models/digits";
  const digits::Batch batch = digits::draw(8, 5);

  // Variables bound: an ordinary function of the image.
  const auto logits = convert(directory).output("logits");
  const Array input_gradient = grad([&](const Array& x) { return mean(logits(x).array()); })(batch.images);
  std::cout << "d mean(logits) / d image: " << input_gradient.aval() << ", norm " << norm(input_gradient) << "\n";

  // The functional pair: the variables are an argument, so they can be trained.
  auto [apply, params] = convert(directory);
  const auto loss = [&, apply = apply](const Params& p, const Array& x, const Array& labels) {
    return -mean(sum(one_hot(labels, 10) * log_softmax(apply(p, x).first["logits"]), 1));
  };
  const auto step = jit(value_and_grad(loss));
  const auto [value, gradient] = step(params, batch.images, batch.labels);
  std::cout << "loss " << value << "\n";
  for (const auto& [name, v] : gradient)
    std::cout << "  d loss / d " << name << ": " << v.aval() << ", norm " << norm(v) << "\n";
} catch (const std::exception& e) {
  std::cerr << "saved_model_gradient: " << e.what() << "\n";
  return 1;
}
