// Calls of graphs whose parameters have a structure: nested containers, defaults, keywords, literals.
#include <fmt/format.h>

#include "execution.h"
#include "expected_error.h"
#include "graph_reader.h"
#include "runners.h"
#include "tolerance.h"

namespace conformance {

using namespace tf2jax;
using Kind = StructuredValue::Kind;

namespace {

bool is_slice(const json& v) { return v.is_object() && v.contains("nbytes"); }
bool is_tuple(const json& v) { return v.is_object() && v.size() == 1 && v.contains("tuple"); }

StructuredValue structure_of(const json& v) {
  StructuredValue out;
  const auto add_all = [&](Kind kind, const json& items) {
    out.kind = kind;
    for (const auto& [key, item] : items.items())
      out.items.push_back({kind == Kind::dict ? key : "", structure_of(item)});
  };
  if (v.is_boolean()) out.kind = Kind::boolean, out.boolean = v.get<bool>();
  else if (v.is_number_integer()) out.kind = Kind::integer, out.integer = v.get<std::int64_t>();
  else if (v.is_number()) out.kind = Kind::real, out.real = v.get<double>();
  else if (v.is_string()) out.kind = Kind::string, out.string = v.get<std::string>();
  else if (v.is_object() && v.size() == 1 && v.contains("tensor"))
    out.kind = Kind::tensor, out.tensor.name = v.at("tensor").get<std::string>();
  else if (is_tuple(v)) add_all(Kind::tuple, v.at("tuple"));
  else if (v.is_array()) add_all(Kind::list, v);
  else if (v.is_object()) add_all(Kind::dict, v);
  return out;
}

// Defaults stand behind the last parameters.
Signature signature_of(const json& structure) {
  const json& spec = structure.at("argspec");
  Signature out;
  out.name = "f";
  out.inputs = structure_of(structure.at("inputs"));
  out.outputs = structure_of(structure.at("outputs"));
  for (const json& name : spec.at("args")) out.parameters.push_back(name.get<std::string>());
  if (spec.at("defaults").is_array())
    for (std::size_t i = 0, n = spec.at("defaults").size(); i < n; ++i)
      out.defaults[out.parameters.at(out.parameters.size() - n + i)] = structure_of(spec.at("defaults")[i]);
  for (const json& name : spec.at("kwonlyargs")) out.parameters.push_back(name.get<std::string>());
  out.keyword_only = spec.at("kwonlyargs").size();
  if (spec.at("kwonlydefaults").is_object())
    for (const auto& [name, value] : spec.at("kwonlydefaults").items()) out.defaults[name] = structure_of(value);
  return out;
}

// The arrays and numbers of a call, in order; and the call made of such.
void collect(const Golden& golden, const json& v, bool narrow, Arrays& out) {
  if (is_slice(v)) out.push_back(golden.array(v, narrow));
  else if (v.is_number_integer()) out.push_back(Array(v.get<std::int32_t>()));
  else if (v.is_number()) out.push_back(Array(v.get<float>()));
  else if (v.is_structured())
    for (const json& item : v) collect(golden, item, narrow, out);
}
Tree tree_of(const json& v, const Arrays& xs, std::size_t& next) {
  if (is_slice(v) || v.is_number()) return Tree(xs.at(next++));
  if (v.is_array() || is_tuple(v)) {
    Tree::List list;
    for (const json& item : v.is_array() ? v : v.at("tuple")) list.push_back(tree_of(item, xs, next));
    return list;
  }
  if (!v.is_object()) return {};
  Tree::Dict dict;
  for (const auto& [key, item] : v.items()) dict[key] = tree_of(item, xs, next);
  return dict;
}
CallArguments arguments_of(const json& call, const Arrays& xs) {
  std::size_t next = 0;
  const Tree both = tree_of(call, xs, next);
  CallArguments out;
  out.positional = both.list().at(0).list();
  out.keywords = both.list().at(1).dict();
  return out;
}

}  // namespace

void run_structured_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const bool narrow = !c.value("x64", false);
  const json &call = c.at("structure").at("call"), &traced = c.at("result");
  const json plain = c.value("eager", json());
  std::optional<ConvertedFunction> f;
  result.part("convert", [&] {
    ConvertOptions how = conversion_of(golden, c);
    how.structure = signature_of(c.at("structure"));
    f = convert(graph_of(golden, c), how);
  });
  if (!f) return;
  Arrays arguments;
  collect(golden, call, narrow, arguments);
  // The record is of a call with these variables, which nothing assigns.
  Variables params = f->params();
  std::vector<std::string> names;
  const json& given = traced.contains("new_params") ? traced.at("new_params") : json::object();
  for (const auto& [name, value] : given.items()) {
    names.push_back(name);
    params.set(Variable(name, golden.array(value, narrow), params.at(name).trainable()));
  }
  const FlatFn outputs = [&](const Arrays& xs) {
    const auto [out, updated] = f->apply().call(params, arguments_of(call, xs));
    Arrays all = tree::leaves(out);
    for (const std::string& name : names) all.push_back(updated.at(name).value());
    return all;
  };
  parts(options, "outputs", result, [&](Execution how, const std::string& name) {
    // Literals are recorded with or without a trace.
    const bool is_traced = how == Execution::compiled, untraced_only = traced.contains("skipped");
    if (is_traced ? untraced_only : plain.is_null()) return;
    const json& want = untraced_only ? plain : traced;
    if (want.contains("error"))
      return expect_error(want.at("error"), name, result, [&] { run(outputs, arguments, how); });
    Arrays expected = golden.arrays(want.at("outputs"), narrow);
    for (const std::string& v : names) expected.push_back(golden.array(want.at("new_params").at(v), narrow));
    result.check_all(name, run(outputs, arguments, how), expected, {.scale = 3.0});
  });
}

}  // namespace conformance
