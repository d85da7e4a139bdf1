// Fuzzing of valid graphs with hostile values: each is imported and run, op by op and compiled. Only errors of the library may come
// out, within limits of time and memory. Workers are processes, so that a crash or a hang is a finding like any other.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/convert.h"
#include "value_graphs.h"

namespace {

using namespace tf2jax;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Options {
  std::uint64_t seed = 1, only = 0;
  std::int64_t count = 100000;
  double seconds = 0, limit = 10;
  std::int64_t megabytes = 3000;
  int jobs = 1;
  bool check_rows = false, print = false;
};

struct Shared {
  std::atomic<std::int64_t> next{0}, graphs{0}, ran{0}, refused{0}, findings{0};
  struct Worker {
    std::atomic<std::int64_t> index{-1}, since{0};
  };
  Worker workers[16];
};

std::int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count(); }

std::uint64_t seed_of(const Options& o, std::int64_t index) { return fuzz::Draw(fuzz::Draw(o.seed).bits() + static_cast<std::uint64_t>(index)).bits() >> 16; }

fuzz::ValueGraph graph_of(std::uint64_t seed, const std::vector<fuzz::ValueGraph>& rows) {
  fuzz::Draw draw(seed);
  auto g = fuzz::draw_graph(rows, draw);
  for (auto changes = draw.between(1, 2); changes > 0; --changes) fuzz::mutate(g.graph, draw);
  return g;
}

ConvertOptions options_of(const fuzz::ValueGraph& g, bool jit) {
  ConvertOptions options{.outputs = {"y"}, .jit = jit};
  for (const auto& node : g.graph.node()) {
    if (node.op() == "VarHandleOp") options.captures.push_back({node.name(), node.name(), ones({2}), true});
  }
  return options;
}

// An argument for a placeholder: small integers serve as indices too.
Array argument(const TensorSpec& spec, fuzz::Draw& draw, bool wild = true) {
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
        else if constexpr (std::is_integral_v<T>) reinterpret_cast<T*>(out)[i] = static_cast<T>(static_cast<std::int64_t>(v));
        else reinterpret_cast<T*>(out)[i] = T(static_cast<float>(v));
      }
    });
  });
}

enum class Outcome { ran, refused };

Outcome run(const fuzz::ValueGraph& g, std::uint64_t seed) {
  Outcome outcome = Outcome::refused;
  for (const bool jit : {false, true}) {
    try {
      const Graph graph(std::make_shared<const tensorflow::GraphDef>(g.graph), "fuzz");
      const auto f = convert(graph, options_of(g, jit));
      fuzz::Draw draw(seed);
      CallArguments arguments;
      for (const auto& spec : f.structured_inputs().tensors()) arguments.positional.push_back(Tree(argument(spec, draw)));
      arguments.key = from_span<std::uint32_t>(std::vector<std::uint32_t>{0, 1}, {2});
      (void)f.call(arguments);
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
  std::cout << fmt::format("FINDING {}: {}\n  fuzz_values --only {}\n", g.name, what, seed) << (o.print ? text_of(g) : "") << std::flush;
}

std::int64_t peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

void set_budgets() {
  Config c = config();
  c.max_array_elements = 1 << 22;
  c.max_total_bytes = std::int64_t{1} << 30;
  c.max_loop_steps = 1000;
  c.max_seconds = 2;
  update_config(c);
}

// Returns what is wrong, or nothing.
std::string judge(const fuzz::ValueGraph& g, std::uint64_t seed, Shared* shared) {
  try {
    const Outcome outcome = run(g, seed);
    if (shared) ++(outcome == Outcome::ran ? shared->ran : shared->refused);
    return "";
  } catch (const std::exception& e) {
    return fmt::format("{}", e.what());
  }
}

[[noreturn]] void work(const Options& o, const std::vector<fuzz::ValueGraph>& rows, Shared& shared, Shared::Worker& me, Clock::time_point end) {
  set_budgets();
  for (;;) {
    const auto index = shared.next++;
    if (index >= o.count || Clock::now() > end) _exit(0);
    me.since = now_ms();
    me.index = index;
    const auto seed = seed_of(o, index);
    const auto g = graph_of(seed, rows);
    const auto wrong = judge(g, seed, &shared);
    ++shared.graphs;
    const bool greedy = peak_megabytes() > o.megabytes;
    me.index = -1;
    if (!wrong.empty() || greedy) {
      ++shared.findings;
      print(o, g, seed, greedy ? fmt::format("memory grew to {} MB", peak_megabytes()) : wrong);
    }
    if (greedy) _exit(1);   // the peak never falls
  }
}

int fuzz_all(const Options& o, const std::vector<fuzz::ValueGraph>& rows) {
  auto& shared = *new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared;
  const auto end = o.seconds > 0 ? Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(o.seconds * 1000)) : Clock::time_point::max();
  std::map<pid_t, Shared::Worker*> running;
  const auto start = [&](Shared::Worker& w) {
    w.index = -1;
    const pid_t pid = fork();
    if (pid == 0) work(o, rows, shared, w, end);
    running[pid] = &w;
  };
  for (int i = 0; i < o.jobs; ++i) start(shared.workers[i]);
  std::map<pid_t, bool> late;
  for (auto said = Clock::now(); !running.empty();) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) {
      for (const auto& [child, w] : running) {
        if (w->index >= 0 && now_ms() - w->since > static_cast<std::int64_t>(o.limit * 1000) && !late[child]) {
          late[child] = true;
          kill(child, SIGKILL);
        }
      }
      if (Clock::now() - said > 30s) {
        said = Clock::now();
        std::cerr << fmt::format("{} graphs, {} ran, {} findings\n", shared.graphs.load(), shared.ran.load(), shared.findings.load());
      }
      std::this_thread::sleep_for(20ms);
      continue;
    }
    Shared::Worker& w = *running.at(pid);
    running.erase(pid);
    if (const auto index = w.index.load(); index >= 0) {
      const auto seed = seed_of(o, index);
      ++shared.findings;
      print(o, graph_of(seed, rows), seed, late[pid] ? fmt::format("takes longer than {} s", o.limit) : WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "the process ended");
    }
    const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0 && w.index < 0;
    if (!done) start(w);
  }
  std::cout << fmt::format("{} graphs, {} ran, {} were refused, {} findings\n", shared.graphs.load(), shared.ran.load(), shared.refused.load(), shared.findings.load());
  return shared.findings > 0;
}

