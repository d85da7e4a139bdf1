// Cases of TensorFlow graphs: what the Python library computed on GraphDefs, and real models with reference values.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <regex>
#include <set>

#include "report.h"

#ifndef TF2JAX_HAS_TF_IMPORT

namespace conformance {
FamilyReport run_graphs(const Golden& golden, const Options&) {
  FamilyReport report;
  for (const json& c : golden.cases()) {
    CaseResult r;
    r.unsupported("outputs", "this build has no importer");
    report.add(c.value("name", ""), r);
  }
  return report;
}
std::map<std::string, FamilyReport> run_corpus(const std::string&, const Options&) { return {}; }
FamilyReport run_saved_models(const std::string&, const std::string&, const Options&) { return {}; }
}  // namespace conformance

#else

#include "tf2jax/base/config.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/testing/check_grads.h"
#include "tf2jax/tf_import/convert.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/jvp.h"
#include "tf2jax/transforms/linearize.h"

namespace conformance {

using namespace tf2jax;
namespace fs = std::filesystem;

namespace {

// ---- what both kinds of cases share

Arrays values_of(const Tangents& tangents) {
  Arrays out;
  for (const Tangent& t : tangents) out.push_back(t.is_zero() ? zeros_of(t.aval()) : t.value());
  return out;
}
Array front(const Array& x, Axis axis, std::int64_t size) {
  if (axis) return moveaxis(x, *axis, 0);
  Shape shape = x.shape();
  shape.insert(shape.begin(), Dim(size));
  return broadcast_in_dim(x, shape, iota_axes(x.rank(), 1));
}
Arrays vmapped(const FlatFn& f, const Arrays& xs, const std::vector<Axis>& axes, std::int64_t size) {
  const BatchResult r = vmap_flat(f, xs, axes, Dim(size));
  Arrays out;
  for (std::size_t i = 0; i < r.values.size(); ++i) out.push_back(front(r.values[i], r.axes[i], size));
  return out;
}
// A dictionary's outputs by name ("node" or "node:0"), or the leaves in order.
Arrays outputs_of(const Tree& tree, const std::vector<std::string>& names) {
  if (tree.kind() != Tree::Kind::dict) return tree::leaves(tree);
  Arrays out;
  for (const std::string& name : names) {
    if (tree.contains(name)) out.push_back(tree[name].array());
    else if (tree.contains(name + ":0")) out.push_back(tree[name + ":0"].array());
    else if (name.ends_with(":0") && tree.contains(name.substr(0, name.size() - 2))) out.push_back(tree[name.substr(0, name.size() - 2)].array());
    else throw std::runtime_error(fmt::format("no output '{}' among {}", name, tree.to_string()));
  }
  return out;
}

// ---- graphs with what the Python library computed

Config config_of(const json& c) {
  Config config = tf2jax::config();
  config.enable_x64 = c.value("x64", false);
  for (const auto& [name, value] : c.at("config").items()) {
    const ConfigScope scope(config);
    if (value.is_boolean()) {
      const auto inner = override_config(name, value.get<bool>());
      config = tf2jax::config();
    } else if (name == "resize_bilinear_precision") {
      config.resize_bilinear_precision = value.get<std::string>();
    } else {
      throw Unsupported("option " + name);
    }
  }
  return config;
}

struct GraphCase {
  const Golden& golden;
  const json& c;
  bool narrow;
  std::optional<ConvertedFunction> f;
  Arrays inputs;
  std::vector<std::string> names, output_names;
  std::optional<Array> key;

