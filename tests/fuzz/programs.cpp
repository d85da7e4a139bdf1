// Differential fuzzing of programs: what fails is shrunk and printed with its seed. Workers are processes, so that a crash
// or a hang is a finding like any other.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>

#include "shrink.h"
#include "tf2jax/trace/parse.h"
#include "verdict.h"

namespace {

using namespace tf2jax;
using fuzz::Example;
using fuzz::Verdict;
using Clock = std::chrono::steady_clock;

struct Options {
  std::uint64_t seed = 1;
  std::int64_t count = 0;   // 0: until the time is up
  double seconds = 60;
  int jobs = 2;
  double limit = 60;        // seconds for one program
  bool print = false;
};

/// What workers tell their parent.
struct Shared {
  std::atomic<std::int64_t> programs{0}, refused{0}, sensitive{0}, findings{0}, equations{0};
  struct Worker {
    std::atomic<std::int64_t> index{-1};   // of the program at hand
    std::atomic<std::int64_t> since{0};    // ms, of the clock
    std::atomic<std::int64_t> next{0};
  };
  Worker workers[64];
};

std::int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count(); }

std::uint64_t seed_of(const Options& o, std::int64_t index) {
  return fuzz::Draw(fuzz::Draw(o.seed).bits() + static_cast<std::uint64_t>(index)).bits() >> 16;
}

// Which check a program goes through. Most plans are simulated, which finds what is wrong with a plan at a twentieth of the
// time that making code takes.
std::int64_t check_of(std::uint64_t seed, const fuzz::RandomProgram& p) { return fuzz::Draw(seed ^ 0xc0de).below(p.what == "plain" ? 12 : 36); }

std::vector<std::int32_t> all_inputs(const Example& e) {
  std::vector<std::int32_t> out;
  for (std::size_t i = 0; i < e.inputs.size(); ++i) out.push_back(static_cast<std::int32_t>(i));
  return out;
}

/// One of the checks. Throws what the library throws.
Verdict verdict(const Example& e, bool is_smooth, std::int64_t check, std::uint64_t seed) {
  fuzz::Draw draw(seed ^ 0xc4ec);
  switch (check) {
    case 0: return fuzz::compare_batched(e.program, e.inputs, draw);
    case 1: return fuzz::compare_derivatives(e.program, e.inputs, is_smooth, draw);
    case 2: return fuzz::compare_compiled(e.program, e.inputs, {.check_bounds = true});
    case 3: return fuzz::compare_compiled(e.program, e.inputs);
    default: {
      CompileOptions how{.simulate = true};
      if (check % 4 == 0) how.donated = all_inputs(e);
      return fuzz::compare_compiled(e.program, e.inputs, how);
    }
  }
}
const char* name_of(std::int64_t check) {
  const char* names[] = {"batched against looped", "derivatives", "compiled with checks", "compiled", "planned and simulated"};
  return names[std::min<std::int64_t>(check, 4)];
}
// Shortened to what tells failures apart.
std::string kind_of(const std::string& failure) { return failure.substr(0, failure.find(':')); }

// Runs in a process of its own: whether that dies.
bool dies(const std::function<void()>& f) {
  std::cout.flush();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(20);
    try {
      f();
    } catch (const std::exception&) {
    }
    _exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status);
}

enum class Ending { error, crash };

void report(std::uint64_t seed, const fuzz::RandomProgram& p, std::int64_t check, const std::string& failure, std::optional<Ending> shrinks) {
  Example least{p.program, p.inputs};
  if (shrinks) {
    const auto fails = [&](const Example& e) {
      if (shrinks == Ending::crash) return dies([&] { verdict(e, p.is_smooth, check, seed); });
      try {
        return kind_of(verdict(e, p.is_smooth, check, seed).failure) == kind_of(failure);
      } catch (const Error& error) {
        return kind_of(error.what()) == kind_of(failure);
      }
    };
    try {
      least = fuzz::shrink(least, fails);
    } catch (const Error&) {
    }
  }
  std::string text = fmt::format("FINDING seed {} ({}, {}, x64 {}): {}\n", seed, p.what, name_of(check), fuzz::wants_x64(seed) ? "on" : "off", failure);
  text += to_string(least.program) + "\n";
  for (std::size_t i = 0; i < least.inputs.size(); ++i)
    if (least.inputs[i].size() <= 64) text += fmt::format("  input {} = {}\n", i, to_string(least.inputs[i]));
  std::cout << text << std::endl;
}

