// A function object whose registered gradient is not its derivative.
#include "registered_gradient.h"

#include <filesystem>

#include "differentiable.h"
#include "execution.h"
#include "expected_error.h"
#include "tf2jax/base/config.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/convert.h"

namespace conformance {

using namespace tf2jax;
namespace fs = std::filesystem;

namespace {

// The function f and its derivative, by the model's registered gradient or by differentiation.
class Cubed {
 public:
  explicit Cubed(const fs::path& model) : f_(convert(model, {.function = "f"})) {
    value = [this](const Arrays& xs) { return Arrays{f_(xs[0]).array()}; };
    derivative = [this](const Arrays& xs) { return Differentiable{value, 1, {0}, {0}}.vjp({xs[0], ones_like(xs[0])}); };
  }
  Cubed(const Cubed&) = delete;
  Cubed& operator=(const Cubed&) = delete;
  FlatFn value, derivative;

 private:
  ConvertedFunction f_;
};

// "Type: message".
json error_of(const std::string& text) {
  const std::size_t colon = text.find(": ");
  return {{"type", text.substr(0, colon)}, {"message", text.substr(colon + 2)}};
}

// f takes scalars: one element after the other.
Array each(const FlatFn& f, const Array& x, Execution how) {
  Arrays rows;
  for (std::int64_t i = 0; i < x.shape()[0].value(); ++i)
    rows.push_back(run(f, {reshape(slice_in_dim(x, i, i + 1, 1, 0), {})}, how)[0]);
  return stack(rows);
}

}  // namespace

void run_registered_gradient(const json& c, const std::string& folder, const Options& options, CaseResult& result) {
  const auto file = [&](const char* side, const char* key) {
    return load_npy(fs::path(folder) / c.at(side).at(key).get<std::string>());
  };
  const Cubed cubed(folder);
  const Array x = file("inputs", "f/x");
  parts(options, "outputs", result, [&](Execution how, const std::string& name) {
    result.check(name, run(cubed.value, {x}, how)[0], file("outputs", "f"));
  });
  parts(options, "vjp", result, [&](Execution how, const std::string& name) {
    result.check(name, run(cubed.derivative, {x}, how)[0], file("outputs", kRegisteredGradient));
  });
}

void run_recorded_registered_gradient(const json& c, const std::string& folder, const std::string& model,
                                      const Options& options, CaseResult& result) {
  const auto file = [&](const char* key) {
    return load_npy(fs::path(folder) / c.at("files").at(key).get<std::string>());
  };
  const Cubed cubed(model);
  const Array x = file("x");
  const auto batched = [](const FlatFn& f) {
    return [&f](const Arrays& xs) { return vmapped(f, xs, {0}, xs[0].shape()[0].value()); };
  };
  parts(options, "outputs", result,
        [&](Execution how, const std::string& name) { result.check(name, each(cubed.value, x, how), file("y")); });
  parts(options, "vjp", result, [&](Execution how, const std::string& name) {
    result.check(name, each(cubed.derivative, x, how), file("grad"));
  });
  parts(options, "vmap", result, [&](Execution how, const std::string& name) {
    result.check(name, run(batched(cubed.value), {x}, how)[0], file("vmap_y"));
    result.check(name, run(batched(cubed.derivative), {x}, how)[0], file("vmap_grad"));
  });
  parts(options, "second derivative", result, [&](Execution how, const std::string& name) {
    const Array at = full({}, 42, DType::f32);
    expect_error(error_of(c.at("second_derivative_at_42").get<std::string>()), name, result, [&] {
      run(
          [&](const Arrays& xs) {
            return Differentiable{cubed.derivative, 1, {0}, {0}}.vjp({xs[0], ones_like(xs[0])});
          },
          {at}, how);
    });
  });
  const auto scope = override_config(&Config::convert_custom_gradient, false);
  const Cubed plain(model);
  parts(options, "vjp without it", result, [&](Execution how, const std::string& name) {
    result.check(name, each(plain.derivative, x, how), file("grad_without_custom"));
  });
}

}  // namespace conformance
