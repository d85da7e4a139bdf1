// Runs the rows of ours, the hand-written references and libtorch in turn, each in processes of its own, and prints one
// table. A round runs every side of a workload before the next round starts, so that a slow minute of the machine falls
// on all of them; the figures are medians over the rounds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

const std::vector<std::string> kWorkloads{"dispatch scalar",
                                          "scalar gradient",
                                          "sin cos 1e6",
                                          "gelu layernorm forward",
                                          "gelu layernorm value and grad",
                                          "MLP forward",
                                          "MLP value and grad",
                                          "MLP per-example grads",
                                          "LeNet forward",
                                          "LeNet value and grad",
                                          "ResNet-18 b1 forward",
                                          "ResNet-18 b8 forward",
                                          "transformer forward",
                                          "transformer value and grad",
                                          "LSTM forward",
                                          "LSTM value and grad",
                                          "Jacobian 100-100-100",
                                          "Rosenbrock-100 value and grad",
                                          "Rosenbrock-100 Hessian"};

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> block;
  while (const std::size_t n = pipe ? std::fread(block.data(), 1, block.size(), pipe.get()) : 0)
    text.append(block.data(), n);
  return text;
}

// Times in ms by row name; empty when the executable has no such row or fails.
std::map<std::string, double> time_rows(const fs::path& program, const std::string& environment,
                                        const std::string& workload, double seconds) {
  if (!fs::exists(program)) return {};
  const std::string text = output_of(
      fmt::format("{} {} --benchmark_filter='^{}/' --benchmark_min_time={} --benchmark_format=json 2>/dev/null",
                  environment, program.string(), workload, seconds));
  const Json parsed = Json::parse(text, nullptr, false);
  std::map<std::string, double> out;
  if (parsed.is_discarded() || !parsed.contains("benchmarks")) return out;
  for (const Json& b : parsed["benchmarks"]) {
    if (b.contains("error_occurred")) continue;
    const std::string name = b["name"];  // "<workload>/<variant>/real_time"
    const std::size_t first = name.find('/'), last = name.rfind('/');
    out[name.substr(first + 1, last - first - 1)] = b["real_time"];
  }
  return out;
}

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

// Samples of one side, by variant (and environment); the side's figure is its fastest variant's median.
struct Samples {
  std::map<std::string, std::vector<double>> by_variant;
  void add(const std::string& suffix, const std::map<std::string, double>& times) {
    for (const auto& [variant, ms] : times) by_variant[variant + suffix].push_back(ms);
  }
  std::optional<double> best(const std::string& only = "") const {
    std::optional<double> out;
    for (const auto& [variant, samples] : by_variant)
      if (only.empty() || variant == only) out = std::min(out.value_or(INFINITY), median(samples));
    return out;
  }
  std::string best_variant() const {
    std::string name;
    for (const auto& [variant, samples] : by_variant)
      if (median(samples) == best()) name = variant;
    return name;
  }
};

// What makes libtorch fastest differs by workload: which OpenBLAS kernels and threads, and whether malloc keeps pages.
struct Environment {
  std::string name, variables;
};
std::vector<Environment> torch_environments(int threads) {
  const std::string kernels = "OPENBLAS_CORETYPE=COOPERLAKE ";
  const std::string pages =
      "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592:glibc.malloc."
      "hugetlb=1 ";
  std::vector<Environment> out{{"kernels", kernels}, {"kernels, pages", kernels + pages}};
  for (const fs::path directory : {"/usr/lib/x86_64-linux-gnu/openblas-openmp"})
    if (fs::exists(directory))
      out.push_back({"kernels, pages, openmp", kernels + pages + "LD_LIBRARY_PATH=" + directory.string() + " "});
  if (threads > 1) out.push_back({"kernels, pages, passive", kernels + pages + "OMP_WAIT_POLICY=PASSIVE "});
  return out;
}

std::string shown(std::optional<double> ms) {
  if (!ms) return "-";
  if (*ms < 1e-3) return fmt::format("{:.0f} ns", *ms * 1e6);
  if (*ms < 1) return fmt::format("{:.3g} us", *ms * 1e3);
  return fmt::format("{:.3g} ms", *ms);
}
std::string ratio(std::optional<double> other, std::optional<double> ours) {
  return other && ours ? fmt::format("{:.2f}", *other / *ours) : "-";
}
Json number(std::optional<double> ms) { return ms ? Json(*ms) : Json(nullptr); }

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Times our rows beside libtorch's and the hand-written references."};
  std::vector<int> threads{1, 2};
  std::string filter = ".*", json;
  int rounds = 5;
  double seconds = 0.1;
  app.add_option("--threads", threads, "Threads of every side");
  app.add_option("--filter", filter, "Workloads to run: a regular expression");
  app.add_option("--json", json, "Write the figures to this file");
  app.add_option("--rounds", rounds, "Rounds; the figures are medians over them")->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds, "Least time of one row in one round")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  Json list = Json::array();
  fmt::print(
      "| workload | threads | ours eager | ours jit | libtorch best | hand | libtorch / jit | hand / jit "
      "|\n|---|---|---|---|---|---|---|---|\n");
  for (const std::string& workload : kWorkloads) {
    if (!std::regex_search(workload, std::regex(filter))) continue;
    for (const int count : threads) {
      const std::string base = fmt::format("TF2JAX_NUM_THREADS={0} OMP_NUM_THREADS={0} ", count);
      std::vector<Environment> environments = torch_environments(count);
      Samples ours, hand, torch;
      for (int round = 0; round < rounds; ++round) {
        ours.add("", time_rows(here / "benchmarks_ours", base, workload, seconds));
        hand.add("", time_rows(here / "benchmarks_hand", base, workload, seconds));
        for (const Environment& e : environments)
          torch.add(" (" + e.name + ")", time_rows(here / "benchmarks_torch", base + e.variables, workload, seconds));
        if (round != 0) continue;
        // After the first round only the environment that was fastest in it stays.
        const std::string best = torch.best_variant();
        std::erase_if(environments, [&](const Environment& e) { return !best.ends_with(" (" + e.name + ")"); });
      }
      const auto eager = ours.best("eager"), jit = ours.best("jit"), peer = torch.best(), reference = hand.best();
      fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} |\n", workload, count, shown(eager), shown(jit), shown(peer),
                 shown(reference), ratio(peer, jit), ratio(reference, jit));
      std::fflush(stdout);
      list.push_back({{"workload", workload},
                      {"threads", count},
                      {"ours eager", number(eager)},
                      {"ours jit", number(jit)},
                      {"libtorch best", number(peer)},
                      {"hand", number(reference)},
                      {"libtorch variant", torch.best_variant()},
                      {"libtorch / jit", peer && jit ? Json(*peer / *jit) : Json(nullptr)},
                      {"hand / jit", reference && jit ? Json(*reference / *jit) : Json(nullptr)}});
    }
  }
  if (!json.empty()) std::ofstream(json) << list.dump(1) << '\n';
}
