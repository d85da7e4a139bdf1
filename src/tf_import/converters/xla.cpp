// Operations that jax2tf writes where TensorFlow has none of its own.
#include "tf2jax/tf_import/converters/internal/windows.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/control/reduce_program.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/window.h"
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/linearize.h"

#include "xla_dims.pb.h"

#include <algorithm>
#include <utility>

namespace tf2jax::tf_import {
namespace {

template <class Message>
Message dimension_numbers(const Node& n) {
  Message message;
  detail::parse_binary(n.attr<std::string>("dimension_numbers"), message,
                       fmt::format("attribute 'dimension_numbers' of '{}'", n.name()));
  return message;
}

template <class List>
Axes axes(const List& list) {
  return {list.begin(), list.end()};
}

std::optional<DType> preferred_type(const Node& n) {
  n.ignore({"precision_config", "LhsT", "RhsT"});
  if (!n.has_attr("preferred_element_type")) return std::nullopt;
  return canonical_dtype(n.attr<DType>("preferred_element_type"));
}

Values xla_dot(Node& n) {
  const auto d = dimension_numbers<xla::DotDimensionNumbers>(n);
  const DotDims dims{axes(d.lhs_contracting_dimensions()), axes(d.rhs_contracting_dimensions()),
                     axes(d.lhs_batch_dimensions()), axes(d.rhs_batch_dimensions())};
  return {dot_general(n.array(0), n.array(1), dims, preferred_type(n))};
}

// Input `i` as (before, after) of each of `count` axes; negative ones cut.
Padding pairs_of(const Node& n, std::size_t i, std::size_t count) {
  const auto flat = n.integers(i, 2 * count);
  Padding out;
  for (std::size_t k = 0; k < flat.size(); k += 2) out.emplace_back(flat[k], flat[k + 1]);
  return out;
}

// The axes of an operand in the order that a convolution wants.
Axes convolution_axes(std::int64_t batch, std::int64_t feature,
                      const google::protobuf::RepeatedField<std::int64_t>& spatial, const Array& x) {
  Axes out{batch, feature};
  out.insert(out.end(), spatial.begin(), spatial.end());
  Axes sorted = out;
  std::ranges::sort(sorted);
  check(sorted == iota_axes(x.rank()), "the dimension numbers must name each axis once. Got {} for {}.",
        tuple_string(out), x.aval());
  return out;
}

// Inputs: lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, feature_group_count.
Values xla_conv(Node& n) {
  const auto d = dimension_numbers<xla::ConvolutionDimensionNumbers>(n);
  const Array x = n.array(0, 2), kernel = n.array(1, x.rank(), x.rank());
  const std::size_t spatial = x.shape().size() - 2;
  ConvParams p;
  p.window_strides = n.integers(2, spatial, 1);
  p.padding = pairs_of(n, 3, spatial);
  p.lhs_dilation = n.integers(4, spatial, 1);
  p.rhs_dilation = n.integers(5, spatial, 1);
  p.feature_group_count = n.integer(6, 1);
  p.batch_group_count = n.has_attr("batch_group_count") ? n.attr_integer("batch_group_count", 1) : 1;
  p.preferred_element_type = preferred_type(n);
  p.dimension_numbers = {
      convolution_axes(d.input_batch_dimension(), d.input_feature_dimension(), d.input_spatial_dimensions(), x),
      convolution_axes(d.kernel_output_feature_dimension(), d.kernel_input_feature_dimension(),
                       d.kernel_spatial_dimensions(), kernel),
      convolution_axes(d.output_batch_dimension(), d.output_feature_dimension(), d.output_spatial_dimensions(), x)};
  return {conv_general_dilated(x, kernel, std::move(p))};
}

// Indices with the index vector in the last axis, where jax.lax has it.
Array index_last(const Array& indices, std::int64_t vector_axis) {
  check<AxisError>(vector_axis >= 0 && vector_axis <= indices.rank(),
                   "index_vector_dim is out of range. Got {}; expected 0 to {}.", vector_axis, indices.rank());
  return vector_axis == indices.rank() ? expand_dims(indices, {indices.rank()})
                                       : moveaxis(indices, vector_axis, indices.rank() - 1);
}

Values xla_gather(Node& n) {
  n.ignore({"indices_are_sorted"});
  const auto d = dimension_numbers<xla::GatherDimensionNumbers>(n);
  const GatherDims dims{axes(d.offset_dims()), axes(d.collapsed_slice_dims()), axes(d.start_index_map()),
                        axes(d.operand_batching_dims()), axes(d.start_indices_batching_dims())};
  return {gather(n.array(0), index_last(n.indices(1), d.index_vector_dim()), dims,
                 n.integers(2, n.array(0).shape().size(), 0), {.mode = GatherScatterMode::promise_in_bounds})};
}

// The operation a reducing function performs: its only node besides identities; empty when it returns its second
// argument.
std::string reducer(const Node& n, const FunctionRef& f) {
  std::string name = f.name;
  for (std::int64_t depth = 0; depth < config().max_function_depth; ++depth) {
    const auto body = n.interpreter().model().body(name);
    const tensorflow::NodeDef* only = nullptr;
    for (const auto& step : body->plan.steps) {
      const auto& node = body->scope.node(step.node);
      if (node.op() == "Identity") continue;
      if (std::exchange(only, &node)) return "?";
    }
    if (!only) return "";
    // A call of a function that does the work.
    const auto callees = called_functions(n.interpreter().model().library, *only);
    if (callees.empty()) return only->op() == "AddV2" ? "Add" : only->op();
    name = callees[0];
  }
  raise<ResourceExhaustedError>(
      "function '{}' calls others more than {} deep. Raise Config::max_function_depth if it should.", f.name,
      config().max_function_depth);
}

Values xla_scatter(Node& n) {
  const auto d = dimension_numbers<xla::ScatterDimensionNumbers>(n);
  const ScatterDims dims{axes(d.update_window_dims()), axes(d.inserted_window_dims()),
                         axes(d.scatter_dims_to_operand_dims()), axes(d.input_batching_dims()),
                         axes(d.scatter_indices_batching_dims())};
  const std::string op = reducer(n, n.attr<FunctionRef>("update_computation"));
  GatherOptions options;
  options.indices_are_sorted = n.attr_or<bool>("indices_are_sorted", false);
  options.unique_indices = n.attr_or<bool>("unique_indices", false);
  const Array x = n.array(0), indices = index_last(n.indices(1), d.index_vector_dim()), updates = n.array(2);
  if (op.empty()) return {scatter(x, indices, updates, dims, options)};
  if (op == "Add") return {scatter_add(x, indices, updates, dims, options)};
  if (op == "Mul") return {scatter_mul(x, indices, updates, dims, options)};
  if (op == "Maximum") return {scatter_max(x, indices, updates, dims, options)};
  if (op == "Minimum") return {scatter_min(x, indices, updates, dims, options)};
  raise<ValueError>("Reducer not supported as `update_computation`, found {}.", op);
}

Values xla_pad(Node& n) {
  const Array x = n.array(0);
  const std::size_t rank = x.shape().size();
  const auto low = n.integers(2, rank), high = n.integers(3, rank), interior = n.integers(4, rank, 0);
  std::vector<PadAxis> config;
  for (std::size_t i = 0; i < rank; ++i) config.push_back({low[i], high[i], interior[i]});
  return {pad(x, n.scalar(1), config)};
}

// Start indices; negative ones count from the end, as in jax.lax.
Arrays starts(const Node& n, const Array& x, std::size_t input) {
  const Array vector = n.indices(input);
  check<ShapeError>(vector.rank() == 1 && identical(vector.shape()[0], Dim(x.rank())),
                    "there must be one start index per axis. Got {} for {}.", vector.aval(), x.aval());
  return unstack(vector);
}

Values xla_dynamic_slice(Node& n) { return {dynamic_slice(n.array(0), starts(n, n.array(0), 1), n.sizes(2))}; }
Values xla_dynamic_update_slice(Node& n) {
  return {dynamic_update_slice(n.array(0), n.array(1), starts(n, n.array(0), 2))};
}

bool is_value(const Node& n, std::size_t i, double v) {
  const auto* x = n.input(i).get_if<Array>();
  return x && x->is_concrete() && x->size() == 1 && !is_complex(x->dtype()) && x->to_vector<double>()[0] == v;
}

// A window over all of one axis, padded on one side only, is a running reduction.
struct Cumulated {
  std::int64_t axis = -1;  // -1: it is none
  bool reverse = false;
};
Cumulated cumulative_axis(const Array& x, const Window& w) {
  Cumulated found;
  for (std::size_t i = 0; i < w.window_dimensions.size(); ++i) {
    if (w.window_strides[i] != 1 || w.base_dilation[i] != 1 || w.window_dilation[i] != 1) return {};
    const auto size = w.window_dimensions[i];
    if (size == 1 && w.padding[i] == std::pair<std::int64_t, std::int64_t>(0, 0)) continue;
    if (found.axis >= 0 || !identical(x.shape()[i], Dim(size))) return {};
    if (w.padding[i] == std::pair<std::int64_t, std::int64_t>(size - 1, 0))
      found = {static_cast<std::int64_t>(i), false};
    else if (w.padding[i] == std::pair<std::int64_t, std::int64_t>(0, size - 1))
      found = {static_cast<std::int64_t>(i), true};
    else return {};
  }
  return found;
}

// The graph's function as one of ours; it may not touch variables.
Reducer reducer_of(const Node& n, const FunctionRef& f) {
  return [&n, f](const Arrays& xs) {
    const Values out = n.call(f, Values(xs.begin(), xs.end()));
    Arrays arrays;
    for (const Value& v : out) {
      const auto* x = v.get_if<Array>();
      if (!x) n.fail(fmt::format("the reducer returns {}; only tensors are supported.", v.kind()));
      arrays.push_back(in_canonical_type(*x));
    }
    return arrays;
  };
}

// Inputs: input, init, window, strides, base dilations, window dilations, padding.
Values xla_reduce_window(Node& n) {
  const std::string op = reducer(n, n.attr<FunctionRef>("computation"));
  const Array x = n.array(0), init = n.scalar(1);
  const std::size_t rank = x.shape().size();
  const Window whole{n.integers(2, rank, 1), n.integers(3, rank, 1), pairs_of(n, 6, rank), n.integers(4, rank, 1),
                     n.integers(5, rank, 1)};
  const double inf = std::numeric_limits<double>::infinity();
  const Cumulated running = config().infer_cumulative_reduction_from_jax2tf ? cumulative_axis(x, whole) : Cumulated{};
  const bool cumulative = running.axis >= 0;
  const Window w = within_operand(x.shape(), whole);
  if (op == "Add") {
    if (cumulative && is_value(n, 1, 0)) return {cumsum(x, running.axis, running.reverse)};
    return {add(reduce_window_sum(x, w), init)};
  }
  if (op == "Mul" && cumulative && is_value(n, 1, 1)) return {cumprod(x, running.axis, running.reverse)};
  if (op == "Maximum") {
    if (cumulative && is_value(n, 1, -inf)) return {cummax(x, running.axis, running.reverse)};
    return {maximum(reduce_window_max(x, w), init)};
  }
  if (op == "Minimum") {
    if (cumulative && is_value(n, 1, inf)) return {cummin(x, running.axis, running.reverse)};
    return {minimum(reduce_window_min(x, w), init)};
  }
  const Array operands[] = {x}, inits[] = {init};
  return {reduce_window(operands, inits, reducer_of(n, n.attr<FunctionRef>("computation")), w)[0]};
}

// Inputs: operands, initial values.
Values xla_variadic_reduce(Node& n) {
  const auto all = n.attr<std::vector<std::int64_t>>("dimensions_to_reduce");
  const std::string op = reducer(n, n.attr<FunctionRef>("reducer"));
  const std::size_t count = n.num_inputs() / 2;
  check(n.num_inputs() == 2 * count && count > 0, "there must be one initial value for each operand. Got {} inputs.",
        n.num_inputs());
  const auto by_function = [&](const Axes& dims) -> Values {
    Arrays inits;
    for (std::size_t i = 0; i < count; ++i) inits.push_back(n.scalar(count + i));
    const Arrays out = reduce(n.arrays(0, count), inits, reducer_of(n, n.attr<FunctionRef>("reducer")), dims);
    return {out.begin(), out.end()};
  };
  if (count > 1) return by_function(normalize_axes(all, n.array(0).rank(), n.op()));
  const Array x = n.array(0), init = n.scalar(1);
  const Axes dims = normalize_axes(all, x.rank(), n.op());
  if (op == "Add") return {add(reduce_sum(x, dims), init)};
  if (op == "Mul") return {mul(reduce_prod(x, dims), init)};
  if (op == "Maximum") return {maximum(reduce_max(x, dims), init)};
  if (op == "Minimum") return {minimum(reduce_min(x, dims), init)};
  if (op == "LogicalAnd" || op == "BitwiseAnd") return {bitwise_and(reduce_and(x, dims), init)};
  if (op == "LogicalOr" || op == "BitwiseOr") return {bitwise_or(reduce_or(x, dims), init)};
  if (op == "BitwiseXor") return {bitwise_xor(reduce_xor(x, dims), init)};
  return by_function(dims);
}

// Inputs: operand, window, strides, padding, source, init. The gradient of a window maximum (minimum).
Values xla_select_and_scatter(Node& n) {
  const std::string select_op = reducer(n, n.attr<FunctionRef>("select")),
                    scatter_op = reducer(n, n.attr<FunctionRef>("scatter"));
  if (scatter_op != "Add") raise<ValueError>("Only Add is supported as scatter function, found {}.", scatter_op);
  if (select_op != "GreaterEqual" && select_op != "LessEqual")
    raise<ValueError>("Only GreaterEqual and LessEqual are supported as select function, found {}.", select_op);
  const Array x = n.array(0);
  check<NotImplementedError>(is_inexact(x.dtype()), "{} of integers is not implemented. Got {}.", n.op(), x.aval());
  const std::size_t rank = x.shape().size();
  const Window w =
      within_operand(x.shape(), {n.integers(1, rank, 1), n.integers(2, rank, 1), pairs_of(n, 3, rank), {}, {}});
  const FlatFn f = [&](const Arrays& xs) {
    return Arrays{select_op == "GreaterEqual" ? reduce_window_max(xs[0], w) : reduce_window_min(xs[0], w)};
  };
  const Linearized l = linearize_flat(f, {x});
  const auto cts = apply_pullback(l, {n.array(4)});
  return {cts.at(0)};
}

// A comparator of jax2tf orders by its leading keys; how many is found by comparing zeros with ones.
Values xla_variadic_sort(Node& n) {
  const auto f = n.attr<FunctionRef>("comparator");
  const bool stable = n.attr<bool>("is_stable");
  check(n.num_inputs() >= 2, "there are too few inputs. Got {}; expected operands and a dimension.", n.num_inputs());
  const std::size_t count = n.num_inputs() - 1;
  const Arrays operands = n.arrays(0, count);
  for (const auto& x : operands) {
    check<ShapeError>(identical(x.shape(), operands[0].shape()), "the operands must have one shape. Got {} and {}.",
                      operands[0].aval(), x.aval());
  }
  const auto compare = [&](std::size_t smaller) {
    Values arguments;
    for (std::size_t i = 0; i < count; ++i) {
      const DType type = operands[i].dtype();
      // Keys before `smaller` are equal; that one is smaller on the left; later ones are larger.
      arguments.emplace_back(i > smaller && smaller < count ? ones({}, type) : zeros({}, type), true);
      arguments.emplace_back(i == smaller ? ones({}, type) : zeros({}, type), true);
    }
    const TraceScope eval(eval_trace());
    const Values result = n.call(f, arguments);
    const auto* x = result.size() == 1 ? result[0].get_if<Array>() : nullptr;
    return x && x->is_concrete() && x->rank() == 0 && x->item<bool>();
  };
  std::size_t keys = 0;
  // Equal keys must compare false: it is an order, not its negation.
  if (compare(count)) raise<ValueError>("Only less-than comparator is supported for XlaVariadicSort.");
  while (keys < count && compare(keys)) ++keys;
  if (keys == 0) raise<ValueError>("Only less-than comparator is supported for XlaVariadicSort.");
  Values out;
  for (auto& x : sort(operands, n.axis(count, operands[0].rank()), stable, static_cast<std::int64_t>(keys)))
    out.emplace_back(std::move(x));
  return out;
}

// Inputs: algorithm, state, shape.
Values xla_rng_bit_generator(Node& n) {
  n.ignore({"Tshape"});
  const DType dtype = n.attr<DType>("dtype");
  if (dtype != DType::u32)
    raise<ValueError>("XlaRngBitGenerator currently only supports uint32, found {}.", numpy_name(dtype));
  const std::int64_t number = n.integer(0);
  check<LookupError>(number >= 1 && number <= 3, "there is no algorithm {}. There are 1 (Philox), 2 (ThreeFry) and 3.",
                     number);
  auto [state, bits] = rng_bit_generator(n.array(1), n.sizes(2), dtype, static_cast<RngAlgorithm>(3 - number));
  return {std::move(state), std::move(bits)};
}

Values same_inputs(Node& n) {
  Values out;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) out.push_back(n.input(i));
  return out;
}

Values xla_sharding(Node& n) {
  n.ignore({"sharding", "use_shardy_partitioner"});
  const auto dims = n.has_attr("unspecified_dims") ? n.attr<std::vector<std::int64_t>>("unspecified_dims")
                                                   : std::vector<std::int64_t>();
  if (!dims.empty()) raise<ValueError>("unspecified_dims is not supported. Got {}; expected none.", tuple_string(dims));
  return {n.input(0)};
}

}  // namespace

