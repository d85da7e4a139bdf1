// What reading StableHLO costs: times to decode a long module, and the most memory that it takes beside its file.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
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

void decode(const std::string& bytes) { (void)stablehlo::read_module(bytes); }
void translate(const std::string& bytes) {
  const auto module = stablehlo::read_module(bytes);
  (void)stablehlo::to_jaxpr(module, stablehlo::input_avals(module));
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The most that this process holds at once while it reads a file, beyond what it held before: of the second time, so
// that its own code and tables, which it needs once, do not count.
double own_peak(const std::string& what, const std::string& path) {
  const std::string bytes = contents(path);
  const auto read = what == "decode" ? decode : translate;
  read(bytes);
  malloc_trim(0);                                 // so that nothing is taken twice uncounted
  std::ofstream("/proc/self/clear_refs") << "5";  // forgets the peak
  const double before = status("VmRSS");
  read(bytes);
  return status("VmHWM") - before;
}

// The same of a process of its own.
double peak_of(const std::string& what, const std::string& path) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  FILE* out = popen(fmt::format("'{}' --peak {} '{}'", self.string(), what, path).c_str(), "r");
  double most = 0;
  if (!out || fscanf(out, "%lf", &most) != 1) most = std::numeric_limits<double>::quiet_NaN();
  if (out) pclose(out);
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
  const double decoding = median_ms(15, [&] { decode(bytes); }), program = median_ms(5, [&] { translate(bytes); });
  const auto path = std::filesystem::temp_directory_path() / fmt::format("tf2jax_module_{}", getpid());
  std::ofstream(path, std::ios::binary) << bytes;
  const double most = peak_of("decode", path), most_program = peak_of("program", path);
  std::filesystem::remove(path);
  const auto ratio = [&](double n) { return n / static_cast<double>(bytes.size()); };
  fmt::print("| {} | {} | {:.0f} | {:.2f} | {:.2f} | {:.1f} | {:.2f} |\n", name, ops,
             static_cast<double>(bytes.size()) / 1e3, decoding, ratio(most), program, ratio(most_program));
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
  if (argc == 4 && std::string(argv[1]) == "--peak") {
    fmt::print("{}\n", own_peak(argv[2], argv[3]));
    return 0;
  }
  fmt::print("| module | operations | file, kB | decoded in, ms | memory / file | program in, ms | memory / file |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  for (int i = 1; i < argc; ++i) row(argv[i], contents(argv[i]));
  if (argc > 1) return 0;
  row("many operations", layers(500, 4));
  row("many operations with weights", layers(500, 64));
  row("large weights", layers(8, 1024));
}
