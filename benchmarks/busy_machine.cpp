// What calls take while other processes use the processors, beside what they take alone: the median of rounds that
// alternate between both. benchmarks_busy [PROCESSES]: so many that never sleep; as many as there are processors if not
// said. TF2JAX_NUM_THREADS sets the threads.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <tf2jax/tf2jax.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tf2jax/base/internal/processors.h"
#include "tf2jax/base/thread_pool.h"

using namespace tf2jax;

namespace {

class BusyProcesses {
 public:
  explicit BusyProcesses(int count) {
    for (int i = 0; i < count; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::alarm(600);
        for (std::atomic<unsigned> spins = 0;;) ++spins;
      }
      if (child > 0) children_.push_back(child);
    }
  }
  ~BusyProcesses() {
    for (const pid_t child : children_) ::kill(child, SIGKILL);
    for (const pid_t child : children_) ::waitpid(child, nullptr, 0);
  }
  BusyProcesses(const BusyProcesses&) = delete;
  BusyProcesses& operator=(const BusyProcesses&) = delete;

 private:
  std::vector<pid_t> children_;
};

// Milliseconds of a call, over half a second of calls.
double time_of(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  int calls = 0;
  for (; elapsed() < 500; ++calls) call();
  return elapsed() / calls;
}

double median(std::vector<double> x) {
  std::ranges::nth_element(x, x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2));
  return x[x.size() / 2];
}

void row(const char* name, int processes, const std::function<void()>& call) {
  std::vector<double> quiet, busy;
  for (int round = 0; round < 5; ++round) {
    time_of(call);  // until the library takes the machine for quiet, or for busy
    quiet.push_back(time_of(call));
    const BusyProcesses others(processes);
    time_of(call);
    busy.push_back(time_of(call));
  }
  const double alone = median(quiet), beside = median(busy);
  fmt::print("| {} | {:.3f} ms | {:.3f} ms | {:.1f} |\n", name, alone, beside, beside / alone);
  std::fflush(stdout);
}

Array layers_of_convolutions(const Array& x, const Array& w) {
  const ConvDims numbers = conv_dims("NHWC", "HWIO", "NHWC");
  Array y = x;
  for (int i = 0; i < 8; ++i)
    y = tanh(conv_general_dilated(y, w, {.window_strides = {}, .padding = {}, .dimension_numbers = numbers}, "SAME"));
  return y;
}

Array layers_of_products(const Array& x, const Array& w) {
  Array y = x;
  for (int i = 0; i < 8; ++i) y = tanh(dot(y, w));
  return y;
}

// 64 steps of a recurrent cell with gates, eight examples at once.
Array recurrent(const Array& x, const Array& w) {
  Array h = x, c = x;
  for (int t = 0; t < 64; ++t) {
    const Array gates = dot(h, w);
    const auto gate = [&](std::int64_t i) { return slice_in_dim(gates, 128 * i, 128 * (i + 1), 1, 1); };
    c = logistic(gate(0)) * c + logistic(gate(1)) * tanh(gate(2));
    h = logistic(gate(3)) * tanh(c);
  }
  return h;
}

}  // namespace

int main(int argc, char** argv) {
  const int processes = argc > 1 ? std::atoi(argv[1]) : detail::usable_processors();
  fmt::print("{} threads, {} busy processes, {} processors\n\n", num_threads(), processes, detail::usable_processors());
  fmt::print("| workload | alone | busy | busy / alone |\n|---|---|---|---|\n");
  std::vector<float> x(1 << 14, 1.f);
  row("30 loops", processes, [&] {
    for (int i = 0; i < 30; ++i)
      parallel_for(1 << 14, 1 << 13, [&](std::int64_t begin, std::int64_t end) {
        for (auto j = begin; j < end; ++j) x[static_cast<std::size_t>(j)] *= 0.5f;
      });
  });
  const auto convolutions = jit(layers_of_convolutions), products = jit(layers_of_products), cells = jit(recurrent);
  const Array image = ones({1, 16, 16, 32}), filter = full(Shape{3, 3, 32, 32}, 0.01f);
  row("8 convolutions", processes, [&] { convolutions(image, filter); });
  const Array square = ones({128, 128}), weights = full(Shape{128, 128}, 0.01f);
  row("8 products", processes, [&] { products(square, weights); });
  const Array state = ones({8, 128}), gates = full(Shape{128, 512}, 0.01f);
  row("64 steps of a recurrent cell", processes, [&] { cells(state, gates); });
}
