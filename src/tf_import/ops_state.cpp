// Constants, placeholders, variables, assertions and calls.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

Values constant(Node& n) {
  TensorData data = n.attr<TensorData>("value");
  if (auto* strings = std::get_if<StringTensor>(&data)) return {Value(std::move(*strings))};
  Array x = std::get<Array>(std::move(data));
  const bool narrow = (x.dtype() == f32 && config().force_const_float32_to_bfloat16) || (x.dtype() == f64 && config().force_const_float64_to_bfloat16);
  if (narrow) {
    const std::vector<float> values = x.to_vector<float>();
    x = Array::build({bf16, x.shape(), false}, [&](std::byte* out) {
      std::transform(values.begin(), values.end(), reinterpret_cast<bfloat16*>(out), [](float v) { return bfloat16(v); });
    });
  }
  return {Value(x, true)};
}

// A TF1 reference is read where Identity stands; a resource handle passes through.
Values same(Node& n) {
  const auto type = n.proto().attr().find("T");
  const bool handle = type != n.proto().attr().end() && type->second.type() == tensorflow::DT_RESOURCE;
  const auto* variable = n.input(0).get_if<VariableRef>();
  return {variable && !handle && n.op() != "RefIdentity" ? Value(n.interpreter().read(*variable)) : n.input(0)};
}

Values placeholder(Node& n) {
  n.ignore({"shape"});
  n.fail(fmt::format("Placeholder `{}` cannot be evaluated. Add it to the inputs.", n.name()));
}

Values variable_handle(Node& n) {
  n.ignore({"container", "shared_name", "debug_name", "allowed_devices", "shape", "dtype"});
  const auto& nodes = n.interpreter().model().variable_nodes;
  const auto shared = n.has_attr("shared_name") ? n.attr<std::string>("shared_name") : std::string();
  for (const auto& key : {n.name(), shared}) {
    if (const auto it = nodes.find(key); it != nodes.end()) {
      return {Value(VariableRef{it->second, n.interpreter().model().variables[it->second].name})};
    }
  }
  n.fail(fmt::format("{} `{}` cannot be evaluated.", n.op(), n.name()));
}

Values read_variable(Node& n) { return {Value(n.interpreter().read(n.variable(0)))}; }

template <class F>
Converter assignment(bool returns_reference, F update) {
  return [returns_reference, update](Node& n) -> Values {
    n.ignore({"validate_shape", "use_locking"});
    const VariableRef variable = n.variable(0);
    const Array next = update(n, variable);
    n.interpreter().assign(variable, next);
    return {returns_reference ? Value(variable) : Value(next)};
  };
}

Array plain(Node& n, std::size_t i) {
  const Value& v = n.input(i);
  const auto* x = v.get_if<Array>();
  return x && v.is_host() ? in_canonical_type(*x) : n.array(i);
}

Values call_function(Node& n) {
  n.ignore({"config", "config_proto", "executor_type"});
  Values arguments;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) arguments.push_back(n.input(i));
  return n.call(n.attr<FunctionRef>("f"), arguments);
}

Values ensure_shape(Node& n) {
  const auto expected = n.attr<std::optional<Dims>>("shape");
  const Shape& shape = n.shape_of(0);
  bool ok = !expected || expected->size() == shape.size();
  for (std::size_t i = 0; ok && expected && i < shape.size(); ++i) ok = (*expected)[i] < 0 || definitely_equal(shape[i], (*expected)[i]).value_or(false);
  if (!ok) {
    std::string text = "[";
    for (std::size_t i = 0; i < expected->size(); ++i) text += (i ? ", " : "") + ((*expected)[i] < 0 ? std::string("None") : fmt::format("{}", (*expected)[i]));
    raise<ValueError>("Expected shape={}], found {}.", text, to_string(shape));
  }
  return {n.input(0)};
}

Values placeholder_with_default(Node& n) {
  n.ignore({"shape"});
  return {n.input(0)};
}

}  // namespace

void add_state_operations(ConverterTable& table) {
  table.add("Const", constant);
  table.add("HostConst", constant);
  for (const char* op : {"Identity", "Snapshot", "GuaranteeConst", "DeepCopy", "RefIdentity", "DebugGradientIdentity"}) table.add(op, same);
  table.add("CheckNumerics", [](Node& n) {
    n.ignore({"message"});
    return Values{n.input(0)};
  });
  table.add("Placeholder", placeholder);
  table.add("PlaceholderWithDefault", placeholder_with_default);
  for (const char* op : {"VarHandleOp", "VariableV2", "Variable"}) table.add(op, variable_handle);
  table.add("ReadVariableOp", read_variable);
  table.add("VarIsInitializedOp", [](Node& n) { return Values{Value(Array(n.interpreter().variables().at(n.variable(0).index).has_value()), true)}; });
  table.add("AssignVariableOp", assignment(false, [](Node& n, const VariableRef&) { return plain(n, 1); }));
  table.add("AssignAddVariableOp", assignment(false, [](Node& n, const VariableRef& v) { return add(n.interpreter().read(v), plain(n, 1)); }));
  table.add("AssignSubVariableOp", assignment(false, [](Node& n, const VariableRef& v) { return sub(n.interpreter().read(v), plain(n, 1)); }));
  table.add("Assign", assignment(true, [](Node& n, const VariableRef&) { return plain(n, 1); }));
  table.add("AssignAdd", assignment(true, [](Node& n, const VariableRef& v) { return add(n.interpreter().read(v), plain(n, 1)); }));
  table.add("AssignSub", assignment(true, [](Node& n, const VariableRef& v) { return sub(n.interpreter().read(v), plain(n, 1)); }));
  table.add("PartitionedCall", call_function);
  table.add("StatefulPartitionedCall", call_function);
  table.add("EnsureShape", ensure_shape);
  // Without a result, and without an effect here.
  for (const char* op : {"NoOp", "Assert", "ControlTrigger", "DestroyResourceOp", "DisableCopyOnRead"}) {
    table.add(op, [](Node& n) {
      n.ignore({"summarize", "ignore_lookup_error"});
      return Values{};
    });
  }
}

void add_builtin_operations(ConverterTable& table) {
  add_state_operations(table);
  add_gradient_operations(table);
  add_math_operations(table);
  add_shape_operations(table);
  add_index_operations(table);
  add_reduce_operations(table);
  add_nn_operations(table);
  add_random_operations(table);
  add_xla_operations(table);
  add_matrix_operations(table);
  add_tensor_list_operations(table);
  add_control_operations(table);
}

}  // namespace tf2jax::tf_import