  GraphCase(const Golden& g, const json& j) : golden(g), c(j), narrow(!j.value("x64", false)) {
    for (const json& in : c.at("inputs")) names.push_back(in.at("name").get<std::string>());
    output_names = c.at("output_names").get<std::vector<std::string>>();
  }
  void convert_graph() {
    const auto bytes = golden.bytes(c.at("graph"));
    const Graph graph = Graph::parse(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), c.at("name").get<std::string>());
    ConvertOptions options;
    bool is_static = false;
    for (const json& in : c.at("inputs")) is_static = is_static || in.value("static", false);
    options.jit = !is_static;
    options.inputs = names;
    options.outputs = output_names;
    for (const json& cap : c.at("captures")) {
      GraphCapture g{.node = cap.at("node").get<std::string>(), .name = {}, .value = golden.array(cap.at("value"), narrow), .trainable = true};
      if (cap.value("kind", "") == "variable") {
        g.name = cap.at("name").get<std::string>();
        g.trainable = cap.value("trainable", true);
      }
      options.captures.push_back(std::move(g));
    }
    for (const auto& [type, gradient] : c.at("gradients").items()) {
      GraphGradient g{.function = gradient.at("function").get<std::string>()};
      if (gradient.contains("captures"))
        for (const json& cap : gradient.at("captures")) {
          if (cap.is_string()) g.captures.emplace_back(cap.get<std::string>());
          else g.captures.emplace_back(golden.array(cap, narrow));
        }
      g.none_outputs = gradient.value("none_outputs", std::size_t{0});
      options.gradients.emplace(type, std::move(g));
    }
    f = convert(graph, options);
    for (const json& in : c.at("inputs")) inputs.push_back(golden.array(in.at("value"), narrow));
    if (c.contains("rng_key") && !c.at("rng_key").is_null()) key = golden.array(c.at("rng_key"));
  }
  CallArguments arguments(const Arrays& xs) const {
    CallArguments a;
    for (const Array& x : xs) a.positional.push_back(Tree(x));
    a.key = key;
    return a;
  }
  Arrays call(const Arrays& xs) const { return outputs_of(f->call(arguments(xs)), output_names); }
  std::vector<std::size_t> positions(const json& wrt) const {
    std::vector<std::size_t> out;
    for (const json& w : wrt) out.push_back(static_cast<std::size_t>(std::ranges::find(names, w.get<std::string>()) - names.begin()));
    return out;
  }
  // The graph as a function of some inputs giving the outputs where `wanted` is not null.
  FlatFn restricted(std::vector<std::size_t> in, const json& wanted) const {
    return [this, in, &wanted](const Arrays& xs) {
      Arrays all = inputs;
      for (std::size_t i = 0; i < in.size(); ++i) all[in[i]] = xs[i];
      const Arrays results = call(all);
      Arrays chosen;
      for (std::size_t i = 0; i < results.size() && i < wanted.size(); ++i)
        if (!wanted[i].is_null()) chosen.push_back(results[i]);
      return chosen;
    };
  }
};

Arrays not_null(const Golden& golden, const json& list, bool narrow) {
  Arrays out;
  for (const json& s : list)
    if (!s.is_null()) out.push_back(golden.array(s, narrow));
  return out;
}

Tolerance graph_tolerance(const std::string& family) {
  static const std::set<std::string> loose = {"linalg", "fft", "net", "resize", "matrix", "random", "loss", "conv", "norm", "pool"};
  return {.scale = loose.contains(family) ? 10.0 : 3.0};
}

// Limits of the Python library where doing better is welcome.
bool is_limitation(const json& error) {
  const std::string type = error.at("type").get<std::string>(), message = error.at("message").get<std::string>();
  if (type != "ValueError" && type != "MissingInputError" && type != "LookupError" && type != "TypeError" && type != "KeyError") return true;
  for (const char* word : {"yet", "Only ", "only ", "not currently", "not support", "Abstract tracer", "traced", "Tracer", "tracer", "static start", "cannot be evaluated", "No registered", "cotangent", "hashable", "Unsupported operations"})
    if (message.find(word) != std::string::npos) return true;
  return false;
}

// Cases whose recorded result is not ours, and why. `outputs`: what TensorFlow defines, checked in place of the record
// (which also cancels its derivatives); empty: the record is an error, and succeeding is right.
struct Difference {
  const char *name, *reason;
  std::vector<std::vector<double>> outputs = {};
};
const Difference* difference_of(const std::string& name) {
  static const std::vector<Difference> rows = {
      {"api/unsupported_unused", "nodes that no output needs are never looked at, so real models load whatever else is in them"},
      {"matrix/MatrixSetDiagV3_0_float32", "the diagonal of a matrix that is not square; the Python library handles square ones only"},
      {"matrix/MatrixSetDiagV3_0_bool", "the same"},
      {"matrix/MatrixSetDiagV3_-1_bool", "the same"},
      {"array/BroadcastArgs__", "the empty shape is int32 as its attribute T says; NumPy makes an empty list a float", {{1.5}, {}}},
      {"reduce/Cumsum_neg_axis_exclusive", "axis -1 is the last one; the Python library pads and cuts the wrong axes and returns [2, 5]",
       {{0, 0.7762590646743774, 1.9193476438522339, 3.2064900398254395, 0, 0.5104456543922424, 1.7798864841461182, 2.9185898303985596, 0, 1.2324841022491455,
         2.3217217922210693, 3.313226401805878}}},
      {"select/SelectV2_row", "SelectV2 broadcasts its condition along the last axis; choosing whole rows is Select's rule", {{1, 6, 3, 8}}},
  };
  const auto it = std::ranges::find(rows, name, [](const Difference& d) { return std::string(d.name); });
  return it == rows.end() ? nullptr : &*it;
}

// Runs `body`, which is recorded to fail. Any error of the library will do; success is welcome where only the Python
// library is limited.
template <class F>
void expect_error(const json& error, const std::string& what, CaseResult& result, F&& body) {
  try {
    body();
  } catch (const Unsupported& e) {
    return result.unsupported(what, e.what());
  } catch (const InternalError& e) {
    return result.fail(what, e.what());
  } catch (const Error&) {
    return result.passed_part();
  } catch (const std::exception& e) {
    return result.fail(what, e.what());
  }
  if (is_limitation(error)) result.passed_part();
  else result.fail(what, fmt::format("no error; expected {}: {}", error.at("type").get<std::string>(), error.at("message").get<std::string>().substr(0, 150)));
}

void run_graph_case(const Golden& golden, const json& c, CaseResult& result) {
  const Config config = config_of(c);
  const ConfigScope scope(config);
  GraphCase g(golden, c);
  Tolerance tolerance = graph_tolerance(golden.family), derivative = tolerance;
  derivative.scale *= 5;
  const json& want = c.at("result");
  if (const Difference* d = difference_of(c.at("name").get<std::string>())) {
    result.part("outputs", [&] {
      g.convert_graph();
      const Arrays got = g.call(g.inputs);
      for (std::size_t i = 0; i < d->outputs.size(); ++i) {
        const std::vector<float> expected(d->outputs[i].begin(), d->outputs[i].end());
        const auto n = static_cast<std::int64_t>(expected.size());
        const Array want_flat = Array::from_bytes(DType::f32, {n}, std::as_bytes(std::span(expected)));
        result.check("outputs", convert_element_type(reshape(got.at(i), {n}), DType::f32), want_flat, tolerance);
      }
    });
    return;
  }
  if (c.contains("structure")) throw Unsupported("structured calls of plain graphs");
  if (want.contains("error")) {
    expect_error(want.at("error"), "error", result, [&] {
      g.convert_graph();
      g.call(g.inputs);
    });
    return;
  }
  result.part("outputs", [&] {
    g.convert_graph();
    const auto [outputs, params] = g.f->apply().call(g.f->params(), g.arguments(g.inputs));
    result.check_all("outputs", outputs_of(outputs, g.output_names), golden.arrays(want.at("outputs"), g.narrow), tolerance);
    if (want.contains("new_params"))
      for (const auto& [name, value] : want.at("new_params").items()) {
        if (!params.contains(name)) result.fail("outputs", "no new value of variable " + name);
        else result.check("outputs", params.at(name), golden.array(value, g.narrow), tolerance, "variable " + name);
      }
  });
  if (!g.f || !result.failures().empty()) return;
  if (c.contains("jvp")) {
    const json& j = c.at("jvp");
    const auto body = [&](bool compare_values) {
      const auto in = g.positions(j.at("wrt"));
      Arrays primals;
      for (std::size_t i : in) primals.push_back(g.inputs[i]);
      Tangents tangents;
      for (const Array& t : golden.arrays(j.at("tangents"), g.narrow)) tangents.emplace_back(t);
      const JvpResult r = jvp_flat(g.restricted(in, j.at("tangents_out")), primals, tangents);
      if (compare_values) result.check_all("jvp", values_of(r.tangents), not_null(golden, j.at("tangents_out"), g.narrow), derivative);
    };
    if (j.contains("error")) result.passed_part();   // a limit of the Python library: forward mode has none here
    else result.part("jvp", [&] { body(true); });
  }
  if (c.contains("vjp")) {
    const json& j = c.at("vjp");
    if (!j.contains("error")) {
      result.part("vjp", [&] {
        const auto in = g.positions(j.at("wrt"));
        Arrays primals;
        for (std::size_t i : in) primals.push_back(g.inputs[i]);
        const Linearized l = linearize_flat(g.restricted(in, j.at("cotangents")), primals);
        result.check_all("vjp", apply_pullback(l, not_null(golden, j.at("cotangents"), g.narrow)), golden.arrays(j.at("grads"), g.narrow), derivative);
      });
      if (j.contains("param_grads")) {
        result.part("vjp", [&] {
          std::vector<std::string> variables;
          Arrays primals, grads;
          for (const auto& [name, value] : j.at("param_grads").items()) {
            variables.push_back(name);
            primals.push_back(g.f->params().at(name));
            grads.push_back(golden.array(value, g.narrow));
          }
          const json& wanted = j.at("cotangents");
          const FlatFn of_params = [&](const Arrays& xs) {
            Variables params = g.f->params();
            for (std::size_t i = 0; i < variables.size(); ++i) params.set(Variable(variables[i], xs[i], params.at(variables[i]).trainable()));
            const Arrays results = outputs_of(g.f->apply().call(params, g.arguments(g.inputs)).first, g.output_names);
            Arrays chosen;
            for (std::size_t i = 0; i < results.size(); ++i)
              if (!wanted[i].is_null()) chosen.push_back(results[i]);
            return chosen;
          };
          const Linearized l = linearize_flat(of_params, primals);
          result.check_all("vjp", apply_pullback(l, not_null(golden, wanted, g.narrow)), grads, derivative);
        });
      }
    } else {
      const json& e = j.at("error");
      const std::string message = e.at("message").get<std::string>();
      // PreventGradient and missing gradients are behaviour; the rest are limits of the Python library.
      if (e.at("type").get<std::string>() == "LookupError" || message.find("PreventGradient") != std::string::npos) {
        expect_error(e, "error", result, [&] {
          std::vector<std::size_t> in;
          for (std::size_t i = 0; i < g.inputs.size(); ++i)
            if (is_inexact(g.inputs[i].dtype())) in.push_back(i);
          Arrays primals;
          for (std::size_t i : in) primals.push_back(g.inputs[i]);
          const json wanted = json::array({true});
          apply_pullback(linearize_flat(g.restricted(in, wanted), primals), {});
        });
      }
    }
  }
  if (c.contains("vmap") && !c.at("vmap").contains("error")) {
    result.part("vmap", [&] {
      const json& j = c.at("vmap");
      Arrays in;
      std::vector<Axis> axes;
      std::size_t next = 0;
      const json& batched = j.at("inputs");
      for (std::size_t i = 0; i < g.inputs.size(); ++i) {
        const bool is_static = c.at("inputs")[i].value("static", false);
        const bool all_listed = batched.size() == g.inputs.size();
        if (is_static || next >= batched.size()) {
          in.push_back(g.inputs[i]);
          axes.push_back(std::nullopt);
          next += all_listed;
        } else {
          in.push_back(golden.array(batched[next++], g.narrow));
          axes.push_back(0);
        }
      }
      result.check_all("vmap", vmapped([&](const Arrays& xs) { return g.call(xs); }, in, axes, 2), golden.arrays(j.at("outputs"), g.narrow), tolerance);
    });
  }
}

// ---- models with reference values

Tolerance tolerance_of(const json& c) {
  Tolerance t;
  if (c.contains("tolerance") && c.at("tolerance").is_object()) {
    t.rtol = c.at("tolerance").value("rtol", 1e-4);
    t.atol = c.at("tolerance").value("atol", 1e-5);
  } else {
    t.rtol = 1e-4;
    t.atol = 1e-5;
  }
  return t;
}

// Another order of summation changes an entry that cancels by the rounding of its largest terms: f32 has 6e-8, and sums of
// thousands of terms lose three digits of it. The floor is for gradients that are zero but for rounding, such as that of
// the sum of a softmax (1 by definition), where entries of 1e-9 stand against 0.
Tolerance gradient_tolerance(const Array& gradient) {
  const double largest = gradient.size() ? tf2jax::max(abs(gradient)).item<double>() : 0;
  return {.rtol = 1e-3, .atol = std::max(1e-6, 1e-3 * largest)};
}

// basic_pitch scales the logarithm of power by its minimum, which cancelling sums of 43844 samples give to few digits:
// changing the samples in their last bit moves entries of its f32 gradient by 0.47 where the largest is 2.3, which is more
// than any two implementations differ. Its derivatives are compared as vectors, by the norm of the difference.
bool is_ill_conditioned(const json& c) { return c.value("name", "").starts_with("basic_pitch"); }
void check_derivative(const json& c, const std::string& what, const Array& got, const Array& want, const Tolerance& tolerance, const std::string& where, CaseResult& result) {
  if (!is_ill_conditioned(c)) return result.check(what, got, want, tolerance, where);
  constexpr double kLargest = 0.2;   // rounding the samples anew gives up to that
  const double distance = std::sqrt(sum(square(sub(got, want))).item<double>() / sum(square(want)).item<double>());
  if (!(distance < kLargest)) result.fail(what, fmt::format("{}: the difference has {} of the norm", where, distance));
}

// A model, its inputs and the names of its results, for one signature or for tensors of the graph.
struct ModelCase {
  std::optional<ConvertedFunction> f;
  std::vector<std::string> input_names, output_names;   // without the signature
  Arrays inputs;
  bool keywords = false;
  struct Part {
    std::int64_t axis, start, stop;
  };
  std::optional<Part> part;   // of every output: what was recorded

