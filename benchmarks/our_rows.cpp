// Our rows: "<workload>/eager" and "<workload>/jit".
#include <optional>

#include "rows.h"
#include "workloads.h"

using namespace workloads;

namespace {

// `f(args…)` op by op, and compiled.
template <class F, class... A>
void both(const std::string& name, F f, std::function<std::tuple<A...>()> make_args) {
  const auto keep = [](auto out) { benchmark::DoNotOptimize(out); };
  rows::row(name + "/eager", [=] { return [=, args = make_args()] { keep(std::apply(f, args)); }; });
  rows::row(name + "/jit",
            [=] { return [=, compiled = jit(f), args = make_args()] { keep(std::apply(compiled, args)); }; });
}
template <class F, class Make>
void both(const std::string& name, F f, Make make_args) {
  both(name, f, std::function(make_args));
}

Array normal(std::uint32_t seed, const Shape& shape) { return random::normal(random::key(seed), shape); }

void register_rows() {
  both("dispatch scalar", [](const Array& x) { return x + x; }, [] { return std::tuple(full(Shape{}, 1.f)); });
  both("scalar gradient", grad([](const Array& x) { return sin(x) * x; }),
       [] { return std::tuple(full(Shape{}, 1.f)); });
  both("sin cos 1e6", [](const Array& x) { return sin(cos(x)); }, [] { return std::tuple(normal(0, {1000000})); });

  const auto matrix = [] { return std::tuple(normal(1, {4096, 1024}), ones({1024}), zeros({1024})); };
  both("gelu layernorm forward", gelu_layer_norm, matrix);
  both("gelu layernorm value and grad", value_and_grad<0, 1, 2>([](const Array& x, const Array& g, const Array& b) {
         return sum(gelu_layer_norm(x, g, b));
       }),
       matrix);

  const auto mlp_args = [] {
    return std::tuple(mlp(), normal(1, {128, 784}), random::randint(random::key(2), {128}, 0, 10));
  };
  both("MLP forward", mlp_loss, mlp_args);
  both("MLP value and grad", value_and_grad(mlp_loss), mlp_args);
  both("MLP per-example grads", vmap(grad(mlp_example_loss), {.in_axes = {none, 0, 0}}), mlp_args);

  const auto lenet_args = [] {
    return std::tuple(lenet(), normal(3, {64, 28, 28, 1}), random::randint(random::key(4), {64}, 0, 10));
  };
  both("LeNet forward", lenet_loss, lenet_args);
  both("LeNet value and grad", value_and_grad(lenet_loss), lenet_args);

  // The weights are captured: constants of the compiled program. Made with the arguments, when a row first runs.
  const auto net = std::make_shared<std::optional<Resnet>>();
  for (const std::int64_t batch : {1, 8})
    both(
        fmt::format("ResNet-18 b{} forward", batch), [=](const Array& x) { return (**net)(x); },
        [=] {
          if (!*net) net->emplace();
          return std::tuple(normal(5, {batch, 224, 224, 3}));
        });

  const auto encoder_args = [] { return std::tuple(encoder(), normal(5, {8, 128, 512})); };
  both("transformer forward", encoder_loss, encoder_args);
  both("transformer value and grad", value_and_grad(encoder_loss), encoder_args);

  const auto lstm_args = [] { return std::tuple(lstm(), normal(6, {128, 32, 256})); };
  both("LSTM forward", lstm_outputs, lstm_args);
  both("LSTM value and grad", value_and_grad([](const Lstm& m, const Array& x) { return mean(lstm_outputs(m, x)); }),
       lstm_args);

  both("Jacobian 100-100-100", jacrev(TanhMlp{}), [] { return std::tuple(normal(7, {100})); });
  const auto point = [] { return std::tuple(0.1f * normal(8, {100})); };
  both("Rosenbrock-100 value and grad", value_and_grad(rosenbrock), point);
  both("Rosenbrock-100 Hessian", hessian(rosenbrock), point);
}

}  // namespace

int main(int argc, char** argv) {
  register_rows();
  return rows::run(argc, argv);
}
