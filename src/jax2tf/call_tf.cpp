// call_tf: eager calls node by node, staged calls as one equation with a reverse-mode rule.
#include "tf2jax/jax2tf/call_tf.h"

#include <algorithm>
#include <mutex>

#include "tf2jax/jax2tf/internal/export.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/compiled.h"
#include "tf2jax/transforms/custom_rules.h"
#include "tf2jax/transforms/linearize.h"

namespace tf2jax {

struct CallTf::State {
  ConvertedFunction eager, staged;  // node by node, and as a program
  CallTfOptions options;
  Variables variables;
  bool writes = false;
  std::mutex mutex;
};

namespace {

struct CallTfParams {
  std::string name;
  Jaxpr jaxpr;
  bool operator==(const CallTfParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("name", self.name);
    v.field("jaxpr", self.jaxpr);
  }
};

// What stands for the function in programs. It has no rules for differentiation and batching, on purpose.
const Primitive& call_tf_p() {
  static const Primitive p = make_primitive<CallTfParams>({
      .name = "call_tf",
      .operands = OperandCount::at_least(0),
      .aval = [](std::span<const Aval>, const CallTfParams& c) { return c.jaxpr.output_avals(); },
      .impl = [](std::span<const Array> x, const CallTfParams& c) { return compiled(c.jaxpr)->run(x); },
      .called = [](const CallTfParams& c) { return &c.jaxpr; },
  });
  return p;
}

template <class Args, class F>
void visit_leaves(Args& args, const F& f) {
  for (auto& t : args.positional) Tree::visit(t, f);
  for (auto& [name, t] : args.keywords) Tree::visit(t, f);
}
Arrays leaves_of(const CallArguments& args) {
  Arrays out;
  visit_leaves(args, [&](const Array& x) { out.push_back(x); });
  return out;
}
CallArguments with_leaves(CallArguments args, const Arrays& leaves) {
  std::size_t i = 0;
  visit_leaves(args, [&](Array& x) { x = leaves.at(i++); });
  return args;
}

void check_results(const CallTf::State& state, const Arrays& results, const Tree& tree) {
  const auto& declared = state.options.output_shape_dtype;
  if (!declared) return;
  check(declared->size() == results.size(),
        "The pytree of the TensorFlow function results does not match the pytree of the declared output_shape_dtype:\n"
        "Got {} with {} results; expected {}.",
        tree.to_string(), results.size(), declared->size());
  std::string differences;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Aval got = results[i].aval();
    if (!got.matches((*declared)[i]))
      differences += fmt::format("Result[{}] is {} vs. expected {}\n", i, got.strong(), (*declared)[i]);
  }
  check(differences.empty(),
        "The shapes or dtypes returned by the TensorFlow function do not match the declared output_shape_dtype:\n{}",
        differences);
}

// Operations of resources write unless they gather; those of TensorFlow 1 are told by their names.
bool writes_variable(std::string_view op) {
  if (op.starts_with("Resource")) return !op.starts_with("ResourceGather");
  const bool scatters = op.starts_with("Scatter") && op != "ScatterNd" && op != "ScatterNdNonAliasingAdd";
  return scatters || op.starts_with("Assign") || op.starts_with("Apply") || op.starts_with("SparseApply");
}

Tree call_eagerly(CallTf::State& state, const CallArguments& args) {
  if (!state.writes) return state.eager.apply().call(state.variables, args).first;
  const std::lock_guard lock(state.mutex);
  auto [out, next] = state.eager.apply().call(state.variables, args);
  state.variables = std::move(next);
  return out;
}

// The function of flat arguments, and the structure of what it returns.
struct Staged {
  Jaxpr jaxpr;
  Tree like;
};
Staged stage_call(const std::shared_ptr<CallTf::State>& state, const CallArguments& args, const Arrays& leaves) {
  Avals avals;
  for (const Array& x : leaves) {
    check(is_concrete(x.shape()),
          "call_tf: an argument has a symbolic shape. Got {}; expected known sizes. Trace the program for known sizes, "
          "or "
          "call the TensorFlow function with transparent = true.",
          to_string(x.shape()));
    avals.push_back(x.aval().strong());
  }
  Staged out;
  try {
    out.jaxpr = stage(
        [&](const Arrays& xs) {
          out.like = state->staged.apply().call(state->variables, with_leaves(args, xs)).first;
          return tree::leaves(out.like);
        },
        avals);
  } catch (const Error& e) {
    raise<ValueError>(
        "Error compiling TensorFlow function (see below for the caught exception).\ncall_tf can used in a staged "
        "context (under jax.jit, lax.scan, etc.) only with compilable functions with static output shapes.\n\nCaught "
        "TensorFlow exception: {}",
        e.what());
  }
  return out;
}

Tree call_staged(const std::shared_ptr<CallTf::State>& state, const CallArguments& args, const Arrays& leaves) {
  const Staged staged = stage_call(state, args, leaves);
  const Jaxpr program = staged.jaxpr;
  const CallTfParams params{fmt::format("call_tf_{}", state->options.name), program};
  const FlatFn f = [params](const Arrays& xs) { return call_tf_p().bind(xs, params); };
  const auto forward = std::make_shared<const FwdRule>([f](const Arrays& xs) {
    Arrays out = f(xs);
    out.insert(out.end(), xs.begin(), xs.end());
    return out;
  });
  const auto backward = std::make_shared<const BwdRule>([program](const Arrays& residuals, const Arrays& cotangents) {
    const FlatFn plain = [&](const Arrays& xs) { return eval_jaxpr(program, xs); };
    return apply_pullback(linearize_flat(plain, residuals), cotangents);
  });
  const Arrays results = custom_vjp_flat(params.name, f, forward, backward, leaves);
  check_results(*state, results, staged.like);
  return tree::with_leaves(staged.like, results);
}

CallTf make(ConvertedFunction eager, ConvertedFunction staged, const CallTfOptions& options) {
  const std::shared_ptr<CallTf::State> state(
      new CallTf::State{std::move(eager), std::move(staged), options, {}, false, {}});
  state->variables = state->staged.params();
  state->writes = std::ranges::any_of(state->staged.ops(), writes_variable);
  return CallTf(state);
}
template <class Source>
CallTf from(const Source& source, const CallTfOptions& options, ConvertOptions convert_options) {
  ConvertedFunction staged = convert(source, convert_options);
  convert_options.jit = false;
  return make(convert(source, convert_options), std::move(staged), options);
}

}  // namespace

