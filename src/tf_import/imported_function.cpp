// Staging and running imported functions.
#include "tf2jax/tf_import/internal/imported_function.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/tf_import/converters/internal/tensorflow_gradients.h"
#include "tf2jax/trace/staging.h"
#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/jit_primitive.h"

#include <algorithm>

namespace tf2jax::tf_import {

namespace {

constexpr std::size_t kMaxStaged = 64;

std::string spec_shape_text(const Dims& dims) {
  std::string text = "(";
  for (std::size_t i = 0; i < dims.size(); ++i)
    text += (i ? ", " : "") + (dims[i] < 0 ? std::string("None") : fmt::format("{}", dims[i]));
  return text + (dims.size() == 1 ? ",)" : ")");
}

bool compatible(const Shape& shape, const Dims& expected) {
  if (shape.size() != expected.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (expected[i] >= 0 && !definitely_equal(shape[i], expected[i]).value_or(false)) return false;
  }
  return true;
}

void check_shape(const Shape& shape, const FlatInput& input) {
  if (!tf2jax::config().strict_shape_check || !input.spec.shape) return;
  check(compatible(shape, *input.spec.shape),
        "call: Found incompatible input shape: {}, expected {} for argument at {}.\nThis can be a problem if the "
        "outputs depend on input shapes, e.g. BatchNorm during training.\nIf this is not an issue for you, turn "
        "Config::strict_shape_check off.",
        to_string(shape), spec_shape_text(*input.spec.shape), input.path);
}

}  // namespace

StringTensor ImportedFunction::check_strings(const Tree& leaf, const FlatInput& input) const {
  check<TypeError>(!input.spec.dtype, "call: Found strings for argument at {}, '{}'. Got {}; expected {}.", input.path,
                   input.name, leaf.to_string(), input.spec.to_string());
  const StringTensor& x = leaf.strings();
  check_sizes(x.dims, "call: strings");
  check<ShapeError>(num_elements(x.dims) == std::ssize(x.values),
                    "call: the strings at {} do not fill their shape. Got {} for {}.", input.path, x.values.size(),
                    x.to_string());
  check_shape(symbolic(x.dims), input);
  return x;
}

Array ImportedFunction::check_array(const Tree& leaf, const FlatInput& input) const {
  const auto& [path, name, spec] = input;
  check<TypeError>(spec.type != "STRING",
                   "call: Found numbers for argument at {}, '{}'. Got {}; expected {}, as strings({{…}}) gives them.",
                   path, name, leaf.to_string(), spec.to_string());
  Array x = in_canonical_type(leaf.array());
  check_shape(x.shape(), input);
  if (spec.dtype && tf2jax::config().strict_dtype_check && !x.weak_type()) {
    check(x.dtype() == canonical_dtype(*spec.dtype),
          "call: Found incompatible input dtype: {}, expected <dtype: '{}'> for argument at {}.\nIf this is not an "
          "issue for you, turn Config::strict_dtype_check off.",
          numpy_name(x.dtype()), numpy_name(*spec.dtype), path);
  }
  // A C++ scalar takes the type that the graph was traced with.
  return x.weak_type() ? convert_element_type(x, spec.dtype ? canonical_dtype(*spec.dtype) : x.dtype()) : x;
}

ImportedFunction::Given ImportedFunction::check_inputs(const std::vector<Tree>& leaves) const {
  const bool complete = std::ranges::none_of(leaves, [](const Tree& t) { return t.kind() == Tree::Kind::none; });
  check<MissingInputError>(
      complete,
      "\nSome input(s) are missing (entries that map to dtype[shape] annotations in the following structure): \n{}",
      complete ? "" : missing_inputs_text(signature, leaves));
  Given given;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (leaves[i].kind() == Tree::Kind::strings) given.texts.emplace(i, check_strings(leaves[i], inputs[i]));
    else given.arrays.push_back(check_array(leaves[i], inputs[i]));
  }
  return given;
}

// The options of conversion; 64-bit types, how programs run and budgets follow the caller.
Config ImportedFunction::options_in_force() const {
  const Config& now = tf2jax::config();
  Config options = model->config;
  options.enable_x64 = now.enable_x64;
  options.disable_jit = now.disable_jit;
  options.deterministic = now.deterministic;
  options.max_array_elements = now.max_array_elements;
  options.max_total_bytes = now.max_total_bytes;
  options.max_function_depth = now.max_function_depth;
  options.max_expanded_nodes = now.max_expanded_nodes;
  options.max_loop_steps = now.max_loop_steps;
  options.max_seconds = now.max_seconds;
  options.while_checkpoint_bytes = now.while_checkpoint_bytes;
  return options;
}

