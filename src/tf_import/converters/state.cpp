// Constants, placeholders, variables, assertions and calls.
#include "tf2jax/tf_import/converters/internal/checks.h"
#include "tf2jax/tf_import/converters/internal/tensorflow_gradients.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/config.h"
#include "tf2jax/base/warning.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/trace.h"

#include <algorithm>
#include <functional>

namespace tf2jax::tf_import {
namespace {

Values constant(Node& n) {
  TensorData data = n.attr<TensorData>("value");
  if (auto* strings = std::get_if<StringTensor>(&data)) return {Value(std::move(*strings))};
  Array x = std::get<Array>(std::move(data));
  const bool narrow = (x.dtype() == f32 && config().force_const_float32_to_bfloat16) ||
                      (x.dtype() == f64 && config().force_const_float64_to_bfloat16);
  if (narrow) {
    warn_once("constants as bfloat16", "Converting float consts to bfloat16, as the configuration says.");
    const std::vector<float> values = x.to_vector<float>();
    x = Array::build({bf16, x.shape(), false}, [&](std::byte* out) {
      std::transform(values.begin(), values.end(), reinterpret_cast<bfloat16*>(out),
                     [](float v) { return bfloat16(v); });
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

Values assertion(Node&) {
  warn_once("Assert", "Assert has no effect.");
  return {};
}

// Checked only where the configuration asks for it, as the Python library does by checkify.
Values check_numerics(Node& n) {
  const auto message = n.attr_or<std::string>("message", "");
  if (!config().enable_checkify_for_asserts) return {n.input(0)};
  return {checked_finite(n.array(0), message)};
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

// `update(n, read)` is the new value; read() is the old one. Graphs whose variables became constants have tensors for
// references; nothing is assigned then.
using Read = std::function<Array()>;
template <class F>
Converter assignment(bool returns_reference, F update) {
  return [returns_reference, update](Node& n) -> Values {
    n.ignore({"validate_shape", "use_locking"});
    if (const auto* frozen = n.input(0).get_if<Array>(); frozen && returns_reference)
      return {update(n, [&] { return in_canonical_type(*frozen); })};
    const VariableRef variable = n.variable(0);
    const Array next = update(n, [&] { return n.interpreter().read(variable); });
    n.interpreter().assign(variable, next);
    return {returns_reference ? Value(variable) : Value(next)};
  };
}

Array plain(Node& n, std::size_t i) {
  const Value& v = n.input(i);
  const auto* x = v.get_if<Array>();
  return x && v.is_host() ? in_canonical_type(*x) : n.array(i);
}

// Rows of a variable joined with updates, one number or one row for each index.
Array scattered_rows(const Node& n, const Array& x, Scatter join) {
  n.ignore({"dtype", "Tindices"});
  const Array indices = n.indices(1);
  Shape rows = indices.shape();
  check<ShapeError>(x.rank() > 0, "the variable has no rows. Got {}.", x.aval());
  rows.insert(rows.end(), x.shape().begin() + 1, x.shape().end());
  const Array updates = broadcast_to(astype(n.array(2), x.dtype()), rows);
  return scatter_windows(join, x, expand_dims(indices, {-1}), updates);
}

// Windows of a variable joined with updates; the last axis of the indices is a position along its leading axes.
Array scattered_windows(const Node& n, const Array& x, Scatter join) {
  n.ignore({"T", "Tindices", "bad_indices_policy"});
  return scatter_windows(join, x, n.indices(1), astype(n.array(2), x.dtype()));
}

// Quotients are products with reciprocals only where they are exact; each index may occur several times.
Array scatter_div(const Array& x, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& options) {
  if (is_integer(x.dtype())) raise<NotImplementedError>("quotients of integers are not implemented. Got {}.", x.aval());
  return div(x, scatter_mul(ones_like(x), indices, updates, dims, options));
}

Values variable_shape(Node& n) {
  return {sizes_value(n.interpreter().read(n.variable(0)).shape(), false, n.attr<DType>("out_type"))};
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
  for (std::size_t i = 0; ok && expected && i < shape.size(); ++i)
    ok = (*expected)[i] < 0 || definitely_equal(shape[i], (*expected)[i]).value_or(false);
  if (!ok) {
    std::string text = "[";
    for (std::size_t i = 0; i < expected->size(); ++i)
      text += (i ? ", " : "") + ((*expected)[i] < 0 ? std::string("None") : fmt::format("{}", (*expected)[i]));
    raise<ValueError>("Expected shape={}], found {}.", text, to_string(shape));
  }
  return {n.input(0)};
}

Values placeholder_with_default(Node& n) {
  n.ignore({"shape"});
  return {n.input(0)};
}

void add_assignments(ConverterTable& table) {
  const OpTraits effect{.has_effect = true}, silent{.has_effect = true, .has_no_value = true};
  table.add("AssignVariableOp", assignment(false, [](Node& n, const Read&) { return plain(n, 1); }), silent);
  table.add("AssignAddVariableOp",
            assignment(false, [](Node& n, const Read& read) { return add(read(), plain(n, 1)); }), effect);
  table.add("AssignSubVariableOp",
            assignment(false, [](Node& n, const Read& read) { return sub(read(), plain(n, 1)); }), effect);
  table.add("Assign", assignment(true, [](Node& n, const Read&) { return plain(n, 1); }), silent);
  table.add("AssignAdd", assignment(true, [](Node& n, const Read& read) { return add(read(), plain(n, 1)); }), effect);
  table.add("AssignSub", assignment(true, [](Node& n, const Read& read) { return sub(read(), plain(n, 1)); }), effect);
  const std::pair<const char*, Scatter> scatters[] = {{"Update", scatter},  {"Add", scatter_add}, {"Sub", scatter_sub},
                                                      {"Mul", scatter_mul}, {"Div", scatter_div}, {"Min", scatter_min},
                                                      {"Max", scatter_max}};
  const auto add_scatter = [&](const std::string& op, auto rows, Scatter join) {
    const auto update = [=](Node& n, const Read& read) { return rows(n, read(), join); };
    const bool of_resource = op.starts_with("Resource");
    table.add(op, assignment(!of_resource, update), of_resource ? silent : effect);
  };
  for (const auto& [kind, join] : scatters) {
    add_scatter(fmt::format("ResourceScatter{}", kind), scattered_rows, join);
    add_scatter(fmt::format("Scatter{}", kind), scattered_rows, join);
    // At several leading axes; TensorFlow has no products and quotients of these.
    if (join == scatter_mul || join == scatter_div) continue;
    add_scatter(fmt::format("ResourceScatterNd{}", kind), scattered_windows, join);
    add_scatter(fmt::format("ScatterNd{}", kind), scattered_windows, join);
  }
}

}  // namespace

void add_state_operations(ConverterTable& table) {
  for (const char* op : {"Const", "HostConst"}) table.add(op, constant, {.has_no_value = true});
  for (const char* op : {"Identity", "Snapshot", "GuaranteeConst", "DeepCopy", "RefIdentity", "DebugGradientIdentity"})
    table.add(op, same);
  table.add("CheckNumerics", check_numerics);
  table.add("Placeholder", placeholder, {.has_no_value = true});
  table.add("PlaceholderWithDefault", placeholder_with_default);
  table.add("VarHandleOp", variable_handle, {.is_variable = true, .has_no_value = true});
  for (const char* op : {"VariableV2", "Variable"}) table.add(op, variable_handle, {.is_variable = true});
  table.add("ReadVariableOp", read_variable);
  for (const char* op : {"VarIsInitializedOp", "IsVariableInitialized"})
    table.add(op, [](Node& n) {
      return Values{Value(Array(n.interpreter().variables().at(n.variable(0).index).has_value()), true)};
    });
  table.add("ReadVariablesOp", [](Node& n) {
    n.ignore({"N", "dtypes"});
    Values out;
    for (std::size_t i = 0; i < n.num_inputs(); ++i) out.push_back(n.interpreter().read(n.variable(i)));
    return out;
  });
  table.add("Print", [](Node& n) {  // prints nothing here
    n.ignore({"U", "message", "first_n", "summarize"});
    return Values{n.input(0)};
  });
  add_assignments(table);
  table.add("VariableShape", variable_shape);
  table.add("PartitionedCall", call_function);
  table.add("StatefulPartitionedCall", call_function);
  table.add("EnsureShape", ensure_shape);
  // Without a result, and without an effect here.
  const OpTraits nothing{.ignored = {"summarize", "ignore_lookup_error"}, .has_no_value = true};
  for (const char* op : {"NoOp", "ControlTrigger", "DestroyResourceOp", "DisableCopyOnRead"})
    table.add(op, [](Node&) { return Values{}; }, nothing);
  table.add("Assert", assertion, nothing);
  for (const char* op : {"SaveV2", "RestoreV2", "MergeV2Checkpoints"}) table.declare(op, {.has_no_value = true});
}

Array known_integers(std::span<const std::int64_t> values, const Dims& dims, DType dtype) {
  const TraceScope eval(eval_trace());
  const auto x64 = override_config(&Config::enable_x64, true);
  return astype(detail::exact_array({DType::i64, symbolic(dims), false}, std::as_bytes(values)), dtype);
}

void add_builtin_operations(ConverterTable& table) {
  add_state_operations(table);
  add_gradient_operations(table);
  add_math_operations(table);
  add_shape_operations(table);
  add_symbolic_arithmetic(table);
  add_join_operations(table);
  add_padding_operations(table);
  add_creation_operations(table);
  add_index_operations(table);
  add_slice_operations(table);
  add_reduce_operations(table);
  add_nn_operations(table);
  add_random_operations(table);
  add_generator_operations(table);
  add_xla_operations(table);
  add_module_operations(table);
  add_matrix_operations(table);
  add_tensor_list_operations(table);
  add_control_operations(table);
  add_fft_operations(table);
  add_linalg_operations(table);
  add_search_operations(table);
  add_conv_operations(table);
  add_pool_operations(table);
  add_segment_operations(table);
  add_resize_operations(table);
  add_image_operations(table);
  add_quantize_operations(table);
  add_value_shape_operations(table);
  add_sequence_operations(table);
  add_neighbour_operations(table);
  add_recurrent_operations(table);
  add_optimizer_operations(table);
  add_table_operations(table);
  add_ragged_operations(table);
  add_text_operations(table);
  add_sparse_operations(table);
  add_special_operations(table);
  add_banded_operations(table);
  add_string_movement(table);
  add_exact_random(table);
  add_tensorflow_gradients(table);
}

}  // namespace tf2jax::tf_import
