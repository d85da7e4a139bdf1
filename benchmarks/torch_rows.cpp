// libtorch's side of the rows, eager autograd: "<workload>/libtorch".
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using torch::Tensor;

template <class F>
void row(const std::string& name, F f, benchmark::TimeUnit unit = benchmark::kMillisecond) {
  benchmark::RegisterBenchmark(name.c_str(), [f](benchmark::State& state) {
    for (int i = 0; i < 3; ++i) f();
    for (auto _ : state) f();
  })->Unit(unit)->UseRealTime();
}

Tensor weights(torch::IntArrayRef shape) { return (torch::randn(shape) * 0.05).set_requires_grad(true); }

}  // namespace

void register_peer_rows() {
  if (const char* threads = std::getenv("TF2JAX_NUM_THREADS")) at::set_num_threads(std::atoi(threads));
  const Tensor one = torch::ones({});
  row("dispatch x+1 scalar/libtorch", [=] {
    const torch::NoGradGuard guard;
    benchmark::DoNotOptimize((one + one).data_ptr());
  }, benchmark::kNanosecond);
  const Tensor scalar = torch::ones({}).set_requires_grad(true);
  row("grad of sin(x)*x scalar/libtorch", [=] { benchmark::DoNotOptimize(torch::autograd::grad({torch::sin(scalar) * scalar}, {scalar})); }, benchmark::kNanosecond);
  const Tensor million = torch::randn({1000000});
  row("sin(cos(x)) 1e6/libtorch", [=] {
    const torch::NoGradGuard guard;
    benchmark::DoNotOptimize(torch::sin(torch::cos(million)).data_ptr());
  });
  namespace F = torch::nn::functional;
  const std::vector<Tensor> m{weights({512, 784}), weights({512}), weights({512, 512}), weights({512}), weights({10, 512}), weights({10})};
  const Tensor x = torch::randn({128, 784}), y = torch::randint(0, 10, {128}, torch::kLong);
  row("MLP b128 value+grad/libtorch", [=] {
    const Tensor out = torch::linear(torch::relu(torch::linear(torch::relu(torch::linear(x, m[0], m[1])), m[2], m[3])), m[4], m[5]);
    benchmark::DoNotOptimize(torch::autograd::grad({F::cross_entropy(out, y)}, m));
  });
  const std::vector<Tensor> l{weights({6, 1, 5, 5}), weights({6}), weights({16, 6, 5, 5}), weights({16}), weights({120, 256}),
                              weights({120}), weights({84, 120}), weights({84}), weights({10, 84}), weights({10})};
  const Tensor images = torch::randn({64, 1, 28, 28}), labels = torch::randint(0, 10, {64}, torch::kLong);
  row("LeNet b64 value+grad/libtorch", [=] {
    Tensor h = torch::avg_pool2d(torch::relu(torch::conv2d(images, l[0], l[1])), 2, 2);
    h = torch::avg_pool2d(torch::relu(torch::conv2d(h, l[2], l[3])), 2, 2).flatten(1);
    h = torch::relu(torch::linear(torch::relu(torch::linear(h, l[4], l[5])), l[6], l[7]));
    benchmark::DoNotOptimize(torch::autograd::grad({F::cross_entropy(torch::linear(h, l[8], l[9]), labels)}, l));
  });
  const std::vector<Tensor> e{weights({1536, 512}), weights({1536}), weights({512, 512}), weights({512}), weights({2048, 512}), weights({2048}),
                              weights({512, 2048}), weights({512}), weights({512}), weights({512}), weights({512}), weights({512})};
  const Tensor tokens = torch::randn({8, 128, 512});
  row("transformer layer value+grad/libtorch", [=] {
    const Tensor qkv = torch::linear(tokens, e[0], e[1]).view({8, 128, 3, 8, 64}).permute({2, 0, 3, 1, 4});
    const Tensor attention = torch::softmax(torch::matmul(qkv[0], qkv[1].transpose(-2, -1)) * 0.125, -1);
    const Tensor mixed = torch::matmul(attention, qkv[2]).transpose(1, 2).reshape({8, 128, 512});
    const Tensor h = torch::layer_norm(tokens + torch::linear(mixed, e[2], e[3]), {512}, e[8], e[9]);
    const Tensor f = torch::linear(torch::gelu(torch::linear(h, e[4], e[5]), "tanh"), e[6], e[7]);
    benchmark::DoNotOptimize(torch::autograd::grad({torch::layer_norm(h + f, {512}, e[10], e[11]).square().mean()}, e));
  });
  const Tensor point = (torch::randn({100}) * 0.1).set_requires_grad(true);
  row("Rosenbrock-100 value+grad/libtorch", [=] {
    const Tensor head = point.slice(0, 0, 99), tail = point.slice(0, 1, 100);
    benchmark::DoNotOptimize(torch::autograd::grad({(100 * (tail - head.square()).square() + (1 - head).square()).sum()}, {point}));
  });
}
