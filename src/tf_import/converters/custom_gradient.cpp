// Nodes that carry gradients of their own: IdentityN with a registered gradient function, and PreventGradient.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/warning.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/custom_rules.h"

namespace tf2jax::tf_import {
namespace {

// Identity whose derivative is an error: forward evaluation and batching are unaffected.
Arrays identity_without_derivative(const std::string& name, const std::string& message, const Arrays& xs) {
  const auto rule = std::make_shared<const JvpRule>(
      [message](const Arrays&, const Arrays&) -> Arrays { throw LookupError(message); });
  return custom_jvp_flat(name, [](const Arrays& v) { return v; }, rule, xs);
}

Values to_values(const Arrays& xs) { return {xs.begin(), xs.end()}; }

Values prevent_gradient(Node& n) {
  const auto message = n.attr<std::string>("message");
  const Array x = n.array(0);
  if (!config().raise_on_prevent_gradient)
    warn_once("PreventGradient" + message,
              fmt::format("PreventGradient ignored on node {}. Original reason: {}", n.name(), message));
  if (!config().raise_on_prevent_gradient || n.on_host()) return {x};
  return to_values(identity_without_derivative(
      "prevent_gradient",
      fmt::format("Gradient explicitly prevented on node {}. Original reason: {}", n.name(), message), {x}));
}

// How the gradient function's last arguments are found when the backward pass runs: constants travel with the rule,
// everything else is a residual.
struct CaptureSlot {
  Value constant;
  int residual = -1;
  std::optional<VariableRef> variable;
};

struct GradientCall {
  std::shared_ptr<const Model> model;
  std::string function;
  std::vector<CaptureSlot> slots;
  std::size_t none_outputs = 0;
  GradientConvention convention = config().gradient_convention;
  Avals inputs;                // of the IdentityN
  std::size_t num_inputs = 0;  // with captures

  // TensorFlow's gradients of complex numbers are the conjugates of JAX's.
  Array between_conventions(const Array& x) const {
    return convention == GradientConvention::tf && is_complex(x.dtype()) ? conj(x) : x;
  }

