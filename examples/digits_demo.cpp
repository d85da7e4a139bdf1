// Runs the bundled digit classifier: loads the SavedModel, predicts fresh digits, shows where the model looks (input
// gradient), checks the gradients numerically, and times each step. Usage: digits_demo MODEL_DIRECTORY
#include <tf2jax/tf2jax.h>

#include <chrono>
#include <cstdio>
#include <iostream>

#include "digits.h"

using namespace tf2jax;

namespace {

double milliseconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Two images side by side as terminal blocks: darker for larger values.
void show(const Array& left, const Array& right) {
  const char* shades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  const auto normal = [](const Array& x) { return abs(x) / (max(abs(x)) + 1e-12f); };
  const Array a = normal(left), b = normal(right);
  const auto p = a.to_vector<float>(), q = b.to_vector<float>();
  for (int y = 0; y < digits::kSize; ++y) {
    for (const auto* v : {&p, &q}) {
      for (int x = 0; x < digits::kSize; ++x)
        std::cout << shades[std::min(4, static_cast<int>((*v)[y * digits::kSize + x] * 4.99f))];
      std::cout << "   ";
    }
    std::cout << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string directory = argc > 1 ? argv[1] : "examples/models/digits";
  std::optional<ConvertedFunction> model;
  const double load = milliseconds([&] { model.emplace(convert(directory)); });
  std::cout << model->signature() << "\n";

  const digits::Batch fresh = digits::draw(500, 99);
  Array probabilities;
  const double first = milliseconds([&] { probabilities = (*model)(fresh.images)["probabilities"]; });
  const double again = milliseconds([&] { probabilities = (*model)(fresh.images)["probabilities"]; });
  const float right = mean(astype(argmax(probabilities, 1) == fresh.labels, f32)).item<float>();
  std::printf("accuracy on 500 fresh digits: %.1f %%\n", 100 * right);

  // Saliency: the gradient of the winning logit with respect to the pixels.
  const auto logits = model->output("logits");
  const auto winner = [&](const Array& image) { return max(logits(image)); };
  const Array image = slice(fresh.images, {0, 0, 0, 0}, {1, digits::kSize, digits::kSize, 1});
  Array saliency;
  const auto gradient = jit(grad(winner));
  const double first_gradient = milliseconds([&] { saliency = gradient(image); });
  const double next_gradient = milliseconds([&] { saliency = gradient(image); });
  std::printf("a %d, read as %lld; left the digit, right where its score is most sensitive:\n",
              fresh.labels.item<int>(0), argmax(probabilities[0], 0).item<long long>());
  show(image, saliency);

  // A smooth function of the model, so that finite differences mean something next to relu's kinks.
  testing::check_grads([&](const Array& x) { return mean(square(logits(x).array())); }, {image},
                       {.eps = 2e-3, .rtol = 5e-2, .atol = 5e-3});
  testing::check_vmap([&](const Array& x) { return Array(logits(expand_dims(x, {0})).array()); }, {image[0]}, 1e-4,
                      1e-4);
  std::puts("gradients agree with finite differences; vmap agrees with a loop");
  std::printf(
      "times: load %.1f ms; 500 digits %.1f ms at first, %.1f ms after; gradient %.2f ms at first, %.2f ms after\n",
      load, first, again, first_gradient, next_gradient);
  return right > 0.9f ? 0 : 1;
} catch (const std::exception& e) {
  std::cerr << "digits_demo: " << e.what() << "\n";
  return 1;
}
