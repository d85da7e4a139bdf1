// From a traced function to FunctionDefs: arguments, sizes, results, custom gradients.
#include "tf2jax/jax2tf/internal/export.h"

#include <algorithm>

#include "tf2jax/jax2tf/internal/native.h"
#include "tf2jax/jax2tf/internal/polymorphic.h"
#include "tf2jax/passes/dce.h"
#include "tf2jax/trace/name_scope.h"
#include "tf2jax/transforms/checkpoint.h"
#include "tf2jax/transforms/jit_primitive.h"
#include "tf2jax/transforms/linearize.h"

namespace tf2jax::jax2tf {

bool Traced::is_polymorphic() const {
  return std::ranges::any_of(shapes, [](const Shape& s) { return !is_concrete(s); });
}

const Traced& ExportState::trace(std::size_t i) const {
  check<LookupError>(
      i < traces.size(),
      "jax2tf: there is no trace {}. Got {} traces. Call the function, or trace it for descriptions of its "
      "arguments: convert(f).trace(spec(f32, {{2, 3}})).",
      i, traces.size());
  return *traces[i];
}

namespace {

constexpr const char* kNoGradient =
    "The jax2tf-converted function does not support gradients. Use `with_gradient` parameter to enable gradients";
constexpr const char* kNoFurther =
    "The jax2tf-converted function was saved without gradients of this order. Use the `gradient_order` parameter to "
    "save more";

// Smaller constants are written where they are used.
bool is_large(const Array& x) { return x.is_concrete() && x.dtype() != DType::key && x.bytes().size() > 1024; }

// Calls and recomputed bodies, which Binder evaluates equation by equation.
const Jaxpr* inlined_body(const Equation& e) {
  if (e.primitive == jit_p()) return &e.params.get<JitParams>().jaxpr;
  if (e.primitive == checkpoint_p() && !e.params.get<CheckpointParams>().differentiated)
    return &e.params.get<CheckpointParams>().jaxpr;
  return nullptr;
}

// Evaluates a program with variables in the place of the arrays that hold their values, and likewise for large
// constants; calls are inlined.
class Binder {
 public:
  Binder(const Variables& variables, const Arrays& values, const Arrays& constants, std::span<const Array> inputs)
      : variables_(variables), values_(values), constants_(constants), inputs_(inputs) {}

  Arrays run(const Jaxpr& jaxpr, std::span<const Array> inputs) const {
    const JaxprData& j = *jaxpr;
    Arrays at(j.vars.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) at[j.invars[i]] = inputs[i];
    for (std::size_t i = 0; i < j.constvars.size(); ++i) at[j.constvars[i]] = value_of(j.consts[i]);
    const auto read = [&](const Atom& a) { return a.is_literal() ? value_of(a.literal) : at[a.var]; };
    for (const Equation& e : j.eqns) {
      Arrays operands;
      for (const Atom& a : e.inputs) operands.push_back(read(a));
      std::optional<NameScope> scope;
      if (e.name_scope) scope.emplace(*e.name_scope);
      const Arrays results = apply(e, operands);
      for (std::size_t i = 0; i < results.size(); ++i) at[e.outputs[i]] = results[i];
    }
    Arrays out;
    for (const Atom& a : j.outs) out.push_back(read(a));
    return out;
  }

  /// The variable that an array holds, by position; -1 when it is none.
  static int find(const Variables& variables, const Array& x) {
    int i = 0;
    for (const auto& [name, v] : variables) {
      if (v.value().same_as(x)) return i;
      ++i;
    }
    return -1;
  }

