// Tracing for TensorFlow, and running what was written.
#include "tf2jax/jax2tf/jax2tf.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "tf2jax/jax2tf/internal/export.h"
#include "tf2jax/jax2tf/internal/polymorphic.h"

namespace tf2jax::jax2tf {
namespace {

std::string positional_name(const ConvertOptions& options, std::size_t i) {
  return i < options.argument_names.size() ? options.argument_names[i] : fmt::format("args_{}", i);
}

// Names of the leaves below a value, in order of their numbers.
void name_leaves(const StructuredValue& v, const std::string& name, std::vector<std::string>& names) {
  if (v.kind == StructuredValue::Kind::tensor) {
    names.push_back(name);
    return;
  }
  std::size_t i = 0;
  for (const auto& [key, child] : v.items)
    name_leaves(child, fmt::format("{}_{}", name, key.empty() ? fmt::format("{}", i) : key), names), ++i;
}

// The letters that TensorFlow takes in names of arguments.
std::string plain_name(std::string name) {
  for (char& ch : name)
    if (!std::isalnum(static_cast<unsigned char>(ch)) && ch != '_') ch = '_';
  return name;
}

// Names that TensorFlow tells apart, which it does not by case.
std::vector<std::string> distinct_names(const std::vector<std::string>& names) {
  std::set<std::string> taken;
  std::vector<std::string> out;
  for (const std::string& name : names) {
    std::string distinct = plain_name(name);
    for (int k = 1; !taken.insert(lower_case(distinct)).second; ++k)
      distinct = fmt::format("{}_{}", plain_name(name), k);
    out.push_back(std::move(distinct));
  }
  return out;
}

void check_polymorphic_count(const ConvertOptions& options, std::size_t positional) {
  const auto& shapes = options.polymorphic_shapes;
  if (shapes.empty() || shapes.size() == positional) return;
  std::string got = "[";
  for (std::size_t i = 0; i < shapes.size(); ++i)
    got += (i ? ", " : "") + (shapes[i] ? "'" + *shapes[i] + "'" : std::string("None"));
  raise<TypeError>(
      "polymorphic_shapes must be a sequence with the same length as the positional argument list ({}). Got {}].",
      positional, got);
}

// The graph of a trace as TensorFlow would run it.
const ConvertedFunction& runner(const ExportedFunction& f, std::size_t trace) {
  ExportState& state = f.state();
  const auto known = state.runners.find(trace);
  if (known != state.runners.end()) return known->second;
  Library library;
  const WrittenFunction written = write_function(library, state.trace(trace), "f", state.options, {}, false);
  const Graph graph(std::make_shared<const tensorflow::GraphDef>(main_graph(written.function, library)), "jax2tf");
  tf2jax::ConvertOptions options;
  options.inputs = f.graph_inputs(trace);
  options.outputs = f.graph_outputs(trace);
  return state.runners.emplace(trace, tf2jax::convert(graph, options)).first->second;
}

}  // namespace

ExportedFunction::ExportedFunction(ConvertOptions options) : state_(std::make_shared<ExportState>()) {
  state_->options = std::move(options);
}

std::size_t ExportedFunction::num_traces() const { return state_->traces.size(); }
const Jaxpr& ExportedFunction::jaxpr(std::size_t trace) const { return state_->trace(trace).jaxpr; }
const ConvertOptions& ExportedFunction::options() const { return state_->options; }
void ExportedFunction::set_default(std::function<void(const ExportedFunction&)> trace) const {
  state_->trace_default = std::move(trace);
}

std::size_t ExportedFunction::add_trace(const Arguments& arguments, const FlatFn& f, const Structure& result) const {
  const ConvertOptions& options = state_->options;
  check_polymorphic_count(options, arguments.positional);
  const SymbolicScope scope(options.polymorphic_constraints);
  Traced traced;
  Avals avals;
  for (std::size_t i = 0; i < arguments.leaves.size(); ++i) {
    const Aval& a = arguments.leaves[i];
    const auto spec =
        options.polymorphic_shapes.empty() ? std::nullopt : options.polymorphic_shapes[arguments.owner[i]];
    traced.shapes.push_back(polymorphic_shape(spec, a.shape, scope));
    avals.push_back(a.with_shape(traced.shapes.back()).strong());
  }
  solve_dims(traced.shapes);
  for (std::size_t t = 0; t < state_->traces.size(); ++t) {
    const Avals there = state_->traces[t]->jaxpr.input_avals();
    bool equal = state_->traces[t]->key == arguments.key && there.size() == avals.size();
    for (std::size_t i = 0; equal && i < avals.size(); ++i) equal = there[i].matches(avals[i]);
    if (equal) return t;
  }
  traced.key = arguments.key;
  traced.arguments = arguments.structure;
  for (std::size_t i = 0; i < arguments.positional; ++i) {
    traced.argument_names.push_back(plain_name(positional_name(options, i)));
    name_leaves(arguments.structure[i], traced.argument_names.back(), traced.names);
  }
  traced.names = distinct_names(traced.names);
  traced.jaxpr = stage(f, avals);
  traced.result = result();
  state_->traces.push_back(std::make_shared<const Traced>(std::move(traced)));
  return state_->traces.size() - 1;
}

Arrays ExportedFunction::run(std::size_t trace, const Arrays& arguments) const {
  const Traced& traced = state_->trace(trace);
  std::vector<Dims> sizes;
  for (const Array& x : arguments) {
    check(x.is_concrete(), "convert must be used outside all JAX transformations. Got a traced {}.", x.aval());
    sizes.push_back(x.dims());
  }
  check_sizes(traced.shapes, sizes);
  if (traced.jaxpr.num_outputs() == 0) return {};
  CallArguments call;
  for (const Array& x : arguments) call.positional.emplace_back(x);
  return tree::leaves(runner(*this, trace).call(call));
}

Graph ExportedFunction::graph(std::size_t trace) const {
  Library library;
  const WrittenFunction written = write_function(library, state_->trace(trace), "f", state_->options);
  return Graph(std::make_shared<const tensorflow::GraphDef>(main_graph(written.function, library)), "jax2tf");
}
std::vector<std::string> ExportedFunction::graph_inputs(std::size_t trace) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < state_->trace(trace).names.size(); ++i)
    names.push_back(fmt::format("jax2tf_arg_{}:0", i));
  return names;
}
std::vector<std::string> ExportedFunction::graph_outputs(std::size_t trace) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < state_->trace(trace).jaxpr.num_outputs(); ++i)
    names.push_back(i ? fmt::format("jax2tf_out_{}:0", i) : "jax2tf_out:0");
  return names;
}

Aval declared_argument(const ConvertOptions& options, std::size_t i) {
  const auto& spec = options.polymorphic_shapes.at(i);
  try {
    const Shape shape = symbolic_shape(spec.value_or("..."), {.scope = SymbolicScope(options.polymorphic_constraints)});
    return tf2jax::spec(i < options.dtypes.size() ? options.dtypes[i] : f32, shape);
  } catch (const ParseError& e) {
    raise<ValueError>(
        "jax2tf::save: argument {} has no shape of its own. Got '{}'; expected all sizes, or a call or a trace before "
        "saving: {}",
        i, spec.value_or("None"), e.what());
  }
}

}  // namespace tf2jax::jax2tf