  Arrays call(const Arrays& xs) const {
    CallArguments a;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      if (keywords) a.keywords.insert_or_assign(input_names[i], Tree(xs[i]));
      else a.positional.push_back(Tree(xs[i]));
    }
    a.key = random::key(0);
    const Tree out = f->call(a);
    Arrays y = out.is_leaf() ? Arrays{out.array()} : outputs_of(out, output_names);
    if (part)
      for (Array& v : y) v = slice_in_dim(v, part->start, part->stop, 1, part->axis);
    return y;
  }
};

bool has_slash_key(const std::string& key) { return key.find('/') != std::string::npos && key.find(':') == std::string::npos; }

void check_model(ModelCase& m, const json& c, const fs::path& folder, const std::vector<std::string>& output_keys, CaseResult& result) {
  Arrays want;
  for (const std::string& key : output_keys) want.push_back(load_npy(folder / c.at("outputs").at(key).get<std::string>()));
  const Tolerance tolerance = tolerance_of(c);
  const bool random = c.contains("deterministic") && !c.at("deterministic").get<bool>();
  const bool any_order = c.value("notes", "").find("order of the k entries is unspecified") != std::string::npos;
  Arrays got;
  result.part("outputs", [&] {
    got = m.call(m.inputs);
    if (got.size() != want.size()) throw std::runtime_error(fmt::format("got {} outputs, expected {}", got.size(), want.size()));
    for (std::size_t i = 0; i < got.size(); ++i) {
      // Recorded files may hold 64-bit values where the library, as JAX, computes with 32 bits.
      Array w = want[i];
      if (w.dtype() != got[i].dtype() && canonical_dtype(w.dtype()) == got[i].dtype()) w = convert_element_type(w, got[i].dtype());
      if (random) {
        if (!identical(got[i].shape(), w.shape()) || got[i].dtype() != w.dtype()) result.fail("outputs", fmt::format("got {}, expected {}", got[i].aval().to_string(), w.aval().to_string()));
        continue;
      }
      // 64-bit integers recorded as decimal text went through a double.
      if (is_integer(w.dtype()) && itemsize(w.dtype()) == 8 && got[i].dtype() == w.dtype()) {
        result.check("outputs", convert_element_type(got[i], DType::f64), convert_element_type(w, DType::f64), {.scale = 0.01}, output_keys[i]);
        continue;
      }
      if (any_order) {
        result.check("outputs", sort(got[i]), sort(w), tolerance, output_keys[i]);
        continue;
      }
      Tolerance t = tolerance;
      if (itemsize(real_dtype(w.dtype())) <= 2) t.rtol = std::max(*t.rtol, 1e-2);
      result.check("outputs", got[i], w, t, output_keys[i]);
    }
  });
  if (got.empty() || !result.failures().empty() || m.inputs.empty()) return;
  std::vector<std::size_t> in, out;
  for (std::size_t i = 0; i < m.inputs.size(); ++i)
    if (is_inexact(m.inputs[i].dtype())) in.push_back(i);
  for (std::size_t i = 0; i < got.size(); ++i)
    if (is_inexact(got[i].dtype())) out.push_back(i);
  if (in.empty() || out.empty()) return;
  const auto with = [&](const Arrays& xs) {
    Arrays all = m.inputs;
    for (std::size_t i = 0; i < in.size(); ++i) all[in[i]] = xs[i];
    return all;
  };
  const FlatFn f = [&](const Arrays& xs) {
    const Arrays y = m.call(with(xs));
    Arrays chosen;
    for (std::size_t i : out) chosen.push_back(y[i]);
    return chosen;
  };
  Arrays primals;
  for (std::size_t i : in) primals.push_back(m.inputs[i]);
  m.part.reset();   // only outputs were cut
  // A direction: the recorded one, else the inputs themselves; <1, J t> must equal <J^T 1, t>.
  Arrays direction;
  bool recorded = c.contains("jvp") && c.at("jvp").is_object();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::string& name = m.input_names[in[i]];
    std::optional<Array> t;
    if (recorded)
      for (const auto& [key, file] : c.at("jvp").at("tangents").items())
        if (key == name || key.ends_with("/" + name)) t = load_npy(folder / file.get<std::string>());
    if (t && !identical(t->shape(), primals[i].shape())) primals[i] = slice_in_dim(primals[i], 0, t->shape()[0].value(), 1, 0);   // taken at the first rows only
    direction.push_back(t && recorded ? convert_element_type(*t, primals[i].dtype()) : recorded ? zeros_like(primals[i]) : add(primals[i], Array(0.5f)));
  }
  Arrays cotangents, gradient;
  result.part("vjp", [&] {
    const Linearized l = linearize_flat(f, primals);
    for (const Array& y : l.outs) cotangents.push_back(ones_like(y));
    gradient = apply_pullback(l, cotangents);
  });
  if (gradient.empty()) return;
  result.part("jvp", [&] {
    Tangents t(direction.begin(), direction.end());
    const Arrays forward = values_of(jvp_flat(f, primals, t).tangents);
    if (recorded) {
      const json& j = c.at("jvp");
      const Tolerance jt = tolerance_of(j);
      for (const auto& [key, file] : j.at("outputs").items())
        for (std::size_t i = 0; i < out.size(); ++i)
          if (key == output_keys[out[i]]) {
            Array w = load_npy(folder / file.get<std::string>());
            if (w.dtype() != forward[i].dtype()) w = convert_element_type(w, forward[i].dtype());
            check_derivative(c, "jvp", forward[i], w, jt, key, result);
          }
    }
    double ahead = 0, back = 0, size = 0;
    for (const Array& y : forward) ahead += sum(y).item<double>();
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      back += sum(mul(gradient[i], direction[i])).item<double>();
      size += sum(abs(mul(gradient[i], direction[i]))).item<double>();
    }
    if (std::fabs(ahead - back) > 2e-3 * (size + 1e-3) && !(std::isnan(ahead) && std::isnan(back))) result.fail("vjp", fmt::format("<1, J t> = {}, <J^T 1, t> = {}", ahead, back));
  });
  // Finite differences where none are recorded; not for the suite of small graphs, whose floors and moduli jump.
  if (!recorded && c.contains("format")) result.part("vjp", [&] { testing::check_grads_flat(f, primals); });
  // vmap(grad) over a batch of two equals the loop.
  result.part("vmap", [&] {
    const FlatFn g = [&](const Arrays& xs) { return apply_pullback(linearize_flat(f, xs), cotangents); };
    Arrays other, stacked;
    for (const Array& x : primals) other.push_back(mul(x, convert_element_type(Array(0.9f), x.dtype())));
    for (std::size_t i = 0; i < primals.size(); ++i) stacked.push_back(stack({primals[i], other[i]}));
    const Arrays batched = vmapped(g, stacked, std::vector<Axis>(stacked.size(), 0), 2), second = g(other);
    for (std::size_t i = 0; i < batched.size(); ++i) {
      const Array loop = stack({gradient[i], second[i]});
      check_derivative(c, "vmap", batched[i], loop, gradient_tolerance(loop), "vmap(grad)", result);
    }
  });
}

