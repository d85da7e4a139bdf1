// Fuzzing of jaxpr texts: valid programs with a number, an operand, a dtype or a name changed. What the parser accepts
// must be safe to run, op by op, compiled, and under every transform; what it refuses, it refuses with a typed error.
#include <CLI/CLI.hpp>
#include <iostream>
#include <regex>

#include "farm.h"
#include "random_program.h"
#include "tf2jax/trace/parse.h"

namespace {

using namespace tf2jax;
using fuzz::Draw;
using fuzz::Tally;

struct Span {
  std::size_t begin, end;
};

std::vector<Span> matches(const std::string& text, const std::regex& pattern, std::size_t group = 0) {
  std::vector<Span> out;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    const std::size_t at = it->position(group);
    out.push_back({at, at + static_cast<std::size_t>(it->length(group))});
  }
  return out;
}

// The types of results say what the rules give: without them a changed parameter goes on to what follows.
std::string without_result_types(const std::string& text) {
  static const std::regex equation(R"(^( *(?:let )?(?:[A-Za-z_0-9]+:[A-Za-z0-9_<>]+\[[^\]\n]*\] ?)+)= )",
                                   std::regex::multiline),
      type(R"(:[A-Za-z0-9_<>]+\[[^\]\n]*\])");
  std::string out;
  std::size_t from = 0;
  for (const Span& s : matches(text, equation, 1)) {
    if (text.substr(s.begin, s.end - s.begin).find("_:") != std::string::npos) continue;  // unnamed results keep theirs
    out += text.substr(from, s.begin - from) + std::regex_replace(text.substr(s.begin, s.end - s.begin), type, "");
    from = s.end;
  }
  return out + text.substr(from);
}

std::string hostile_number(Draw& draw) {
  static const std::vector<std::string> numbers{"-1",
                                                "-2",
                                                "-3",
                                                "0",
                                                "1",
                                                "2",
                                                "3",
                                                "4",
                                                "5",
                                                "7",
                                                "8",
                                                "9",
                                                "63",
                                                "64",
                                                "65",
                                                "127",
                                                "1000",
                                                "65536",
                                                "1048577",
                                                "2147483647",
                                                "2147483648",
                                                "-2147483648",
                                                "4294967296",
                                                "1099511627776",
                                                "4611686018427387904",
                                                "9223372036854775807",
                                                "-9223372036854775808"};
  return draw.of(numbers);
}

void replace_one(std::string& text, const std::vector<Span>& places, Draw& draw,
                 const std::function<std::string(const std::string&)>& by) {
  if (places.empty()) return;
  const Span s = draw.of(places);
  text = text.substr(0, s.begin) + by(text.substr(s.begin, s.end - s.begin)) + text.substr(s.end);
}

std::string mutated(std::string text, Draw& draw) {
  static const std::regex number(R"(-?\b[0-9]+\b)"), parameter_number(R"([=(, ](-?[0-9]+)(?=[,) \]\n]))"),
      dtype(R"(\b(?:f16|bf16|f32|f64|i8|i16|i32|i64|u8|u16|u32|u64|bool|c64|c128|key<fry>)\b)"),
      long_dtype(R"(\b(?:float|int|uint|complex|bfloat)(?:8|16|32|64|128)\b)"),
      operands(R"((?:\]| = [a-z_0-9\-]+)((?: [a-z]+(?=[ \n]))+))"), name(R"( = ([a-z_0-9\-]+))"),
      item(R"([(\[](-?[0-9]+), )"), truth(R"(=(True|False|None)\b)");
  static const std::vector<std::string> dtypes{"f16", "bf16", "f32", "f64",  "i8",  "i16",  "i32",    "i64",
                                               "u8",  "u32",  "u64", "bool", "c64", "c128", "float0", "key<fry>"};
  static const std::vector<std::string> long_dtypes{"float16", "bfloat16",  "float32",   "float64", "int8",
                                                    "int32",   "int64",     "uint8",     "uint32",  "uint64",
                                                    "bool",    "complex64", "complex128"};
  static const std::vector<Primitive> primitives = registered_primitives();
  const auto hostile = [&](const std::string& n) {
    const std::int64_t was = std::strtoll(n.c_str(), nullptr, 10);
    return draw.chance(0.5) ? std::to_string(was + draw.between(-2, 2)) : hostile_number(draw);
  };
  switch (draw.below(12)) {
    case 0:
    case 1: replace_one(text, matches(text, number), draw, hostile); break;
    case 2:
    case 3:
    case 4:
    case 5: replace_one(text, matches(text, parameter_number, 1), draw, hostile); break;
    case 6: replace_one(text, matches(text, dtype), draw, [&](const std::string&) { return draw.of(dtypes); }); break;
    case 7:
      replace_one(text, matches(text, long_dtype), draw, [&](const std::string&) { return draw.of(long_dtypes); });
      break;
    case 8:  // an operand more, less, or another
      replace_one(text, matches(text, operands, 1), draw, [&](const std::string& list) {
        const std::size_t last = list.rfind(' ');
        if (draw.chance(0.3)) return list + list.substr(last);
        if (draw.chance(0.5)) return list.substr(0, last);
        return list.substr(0, last + 1) + static_cast<char>('a' + draw.below(12));
      });
      break;
    case 9:
      replace_one(text, matches(text, name, 1), draw, [&](const std::string&) { return draw.of(primitives).name(); });
      break;
    case 10:  // an entry of a list more or less
      replace_one(text, matches(text, item, 1), draw, [&](const std::string& n) {
        return draw.chance(0.5) ? n + ", " + n : hostile_number(draw) + ", " + hostile_number(draw);
      });
      break;
    default:
      replace_one(text, matches(text, truth, 1), draw, [&](const std::string& v) {
        return std::string(v == "True" ? "False" : v == "False" ? "True" : "0");
      });
  }
  return text;
}

