// What reading StableHLO costs: times to decode a long module, and the most memory that it takes beside its file.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/stablehlo/write.h"
#include "tf2jax/tf2jax.h"

using namespace tf2jax;

namespace {

// A line of /proc/self/status, in bytes.
double status(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;)
    if (word == name + ":") {
      double kilobytes = 0;
      in >> kilobytes;
      return 1024 * kilobytes;
    }
  return 0;
}

// The most that `f` holds at once, beyond what was there.
template <class F>
double peak_of(const F& f) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  malloc_trim(0);  // so that nothing is taken twice uncounted
  const pid_t child = fork();
  if (child == 0) {
    std::ofstream("/proc/self/clear_refs") << "5";  // forgets the peak
    const double before = status("VmRSS");
    f();
    const double most = status("VmHWM") - before;
    _exit(write(ends[1], &most, sizeof most) == sizeof most ? 0 : 1);
  }
  double most = 0;
  if (read(ends[0], &most, sizeof most) != sizeof most) most = 0;
  close(ends[0]);
  close(ends[1]);
  waitpid(child, nullptr, 0);
  return most;
}

template <class F>
double median_ms(int rounds, const F& f) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

std::size_t count_ops(const stablehlo::Region& r) {
  std::size_t n = r.ops.size();
  for (const auto& op : r.ops)
    for (const auto& inner : op.regions) n += count_ops(inner);
  return n;
}

void row(const std::string& name, const std::string& bytes) {
  std::size_t ops = 0;
  for (const auto& f : stablehlo::read_module(bytes).functions) ops += count_ops(f.body);
  const auto decoded = [&] { return stablehlo::read_module(bytes); };
  const auto translated = [&] {
    const auto module = stablehlo::read_module(bytes);
    return stablehlo::to_jaxpr(module, stablehlo::input_avals(module));
  };
  const double decode = median_ms(15, decoded), program = median_ms(5, translated);
  const double most = peak_of(decoded), most_program = peak_of(translated);
  const auto ratio = [&](double n) { return n / static_cast<double>(bytes.size()); };
  fmt::print("| {} | {} | {:.0f} | {:.2f} | {:.2f} | {:.1f} | {:.2f} |\n", name, ops,
             static_cast<double>(bytes.size()) / 1e3, decode, ratio(most), program, ratio(most_program));
}

// Layers of a product, a sum, a reduction and elementwise operations, with weights of width x width.
std::string layers(int count, std::int64_t width) {
  const Aval x = spec(f32, {4, width});
  const Jaxpr program = stage(
      [&](const Arrays& xs) {
        Array h = xs[0];
        for (int i = 0; i < count; ++i) {
          const std::vector<float> values(static_cast<std::size_t>(width * width), 0.01f * static_cast<float>(i + 1));
          std::vector<float> distinct = values;
          for (std::size_t k = 0; k < distinct.size(); ++k) distinct[k] += 1e-6f * static_cast<float>(k);
          const Array w = Array::from_bytes(f32, {width, width}, std::as_bytes(std::span(distinct)));
          h = tanh(matmul(h, w) + 0.5f) * h - expand_dims(reduce_max(h, {1}), {1});
        }
        return Arrays{h};
      },
      {x});
  return stablehlo::write_module(stablehlo::from_jaxpr(program));
}

}  // namespace

// Without arguments the modules that it makes; else the files named.
int main(int argc, char** argv) {
  fmt::print("| module | operations | file, kB | decoded in, ms | memory / file | program in, ms | memory / file |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    row(argv[i], {std::istreambuf_iterator<char>(in), {}});
  }
  if (argc > 1) return 0;
  row("many operations", layers(500, 4));
  row("many operations with weights", layers(500, 64));
  row("large weights", layers(8, 1024));
}