// The function f and its derivative at every element of x, by the model's registered gradient or by differentiation.
struct Cubed {
  ConvertedFunction f;
  explicit Cubed(const fs::path& model) : f(convert(model, {.function = "f"})) {}
  Arrays value(const Arrays& xs) const { return {f(xs[0]).array()}; }
  Arrays derivative(const Arrays& xs) const {
    const Linearized l = linearize_flat([&](const Arrays& ys) { return value(ys); }, xs);
    return apply_pullback(l, {ones_like(l.outs[0])});
  }
};

// A function object whose registered gradient is 100 on purpose, not 3 x^2.
void run_cubed(const json& c, const fs::path& folder, CaseResult& result) {
  const auto file = [&](const char* side, const char* key) { return load_npy(folder / c.at(side).at(key).get<std::string>()); };
  result.part("outputs", [&] {
    const Cubed cubed(folder);
    const Array x = file("inputs", "f/x");
    result.check("outputs", cubed.value({x})[0], file("outputs", "f"));
    result.check("vjp", cubed.derivative({x})[0], file("outputs", "df/dx (registered gradient)"));
  });
}

// What the Python library recorded of the same function: also batched, without the registered gradient, and the error of
// the second derivative, which is not registered.
void run_recorded_cubed(const json& c, const fs::path& folder, const fs::path& model, CaseResult& result) {
  const auto file = [&](const char* key) { return load_npy(folder / c.at("files").at(key).get<std::string>()); };
  result.part("outputs", [&] {
    const Cubed cubed(model);
    const FlatFn value = [&](const Arrays& xs) { return cubed.value(xs); }, derivative = [&](const Arrays& xs) { return cubed.derivative(xs); };
    const Array x = file("x");
    const auto each = [&](const FlatFn& f) {
      Arrays rows;
      for (std::int64_t i = 0; i < x.shape()[0].value(); ++i) rows.push_back(f({reshape(slice_in_dim(x, i, i + 1, 1, 0), {})})[0]);
      return stack(rows);
    };
    result.check("outputs", each(value), file("y"));
    result.check("vjp", each(derivative), file("grad"));
    result.check("vmap", vmapped(value, {x}, {0}, x.shape()[0].value())[0], file("vmap_y"));
    result.check("vmap", vmapped(derivative, {x}, {0}, x.shape()[0].value())[0], file("vmap_grad"));
    try {
      const Array at = full({}, 42, DType::f32);
      apply_pullback(linearize_flat(derivative, {at}), {ones_like(at)});
      result.fail("vjp", "the second derivative is not registered, and yet no error");
    } catch (const LookupError& e) {
      if (std::string(e.what()).find("Custom gradient `CustomGradient-") == std::string::npos) result.fail("vjp", fmt::format("the error does not name the gradient: {}", e.what()));
    }
    const auto scope = override_config(&Config::convert_custom_gradient, false);
    const Cubed plain(model);
    result.check("vjp", each([&](const Arrays& xs) { return plain.derivative(xs); }), file("grad_without_custom"));
  });
}