// Results are of no interest: that there are any, or a typed error. Defects of the library are findings.
void expect_safe(const std::function<void()>& run) {
  try {
    run();
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {
  }
}

void run_program(const Jaxpr& program, Draw& draw) {
  Arrays inputs;
  for (const Aval& a : program.input_avals()) {
    if (!is_concrete(a.shape) || std::ranges::any_of(a.dims(), [](std::int64_t n) { return n > 1000; }) ||
        num_elements(a.dims()) > 100000 || a.dtype == DType::float0 || a.dtype == DType::key)
      return;
    inputs.push_back(fuzz::random_array(draw, a.dtype, a.dims()));
  }
  expect_safe([&] { eval_jaxpr(program, inputs); });
  // Indices that are said to be unique and are not race with each other, as in JAX; a simulated run would tell.
  const bool promises = to_string(program).find("unique_indices=True") != std::string::npos;
  expect_safe([&] {
    compiled(program, {.check_bounds = draw.chance(0.5), .simulate = draw.chance(0.3) && !promises})->run(inputs);
  });
  const FlatFn f = [&](const Arrays& x) { return eval_jaxpr(program, x); };
  const auto floating = [&](const Array& x) { return is_inexact(x.dtype()); };
  if (!inputs.empty() && std::ranges::all_of(inputs, floating)) {
    expect_safe([&] { jvp(f, std::tuple(inputs), std::tuple(inputs)); });
    expect_safe([&] {
      const auto [y, pullback] = vjp(f, inputs);
      Arrays cotangents;
      for (const Array& v : y) cotangents.push_back(ones_like(v));
      pullback(cotangents);
    });
  }
  if (!inputs.empty())
    expect_safe([&] {
      Arrays batch;
      for (const Array& x : inputs) batch.push_back(stack({x, x}));
      vmap(f)(batch);
    });
}

void judge(std::uint64_t seed, Tally& tally, bool print) {
  Config options = config();
  options.enable_x64 = fuzz::wants_x64(seed);
  options.max_array_elements = std::int64_t{1} << 22;
  options.max_total_bytes = std::int64_t{1} << 30;
  options.max_loop_steps = 1000;
  const ConfigScope scope(options);
  set_warning_handler({});
  Draw draw(seed ^ 0x7e87);
  std::string text;
  try {
    text = to_string(fuzz::random_program(seed).program);
  } catch (const Error&) {
    ++tally.refused;
    return;
  }
  text = without_result_types(text);
  for (std::int64_t n = draw.chance(0.7) ? 1 : 2; n > 0; --n) text = mutated(std::move(text), draw);
  if (print) std::cout << text << std::endl;
  try {
    std::optional<Jaxpr> program;
    try {
      program = parse_jaxpr(text);
    } catch (const InternalError&) {
      throw;
    } catch (const Error& e) {
      if (print) std::cout << "refused: " << e.what() << std::endl;
      ++tally.refused;
      return;
    }
    ++tally.items;
    tally.equations += static_cast<std::int64_t>((*program)->eqns.size());
    check_jaxpr(*program);
    run_program(*program, draw);
  } catch (const std::exception& e) {
    ++tally.findings;
    std::cout << "FINDING seed " << seed << ": " << e.what() << "\n" << text << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  fuzz::FarmOptions o;
  o.limit = 20;
  std::optional<std::uint64_t> only;
  CLI::App app(
      "Changes valid jaxpr texts: what is accepted must be safe to run, what is not is refused with a typed error.");
  fuzz::add_options(app, o);
  app.add_option("--only", only, "one text, by the seed that a finding names");
  CLI11_PARSE(app, argc, argv);
  if (only) {
    Tally tally;
    judge(*only, tally, true);
    return tally.findings ? 1 : 0;
  }
  return fuzz::run_farm(
      o, [](std::uint64_t seed, Tally& tally) { judge(seed, tally, false); },
      [](std::uint64_t seed, const std::string& how) {
        std::cout << "FINDING seed " << seed << ": a worker " << how << std::endl;
      },
      [&](const Tally& t, double seconds) {
        std::cout << fmt::format("{} texts accepted and run, {} refused, in {:.0f} s, seed {}; {} findings\n",
                                 t.items.load(), t.refused.load(), seconds, o.seed, t.findings.load());
      });
}