 private:
  Array value_of(const Array& x) const {
    if (const int i = find(variables_, x); i >= 0) return values_[i];
    if (!is_large(x)) return x;
    const auto same = std::ranges::find_if(constants_, [&](const Array& c) { return c.same_as(x); });
    return same == constants_.end() ? x : inputs_[static_cast<std::size_t>(same - constants_.begin())];
  }
  Arrays apply(const Equation& e, const Arrays& operands) const {
    if (const Jaxpr* body = inlined_body(e)) {
      if (e.primitive == jit_p()) return run(*body, operands);
      return checkpoint_flat([this, body = *body](const Arrays& xs) { return run(body, xs); }, operands);
    }
    for (const Jaxpr& nested : e.params.programs()) refuse_inside(nested, e.primitive.name());
    return e.primitive.bind(operands, e.params);
  }
  void refuse_inside(const Jaxpr& jaxpr, const std::string& primitive) const {
    const auto check_array = [&](const Array& x) {
      const int i = find(variables_, x);
      check(i < 0, "jax2tf: a variable inside {} would become a constant. Got '{}'. Pass it as an operand.", primitive,
            i < 0 ? "" : std::next(variables_.begin(), i)->first);
    };
    for (const Array& x : jaxpr->consts) check_array(x);
    for (const Atom& a : jaxpr->outs)
      if (a.is_literal()) check_array(a.literal);
    for (const Equation& e : jaxpr->eqns) {
      for (const Atom& a : e.inputs)
        if (a.is_literal()) check_array(a.literal);
      for (const Jaxpr& nested : e.params.programs()) refuse_inside(nested, primitive);
    }
  }

  const Variables& variables_;
  const Arrays& values_;
  const Arrays& constants_;
  std::span<const Array> inputs_;  // the values of the constants
};

void find_used(const Jaxpr& jaxpr, const Variables& variables, std::vector<bool>& used) {
  const auto mark = [&](const Array& x) {
    if (const int i = Binder::find(variables, x); i >= 0) used[i] = true;
  };
  for (const Array& x : jaxpr->consts) mark(x);
  for (const Atom& a : jaxpr->outs)
    if (a.is_literal()) mark(a.literal);
  for (const Equation& e : jaxpr->eqns) {
    for (const Atom& a : e.inputs)
      if (a.is_literal()) mark(a.literal);
    for (const Jaxpr& nested : e.params.programs()) find_used(nested, variables, used);
  }
}

void find_large_constants(const Jaxpr& jaxpr, const Variables& variables, Arrays& found) {
  for (const Array& x : jaxpr->consts)
    if (is_large(x) && Binder::find(variables, x) < 0 &&
        std::ranges::none_of(found, [&](const Array& c) { return c.same_as(x); }))
      found.push_back(x);
  for (const Equation& e : jaxpr->eqns)
    if (const Jaxpr* body = inlined_body(e)) find_large_constants(*body, variables, found);
}

}  // namespace

BoundProgram bind_variables(const Jaxpr& jaxpr, const Variables& variables) {
  BoundProgram out;
  std::vector<bool> used(variables.size(), false);
  find_used(jaxpr, variables, used);
  find_large_constants(jaxpr, variables, out.constants);
  Avals avals = jaxpr.input_avals();
  const std::size_t leaves = avals.size();
  for (Aval& a : avals) a = a.strong();
  std::size_t i = 0;
  for (const auto& [name, v] : variables) {
    if (!used[i++]) continue;
    out.used.push_back(name);
    avals.push_back(v.aval().strong());
  }
  for (const Array& x : out.constants) avals.push_back(x.aval().strong());
  out.jaxpr = stage(
      [&](const Arrays& xs) {
        Arrays values(variables.size());
        std::size_t next = leaves;
        for (std::size_t k = 0; k < used.size(); ++k)
          if (used[k]) values[k] = xs[next++];
        const std::span<const Array> inputs(xs);
        return Binder(variables, values, out.constants, inputs.subspan(next)).run(jaxpr, inputs.first(leaves));
      },
      avals);
  return out;
}

// Integers are left out on both sides: their float0 zeros cannot have symbolic sizes.
Jaxpr pullback_program(const Jaxpr& jaxpr, std::size_t constants) {
  Avals avals = jaxpr.input_avals();
  const std::size_t count = avals.size() - constants;
  const Avals constant_avals(avals.begin() + static_cast<std::ptrdiff_t>(count), avals.end());
  avals.resize(count);
  std::vector<bool> inexact_out;
  for (const Aval& a : jaxpr.output_avals()) {
    inexact_out.push_back(is_inexact(a.dtype));
    if (inexact_out.back()) avals.push_back(a.strong());
  }
  const std::size_t all_inputs = avals.size();
  avals.insert(avals.end(), constant_avals.begin(), constant_avals.end());
  const Jaxpr kept = keep_outputs(jaxpr, inexact_out);
  return stage(
      [&](const Arrays& xs) {
        const auto at = [&](std::size_t i) { return xs.begin() + static_cast<std::ptrdiff_t>(i); };
        const auto differentiated = [&](std::size_t i) { return is_inexact(xs[i].dtype()); };
        Arrays primals;
        for (std::size_t i = 0; i < count; ++i)
          if (differentiated(i)) primals.push_back(xs[i]);
        const FlatFn f = [&](const Arrays& v) {
          Arrays all(xs.begin(), at(count));
          std::size_t next = 0;
          for (std::size_t i = 0; i < count; ++i)
            if (differentiated(i)) all[i] = v[next++];
          all.insert(all.end(), at(all_inputs), xs.end());
          return eval_jaxpr(kept, all);
        };
        return apply_pullback(linearize_flat(f, primals), {at(count), at(all_inputs)});
      },
      avals);
}

Aval tensorflow_aval(const Aval& aval) {
  if (aval.dtype == DType::float0) return {i32, aval.shape, false};
  return stored(aval.strong());
}

namespace {

// Writes one function of some order and the gradients below it.
class Exporter {
 public:
  // `constants`: how many of each program's last inputs are large constants.
  Exporter(Library& library, const ConvertOptions& options, const std::vector<Shape>& shapes, std::size_t constants)
      : library_(library), options_(options), shapes_(shapes), constants_(constants) {}