void run_one(Shared& shared, std::uint64_t seed, bool print) {
  const auto x64 = override_config(&Config::enable_x64, fuzz::wants_x64(seed));
  fuzz::RandomProgram p;
  try {
    p = fuzz::random_program(seed);
  } catch (const NotImplementedError&) {
    ++shared.refused;
    return;
  } catch (const ValueError& e) {   // reverse mode of a while loop, and draws that fit nothing
    ++shared.refused;
    if (print) std::cout << "refused " << seed << ": " << e.what() << std::endl;
    return;
  } catch (const std::exception& e) {
    ++shared.findings;
    std::cout << "FINDING seed " << seed << " while tracing: " << e.what() << std::endl;
    return;
  }
  ++shared.programs;
  shared.equations += static_cast<std::int64_t>(p.program->eqns.size());
  if (print) std::cout << "seed " << seed << " " << p.what << "\n" << to_string(p.program) << std::endl;
  const std::int64_t check = check_of(seed, p);
  try {
    const Verdict v = verdict({p.program, p.inputs}, p.is_smooth, check, seed);
    shared.sensitive += v.is_sensitive;
    if (v.ok()) return;
    ++shared.findings;
    report(seed, p, check, v.failure, Ending::error);
  } catch (const NotImplementedError&) {
    ++shared.refused;
  } catch (const Error& e) {
    // Reverse mode of a while loop, forward mode of a custom_vjp function.
    const bool by_rule = std::string_view(e.what()).starts_with("can't apply forward-mode autodiff");
    if (by_rule || (check <= 1 && dynamic_cast<const InternalError*>(&e) == nullptr)) {
      ++shared.refused;
      return;
    }
    ++shared.findings;
    report(seed, p, check, e.what(), Ending::error);
  } catch (const std::exception& e) {
    ++shared.findings;
    report(seed, p, check, e.what(), {});
  }
}

void work(Shared& shared, int worker, const Options& o, Clock::time_point end) {
  Shared::Worker& me = shared.workers[worker];
  for (std::int64_t index = me.next; (o.count == 0 || index < o.count) && (o.count > 0 || Clock::now() < end); index += o.jobs) {
    me.since = now_ms();
    me.index = index;
    me.next = index + o.jobs;
    run_one(shared, seed_of(o, index), o.print);
  }
  me.index = -1;
  std::cout.flush();
  _exit(0);
}

// The program that killed a worker, smaller; each attempt is a process.
void report_death(std::uint64_t seed, const std::string& how) {
  std::cout << "FINDING seed " << seed << ": a worker " << how << std::endl;
  dies([&] {
    ::alarm(120);
    const auto x64 = override_config(&Config::enable_x64, fuzz::wants_x64(seed));
    const fuzz::RandomProgram p = fuzz::random_program(seed);
    report(seed, p, check_of(seed, p), how, Ending::crash);
  });
}