// Keys "node:0" are tensors of the graph, "signature/name" arguments of a signature.
std::string signature_of(const std::string& key) { return has_slash_key(key) ? key.substr(0, key.find('/')) : ""; }
std::string without_signature(const std::string& key) { return has_slash_key(key) ? key.substr(key.find('/') + 1) : key; }

// One signature of a model, or (signature "") its graph from the tensors `input_keys` to `output_names`.
ModelCase open_model(const json& c, const fs::path& folder, const std::string& model, const std::string& signature, const std::vector<std::string>& input_keys,
                     const std::vector<std::string>& output_names) {
  ModelCase m;
  m.output_names = output_names;
  for (const std::string& key : input_keys) {
    m.input_names.push_back(without_signature(key));
    m.inputs.push_back(load_npy(folder / c.at("inputs").at(key).get<std::string>()));
  }
  m.keywords = !signature.empty();
  ConvertOptions options;
  if (signature.empty()) {
    options.inputs = m.input_names;
    options.outputs = m.output_names;
  } else {
    options.signature = signature;
  }
  m.f = convert(model == "." ? folder : folder / model, options);
  return m;
}

void run_model(const json& c, const fs::path& folder, const std::string& model, CaseResult& result) {
  if (!c.contains("outputs") || c.at("outputs").empty()) throw Unsupported("no reference values");
  if (c.value("name", "") == "custom_gradient_cubed") return run_cubed(c, folder, result);
  std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> by_signature;   // inputs, outputs
  for (const auto& [key, file] : c.at("outputs").items()) by_signature[signature_of(key)].second.push_back(key);
  if (c.contains("inputs"))
    for (const auto& [key, file] : c.at("inputs").items()) by_signature[signature_of(key)].first.push_back(key);
  bool wide = false;
  for (const char* side : {"inputs", "outputs"})
    if (c.contains(side))
      for (const auto& [key, file] : c.at(side).items()) wide = wide || itemsize(real_dtype(load_npy(folder / file.get<std::string>()).dtype())) == 8;
  const auto scope = override_config(&Config::enable_x64, wide);
  const auto shapes = override_config(&Config::strict_shape_check, false);
  for (const auto& [signature, keys] : by_signature) {
    if (keys.second.empty()) continue;
    std::vector<std::string> output_names;
    for (const std::string& key : keys.second) output_names.push_back(without_signature(key));
    ModelCase m;
    result.part("outputs", [&] { m = open_model(c, folder, model, signature, keys.first, output_names); });
    if (!m.f) continue;
    if (c.contains("output_slice")) {
      const json& j = c.at("output_slice");
      m.part = {j.at("axis").get<std::int64_t>(), j.at("start").get<std::int64_t>(), j.at("stop").get<std::int64_t>()};
    }
    check_model(m, c, folder, keys.second, result);
  }
}