  // `inputs` are nodes of the function being written; results come as nodes "…jax2tf_out".
  Tensors write(FunctionWriter& writer, const Jaxpr& program, const Tensors& inputs, int order,
                const std::string& prefix, bool gradients, std::vector<WrittenGradient>& written) {
    Lowering c(library_, writer, {options_.enable_xla, options_.include_xla_op_metadata});
    const Tensors sized(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(shapes_.size()));
    const bool checks = prefix.empty() && !options_.native_serialization;
    Lowering sizes(library_, writer, {options_.enable_xla, options_.include_xla_op_metadata},
                   read_dims(c, shapes_, sized, checks));
    Tensors results = run(sizes, program, inputs);
    if (gradients) {
      results = options_.with_gradient && order > 0
                    ? with_gradient(writer, program, inputs, results, order, written)
                    : prevented(sizes, results, options_.with_gradient ? kNoFurther : kNoGradient);
    }
    Tensors named;
    for (const Tensor& r : results) named.push_back(writer.named(prefix + "jax2tf_out", "Identity", {r}, aval_of(r)));
    return named;
  }

 private:
  // float0 results are zeros of int32.
  Tensors run(Lowering& c, const Jaxpr& program, const Tensors& inputs) {
    JaxprData kept = *program;
    kept.memo = std::make_shared<JaxprMemo>();
    std::erase_if(kept.outs, [&](const Atom& a) { return program.aval(a).dtype == DType::float0; });
    const Jaxpr wanted(std::move(kept));
    const Tensors values =
        options_.native_serialization ? write_native(c.writer(), wanted, inputs, options_) : c.run(wanted, inputs);
    Tensors out;
    std::size_t next = 0;
    for (const Aval& a : program.output_avals())
      out.push_back(a.dtype == DType::float0 ? c.zeros(tensorflow_aval(a)) : values[next++]);
    return out;
  }

  Tensors prevented(Lowering& c, const Tensors& xs, const std::string& message) {
    Tensors out;
    for (const Tensor& x : xs) out.push_back(c.node("PreventGradient", {x}, aval_of(x), {{"message", message}}));
    return out;
  }

  Tensors with_gradient(FunctionWriter& writer, const Jaxpr& program, const Tensors& inputs, const Tensors& results,
                        int order, std::vector<WrittenGradient>& written) {
    if (results.empty()) return results;
    Tensors all = results;
    all.insert(all.end(), inputs.begin(), inputs.end() - static_cast<std::ptrdiff_t>(constants_));
    Avals types;
    for (const Tensor& t : all) types.push_back(aval_of(t));
    WrittenGradient g;
    g.name = library_.unique_name("__inference_internal_grad_fn");
    g.op_type = "CustomGradient-" + g.name;
    g.captured_from = writer.name();
    Avals captured;
    for (const Tensor& t : inputs) {
      g.captures.push_back(t.ref.substr(0, t.ref.find(':')) + ":0");
      captured.push_back(aval_of(t));
    }
    g.gradients = types;
    g.none_outputs = results.size();
    g.results.assign(types.begin() + static_cast<std::ptrdiff_t>(results.size()), types.end());
    write_gradient(program, g, captured, order, written);
    written.push_back(g);
    library_.register_gradient(g.op_type, g.name);
    const Tensors same = writer.nodes("IdentityN", all, types, {{"_gradient_op_type", g.op_type}});
    return {same.begin(), same.begin() + static_cast<std::ptrdiff_t>(results.size())};
  }