int run(const Options& o) {
  auto* shared = new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(o.seconds));
  std::map<pid_t, int> workers;
  const auto launch = [&](int worker) {
    std::cout.flush();
    const pid_t pid = ::fork();
    if (pid == 0) work(*shared, worker, o, end);
    workers[pid] = worker;
  };
  for (int w = 0; w < o.jobs; ++w) {
    shared->workers[w].next = w;
    launch(w);
  }
  while (!workers.empty()) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) {
      for (const auto& [p, w] : workers)
        if (shared->workers[w].index >= 0 && now_ms() - shared->workers[w].since > static_cast<std::int64_t>(o.limit * 1000)) ::kill(p, SIGKILL);
      ::usleep(20000);
      continue;
    }
    const int worker = workers.at(pid);
    workers.erase(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    const std::uint64_t seed = seed_of(o, shared->workers[worker].index);
    ++shared->findings;
    report_death(seed, WIFSIGNALED(status) ? "died of signal " + std::to_string(WTERMSIG(status)) : "ended its process");
    launch(worker);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::cout << fmt::format("{} programs with {} equations in {:.0f} s, seed {}; {} refused, {} decided by rounding, {} findings\n", shared->programs.load(), shared->equations.load(), seconds, o.seed,
                           shared->refused.load(), shared->sensitive.load(), shared->findings.load());
  return shared->findings ? 1 : 0;
}

void collect_primitives(const Jaxpr& program, std::map<std::string, std::int64_t>& counts) {
  for (const Equation& e : program->eqns) {
    ++counts[e.primitive.name()];
    for (const Jaxpr& inner : nested_jaxprs(e.params)) collect_primitives(inner, counts);
  }
}

// How often programs use each primitive of the library, and which ones they never do.
int list_primitives(const Options& o) {
  std::map<std::string, std::int64_t> counts;
  for (const Primitive& p : registered_primitives()) counts[p.name()];
  for (std::int64_t i = 0; i < std::max<std::int64_t>(o.count, 1000); ++i) {
    const std::uint64_t seed = seed_of(o, i);
    const auto x64 = override_config(&Config::enable_x64, fuzz::wants_x64(seed));
    try {
      collect_primitives(fuzz::random_program(seed).program, counts);
    } catch (const Error&) {   // refused
    }
  }
  for (const auto& [name, count] : counts) std::cout << fmt::format("{:8} {}\n", count, name);
  return 0;
}

// Judges programs of the user's: jaxpr texts, on drawn inputs.
int run_files(const std::vector<std::string>& files, std::uint64_t seed) {
  int failures = 0;
  for (const std::string& file : files) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    std::string failure;
    try {
      const auto x64 = override_config(&Config::enable_x64, text.find("64[") != std::string::npos);
      const Jaxpr program = parse_jaxpr(text);
      fuzz::Draw draw(seed);
      Arrays inputs;
      for (const Aval& a : program.input_avals()) inputs.push_back(fuzz::random_array(draw, a.dtype, a.dims()));
      for (const CompileOptions& how : {CompileOptions{}, CompileOptions{.simulate = true}})
        if (failure.empty()) failure = fuzz::compare_compiled(program, inputs, how).failure;
    } catch (const Error& e) {
      failure = e.what();
    }
    std::cout << file << ": " << (failure.empty() ? "agrees" : failure) << "\n";
    failures += !failure.empty();
  }
  return failures ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  std::optional<std::uint64_t> only;
  CLI::App app("Compares random programs: compiled with op by op, vmap with a loop, derivatives with each other and with differences.");
  app.add_option("--seconds", o.seconds, "how long to go on");
  app.add_option("--seed", o.seed, "which programs to draw");
  app.add_option("--count", o.count, "how many programs, whatever the time");
  app.add_option("--jobs", o.jobs, "processes")->check(CLI::Range(1, 64));
  app.add_option("--limit", o.limit, "seconds for one program");
  app.add_option("--only", only, "one program, by the seed that a finding names");
  std::vector<std::string> files;
  app.add_option("programs", files, "files of jaxpr texts to judge instead");
  bool primitives = false;
  app.add_flag("--primitives", primitives, "count the primitives of the programs instead of judging them");
  app.add_flag("--print", o.print, "print every program");
  CLI11_PARSE(app, argc, argv);
  if (primitives) return list_primitives(o);
  if (!files.empty()) return run_files(files, o.seed);
  if (!only) return run(o);
  Shared shared;
  run_one(shared, *only, true);
  return shared.findings ? 1 : 0;
}
