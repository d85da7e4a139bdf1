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
}  // namespace conformance

#else

#include "tf2jax/base/config.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
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
  for (const char* word : {"yet", "Only ", "only ", "not currently", "not support", "Abstract tracer", "traced", "Tracer", "tracer", "static start", "cannot be evaluated", "No registered", "cotangent", "hashable"})
    if (message.find(word) != std::string::npos) return true;
  return false;
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

// A model, its inputs and the names of its results, for one signature or for tensors of the graph.
struct ModelCase {
  std::optional<ConvertedFunction> f;
  std::vector<std::string> input_names, output_names;   // without the signature
  Arrays inputs;
  bool keywords = false;
  std::optional<std::pair<std::int64_t, std::int64_t>> frames;   // of axis 1 of every output

  Arrays call(const Arrays& xs) const {
    CallArguments a;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      if (keywords) a.keywords.insert_or_assign(input_names[i], Tree(xs[i]));
      else a.positional.push_back(Tree(xs[i]));
    }
    a.key = random::key(0);
    const Tree out = f->call(a);
    Arrays y = out.is_leaf() ? Arrays{out.array()} : outputs_of(out, output_names);
    if (frames)
      for (Array& v : y) v = slice_in_dim(v, frames->first, frames->second, 1, 1);
    return y;
  }
};

bool has_slash_key(const std::string& key) { return key.find('/') != std::string::npos && key.find(':') == std::string::npos; }

void check_model(ModelCase& m, const json& c, const fs::path& folder, const std::vector<std::string>& output_keys, CaseResult& result) {
  Arrays want;
  for (const std::string& key : output_keys) want.push_back(load_npy(folder / c.at("outputs").at(key).get<std::string>()));
  const Tolerance tolerance = tolerance_of(c);
  const bool random = c.contains("deterministic") && !c.at("deterministic").get<bool>();
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
  Arrays cotangents;
  for (std::size_t i : out) cotangents.push_back(full(got[i].shape(), 1, got[i].dtype()));
  Arrays gradient;
  result.part("vjp", [&] { gradient = apply_pullback(linearize_flat(f, primals), cotangents); });
  if (gradient.empty()) return;

  // A direction: the recorded one, else the inputs themselves; <1, J t> must equal <J^T 1, t>.
  Arrays direction;
  bool recorded = c.contains("jvp") && c.at("jvp").is_object();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::string& name = m.input_names[in[i]];
    std::optional<Array> t;
    if (recorded)
      for (const auto& [key, file] : c.at("jvp").at("tangents").items())
        if (key == name || key.ends_with("/" + name)) t = load_npy(folder / file.get<std::string>());
    if (t && !identical(t->shape(), primals[i].shape())) recorded = false;   // recorded for another batch size
    direction.push_back(t && recorded ? convert_element_type(*t, primals[i].dtype()) : recorded ? zeros_like(primals[i]) : add(primals[i], Array(0.5f)));
  }
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
            result.check("jvp", forward[i], w, jt, key);
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
  // vmap(grad) over a batch of two equals the loop.
  result.part("vmap", [&] {
    const FlatFn g = [&](const Arrays& xs) { return apply_pullback(linearize_flat(f, xs), cotangents); };
    Arrays other, stacked;
    for (const Array& x : primals) other.push_back(mul(x, convert_element_type(Array(0.9f), x.dtype())));
    for (std::size_t i = 0; i < primals.size(); ++i) stacked.push_back(stack({primals[i], other[i]}));
    const Arrays batched = vmapped(g, stacked, std::vector<Axis>(stacked.size(), 0), 2), second = g(other);
    for (std::size_t i = 0; i < batched.size(); ++i) {
      const Array loop = stack({gradient[i], second[i]});
      const double largest = loop.size() ? tf2jax::max(abs(loop)).item<double>() : 0;
      result.check("vmap", batched[i], loop, {.scale = 50, .atol = std::max(1e-6, 5e-3 * largest)}, "vmap(grad)");
    }
  });
}

// A function object with a registered gradient that differs from the derivative of its body.
void run_cubed(const json& c, const fs::path& folder, CaseResult& result) {
  const auto file = [&](const char* side, const char* key) { return load_npy(folder / c.at(side).at(key).get<std::string>()); };
  result.part("outputs", [&] {
    const ConvertedFunction f = convert(folder, {.function = "f"});
    const Array x = file("inputs", "f/x");
    const FlatFn flat = [&](const Arrays& xs) { return Arrays{f(xs[0]).array()}; };
    result.check("outputs", flat({x})[0], file("outputs", "f"));
    const Linearized l = linearize_flat(flat, {x});
    result.check("vjp", apply_pullback(l, {ones_like(l.outs[0])})[0], file("outputs", "df/dx (registered gradient)"));
  });
}

// Keys "node:0" are tensors of the graph, "signature/name" arguments of a signature.
void run_model(const json& c, const fs::path& folder, const std::string& model, CaseResult& result) {
  if (!c.contains("outputs") || c.at("outputs").empty()) throw Unsupported("no reference values");
  if (c.value("name", "") == "custom_gradient_cubed") return run_cubed(c, folder, result);
  std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> by_signature;   // inputs, outputs
  for (const auto& [key, file] : c.at("outputs").items()) by_signature[has_slash_key(key) ? key.substr(0, key.find('/')) : ""].second.push_back(key);
  if (c.contains("inputs"))
    for (const auto& [key, file] : c.at("inputs").items()) by_signature[has_slash_key(key) ? key.substr(0, key.find('/')) : ""].first.push_back(key);
  bool wide = false;
  for (const char* side : {"inputs", "outputs"})
    if (c.contains(side))
      for (const auto& [key, file] : c.at(side).items()) wide = wide || itemsize(real_dtype(load_npy(folder / file.get<std::string>()).dtype())) == 8;
  const auto scope = override_config(&Config::enable_x64, wide);
  const auto shapes = override_config(&Config::strict_shape_check, false);
  for (const auto& [signature, keys] : by_signature) {
    if (keys.second.empty()) continue;
    ModelCase m;
    std::vector<std::string> output_keys = keys.second;
    ConvertOptions options;
    const auto bare = [&](const std::string& key) { return signature.empty() ? key : key.substr(key.find('/') + 1); };
    for (const std::string& key : keys.first) m.input_names.push_back(bare(key));
    for (const std::string& key : keys.second) m.output_names.push_back(bare(key));
    if (signature.empty()) {
      options.inputs = m.input_names;
      options.outputs = m.output_names;
    } else {
      options.signature = signature;
      m.keywords = true;
    }
    result.part("outputs", [&] {
      for (const std::string& key : keys.first) m.inputs.push_back(load_npy(folder / c.at("inputs").at(key).get<std::string>()));
      m.f = convert(model == "." ? folder : folder / model, options);
    });
    if (!m.f) continue;
    // Outputs of basic_pitch were recorded without the first and last 15 frames of each window.
    if (c.value("name", "") == "basic_pitch_icassp2022") m.frames = {15, 157};
    if (m.f) check_model(m, c, folder, output_keys, result);
  }
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

}  // namespace conformance

#endif