  void write_gradient(const Jaxpr& program, const WrittenGradient& g, const Avals& captures, int order,
                      std::vector<WrittenGradient>& written) {
    FunctionWriter writer(g.name);
    Tensors cotangents, captured;
    for (std::size_t i = 0; i < g.gradients.size(); ++i)
      cotangents.push_back(writer.argument(fmt::format("result_grads_{}", i), g.gradients[i]));
    for (std::size_t i = 0; i < captures.size(); ++i)
      captured.push_back(writer.argument(fmt::format("jax2tf_vjp_capture_{}", i), captures[i]));
    const Avals outs = program.output_avals();
    Tensors inputs;
    const auto add = [&](const Tensor& t) {
      const std::string name = fmt::format("jax2tf_vjp/jax2tf_arg_{}", inputs.size());
      inputs.push_back(writer.named(name, "Identity", {t}, aval_of(t)));
    };
    for (std::size_t i = 0; i < g.results.size(); ++i) add(captured[i]);
    for (std::size_t i = 0; i < outs.size(); ++i)
      if (is_inexact(outs[i].dtype)) add(cotangents[i]);
    for (std::size_t i = g.results.size(); i < captured.size(); ++i) add(captured[i]);
    const Tensors some = write(writer, pullback(program), inputs, order - 1, "jax2tf_vjp/", true, written);
    Lowering c(library_, writer, {options_.enable_xla, false}, dims_of(writer, captured));
    Tensors results;
    std::size_t next = 0;
    for (const Aval& a : g.results) results.push_back(is_inexact(a.dtype) ? some[next++] : c.zeros(a));
    library_.add(writer.finish(results));
  }
  Jaxpr pullback(const Jaxpr& program) const {
    try {
      return pullback_program(program, constants_);
    } catch (const Error& e) {
      raise<ValueError>(
          "Error when tracing gradients for SavedModel: {} Convert with with_gradient = false if nobody differentiates "
          "it.",
          e.what());
    }
  }
  std::map<std::string, Tensor> dims_of(FunctionWriter& writer, const Tensors& captured) {
    Lowering c(library_, writer, {options_.enable_xla, false});
    const Tensors sized(captured.begin(), captured.begin() + static_cast<std::ptrdiff_t>(shapes_.size()));
    return read_dims(c, shapes_, sized, false);
  }

  Library& library_;
  const ConvertOptions& options_;
  const std::vector<Shape>& shapes_;  // of the leaves
  std::size_t constants_;
};

}  // namespace

WrittenFunction write_function(Library& library, const Traced& traced, const std::string& name,
                               const ConvertOptions& options, const Variables& variables, bool gradients) {
  check(options.gradient_order >= 0, "jax2tf: gradient_order must not be negative. Got {}.", options.gradient_order);
  const BoundProgram bound = bind_variables(traced.jaxpr, variables);
  WrittenFunction out;
  out.variables = bound.used;
  FunctionWriter writer(name);
  Tensors arguments, inputs;
  for (std::size_t i = 0; i < traced.names.size(); ++i)
    arguments.push_back(writer.argument(traced.names[i], stored(bound.jaxpr.input(i).strong())));
  for (const auto& variable : bound.used)
    arguments.push_back(writer.variable(variable, variables.at(variable).aval().strong()));
  for (std::size_t i = 0; i < arguments.size(); ++i)
    inputs.push_back(writer.named(fmt::format("jax2tf_arg_{}", i), "Identity", {arguments[i]}, aval_of(arguments[i])));
  for (const Array& x : bound.constants) inputs.push_back(writer.constant(x));
  Exporter exporter(library, options, traced.shapes, bound.constants.size());
  const Tensors results =
      exporter.write(writer, bound.jaxpr, inputs, options.gradient_order, "", gradients, out.gradients);
  for (const Aval& a : bound.jaxpr.output_avals()) out.outputs.push_back(tensorflow_aval(a));
  out.function = writer.finish(results);
  return out;
}

}  // namespace tf2jax::jax2tf