// Every row runs as it is, and every converter has one.
int check_rows(const std::vector<fuzz::ValueGraph>& rows) {
  int failures = 0;
  std::set<std::string> covered;
  set_budgets();
  for (const auto& g : rows) {
    for (const auto& node : g.graph.node()) covered.insert(node.op());
    for (const bool jit : {false, true}) {
      try {
        const auto f = convert(Graph(std::make_shared<const tensorflow::GraphDef>(g.graph), "row"), options_of(g, jit));
        fuzz::Draw draw(1);
        CallArguments arguments;
        for (const auto& spec : f.structured_inputs().tensors()) arguments.positional.push_back(Tree(argument(spec, draw, false)));
        arguments.key = from_span<std::uint32_t>(std::vector<std::uint32_t>{0, 1}, {2});
        (void)f.call(arguments);
      } catch (const std::exception& e) {
        ++failures;
        std::cout << fmt::format("row '{}' does not run{}: {}\n", g.name, jit ? " compiled" : "", e.what());
      }
    }
  }
  // Without a result, or without a value of their own.
  static const std::set<std::string> kNothing{"NoOp", "Assert", "ControlTrigger", "DestroyResourceOp", "DisableCopyOnRead", "HostConst", "RefIdentity", "Variable", "VariableV2"};
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
  CLI::App app("Valid graphs with hostile values: no crash, no foreign exception, no hang.");
  app.add_option("--seed", o.seed, "of the run");
  app.add_option("--count", o.count, "graphs");
  app.add_option("--seconds", o.seconds, "stop after this time; 0: never");
  app.add_option("--limit", o.limit, "seconds for one graph");
  app.add_option("--megabytes", o.megabytes, "memory of one process");
  app.add_option("--jobs", o.jobs, "processes")->check(CLI::Range(1, 16));
  app.add_option("--only", o.only, "the one graph of this seed, in this process");
  app.add_flag("--rows", o.check_rows, "run every row unchanged");
  app.add_flag("--print", o.print, "print the graphs of findings");
  CLI11_PARSE(app, argc, argv);
  const auto rows = fuzz::value_graphs();
  if (o.check_rows) return check_rows(rows);
  if (!o.only) return fuzz_all(o, rows);
  const auto g = graph_of(o.only, rows);
  std::cout << g.name << "\n" << text_of(g) << std::flush;
  set_budgets();
  const auto wrong = judge(g, o.only, nullptr);
  if (wrong.empty()) return 0;
  print(o, g, o.only, wrong);
  return 1;
}
