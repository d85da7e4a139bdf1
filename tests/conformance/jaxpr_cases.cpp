// Cases that carry the text of a program: evaluation, derivatives, batching, and the text itself.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "error_cases.h"
#include "report.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/backend.h"
#include "tf2jax/trace/parse.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/jvp.h"
#include "tf2jax/transforms/linearize.h"

namespace conformance {

using namespace tf2jax;

namespace {

// ---- constants: jaxpr texts do not carry their values; the exported module's text does.

struct TextConstant {
  Dims dims;
  std::string dtype;
  std::vector<std::string> values;   // one: a splat
  bool used = false;
};

std::vector<TextConstant> constants_in(const std::string& text) {
  std::vector<TextConstant> out;
  const std::string start = "stablehlo.constant dense<";
  for (std::size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    const std::size_t from = at + start.size(), to = text.find("> : tensor<", from);
    if (to == std::string::npos) continue;
    const std::size_t end = text.find('>', to + 11);
    TextConstant c;
    std::string type = text.substr(to + 11, end - to - 11);
    while (!type.empty() && std::isdigit(static_cast<unsigned char>(type[0]))) {
      const std::size_t x = type.find('x');
      c.dims.push_back(std::atoll(type.c_str()));
      type = type.substr(x + 1);
    }
    c.dtype = type;
    std::string word;
    const std::string body = text.substr(from, to - from);
    if (body.starts_with("\"0x")) continue;
    for (char ch : body + ",") {
      if (ch == '[' || ch == ']' || ch == ' ' || ch == ',') {
        if (!word.empty()) c.values.push_back(word);
        word.clear();
      } else {
        word += ch;
      }
    }
    out.push_back(c);
  }
  return out;
}

std::string mlir_name(DType d) {
  if (is_bool(d)) return "i1";
  if (is_unsigned_integer(d)) return fmt::format("ui{}", itemsize(d) * 8);
  if (is_integer(d)) return fmt::format("i{}", itemsize(d) * 8);
  return std::string(short_name(d));
}

Array constant_of(const TextConstant& c, const Aval& aval) {
  return Array::build(aval, [&](std::byte* bytes) {
    visit_dtype(aval.dtype, [&]<class T>(std::type_identity<T>) {
      T* out = reinterpret_cast<T*>(bytes);
      const std::int64_t n = num_elements(aval.dims());
      for (std::int64_t i = 0; i < n; ++i) {
        const std::string& s = c.values.size() == 1 ? c.values[0] : c.values.at(static_cast<std::size_t>(i));
        if constexpr (std::same_as<T, bool>) out[i] = s == "true";
        else if constexpr (std::integral<T>) out[i] = static_cast<T>(std::strtoll(s.c_str(), nullptr, 0));
        else if constexpr (requires(T v) { v.real(); }) throw Unsupported("complex constants of a program");
        else out[i] = T(static_cast<float>(std::strtod(s.c_str(), nullptr)));
        if constexpr (std::same_as<T, double>) out[i] = std::strtod(s.c_str(), nullptr);
      }
    });
  });
}

// The program of a case with its constants.
Jaxpr program_of(const json& c, const std::string& text) {
  const Jaxpr bare = parse_jaxpr(text);
  if (bare->constvars.empty()) return bare;
  if (!c.contains("export") || !c.at("export").contains("text")) throw Unsupported("the program's constants are not recorded");
  std::vector<TextConstant> found = constants_in(c.at("export").at("text").get<std::string>());
  Arrays consts;
  for (VarId v : bare->constvars) {
    const Aval& want = bare->vars[static_cast<std::size_t>(v)];
    const auto it = std::ranges::find_if(found, [&](const TextConstant& t) { return !t.used && t.dims == want.dims() && t.dtype == mlir_name(want.dtype); });
    if (it == found.end()) throw Unsupported("the program's constants are not recorded");
    it->used = true;
    consts.push_back(constant_of(*it, want));
  }
  return parse_jaxpr(text, consts);
}

// Inputs in the dtypes and order of the program. Python scalars and weakly typed inputs are converted.
Arrays inputs_for(const Jaxpr& program, const Arrays& given) {
  if (given.size() != program.num_inputs()) throw Unsupported(fmt::format("the program takes {} inputs, the case has {}", program.num_inputs(), given.size()));
  Arrays out;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Aval& want = program.input(i);
    out.push_back(given[i].dtype() == want.dtype ? given[i] : convert_element_type(given[i], want.dtype));
  }
  return out;
}

Arrays evaluate(const Jaxpr& program, const Arrays& inputs, const Options& options) {
  if (options.backend == "interpret") return eval_jaxpr(program, inputs);
  return default_backend().compile(program, {})->run(inputs);
}

std::vector<std::size_t> positions(const json& c, const char* key, std::size_t count) {
  if (c.contains(key)) return c.at(key).get<std::vector<std::size_t>>();
  std::vector<std::size_t> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

// The program as a function of some inputs giving some outputs.
FlatFn restricted(const Jaxpr& program, const Arrays& inputs, std::vector<std::size_t> in, std::vector<std::size_t> out) {
  return [=](const Arrays& xs) {
    Arrays all = inputs;
    for (std::size_t i = 0; i < in.size(); ++i) all[in[i]] = xs[i];
    const Arrays results = eval_jaxpr(program, all);
    Arrays chosen;
    for (std::size_t i : out) chosen.push_back(results.at(i));
    return chosen;
  };
}

Arrays pick(const Arrays& xs, const std::vector<std::size_t>& at) {
  Arrays out;
  for (std::size_t i : at) out.push_back(xs.at(i));
  return out;
}

Arrays values_of(const Tangents& tangents) {
  Arrays out;
  for (const Tangent& t : tangents) out.push_back(t.is_zero() ? zeros_of(t.aval()) : t.value());
  return out;
}

// What is looser than the dtype's tolerance, and why.
double looseness(const Golden& golden, const json& c) {
  const std::string family = golden.family, group = c.value("group", c.value("op", ""));
  if (family == "primitives_conv" || family == "primitives_dot") return 5;        // long sums, DEFAULT precision
  if (family == "primitives_linalg" || family == "primitives_fft") return 20;     // decompositions
  if (family == "primitives_reduce" || family == "primitives_window") return 5;   // sums in another order
  if (group == "igamma" || group == "igammac" || group == "digamma" || group == "lgamma" || group == "random_gamma" || group == "regularized_incomplete_beta") return 50;
  if (family == "primitives_elementwise") return 3;
  if (family == "numpy_api" || family == "autodiff") return 10;
  return 2;
}

// Eigenvectors are unique up to a phase per column: the recorded one is taken. A wrong column stays wrong.
void align_phases(Arrays& got, const Arrays& want) {
  for (std::size_t i = 0; i < got.size() && i < want.size(); ++i) {
    if (!got[i].aval().matches(want[i].aval()) || got[i].rank() < 2 || got[i].size() == 0) continue;
    const Array overlap = sum(conj(got[i]) * want[i], -2, keepdims), size = abs(overlap);
    const Array phase = where(greater(size, 0.5), overlap / where(greater(size, 0.5), size, ones_like(size)), ones_like(overlap));
    got[i] = astype(got[i] * phase, want[i].dtype());
  }
}

std::string first_difference(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  return fmt::format("at {}: got '{}', expected '{}'", i, a.substr(i > 20 ? i - 20 : 0, 60), b.substr(i > 20 ? i - 20 : 0, 60));
}
// JAX prints NumPy integers in some tuples as np.int64(3).
std::string without_numpy_names(std::string s) {
  for (std::size_t at = s.find("np.int64("); at != std::string::npos; at = s.find("np.int64(", at)) {
    const std::size_t close = s.find(')', at);
    s = s.substr(0, at) + s.substr(at + 9, close - at - 9) + s.substr(close + 1);
  }
  return s;
}
std::string joined_lines(const std::string& s) {
  std::string out;
  for (char ch : s)
    if (ch != ' ' && ch != '\n') out += ch;
  return out;
}

// scan's operands are grouped by `ft_in`, `ft_out` in newer texts, by `linear`, `num_carry`, `num_consts` in ours; what
// is left of its parameters must agree. Expects text without spaces.
std::string without_scan_groups(std::string s) {
  const auto cut = [&](const char* from, const char* to) {
    for (std::size_t at = s.find(from); at != std::string::npos; at = s.find(from, at)) {
      const std::size_t end = s.find(to, at);
      if (end == std::string::npos) return;
      s.erase(at, end - at);
    }
  };
  cut("ft_in=", "jaxpr=");
  cut("linear=(", "reverse=");
  return s;
}

void check_text(const std::string& key, const std::string& text, CaseResult& result) {
  if (!text.starts_with("{") && !text.starts_with("let ")) return;
  result.part("jaxpr", [&] {
    const bool numpy = text.find("np.") != std::string::npos || text.find("ft_in") != std::string::npos;
    std::string got = to_string(parse_jaxpr(text)), want = text;
    if (text.find("<class ") != std::string::npos) return;   // a Python class among the parameters
    if (numpy) {   // the numbers and equations are the same, the widths and thus the line breaks are not
      got = without_scan_groups(joined_lines(got));
      want = without_scan_groups(joined_lines(without_numpy_names(text)));
    }
    if (got != want) result.fail("jaxpr", key + ": " + first_difference(got, want));
  });
}

void visit_texts(const json& node, const std::string& key, CaseResult& result) {
  if (node.is_string()) {
    if (key.find("jaxpr") != std::string::npos) check_text(key, node.get<std::string>(), result);
  } else if (node.is_structured() && key != "omitted") {
    for (const auto& [k, v] : node.items()) visit_texts(v, node.is_object() ? k : key, result);
  }
}

}  // namespace

void run_text_case(const Golden&, const json& c, CaseResult& result) { visit_texts(c, "", result); }

void run_jaxpr_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  if (!c.contains("jaxpr") || !c.contains("outputs")) {
    result.unsupported("outputs", "the case has no program to run");
    return;
  }
  const bool x64 = c.value("x64", false);
  const auto scope = override_config(&Config::enable_x64, x64);
  std::optional<Jaxpr> program;
  Arrays inputs;
  Tolerance tolerance{.scale = looseness(golden, c)};
  if (golden.family == "primitives_conv" || golden.family == "primitives_dot")
    for (const json& input : c.at("inputs"))
      if (const auto d = parse_dtype(input.at("dtype").get<std::string>()); d && (!tolerance.coarsest || itemsize(real_dtype(*d)) < itemsize(*tolerance.coarsest)))
        tolerance.coarsest = real_dtype(*d);
  Tolerance derivative = tolerance;
  derivative.scale *= 5;
  const bool eigenvectors = c.value("group", "") == "eigh" || c.value("source", "").find("linalg.eigh(") != std::string::npos;
  // Recorded values that are wrong: the convolution reads behind its input where padding is negative.
  const bool wrong = c.at("name").get<std::string>().find("((-1, 2), (0, -1))") != std::string::npos;
  // Equal keys of an unstable sort come in any order: only the keys are compared.
  const bool unstable = c.at("jaxpr").get<std::string>().find("is_stable=False") != std::string::npos && c.at("outputs").size() > 1;
  result.part("outputs", [&] {
    program = program_of(c, c.at("jaxpr").get<std::string>());
    inputs = inputs_for(*program, golden.arrays(c.at("inputs"), !x64));
    if (wrong) return;
    if (unstable) {
      result.check("outputs", evaluate(*program, inputs, options)[0], golden.array(c.at("outputs")[0], !x64), tolerance);
      return;
    }
    const Arrays want = golden.arrays(c.at("outputs"), !x64);
    Arrays got = evaluate(*program, inputs, options);
    if (eigenvectors) align_phases(got, want);
    result.check_all("outputs", got, want, tolerance);
  });
  if (unstable || (inputs.empty() && (!program || program->num_inputs() > 0))) return;
  if (golden.family == "numpy_api" && eigenvectors && is_complex(inputs[0].dtype())) {
    result.unsupported("jvp", "derivatives of complex eigenvectors depend on their phases");
    return;
  }
  const auto in = positions(c, "diff_inputs", inputs.size()), out = positions(c, "diff_outputs", program->num_outputs());
  if (c.contains("jvp")) {
    result.part("jvp", [&] {
      const json& j = c.at("jvp");
      Tangents tangents;
      for (const Array& t : golden.arrays(j.at("tangents_in"), !x64)) tangents.emplace_back(t);
      const JvpResult r = jvp_flat(restricted(*program, inputs, in, out), pick(inputs, in), tangents);
      result.check_all("jvp", values_of(r.tangents), golden.arrays(j.at("tangents_out"), !x64), derivative);
    });
  }
  if (c.contains("vjp")) {
    result.part("vjp", [&] {
      const json& j = c.at("vjp");
      const Linearized l = linearize_flat(restricted(*program, inputs, in, out), pick(inputs, in));
      result.check_all("vjp", apply_pullback(l, golden.arrays(j.at("cotangents_in"), !x64)), golden.arrays(j.at("cotangents_out"), !x64), derivative);
    });
  }
  if (c.contains("vmap")) {
    result.part("vmap", [&] {
      const json& j = c.at("vmap");
      const Arrays second = inputs_for(*program, golden.arrays(j.at("second_inputs"), !x64));
      Arrays stacked;
      for (std::size_t i = 0; i < inputs.size(); ++i) stacked.push_back(stack({inputs[i], second[i]}));
      const std::vector<Axis> axes(stacked.size(), 0);
      const BatchResult r = vmap_flat([&](const Arrays& xs) { return eval_jaxpr(*program, xs); }, stacked, axes, Dim(2));
      Arrays got;
      for (std::size_t i = 0; i < r.values.size(); ++i) got.push_back(r.axes[i] ? moveaxis(r.values[i], *r.axes[i], 0) : stack({r.values[i], r.values[i]}));
      const Arrays want = golden.arrays(j.at("outputs"), !x64);
      if (eigenvectors) align_phases(got, want);
      result.check_all("vmap", got, want, tolerance);
    });
  }
}