void add_xla_operations(ConverterTable& table) {
  for (const char* op : {"XlaDot", "XlaDotV2"}) table.add(op, xla_dot);
  for (const char* op : {"XlaConv", "XlaConvV2"}) table.add(op, xla_conv);
  table.add("XlaGather", xla_gather);
  table.add("XlaScatter", xla_scatter);
  table.add("XlaPad", xla_pad);
  table.add("XlaDynamicSlice", xla_dynamic_slice);
  table.add("XlaDynamicUpdateSlice", xla_dynamic_update_slice);
  table.add("XlaReduceWindow", xla_reduce_window);
  table.add("XlaVariadicReduceV2", xla_variadic_reduce);
  table.add("XlaSelectAndScatter", xla_select_and_scatter);
  table.add("XlaVariadicSort", xla_variadic_sort);
  table.add("XlaRngBitGenerator", xla_rng_bit_generator);
  table.add("XlaReducePrecision", [](Node& n) {
    return Values{reduce_precision(n.array(0), static_cast<int>(n.attr_integer("exponent_bits", 1, 11)),
                                   static_cast<int>(n.attr_integer("mantissa_bits", 0, 52)))};
  });
  table.add("XlaEinsum", [](Node& n) { return Values{einsum(n.attr<std::string>("equation"), n.arrays(0, 2))}; });
  table.add("XlaSort", [](Node& n) { return Values{sort(n.array(0, 1))}; });
  table.add("XlaKeyValueSort", [](Node& n) {
    const Arrays out = sort(n.arrays(0, 2));
    return Values{out[0], out[1]};
  });
  table.add("XlaOptimizationBarrier", same_inputs);
  table.add("XlaSharding", xla_sharding);
}

}  // namespace tf2jax::tf_import