// ---- the same models with what the Python library computed: outputs, and the gradient of the sum of the means of all
// floating outputs

void run_recorded_function(const json& want, const std::string& function, const json& model_case, const fs::path& folder, const fs::path& model_folder, CaseResult& result) {
  const auto wide = override_config(&Config::enable_x64, want.value("x64", false));
  const auto shapes = override_config(&Config::strict_shape_check, want.value("strict_shape_check", false));
  std::vector<std::string> input_keys, output_names, gradient_names;
  bool is_signature = false;
  if (model_case.contains("inputs"))
    for (const auto& [key, file] : model_case.at("inputs").items()) is_signature = is_signature || signature_of(key) == function;
  if (model_case.contains("inputs"))
    for (const auto& [key, file] : model_case.at("inputs").items())
      if (signature_of(key) == (is_signature ? function : "")) input_keys.push_back(key);
  const std::string model = model_case.value("model", ".");
  if (want.contains("error")) {
    const json outputs = model_case.value("outputs", json::object());
    for (const auto& [key, file] : outputs.items())
      if (signature_of(key) == (is_signature ? function : "")) output_names.push_back(without_signature(key));
    return expect_error(want.at("error"), "error", result, [&] {
      const ModelCase m = open_model(model_case, model_folder, model, is_signature ? function : "", input_keys, output_names);
      m.call(m.inputs);
    });
  }
  for (const auto& [name, file] : want.at("outputs").items()) output_names.push_back(name);
  const ModelCase m = open_model(model_case, model_folder, model, is_signature ? function : "", input_keys, output_names);
  // The model's own tolerance: basic_pitch takes logarithms of near silence, and another backend differs by 2.4e-5 too.
  const Tolerance tolerance{.rtol = 1e-4, .atol = std::max(1e-5, *tolerance_of(model_case).atol)};
  const Arrays got = m.call(m.inputs);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const Array w = load_npy(folder / want.at("outputs").at(output_names[i]).get<std::string>());
    result.check("outputs", got[i], w, tolerance, output_names[i]);
  }
  for (const auto& [name, file] : want.at("gradients").items()) {
    const auto same = [&name = name](const std::string& input) {
      return input == name || input == name + ":0" || std::regex_replace(input, std::regex("\\$"), "___") == name;
    };
    const auto i = static_cast<std::size_t>(std::ranges::find_if(m.input_names, same) - m.input_names.begin());
    if (i == m.input_names.size()) throw std::runtime_error("no input named " + name);
    const FlatFn loss = [&](const Arrays& xs) {
      Arrays all = m.inputs;
      all[i] = xs[0];
      Array total = zeros({}, DType::f32);
      for (const Array& y : m.call(all))
        if (is_inexact(y.dtype())) total = add(total, mean(y));
      return Arrays{total};
    };
    const Linearized l = linearize_flat(loss, {m.inputs[i]});
    if (want.contains("loss")) result.check("outputs", l.outs[0], full({}, want.at("loss").get<double>(), DType::f32), tolerance, "loss");
    const Array w = load_npy(folder / file.get<std::string>());
    check_derivative(model_case, "vjp", apply_pullback(l, {ones_like(l.outs[0])})[0], w, gradient_tolerance(w), name, result);
  }
}