void run_autodiff_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  if (c.contains("error")) {
    run_error_case(golden, c, result);
    return;
  }
  // The recorded programs have 64-bit literals; inputs come as they are.
  const bool x64 = c.value("x64", true);
  const auto scope = override_config(&Config::enable_x64, x64);
  const Tolerance tolerance{.scale = looseness(golden, c)};
  Arrays inputs = golden.arrays(c.at("inputs"));
  if (c.contains("jaxpr"))
    result.part("outputs", [&] {
      const Jaxpr program = program_of(c, c.at("jaxpr").get<std::string>());
      result.check_all("outputs", evaluate(program, inputs_for(program, inputs), options), golden.arrays(c.at("outputs")), tolerance);
    });
  else result.unsupported("outputs", "the case has no program to run");
  if (!c.contains("fun_jaxpr")) return;
  std::optional<Jaxpr> fun;
  result.part("outputs", [&] {
    fun = program_of(c, c.at("fun_jaxpr").get<std::string>());
    inputs = inputs_for(*fun, inputs);
    result.check_all("outputs", evaluate(*fun, inputs, options), golden.arrays(c.at("fun_outputs")), tolerance);
  });
  if (!fun || !c.contains("grad_of_sum")) return;
  result.part("vjp", [&] {
    const Arrays want = golden.arrays(c.at("grad_of_sum"));
    std::vector<std::size_t> in = c.at("grad_argnums").get<std::vector<std::size_t>>();
    if (in.size() != want.size())   // an argument with several leaves: the leading inputs
      in = positions(json::object(), "", want.size());
    for (std::size_t i = 0; i < in.size(); ++i)
      if (in[i] >= inputs.size() || !identical(inputs[in[i]].shape(), want[i].shape())) throw Unsupported("which inputs are differentiated is not recorded");
    std::vector<std::size_t> out;
    const Avals avals = fun->output_avals();
    for (std::size_t i = 0; i < avals.size(); ++i)
      if (is_inexact(avals[i].dtype)) out.push_back(i);
    const Linearized l = linearize_flat(restricted(*fun, inputs, in, out), pick(inputs, in));
    Arrays ones_out;
    for (std::size_t i : out) ones_out.push_back(full(avals[i].shape, 1, avals[i].dtype));
    Tolerance derivative = tolerance;
    derivative.scale *= 5;
    result.check_all("vjp", apply_pullback(l, ones_out), want, derivative);
  });
}

}  // namespace conformance
