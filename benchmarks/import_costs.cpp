// What opening models costs: graphs of many nodes, and a SavedModel with 1 GiB of variables. Each is written and opened
// in processes of its own, whose peak memory is that of the step.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "child.h"
#include "tf2jax/tf2jax.h"

using namespace tf2jax;

namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr double kMib = 1 << 20;

// A chain of `nodes` nodes, a quarter of them constants, whose values stay near 1.
void write_chain(const fs::path& file, std::int64_t nodes) {
  GraphBuilder g;
  std::string y = g.placeholder("x", f32, {4});
  for (std::int64_t made = 1; made < nodes; made += 4) {
    const std::string half = g.constant("half", full({}, 0.5f));
    const std::string small = g.node("Tanh", "tanh", {y}, f32);
    y = g.node("AddV2", "add", {g.node("Mul", "mul", {small, half}, f32), small}, f32);
  }
  g.node("Identity", "y", {y}, f32);
  g.graph().save(file);
}

// The same nodes in functions of 1,000 that are called one after the other.
void write_functions(const fs::path& file, std::int64_t nodes) {
  const auto node = [](const std::string& name, const std::string& op, const std::string& inputs) {
    return fmt::format("node_def {{ name: '{}' op: '{}' {} attr {{ key: 'T' value {{ type: DT_FLOAT }} }} }}\n", name,
                       op, inputs);
  };
  std::string library, main =
                           "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } attr { "
                           "key: 'shape' value { "
                           "shape { dim { size: 4 } } } } }\n";
  std::string last = "x";
  for (std::int64_t i = 0; i < nodes / 1000; ++i) {
    std::string body, y = "a";
    for (int k = 0; k < 500; ++k) {
      body += node(fmt::format("t{}", k), "Tanh", fmt::format("input: '{}'", y));
      body += node(fmt::format("s{}", k), "AddV2", fmt::format("input: 't{}:y:0' input: 't{}:y:0'", k, k));
      y = fmt::format("s{}:z:0", k);
    }
    library += fmt::format(
        "function {{ signature {{ name: 'f{}' input_arg {{ name: 'a' type: DT_FLOAT }} output_arg {{ name: 'r' type: "
        "DT_FLOAT }} }} {} ret {{ key: 'r' value: '{}' }} }}\n",
        i, body, y);
    main += fmt::format(
        "node {{ name: 'c{}' op: 'PartitionedCall' input: '{}' attr {{ key: 'f' value {{ func {{ name: 'f{}' }} }} }} "
        "attr {{ key: 'Tout' value {{ list {{ type: DT_FLOAT }} }} }} }}\n",
        i, last, i);
    last = fmt::format("c{}", i);
  }
  main += fmt::format(
      "node {{ name: 'y' op: 'Identity' input: '{}' attr {{ key: 'T' value {{ type: DT_FLOAT }} }} }}\n", last);
  Graph::parse_text(main + "library {" + library + "}", "functions").save(file);
}

// `count` layers of 2048 to 2048: 16 MiB each.
void write_variables(const fs::path& directory, std::int64_t count) {
  GraphBuilder g;
  const std::string x = g.placeholder("x", f32, {1, 2048});
  std::string y = x;
  for (std::int64_t i = 0; i < count; ++i)
    y = g.node("MatMul", "layer", {y, g.variable("w", full({2048, 2048}, 1.f / 2048))}, f32);
  g.save(directory, {{"serving_default", {{{"x", x}}, {{"y", y}}}}});
}

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Opens the model and writes the times of that and of one call, node by node, to a file beside it.
void open_model(const fs::path& path) {
  const auto start = std::chrono::steady_clock::now();
  const ConvertOptions options{
      .outputs = fs::is_directory(path) ? std::vector<std::string>{} : std::vector<std::string>{"y"}, .jit = false};
  const auto f = convert(path, options);
  const double opened = ms_since(start);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto next = std::chrono::steady_clock::now();
  if (fs::is_directory(path)) f(kw("x", ones({1, 2048})));
  else f(ones({4}));
  std::ofstream(path.string() + ".json") << Json{
      {"open ms", opened}, {"open MiB", static_cast<double>(usage.ru_maxrss) / 1024}, {"call ms", ms_since(next)}};
}

std::uintmax_t bytes_below(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

Json row(const fs::path& self, const fs::path& folder, const std::string& kind, std::int64_t count) {
  const fs::path path = folder / fmt::format("{}{}", kind, count);
  const Child made = run_child({self.string(), "--make", kind, std::to_string(count), path.string()});
  const Child opened = run_child({self.string(), "--open", path.string()});
  if (!made.ok || !opened.ok) {
    fmt::print("| {} {} | failed |\n", kind, count);
    return {{"model", kind}, {"count", count}, {"ok", false}};
  }
  Json result = Json::parse(std::ifstream(path.string() + ".json"));
  const double stored = static_cast<double>(bytes_below(path)) / kMib;
  fmt::print("| {} | {} | {:.1f} MiB | {:.0f} ms | {:.0f} MiB | {:.2f} | {:.0f} ms |\n", kind, count, stored,
             result["open ms"].get<double>(), result["open MiB"].get<double>(),
             result["open MiB"].get<double>() / stored, result["call ms"].get<double>());
  std::fflush(stdout);
  fs::remove_all(path);
  result.update({{"model", kind}, {"count", count}, {"ok", true}, {"stored MiB", stored}});
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "--make" && argc == 5) {
    const std::int64_t count = std::stoll(argv[3]);
    if (std::strcmp(argv[2], "chain") == 0) write_chain(argv[4], count);
    else if (std::strcmp(argv[2], "functions") == 0) write_functions(argv[4], count);
    else write_variables(argv[4], count);
    return 0;
  }
  if (what == "--open" && argc == 3) return open_model(argv[2]), 0;
  const fs::path self = fs::read_symlink("/proc/self/exe");
  const fs::path folder = fs::temp_directory_path() / fmt::format("tf2jax_import_costs_{}", getpid());
  fs::create_directories(folder);
  fmt::print("| model | nodes or variables | stored | opened in | peak memory then | of what is stored | one call |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  Json rows = Json::array();
  for (const std::int64_t nodes : {10'000, 1'000'000})
    for (const char* kind : {"chain", "functions"}) rows.push_back(row(self, folder, kind, nodes));
  rows.push_back(row(self, folder, "variables", 64));
  fs::remove_all(folder);
  if (what == "--json" && argc == 3) std::ofstream(argv[2]) << rows.dump(1) << '\n';
}
