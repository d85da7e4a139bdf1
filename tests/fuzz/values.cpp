// Fuzzing of valid graphs with hostile values: each is imported and run, op by op and compiled. Only errors of the
// library may come out, within limits of time and memory.
#include <CLI/CLI.hpp>
#include <iostream>
#include <set>

#include "farm.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/convert.h"
#include "value_graphs.h"

namespace {

using namespace tf2jax;

struct Options : fuzz::FarmOptions {
  bool check_rows = false, print = false;
};

fuzz::ValueGraph graph_of(std::uint64_t seed, const std::vector<fuzz::ValueGraph>& rows) {
  fuzz::Draw draw(seed);
  auto g = fuzz::draw_graph(rows, draw);
  for (auto changes = draw.between(1, 2); changes > 0; --changes) fuzz::mutate(g.graph, draw);
  return g;
}

// The state of a random generator: three integers of 64 bits.
bool is_state(const tensorflow::NodeDef& node) {
  const auto it = node.attr().find("dtype");
  return node.op() == "VarHandleOp" && it != node.attr().end() && it->second.type() == tensorflow::DT_INT64;
}

ConvertOptions options_of(const fuzz::ValueGraph& g, bool jit) {
  ConvertOptions options{.outputs = {"y"}, .jit = jit};
  for (const auto& node : g.graph.node()) {
    if (node.op() == "VarHandleOp" || node.op() == "VariableV2")
      options.captures.push_back({node.name(), node.name(), is_state(node) ? zeros({3}, DType::i64) : ones({2}), true});
  }
  return options;
}

// An argument for a placeholder: small integers serve as indices too.
Array argument(const TensorSpec& spec, fuzz::Draw& draw, bool wild) {
  Dims dims = spec.shape.value_or(Dims{});
  for (auto& d : dims) d = d < 0 ? 2 : d;
  std::int64_t n = num_elements(dims);
  check(n <= (1 << 16), "the argument is too large");
  const DType type = spec.dtype.value_or(f32);
  const double high = is_inexact(type) ? 2 : wild && draw.chance(0.1) ? 1e18 : 3;
  return detail::exact_array({canonical_dtype(type), symbolic(dims), false}, [&](std::byte* out) {
    visit_dtype(canonical_dtype(type), [&]<class T>(std::type_identity<T>) {
      for (std::int64_t i = 0; i < n; ++i) {
        const double v = draw.real(!wild || is_unsigned_integer(type) || is_bool(type) ? 0 : -high, high);
        if constexpr (std::is_same_v<T, bool>) reinterpret_cast<T*>(out)[i] = v > 1;
        else if constexpr (std::is_integral_v<T>)
          reinterpret_cast<T*>(out)[i] = static_cast<T>(static_cast<std::int64_t>(v));
        else reinterpret_cast<T*>(out)[i] = T(static_cast<float>(v));
      }
    });
  });
}

// Imports the graph and calls it.
void call(const fuzz::ValueGraph& g, bool jit, std::uint64_t seed, bool wild) {
  const bool wide = std::ranges::any_of(g.graph.node(), is_state);
  const auto scope = override_config(&Config::enable_x64, config().enable_x64 || wide);
  const auto exact = override_config(&Config::tf_exact_random, wild && seed % 3 == 0);
  const auto f = convert(Graph(std::make_shared<const tensorflow::GraphDef>(g.graph), "fuzz"), options_of(g, jit));
  fuzz::Draw draw(seed);
  CallArguments arguments;
  for (const auto& spec : f.structured_inputs().tensors())
    arguments.positional.push_back(Tree(argument(spec, draw, wild)));
  arguments.key = from_span<std::uint32_t>(std::vector<std::uint32_t>{0, 1}, {2});
  (void)f.call(arguments);
}

enum class Outcome { ran, refused };

Outcome run(const fuzz::ValueGraph& g, std::uint64_t seed) {
  Outcome outcome = Outcome::refused;
  for (const bool jit : {false, true}) {
    try {
      call(g, jit, seed, true);
      outcome = Outcome::ran;
    } catch (const InternalError&) {
      throw;
    } catch (const Error&) {
    }
  }
  return outcome;
}

std::string text_of(const fuzz::ValueGraph& g) {
  std::string text;
  for (const auto& node : g.graph.node()) text += "  node { " + node.ShortDebugString() + " }\n";
  return text;
}

void print(const Options& o, const fuzz::ValueGraph& g, std::uint64_t seed, const std::string& what) {
  std::cout << fmt::format("FINDING {}: {}\n  fuzz_values --only {}\n", g.name, what, seed)
            << (o.print ? text_of(g) : "") << std::flush;
}

void set_budgets() {
  Config c = config();
  c.max_array_elements = 1 << 22;
  c.max_total_bytes = std::int64_t{1} << 30;
  c.max_loop_steps = 1000;
  c.max_seconds = 2;
  update_config(c);
}

void judge(const fuzz::ValueGraph& g, std::uint64_t seed, const Options& o, fuzz::Tally& tally) {
  ++tally.items;
  try {
    ++(run(g, seed) == Outcome::ran ? tally.ran : tally.refused);
  } catch (const std::exception& e) {
    ++tally.findings;
    print(o, g, seed, e.what());
  }
}

int fuzz_all(const Options& o, const std::vector<fuzz::ValueGraph>& rows) {
  return fuzz::run_farm(
      o, [&](std::uint64_t seed, fuzz::Tally& tally) { judge(graph_of(seed, rows), seed, o, tally); },
      [&](std::uint64_t seed, const std::string& how) { print(o, graph_of(seed, rows), seed, "a worker " + how); },
      [](const fuzz::Tally& t, double) {
        std::cout << fmt::format("{} graphs, {} ran, {} were refused, {} findings\n", t.items.load(), t.ran.load(),
                                 t.refused.load(), t.findings.load());
      });
}

// Every row runs as it is, and every converter has one.
int check_rows(const std::vector<fuzz::ValueGraph>& rows) {
  int failures = 0;
  std::set<std::string> covered;
  for (const auto& g : rows) {
    for (const auto& node : g.graph.node()) covered.insert(node.op());
    for (const bool jit : {false, true}) {
      try {
        call(g, jit, 1, false);
      } catch (const std::exception& e) {
        ++failures;
        std::cout << fmt::format("row '{}' does not run{}: {}\n", g.name, jit ? " compiled" : "", e.what());
      }
    }
  }
  // Without a result, without a value of their own, or with a file or a module of their own.
  static const std::set<std::string> kNothing{"NoOp",
                                              "Assert",
                                              "ControlTrigger",
                                              "DestroyResourceOp",
                                              "DisableCopyOnRead",
                                              "HostConst",
                                              "RngSkip",
                                              "RefIdentity",
                                              "Variable",
                                              "VariableV2",
                                              "XlaCallModule",
                                              "InitializeTableFromTextFile",
                                              "InitializeTableFromTextFileV2"};
  for (const auto& op : current_converters()->names()) {
    if (covered.contains(op) || kNothing.contains(op)) continue;
    ++failures;
    std::cout << fmt::format("converter '{}' has no row\n", op);
  }
  std::cout << fmt::format("{} rows, {} failures\n", rows.size(), failures);
  return failures > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  o.count = 100000;
  o.limit = 10;
  o.megabytes = 3000;
  std::optional<std::uint64_t> only;
  CLI::App app("Valid graphs with hostile values: no crash, no foreign exception, no hang.");
  fuzz::add_options(app, o);
  app.add_option("--only", only, "the one graph of this seed, in this process");
  app.add_flag("--rows", o.check_rows, "run every row unchanged");
  app.add_flag("--print", o.print, "print the graphs of findings");
  CLI11_PARSE(app, argc, argv);
  const auto rows = fuzz::value_graphs();
  set_budgets();
  if (o.check_rows) return check_rows(rows);
  if (!only) return fuzz_all(o, rows);
  const auto g = graph_of(*only, rows);
  std::cout << g.name << "\n" << text_of(g) << std::flush;
  fuzz::Tally tally;
  judge(g, *only, o, tally);
  return tally.findings > 0;
}
