// Loops and convolutions of several threads while other processes use the processors.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <tf2jax/tf2jax.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>

#include "tf2jax/base/internal/processors.h"
#include "tf2jax/base/thread_pool.h"

using namespace tf2jax;

namespace {

// One process that never sleeps for each processor.
class BusyProcesses {
 public:
  explicit BusyProcesses(int count) {
    for (int i = 0; i < count; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::alarm(60);
        for (std::atomic<unsigned> spins = 0;;) ++spins;
      }
      children_.push_back(child);
    }
  }
  ~BusyProcesses() {
    for (const pid_t child : children_) ::kill(child, SIGKILL);
    for (const pid_t child : children_) ::waitpid(child, nullptr, 0);
  }

 private:
  std::vector<pid_t> children_;
};

// Milliseconds of a call, over some 300 ms of calls.
double time_of(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  int calls = 0;
  for (; elapsed() < 300; ++calls) call();
  return elapsed() / calls;
}

// Spinning threads take 100 times the quiet time and more. The bound leaves room for what else the machine does.
void expect_little_slower(const char* what, const std::function<void()>& call) {
  const int threads = num_threads();
  set_num_threads(2);
  for (int i = 0; i < 20; ++i) call();
  const double quiet = time_of(call);
  double busy = 0;
  {
    const BusyProcesses others(detail::usable_processors());
    time_of(call);
    busy = time_of(call);
  }
  set_num_threads(threads);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "checked code has other times";
#endif
  std::printf("%s: %.3f ms alone, %.3f ms on a busy machine: %.1f times\n", what, quiet, busy, busy / quiet);
  EXPECT_LT(busy, 10 * quiet);
}

}  // namespace

TEST(BusyMachine, LoopsAreLittleSlower) {
  std::vector<float> x(1 << 14, 1.f);
  expect_little_slower("30 loops", [&] {
    for (int i = 0; i < 30; ++i)
      parallel_for(1 << 14, 1 << 13, [&](std::int64_t begin, std::int64_t end) {
        for (auto j = begin; j < end; ++j) x[j] = x[j] * 0.5f + 1.f;
      });
  });
}

TEST(BusyMachine, ConvolutionsAreLittleSlower) {
  const auto f = jit([](const Array& x, const Array& w) {
    Array y = x;
    for (int i = 0; i < 8; ++i)
      y = tanh(conv_general_dilated(
          y, w, {.window_strides = {}, .padding = {}, .dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC")}, "SAME"));
    return y;
  });
  const Array x = ones({1, 16, 16, 32}), w = full(Shape{3, 3, 32, 32}, 0.01f);
  expect_little_slower("8 convolutions", [&] { f(x, w); });
}

TEST(BusyMachine, ProductsAreLittleSlower) {
  const auto f = jit([](const Array& x, const Array& w) {
    Array y = x;
    for (int i = 0; i < 8; ++i) y = tanh(dot(y, w));
    return y;
  });
  const Array x = ones({128, 128}), w = full(Shape{128, 128}, 0.01f);
  expect_little_slower("8 products", [&] { f(x, w); });
}