void run_recorded_model(const json& c, const fs::path& folder, const fs::path& corpus, CaseResult& result) {
  std::string name = c.at("name").get<std::string>();
  if (name == "basic_pitch") name = "basic_pitch_icassp2022";
  const fs::path model_folder = corpus / name;
  if (!fs::exists(model_folder / "case.json")) throw Unsupported("the model is not beside the golden files");
  if (name == "custom_gradient_cubed") return run_recorded_cubed(c, folder, model_folder, result);
  json model_case = json::parse(read_file((model_folder / "case.json").string()));
  if (c.contains("signature")) {   // basic_pitch: one window of the recording, kept beside the results
    const std::string signature = c.at("signature").get<std::string>();
    json inputs = json::object();
    for (const auto& [key, file] : c.at("inputs").items()) inputs[signature + "/" + key] = fs::absolute(folder / file.get<std::string>()).string();
    model_case["inputs"] = inputs;
    return result.part("outputs", [&] { run_recorded_function(c, signature, model_case, folder, model_folder, result); });
  }
  for (const auto& [function, want] : c.at("functions").items())
    result.part("outputs", [&, &function = function, &want = want] { run_recorded_function(want, function, model_case, folder, model_folder, result); });
}

}  // namespace

FamilyReport run_graphs(const Golden& golden, const Options& options) {
  FamilyReport report;
  const std::regex filter(options.filter.empty() ? ".*" : options.filter);
  for (const json& c : golden.cases()) {
    const std::string name = c.value("name", "");
    if (!std::regex_search(name, filter)) continue;
    CaseResult result;
    result.part("outputs", [&] { run_graph_case(golden, c, result); });
    report.add(name, result);
  }
  return report;
}

