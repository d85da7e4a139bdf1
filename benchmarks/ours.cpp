// Our side of every row: eager and jit. Rows are named "<workload>/<eager|jit>".
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "workloads.h"

using namespace workloads;

namespace {

template <class F>
void row(const std::string& name, F f, benchmark::TimeUnit unit = benchmark::kMillisecond) {
  benchmark::RegisterBenchmark(name.c_str(), [f](benchmark::State& state) {
    f();
    for (auto _ : state) {
      auto out = f();
      benchmark::DoNotOptimize(out);
    }
  })->Unit(unit)->UseRealTime();
}

// Value and gradient with respect to the first argument.
template <class F, class M, class... A>
void both(const std::string& name, F f, const M& model, const A&... args) {
  const auto step = value_and_grad(f);
  row(name + " value+grad/eager", [=] { return step(model, args...); });
  row(name + " value+grad/jit", [=, compiled = jit(step)] { return compiled(model, args...); });
}

void register_rows() {
  const Array one = full(Shape{}, 1.f);
  row("dispatch x+1 scalar/eager", [=] { return one + one; }, benchmark::kNanosecond);
  row("dispatch x+1 scalar/jit", [=, f = jit([](const Array& x) { return x + 1.f; })] { return f(one); }, benchmark::kNanosecond);
  const auto slope = grad([](const Array& x) { return sin(x) * x; });
  row("grad of sin(x)*x scalar/eager", [=] { return slope(one); }, benchmark::kNanosecond);
  row("grad of sin(x)*x scalar/jit", [=, f = jit(slope)] { return f(one); }, benchmark::kNanosecond);

  const Array million = random::normal(random::key(0), {1000000});
  row("sin(cos(x)) 1e6/eager", [=] { return sin(cos(million)); });

  const Array x = random::normal(random::key(1), {128, 784}), y = random::randint(random::key(2), {128}, 0, 10);
  both("MLP b128", mlp_loss, mlp(), x, y);
  const Array images = random::normal(random::key(3), {64, 28, 28, 1}), labels = random::randint(random::key(4), {64}, 0, 10);
  both("LeNet b64", lenet_loss, lenet(), images, labels);
  both("transformer layer", encoder_loss, encoder(), random::normal(random::key(5), {8, 128, 512}));
  const Array point = 0.1f * random::normal(random::key(6), {100});
  both("Rosenbrock-100", rosenbrock, point);
  row("Rosenbrock-100 hessian/jit", [=, h = jit(hessian(rosenbrock))] { return h(point); });

  // A SavedModel given by TF2JAX_BENCH_MODEL: where the time to the first gradient goes.
  if (const char* path = std::getenv("TF2JAX_BENCH_MODEL"); path && std::filesystem::exists(path)) {
    const std::string model = path;
    row("model load/eager", [=] { return convert(model); });
    const ConvertedFunction f = convert(model);
    const Array input = 0.1f * random::normal(random::key(7), {1, 43844, 1});
    const auto loss = [=](const Array& v) {
      Array total(0.f);
      for (const Array& leaf : tree::leaves(f(v))) total = total + mean(leaf);
      return total;
    };
    row("model trace/eager", [=] { return make_jaxpr(loss)(input); });
    row("model forward/jit", [=] { return f(input); });
    row("model input gradient/eager", [=] { return grad(loss)(input); });
    row("model input gradient/jit", [=, g = jit(grad(loss))] { return g(input); });
    row("model load to first gradient/eager", [=] {
      const ConvertedFunction fresh = convert(model);
      return grad([&](const Array& v) {
        Array total(0.f);
        for (const Array& leaf : tree::leaves(fresh(v))) total = total + mean(leaf);
        return total;
      })(input);
    });
  }
}

}  // namespace

void register_peer_rows();   // torch_rows.cpp, or nothing

int main(int argc, char** argv) {
  register_rows();
  register_peer_rows();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
