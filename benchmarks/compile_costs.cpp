// What compiling costs: times to trace and to compile, cold starts, and peak memory of two workloads beside libtorch's.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "child.h"
#include "tf2jax/trace/jaxpr.h"
#include "workloads.h"

using namespace workloads;

namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}
double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

Json compile_row(const std::string& name, int rounds, const auto& f, const auto&... args) {
  std::vector<double> trace, compile;
  std::size_t equations = 0;
  std::int64_t steps = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto start = Clock::now();
    const auto lowered = jit(f).lower(args...);
    trace.push_back(ms_since(start));
    const auto middle = Clock::now();
    const auto compiled = lowered.compile();
    compile.push_back(ms_since(middle));
    equations = lowered.jaxpr()->eqns.size();
    steps = compiled.cost().steps;
  }
  fmt::print("| {} | {} | {} | {:.1f} ms | {:.1f} ms |\n", name, equations, steps, median(trace), median(compile));
  std::fflush(stdout);
  return {{"program", name},
          {"equations", equations},
          {"steps", steps},
          {"trace ms", median(trace)},
          {"compile ms", median(compile)}};
}

// A long program: elementwise work with a sum over everything at every twentieth equation.
Array long_program(const Array& x, int equations) {
  Array y = x;
  for (int i = 0; i < equations / 4; ++i) {
    if (i % 5 == 4) y = y - sum(y) * 1e-3f;
    else y = sin(y) * x + y * 0.5f;
  }
  return y;
}

// What a process does whose start is measured.
int start_as(const std::string& what) {
  const Array x = full({64}, 2.f);
  if (what == "compile") {
    if (jit([](const Array& v) { return sin(v) * v; })(x).size() != 64) return 1;
  } else if ((sin(x) * x).size() != 64) {
    return 1;
  }
  return 0;
}

Json compile_times() {
  fmt::print("\n| program | equations | steps | trace | passes and code |\n|---|---|---|---|---|\n");
  const Array x = random::normal(random::key(1), {128, 784}), y = random::randint(random::key(2), {128}, 0, 10);
  const Array images = random::normal(random::key(3), {64, 28, 28, 1}),
              labels = random::randint(random::key(4), {64}, 0, 10);
  Json rows = Json::array();
  rows.push_back(compile_row("MLP value and grad", 5, value_and_grad(mlp_loss), mlp(), x, y));
  rows.push_back(compile_row("LeNet value and grad", 5, value_and_grad(lenet_loss), lenet(), images, labels));
  rows.push_back(compile_row("transformer value and grad", 5, value_and_grad(encoder_loss), encoder(),
                             random::normal(random::key(5), {8, 128, 512})));
  const Array square = random::normal(random::key(6), {64, 64});
  for (const int equations : {5000, 20000})
    rows.push_back(compile_row(
        fmt::format("long program, {}", equations), 1, [=](const Array& v) { return long_program(v, equations); },
        square));
  return rows;
}

Json starts(const fs::path& self) {
  fmt::print("| process | wall | peak memory |\n|---|---|---|\n");
  Json rows = Json::array();
  for (const std::string what : {"eager", "compile"}) {
    std::vector<double> times;
    Child last;
    for (int i = 0; i < 9; ++i) {
      last = run_child({self.string(), "--start", what});
      times.push_back(last.ms);
    }
    fmt::print("| starts, {} | {:.1f} ms | {:.0f} MiB |\n",
               what == "compile" ? "compiles one function and runs it" : "runs two operations", median(times),
               last.peak_mib);
    rows.push_back({{"start", what}, {"ms", median(times)}, {"peak MiB", last.peak_mib}});
  }
  return rows;
}

Json peaks(const fs::path& directory) {
  fmt::print("\n| workload | ours jit, peak memory | libtorch, peak memory |\n|---|---|---|\n");
  Json rows = Json::array();
  for (const std::string name : {"MLP per-example grads", "transformer value and grad"}) {
    const auto peak = [&](const char* program, const std::string& filter) -> Json {
      const fs::path path = directory / program;
      if (!fs::exists(path)) return nullptr;
      const Child c = run_child({path.string(), "--benchmark_filter=^" + filter, "--benchmark_min_time=0.01"},
                                {"OPENBLAS_CORETYPE=COOPERLAKE"});
      return c.ok ? Json(c.peak_mib) : Json(nullptr);
    };
    const Json ours = peak("benchmarks_ours", name + "/jit"), torch = peak("benchmarks_torch", name + "/");
    const auto text = [](const Json& v) {
      return v.is_null() ? std::string("-") : fmt::format("{:.0f} MiB", v.get<double>());
    };
    fmt::print("| {} | {} | {} |\n", name, text(ours), text(torch));
    rows.push_back({{"workload", name}, {"ours MiB", ours}, {"libtorch MiB", torch}});
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--start") == 0) return start_as(argv[2]);
  const fs::path self = fs::read_symlink("/proc/self/exe");
  // The children first: a child's peak counts what its parent held when it was started.
  const Json start = starts(self), memory = peaks(self.parent_path()), compile = compile_times();
  const Json all{{"compile", compile}, {"start", start}, {"memory", memory}};
  if (argc == 3 && std::strcmp(argv[1], "--json") == 0) std::ofstream(argv[2]) << all.dump(1) << '\n';
}