  Arrays operator()(const Arrays& residuals, const Arrays& cotangents) const {
    const auto scope = override_config(&Config::gradient_convention, convention);
    Arrays variables(model->variables.size());
    Values arguments;
    for (std::size_t i = 0; i < cotangents.size(); ++i) {
      const bool integer = cotangents[i].dtype() == DType::float0;
      arguments.emplace_back(integer ? zeros_of(inputs[i]) : between_conventions(cotangents[i]));
    }
    for (const auto& slot : slots) {
      if (slot.variable) variables[slot.variable->index] = residuals[slot.residual];
      if (slot.variable) arguments.emplace_back(*slot.variable);
      else arguments.push_back(slot.residual < 0 ? slot.constant : Value(residuals[slot.residual]));
    }
    Interpreter interpreter(model, std::move(variables), std::nullopt);
    const Values results = interpreter.call(function, arguments);
    Arrays out;
    for (std::size_t i = 0; i < num_inputs; ++i) {
      // Outputs of the wrapped function and captured values pass nothing back: the rule replaces their derivative.
      const bool rule = i >= none_outputs && i < inputs.size() && i - none_outputs < results.size();
      const Aval aval = i < inputs.size() ? inputs[i].tangent() : residuals[i - inputs.size()].aval().tangent();
      const Array* x = rule ? results[i - none_outputs].get_if<Array>() : nullptr;
      if (!x) {  // nothing at all, not zeros: what made these is not asked for a derivative, where 0 * inf may wait
        out.emplace_back();
        continue;
      }
      if (aval.dtype == DType::float0) {
        out.push_back(zeros_of(aval));
        continue;
      }
      const Array g = between_conventions(in_canonical_type(*x));
      out.push_back(g.dtype() == aval.dtype ? g : convert_element_type(g, aval.dtype));
    }
    return out;
  }
};

Values custom_gradient(Node& n, const std::string& op_type, const GradientRule& rule) {
  Interpreter& interpreter = n.interpreter();
  Arrays operands = n.arrays();
  auto call = std::make_shared<GradientCall>();
  call->model = interpreter.shared_model();
  call->function = rule.function;
  call->none_outputs = rule.none_outputs;
  for (const auto& x : operands) call->inputs.push_back(x.aval().strong());
  const std::size_t count = operands.size();
  std::size_t tensor = 0;
  for (const auto& capture : rule.captures) {
    CaptureSlot slot;
    if (capture.tensor.empty()) {
      slot.constant = capture.value;
      if (const auto* variable = capture.value.get_if<VariableRef>()) {
        slot.variable = *variable;
        slot.residual = static_cast<int>(operands.size() - count);
        operands.push_back(interpreter.read(*variable));
      }
    } else {
      const auto& scope = interpreter.scope_name();
      const bool here = capture.function == "*" || capture.function == scope;
      const auto value = interpreter.captured(capture.tensor, here ? scope : capture.function);
      if (!value)
        n.fail(fmt::format("its gradient function '{}' captures '{}' of '{}', which is not evaluated there.",
                           rule.function, capture.tensor, capture.function));
      ++tensor;
      if (const auto* variable = value->get_if<VariableRef>()) {
        slot.variable = *variable;
        slot.residual = static_cast<int>(operands.size() - count);
        operands.push_back(interpreter.read(*variable));
      } else if (const auto* x = value->get_if<Array>(); x && !value->is_host()) {
        slot.residual = static_cast<int>(operands.size() - count);
        operands.push_back(*x);
      } else {
        slot.constant = *value;
      }
    }
    call->slots.push_back(std::move(slot));
  }
  call->num_inputs = operands.size();
  const FlatFn primal = [count](const Arrays& xs) {
    return Arrays(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(count));
  };
  const auto forward = std::make_shared<const FwdRule>([count](const Arrays& xs) {
    Arrays out(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(count));
    out.insert(out.end(), xs.begin() + static_cast<std::ptrdiff_t>(count), xs.end());
    return out;
  });
  const auto backward = std::make_shared<const BwdRule>(
      [call](const Arrays& residuals, const Arrays& cts) { return (*call)(residuals, cts); });
  return to_values(custom_vjp_flat(op_type, primal, forward, backward, operands));
}

Values identity_n(Node& n) {
  const auto& attributes = n.proto().attr();
  const auto it = attributes.find("_gradient_op_type");
  Values inputs;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) inputs.push_back(n.input(i));
  if (it == attributes.end() || n.on_host()) return inputs;
  const auto& op_type = it->second.s();
  if (!config().convert_custom_gradient) {
    warn_once("custom gradient " + op_type,
              fmt::format("Ignored custom gradient `{}` on the node `{}` (op type: {}).", op_type, n.name(), n.op()));
    return inputs;
  }
  const auto& rules = n.interpreter().model().gradients;
  if (const auto rule = rules.find(op_type);
      rule != rules.end() && n.interpreter().model().library.find(rule->second.function)) {
    return custom_gradient(n, op_type, rule->second);
  }
  if (config().custom_gradient_fallback) {
    warn_once(
        "custom gradient fallback " + op_type,
        fmt::format("Custom gradient `{}` of the node `{}` (op type: {}) is not in the file; the derivative of the "
                    "graph takes its place.",
                    op_type, n.name(), n.op()));
    return inputs;
  }
  return to_values(
      identity_without_derivative("missing_custom_gradient",
                                  fmt::format("Custom gradient `{}` was expected but not found for the node `{}` (op "
                                              "type: IdentityN). This function is just a placeholder. "
                                              "The subgraph corresponding to this IdentityN node should have been "
                                              "wrapped in jax.custom_gradient with the actual gradient "
                                              "function found in the TensorFlow gradient registry.",
                                              op_type, n.name()),
                                  n.arrays()));
}

}  // namespace

void add_gradient_operations(ConverterTable& table) {
  table.add("IdentityN", identity_n);
  table.add("PreventGradient", prevent_gradient);
  table.add("StopGradient", [](Node& n) { return Values{n.on_host() ? n.array(0) : stop_gradient(n.array(0))}; });
}

}  // namespace tf2jax::tf_import
