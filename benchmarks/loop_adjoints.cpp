// Reverse mode through a while loop whose trip count is data, beside an adjoint written by hand that keeps every carry:
// times, and by how much each raises the peak memory of a process. 100 doubles, 100,000 steps: x += h * w * sin(x).
#include <fmt/format.h>
#include <sys/wait.h>
#include <tf2jax/tf2jax.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

using namespace tf2jax;

namespace {

constexpr int kSize = 100, kSteps = 100'000;
constexpr double kStep = 1e-5;

std::vector<double> start() {
  std::vector<double> x(kSize);
  for (int i = 0; i < kSize; ++i) x[static_cast<std::size_t>(i)] = 0.5 + 0.01 * i;
  return x;
}

// The gradient of sum(x) in w.
std::vector<double> by_hand(const std::vector<double>& w) {
  std::vector<double> tape(static_cast<std::size_t>(kSteps) * kSize), x = start(), slope(kSize), ct(kSize, 1.0);
  for (int t = 0; t < kSteps; ++t) {
    double* kept = tape.data() + static_cast<std::ptrdiff_t>(t) * kSize;
    for (std::size_t i = 0; i < kSize; ++i) {
      kept[i] = x[i];
      x[i] += kStep * w[i] * std::sin(x[i]);
    }
  }
  for (int t = kSteps; t-- > 0;) {
    const double* kept = tape.data() + static_cast<std::ptrdiff_t>(t) * kSize;
    for (std::size_t i = 0; i < kSize; ++i) {
      slope[i] += kStep * ct[i] * std::sin(kept[i]);
      ct[i] += kStep * ct[i] * w[i] * std::cos(kept[i]);
    }
  }
  return slope;
}

Array total(const Array& w, const Array& steps) {
  const Array x0 = from_span<double>(std::span<const double>(start()), {kSize});
  const auto [t, x] = while_loop([&](const std::tuple<Array, Array>& c) { return less(std::get<0>(c), steps); },
                                 [&](const std::tuple<Array, Array>& c) {
                                   const auto& [i, v] = c;
                                   return std::tuple{i + 1, v + kStep * w * sin(v)};
                                 },
                                 std::tuple{Array(0), x0});
  return sum(x);
}

double seconds(const std::function<void()>& f) {
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::sort(times);
  return times[2];
}

// The peak since the last reset, which makes it what is in use.
double peak_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") return status >> word, std::stod(word) / 1024;
  return 0;
}
void reset_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

// In a process of its own, so that no row leaves memory to another.
void row(const char* name, const std::function<std::function<std::vector<double>()>()>& prepared) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child > 0) {
    ::waitpid(child, nullptr, 0);
    return;
  }
  const auto f = prepared();
  reset_peak();
  const double before = peak_mb();
  std::vector<double> slopes = f();
  const double peak = peak_mb(), grown = peak - before, time = seconds([&] { slopes = f(); });
  fmt::print("| {} | {:.0f} ms | {:.1f} MB | {:.1f} MB | {:.12f} |\n", name, 1e3 * time, grown, peak, slopes[0]);
  std::fflush(stdout);
  ::_exit(0);
}

}  // namespace

int main() {
  fmt::print("| adjoint | time | memory | of the process | first slope |\n|---|---|---|---|---|\n");
  const std::vector<double> w(kSize, 1.5);
  row("by hand, every carry kept", [&] { return [&] { return by_hand(w); }; });
  row("grad through while_loop", [&] {
    update_config("enable_x64", true);
    const Array weights = from_span<double>(std::span<const double>(w), {kSize});
    const auto g = jit(grad(total));
    g(weights, Array(3));  // compiled before memory is measured
    return [=] { return g(weights, Array(kSteps)).template to_vector<double>(); };
  });
}