std::map<std::string, FamilyReport> run_corpus(const std::string& folder, const Options& options) {
  std::map<std::string, FamilyReport> reports;
  const std::regex filter(options.filter.empty() ? ".*" : options.filter);
  std::vector<fs::path> cases;
  for (const fs::directory_entry& e : fs::recursive_directory_iterator(folder))
    if (e.path().filename() == "case.json") cases.push_back(e.path());
  std::sort(cases.begin(), cases.end());
  for (const fs::path& file : cases) {
    const json c = json::parse(read_file(file.string()));
    const std::string name = c.value("name", file.parent_path().filename().string());
    if (c.contains("cases")) {
      for (const json& entry : c.at("cases")) {
        const std::string full_name = name + "/" + entry.value("name", "");
        if (!std::regex_search(full_name, filter)) continue;
        CaseResult result;
        result.part("outputs", [&] { run_model(entry, file.parent_path(), entry.at("model").get<std::string>(), result); });
        reports["op_graphs"].add(full_name, result);
      }
    } else {
      if (!std::regex_search(name, filter)) continue;
      CaseResult result;
      result.part("outputs", [&] { run_model(c, file.parent_path(), c.value("model", "."), result); });
      reports["models"].add(name, result);
    }
  }
  return reports;
}

FamilyReport run_saved_models(const std::string& folder, const std::string& corpus, const Options& options) {
  FamilyReport report;
  const std::regex filter(options.filter.empty() ? ".*" : options.filter);
  std::vector<fs::path> folders;
  for (const fs::directory_entry& e : fs::directory_iterator(folder))
    if (fs::exists(e.path() / "case.json")) folders.push_back(e.path());
  std::sort(folders.begin(), folders.end());
  for (const fs::path& path : folders) {
    const json c = json::parse(read_file((path / "case.json").string()));
    const std::string name = "saved_models/" + c.at("name").get<std::string>();
    if (!std::regex_search(name, filter)) continue;
    CaseResult result;
    result.part("outputs", [&] { run_recorded_model(c, path, corpus, result); });
    report.add(name, result);
  }
  return report;
}

}  // namespace conformance

#endif
