// Differential fuzzing of programs: what fails is shrunk and printed with its seed.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <map>

#include "farm.h"
#include "shrink.h"
#include "tf2jax/trace/parse.h"
#include "verdict.h"

namespace {

using namespace tf2jax;
using fuzz::Example;
using fuzz::Tally;
using fuzz::Verdict;

struct Options : fuzz::FarmOptions {
  bool print = false;
};

// Which check a program goes through. Most plans are simulated, which finds what is wrong with a plan at a twentieth of
// the time that making code takes.
std::int64_t check_of(std::uint64_t seed, const fuzz::RandomProgram& p) {
  return fuzz::Draw(seed ^ 0xc0de).below(p.what == "plain" ? 12 : 36);
}

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
  const char* names[] = {"batched against looped", "derivatives", "compiled with checks", "compiled",
                         "planned and simulated"};
  return names[std::min<std::int64_t>(check, 4)];
}
// Shortened to what tells failures apart.
std::string kind_of(const std::string& failure) { return failure.substr(0, failure.find(':')); }

enum class Ending { error, crash };

void report(std::uint64_t seed, const fuzz::RandomProgram& p, std::int64_t check, const std::string& failure,
            std::optional<Ending> shrinks) {
  Example least{p.program, p.inputs};
  if (shrinks) {
    const auto fails = [&](const Example& e) {
      if (shrinks == Ending::crash) return fuzz::dies([&] { verdict(e, p.is_smooth, check, seed); });
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
  std::string text = fmt::format("FINDING seed {} ({}, {}, x64 {}): {}\n", seed, p.what, name_of(check),
                                 fuzz::wants_x64(seed) ? "on" : "off", failure);
  text += to_string(least.program) + "\n";
  for (std::size_t i = 0; i < least.inputs.size(); ++i)
    if (least.inputs[i].size() <= 64) text += fmt::format("  input {} = {}\n", i, to_string(least.inputs[i]));
  std::cout << text << std::endl;
}

void run_one(Tally& shared, std::uint64_t seed, bool print) {
  const auto x64 = override_config(&Config::enable_x64, fuzz::wants_x64(seed));
  fuzz::RandomProgram p;
  try {
    p = fuzz::random_program(seed);
  } catch (const NotImplementedError&) {
    ++shared.refused;
    return;
  } catch (const ValueError& e) {  // reverse mode of a while loop, and draws that fit nothing
    ++shared.refused;
    if (print) std::cout << "refused " << seed << ": " << e.what() << std::endl;
    return;
  } catch (const std::exception& e) {
    ++shared.findings;
    std::cout << "FINDING seed " << seed << " while tracing: " << e.what() << std::endl;
    return;
  }
  ++shared.items;
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
    const bool by_rule = std::string_view(e.what()).find("can't apply forward-mode autodiff") != std::string_view::npos;
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

// The program that killed a worker, smaller; each attempt is a process.
void report_death(std::uint64_t seed, const std::string& how) {
  std::cout << "FINDING seed " << seed << ": a worker " << how << std::endl;
  fuzz::dies([&] {
    ::alarm(120);
    const auto x64 = override_config(&Config::enable_x64, fuzz::wants_x64(seed));
    const fuzz::RandomProgram p = fuzz::random_program(seed);
    report(seed, p, check_of(seed, p), how, Ending::crash);
  });
}

int run(const Options& o) {
  return fuzz::run_farm(
      o, [&](std::uint64_t seed, Tally& tally) { run_one(tally, seed, o.print); }, report_death,
      [&](const Tally& t, double seconds) {
        std::cout << fmt::format(
            "{} programs with {} equations in {:.0f} s, seed {}; {} refused, {} decided by rounding, {} findings\n",
            t.items.load(), t.equations.load(), seconds, o.seed, t.refused.load(), t.sensitive.load(),
            t.findings.load());
      });
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
    const std::uint64_t seed = fuzz::seed_of(o, i);
    const auto x64 = override_config(&Config::enable_x64, fuzz::wants_x64(seed));
    try {
      collect_primitives(fuzz::random_program(seed).program, counts);
    } catch (const Error&) {  // refused
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
  CLI::App app(
      "Compares random programs: compiled with op by op, vmap with a loop, derivatives with each other and with "
      "differences.");
  fuzz::add_options(app, o);
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
  Tally tally;
  run_one(tally, *only, true);
  return tally.findings ? 1 : 0;
}
