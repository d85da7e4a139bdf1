// The code generator alone: elements per second of one elementary function over data in cache, and the time to compile
// it.
#include <benchmark/benchmark.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "tf2jax/compiler/codegen/load.h"
#include "tf2jax/compiler/loops/op_names.h"

namespace {

using namespace tf2jax;
using loops::Op;

constexpr std::int64_t kElements = 16384;

// out[i] = op(…op(x[i], y[i])…, y[i]), each op of `chain` in turn.
loops::Kernel kernel_of(const std::vector<Op>& chain, DType dtype, std::int64_t elements) {
  loops::Kernel k;
  k.name = "bench";
  k.parallel = {elements};
  k.parallel_lanes = true;
  k.variables = 1;
  const loops::Affine at{0, {{0, 1}}};
  k.buffers = {{dtype, elements}, {dtype, elements}, {dtype, elements, true}};
  k.nodes = {{.op = Op::load, .dtype = dtype, .at = at, .buffer = 0},
             {.op = Op::load, .dtype = dtype, .at = at, .buffer = 1}};
  for (const Op op : chain)
    k.nodes.push_back(
        {.op = op,
         .dtype = dtype,
         .in = {k.nodes.size() == 2 ? 0 : static_cast<loops::NodeId>(k.nodes.size()) - 1, op >= Op::add ? 1 : -1, -1}});
  for (std::size_t i = 0; i < k.nodes.size(); ++i) k.body.push_back({loops::Eval{static_cast<loops::NodeId>(i)}});
  k.body.push_back({loops::Store{2, at, static_cast<loops::NodeId>(k.nodes.size()) - 1}});
  return k;
}

std::shared_ptr<const loops::CompiledKernels> compiled(const loops::Kernel& k) {
  std::string error;
  auto out = loops::code_generator().compile({k}, {}, error);
  if (!out) throw std::runtime_error(error);
  return out;
}

void run(benchmark::State& state, Op op, double low, double high) {
  const auto code = compiled(kernel_of({op}, DType::f32, kElements));
  std::vector<float> x(kElements), y(kElements, 1.5f), out(kElements);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(low + (high - low) * static_cast<double>(i * 7919 % kElements) / kElements);
  void* buffers[] = {x.data(), y.data(), out.data()};
  for (auto _ : state) code->entries[0].function(buffers, 0, kElements, nullptr);
  state.SetItemsProcessed(state.iterations() * kElements);
}

void compile(benchmark::State& state, const std::vector<Op>& chain) {
  std::int64_t elements = 1000;
  for (auto _ : state) benchmark::DoNotOptimize(compiled(kernel_of(chain, DType::f32, elements++)));
}

struct Row {
  Op op;
  double low, high;
};

}  // namespace

int main(int argc, char** argv) {
  for (const Row& r :
       {Row{Op::add, -1, 1}, Row{Op::div, -1, 1}, Row{Op::exp, -87, 88}, Row{Op::tanh, -9, 9},
        Row{Op::logistic, -20, 20}, Row{Op::log, 1e-3, 1e3}, Row{Op::sin, -100, 100}, Row{Op::cos, -100, 100},
        Row{Op::erf, -4, 4}, Row{Op::rsqrt, 1e-3, 1e3}, Row{Op::expm1, -5, 5}, Row{Op::log1p, 0, 10},
        Row{Op::tan, -100, 100}, Row{Op::atan, -9, 9}, Row{Op::pow, 0.1, 9}, Row{Op::rem, -9, 9}})
    benchmark::RegisterBenchmark(("run/" + std::string(loops::op_name(r.op))).c_str(), run, r.op, r.low, r.high);
  std::vector<Op> chain;
  for (const std::size_t length : {10, 100, 1000}) {
    while (chain.size() < length)
      chain.push_back(std::vector{Op::mul, Op::add, Op::sub, Op::max, Op::div}[chain.size() % 5]);
    benchmark::RegisterBenchmark(("compile/" + std::to_string(length) + "_ops").c_str(), compile, chain)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("compile/tanh", compile, std::vector{Op::tanh})->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