Tree CallTf::call(const CallArguments& args) const {
  const Arrays leaves = leaves_of(args);
  const bool eager = current_trace()->is_eval() && std::ranges::all_of(leaves, &Array::is_concrete);
  check(eager || !state_->writes,
        "call_tf: a function that writes to variables cannot be called in a staged context (under jit, scan, …). Pass "
        "the variables as arguments, and return their new values.");
  if (!eager && !state_->options.transparent) return call_staged(state_, args, leaves);
  const Tree out = eager ? call_eagerly(*state_, args) : state_->staged.apply().call(state_->variables, args).first;
  check_results(*state_, tree::leaves(out), out);
  return out;
}
const Variables& CallTf::variables() const { return state_->variables; }

CallTf call_tf(const std::filesystem::path& path, const CallTfOptions& options, const ConvertOptions& source) {
  return from(path, options, source);
}
CallTf call_tf(const Graph& graph, const CallTfOptions& options, const ConvertOptions& source) {
  return from(graph, options, source);
}
CallTf call_tf(const ConvertedFunction& f, const CallTfOptions& options) { return make(f, f, options); }

CallTf call_tf(const jax2tf::ExportedFunction& f, const CallTfOptions& options) {
  jax2tf::Library library;
  const auto written = jax2tf::write_function(library, f.state().trace(0), "f", f.options());
  const Graph graph(std::make_shared<const tensorflow::GraphDef>(jax2tf::main_graph(written.function, library)),
                    "call_tf");
  ConvertOptions source;
  source.inputs = f.graph_inputs();
  source.outputs = f.graph_outputs();
  for (const auto& g : written.gradients) {
    GraphGradient gradient{g.name, {}, g.none_outputs};
    for (const auto& tensor : g.captures) gradient.captures.emplace_back(tensor);
    source.gradients[g.op_type] = std::move(gradient);
  }
  return from(graph, options, source);
}

}  // namespace tf2jax