Arrays ImportedFunction::evaluate(const Arrays& arguments, const Texts& texts, bool has_key, Others& others,
                                  std::optional<Array>* assumed) const {
  const ConfigScope scope(options_in_force());
  Arrays variables(model->variables.size());
  for (std::size_t i = 0; i < captured.size(); ++i) variables[captured[i]] = at_gradient_boundary(arguments[i]);
  std::optional<Array> key;
  if (has_key) key = arguments.back();
  Interpreter interpreter(model, std::move(variables), key);
  Values values = bound;
  // Beside traced arguments, known integers stay known: they may be sizes and positions.
  const bool traced = !std::ranges::all_of(arguments, &Array::is_concrete);
  const auto given = [&](const Array& x) {
    const bool known = traced && x.is_concrete() && (is_integer(x.dtype()) || is_bool(x.dtype()));
    return known ? Value(x, true) : Value(at_gradient_boundary(x));
  };
  std::size_t next = captured.size();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto text = texts.find(i);
    Value v = text == texts.end() ? given(arguments[next++]) : Value(text->second);
    if (input_arguments[i] >= 0) values[input_arguments[i]] = std::move(v);
  }
  model->check_expansion(*body);
  const Values results = interpreter.run(*body, values);
  Arrays outputs;
  others = {};
  for (std::size_t i = 0; i < output_positions.size(); ++i) {
    const Value& v = results[output_positions[i]];
    if (const auto* variable = v.get_if<VariableRef>()) {
      outputs.push_back(at_gradient_boundary(interpreter.read(*variable)));
      continue;
    }
    if (const auto* text = v.get_if<StringTensor>()) {
      others.texts.emplace(i, *text);
      continue;
    }
    const auto* x = v.get_if<Array>();
    check<TypeError>(x != nullptr, "{}: output {} is neither numbers nor strings. Got {}.", model->source, i, v.kind());
    outputs.push_back(at_gradient_boundary(in_canonical_type(*x)));
  }
  for (std::size_t i = 0; i < captured.size(); ++i) {
    if (!interpreter.changed(captured[i])) continue;
    others.changed.push_back(i);
    outputs.push_back(at_gradient_boundary(interpreter.variables()[captured[i]]));
  }
  if (assumed) *assumed = interpreter.assumptions();
  return outputs;
}

std::shared_ptr<const ImportedFunction::Staged> ImportedFunction::staged(const Avals& avals, bool has_key) const {
  const Config& now = tf2jax::config();
  if (auto found =
          cache_.find([&](const Staged& s) { return s.has_key == has_key && s.config == now && s.avals == avals; }))
    return found;
  auto made = std::make_shared<Staged>(Staged{avals, now, has_key, {}, {}});
  try {
    const auto traced = [&](const Arrays& arguments) {
      std::optional<Array> assumed;
      Arrays outputs = evaluate(arguments, {}, has_key, made->others, &assumed);
      made->assumes = assumed.has_value();
      if (assumed) outputs.push_back(*assumed);
      return outputs;
    };
    made->jaxpr = stage(traced, avals);
  } catch (const ConcretizationError&) {
    made->jaxpr.reset();  // sizes depend on values; op by op these may be known
  }
  return cache_.add(made, kMaxStaged, [&](const Staged& s) {
    return s.has_key == has_key && s.config == made->config && s.avals == avals;
  });
}

std::pair<Tree, Variables> ImportedFunction::call(const Variables& given, const CallArguments& call_arguments) const {
  return with_errors(model->source, [&] { return run(given, call_arguments); });
}

Arrays ImportedFunction::params_of(const Variables& given) const {
  Arrays params_in_order;
  std::string missing, nodes;
  for (const auto v : captured) {
    const auto& name = model->variables[v].name;
    if (given.contains(name)) params_in_order.push_back(in_canonical_type(given.at(name).value()));
    else {
      missing += (missing.empty() ? "'" : ", '") + name + "'";
      if (!model->variables[v].node_op.empty())
        nodes += fmt::format(" {} `{}` cannot be evaluated.", model->variables[v].node_op, name);
    }
  }
  check(missing.empty(), "params: Some parameters are missing, [{}].{}", missing, nodes);
  return params_in_order;
}

// With strings, shapes depend on what they say; a program for each text would serve one call.
Arrays ImportedFunction::compute(Arrays arguments, const Texts& texts, bool has_key, Others& others) const {
  if (!jit || tf2jax::config().disable_jit || !texts.empty()) return evaluate(arguments, texts, has_key, others);
  Avals avals;
  for (auto& x : arguments) avals.push_back(x.aval().strong());
  for (auto& x : arguments) {
    if (x.weak_type()) x = convert_element_type(x, x.dtype());
  }
  const auto program = staged(avals, has_key);
  if (!program->jaxpr) return evaluate(arguments, texts, has_key, others);
  others = program->others;
  const bool concrete = std::ranges::all_of(arguments, &Array::is_concrete);
  Arrays results = concrete ? compiled(*program->jaxpr)->run(arguments) : eval_jaxpr(*program->jaxpr, arguments);
  if (program->assumes) {
    const Array holds = results.back();
    results.pop_back();
    if (holds.is_concrete() && !holds.item<bool>()) return evaluate(arguments, texts, has_key, others);
  }
  return results;
}

std::pair<Tree, Variables> ImportedFunction::run(const Variables& given, const CallArguments& call_arguments) const {
  Arrays arguments = params_of(given);
  const auto [arrays, texts] = check_inputs(match_arguments(signature, call_arguments));
  arguments.insert(arguments.end(), arrays.begin(), arrays.end());
  const bool has_key = call_arguments.key.has_value();
  if (has_key) arguments.push_back(*call_arguments.key);

  Others others;
  const Arrays results = compute(std::move(arguments), texts, has_key, others);
  std::vector<Tree> tensors;
  std::size_t next = 0;
  for (std::size_t i = 0; i < output_positions.size(); ++i) {
    const auto text = others.texts.find(i);
    tensors.push_back(text == others.texts.end() ? Tree(results[next++]) : Tree(text->second));
  }
  std::size_t at = 0;
  Tree outputs = build_tree(signature.outputs, tensors, at);
  Variables updated = given;
  for (const auto i : others.changed) {
    const auto& variable = model->variables[captured[i]];
    updated.set(Variable(variable.name, results[next++], variable.trainable));
  }
  if (functional)
    check(updated.empty(),
          "convert_functional: Expected function to have no captured variables, found {} variables. Use convert, which "
          "returns them.",
          updated.size());
  return {std::move(outputs), std::move(updated)};
}

}  // namespace tf2jax::tf_import
