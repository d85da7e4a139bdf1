// How reductions over axes and windows are written.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/control/reduce_program.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"

#include <limits>

namespace tf2jax::stablehlo {
namespace {

Aval scalar_of(DType d) { return {d, {}, false}; }

template <class T>
Array identity_as(std::string_view op) {
  T v{};
  using Limits = std::numeric_limits<T>;
  if (op == "multiply") v = T(1);
  if constexpr (std::integral<T>) {
    if (op == "maximum") v = Limits::lowest();
    if (op == "minimum") v = Limits::max();
    if (op == "and") v = std::same_as<T, bool> ? T(true) : static_cast<T>(-1);
  } else if constexpr (requires { v.real(); }) {
    const auto inf = std::numeric_limits<typename T::value_type>::infinity();
    if (op == "maximum") v = T(-inf);
    if (op == "minimum") v = T(inf);
  } else {
    const auto inf = std::numeric_limits<float>::infinity();
    if (op == "maximum") v = T(-inf);
    if (op == "minimum") v = T(inf);
  }
  return detail::exact_array(scalar_of(dtype_of<T>), std::as_bytes(std::span(&v, 1)));
}
Array identity_of(std::string_view op, DType dtype) {
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) { return identity_as<T>(op); });
}

// A region of two scalars that applies one operation. Of bools `or` is the sum and the maximum.
std::string_view of_type(std::string_view op, DType d) {
  if (!is_bool(d)) return op;
  return op == "add" || op == "maximum" ? "or" : op == "multiply" || op == "minimum" ? "and" : op;
}
Region combiner(Emitter& out, std::string_view op, DType d) {
  const Aval s = scalar_of(d);
  return out.region({s, s}, [&](const ValueIds& xs) { return out.op(of_type(op, d), xs, {type_of(s)}); });
}
std::vector<Region> one(Region r) {
  std::vector<Region> out;
  out.push_back(std::move(r));
  return out;
}

ValueIds reduce_w(const Emission& e, std::string_view op, const Axes& axes) {
  const DType d = e.inputs[0].dtype;
  const ValueId init = e.out.constant(identity_of(of_type(op, d), d));
  return e.out.op("reduce", {e.operands[0], init}, types_of(e.outputs), {{"dimensions", integers_attribute(axes)}},
                  one(combiner(e.out, op, d)));
}

Attributes window_attributes(const Window& w) {
  return {{"base_dilations", integers_attribute(w.base_dilation)},
          {"padding", pairs_attribute(w.padding)},
          {"window_dilations", integers_attribute(w.window_dilation)},
          {"window_dimensions", integers_attribute(w.window_dimensions)},
          {"window_strides", integers_attribute(w.window_strides)}};
}

ValueIds window_w(const Emission& e, std::string_view op, const Window& given) {
  const DType d = e.inputs[0].dtype;
  const Window w = rules::complete_window("reduce_window", given, e.inputs[0].rank());
  const ValueId init = e.out.constant(identity_of(of_type(op, d), d));
  return e.out.op("reduce_window", {e.operands[0], init}, types_of(e.outputs), window_attributes(w),
                  one(combiner(e.out, op, d)));
}

// A running reduction is one over windows of the whole axis.
Window running(const Aval& x, const Cumulative& p) {
  const auto rank = as_index(x.rank()), axis = as_index(p.axis);
  const std::int64_t n = x.shape[axis].value();
  Window w{Dims(rank, 1), Dims(rank, 1), Padding(rank), Dims(rank, 1), Dims(rank, 1)};
  w.window_dimensions[axis] = n;
  if (p.reverse) w.padding[axis].second = std::max<std::int64_t>(n - 1, 0);
  else w.padding[axis].first = std::max<std::int64_t>(n - 1, 0);
  return w;
}

// The same along an axis of a size that is not known: what JAX calls for it, with the window as operands.
ValueIds running_of_open_size(const Emission& e, const Array& identity, const FlatFn& combine) {
  const auto& p = e.params.get<Cumulative>();
  const Aval& x = e.inputs[0];
  const Aval scalar = scalar_of(x.dtype);
  const auto rank = as_index(x.rank()), axis = as_index(p.axis);
  const Shape ones(rank, Dim(1));
  Shape window = ones, padding(2 * rank, Dim(0));
  window[axis] = x.shape[axis];
  padding[2 * axis + (p.reverse ? 1 : 0)] = x.shape[axis] - 1;
  const Aval pairs{DType::i32, {Dim(rank), Dim(2)}, false};
  const ValueId unit = e.out.sizes(ones);
  const std::string body = e.out.private_function("reducer", stage(combine, {scalar, scalar}));
  return e.out.op("custom_call",
                  {e.operands[0], e.out.constant(identity), e.out.sizes(window), unit, unit, unit,
                   e.out.op1("reshape", {e.out.sizes(padding)}, pairs)},
                  types_of(e.outputs),
                  {{"api_version", string_attribute("API_VERSION_ORIGINAL")},
                   {"call_target_name", string_attribute("stablehlo.dynamic_reduce_window")},
                   {"called_computations", array_attribute({symbol_attribute(body)})},
                   {"has_side_effect", boolean_attribute(false)}});
}

ValueIds cumulative_w(const Emission& e, std::string_view op) {
  const auto& p = e.params.get<Cumulative>();
  const Dim size = e.inputs[0].shape[as_index(p.axis)];
  const DType d = e.inputs[0].dtype;
  if (!size.is_constant())
    return running_of_open_size(e, identity_of(of_type(op, d), d), [&](const Arrays& xs) {
      if (op == "add") return Arrays{add(xs[0], xs[1])};
      if (op == "multiply") return Arrays{mul(xs[0], xs[1])};
      return Arrays{op == "maximum" ? maximum(xs[0], xs[1]) : minimum(xs[0], xs[1])};
    });
  if (size.value() == 0) return e.operands;
  return window_w(e, op, running(e.inputs[0], p));
}

ValueIds compare(Emitter& out, std::string_view direction, std::string_view type, ValueId x, ValueId y) {
  return out.op("compare", {x, y}, {type_of(scalar_of(DType::bool_))},
                {{"compare_type", string_attribute(std::string(type))},
                 {"comparison_direction", string_attribute(std::string(direction))}});
}

// The place of the largest (smallest) element: the first NaN, or the first of equal ones, as JAX writes it.
ValueIds place_w(const Emission& e, bool largest) {
  const auto& p = e.params.get<ArgReduce>();
  const DType d = e.inputs[0].dtype, index = p.index_dtype;
  Emitter& out = e.out;
  const ValueId places = out.iota(p.axes.at(0), {index, e.inputs[0].shape, false});
  const ValueId first = out.constant(identity_of(largest ? "maximum" : "minimum", d)),
                zero = out.constant(identity_of("add", index));
  const std::string_view type = is_floating(d) ? "FLOAT" : is_signed_integer(d) ? "SIGNED" : "UNSIGNED";
  const std::string_view index_type = is_signed_integer(index) ? "SIGNED" : "UNSIGNED";
  const Aval x = scalar_of(d), i = scalar_of(index), flag = scalar_of(DType::bool_);
  Region body = out.region({x, i, x, i}, [&](const ValueIds& v) {
    const ValueId better = compare(out, largest ? "GT" : "LT", type, v[0], v[2])[0];
    const ValueId nan = compare(out, "NE", type, v[0], v[0])[0];
    const ValueId wins = out.op1("or", {better, nan}, flag);
    const ValueId equal = compare(out, "EQ", type, v[0], v[2])[0];
    const ValueId before = compare(out, "LT", index_type, v[1], v[3])[0];
    const ValueId ties = out.op1("and", {equal, before}, flag);
    const ValueId stays = out.op1("or", {wins, ties}, flag);
    return ValueIds{out.op1("select", {wins, v[0], v[2]}, x), out.op1("select", {stays, v[1], v[3]}, i)};
  });
  const Aval value{d, e.outputs[0].shape, false};
  return {out.op("reduce", {e.operands[0], places, first, zero}, {type_of(value), type_of(e.outputs[0])},
                 {{"dimensions", integers_attribute(p.axes)}}, one(std::move(body)))[1]};
}

Region of_program(Emitter& out, const Jaxpr& program) {
  return out.region(program.input_avals(), [&](const ValueIds& xs) { return out.inlined(program, xs); });
}

ValueIds select_and_scatter_w(const Emission& e) {
  const auto& p = e.params.get<SelectAndScatter>();
  const DType d = e.inputs[1].dtype;
  const Window w = rules::complete_window(
      "select_and_scatter", {p.window_dimensions, p.window_strides, p.padding, {}, {}}, e.inputs[1].rank());
  const Aval s = scalar_of(d);
  std::vector<Region> regions;
  regions.push_back(e.out.region({s, s}, [&](const ValueIds& xs) {
    const std::string_view type = is_floating(d) ? "FLOAT" : is_signed_integer(d) ? "SIGNED" : "UNSIGNED";
    return compare(e.out, p.select_prim == "ge" ? "GE" : "LE", type, xs[0], xs[1]);
  }));
  regions.push_back(combiner(e.out, "add", d));
  const ValueId zero = e.out.constant(identity_of("add", d));
  return e.out.op("select_and_scatter", {e.operands[1], e.operands[0], zero}, types_of(e.outputs),
                  {{"padding", pairs_attribute(w.padding)},
                   {"window_dimensions", integers_attribute(w.window_dimensions)},
                   {"window_strides", integers_attribute(w.window_strides)}},
                  std::move(regions));
}

// log(exp(x) + exp(y)), in the order that JAX has it.
Arrays log_sum_exp(const Arrays& xs) {
  const Array larger = maximum(xs[0], xs[1]), distance = sub(xs[0], xs[1]);
  const Array nan = not_equal(distance, distance), sum = add(xs[0], xs[1]);
  return {select(nan, sum, add(larger, log1p(exp(neg(abs(distance))))))};
}

ValueIds cumulative_log_sum_exp(const Emission& e) {
  const auto& p = e.params.get<Cumulative>();
  const DType d = e.inputs[0].dtype;
  const Dim size = e.inputs[0].shape[as_index(p.axis)];
  if (!size.is_constant()) return running_of_open_size(e, identity_of("maximum", d), log_sum_exp);
  if (size.value() == 0) return e.operands;
  const Avals two(2, scalar_of(d));
  Region body = e.out.region(two, [&](const ValueIds& xs) { return e.out.expanded(log_sum_exp, two, xs); });
  const ValueId init = e.out.constant(identity_of("maximum", d));
  return e.out.op("reduce_window", {e.operands[0], init}, types_of(e.outputs),
                  window_attributes(running(e.inputs[0], p)), one(std::move(body)));
}

// The element that a window of the second operand picks, out of the first.
ValueIds select_and_gather_w(const Emission& e) {
  const auto& p = e.params.get<SelectAndGather>();
  const Window w = rules::complete_window(
      "select_and_gather_add", {p.window_dimensions, p.window_strides, p.padding, p.base_dilation, p.window_dilation},
      e.inputs[0].rank());
  const bool largest = p.select_prim == "ge";
  const DType key = e.inputs[1].dtype, value = e.inputs[0].dtype;
  const Aval k = scalar_of(key), v = scalar_of(value);
  Emitter& out = e.out;
  Region body = out.region({k, v, k, v}, [&](const ValueIds& xs) {
    const ValueId first = compare(out, largest ? "GE" : "LE", is_floating(key) ? "FLOAT" : "SIGNED", xs[0], xs[2])[0];
    return ValueIds{out.op1("select", {first, xs[0], xs[2]}, k), out.op1("select", {first, xs[1], xs[3]}, v)};
  });
  const ValueId init = out.constant(identity_of(largest ? "maximum" : "minimum", key)),
                zero = out.constant(identity_of("add", value));
  return {out.op("reduce_window", {e.operands[1], e.operands[0], init, zero},
                 {type_of(Aval{key, e.outputs[0].shape, false}), type_of(e.outputs[0])}, window_attributes(w),
                 one(std::move(body)))[1]};
}

}  // namespace

void add_reduction_writers(Writers& t) {
  const std::pair<const char*, const char*> sums[] = {
      {"reduce_sum", "add"}, {"reduce_max", "maximum"}, {"reduce_min", "minimum"}};
  for (const auto& [primitive, op] : sums)
    t[primitive] = [op = std::string(op)](const Emission& e) {
      return reduce_w(e, op, e.params.get<ReduceAxes>().axes);
    };
  const std::pair<const char*, const char*> others[] = {
      {"reduce_prod", "multiply"}, {"reduce_and", "and"}, {"reduce_or", "or"}, {"reduce_xor", "xor"}};
  for (const auto& [primitive, op] : others)
    t[primitive] = [op = std::string(op)](const Emission& e) {
      return reduce_w(e, op, e.params.get<PlainReduceAxes>().axes);
    };
  const std::pair<const char*, const char*> runs[] = {
      {"cumsum", "add"}, {"cumprod", "multiply"}, {"cummax", "maximum"}, {"cummin", "minimum"}};
  for (const auto& [primitive, op] : runs)
    t[primitive] = [op = std::string(op)](const Emission& e) { return cumulative_w(e, op); };
  const std::pair<const char*, const char*> windows[] = {
      {"reduce_window_sum", "add"}, {"reduce_window_max", "maximum"}, {"reduce_window_min", "minimum"}};
  for (const auto& [primitive, op] : windows)
    t[primitive] = [op = std::string(op)](const Emission& e) { return window_w(e, op, e.params.get<Window>()); };
  t["argmax"] = [](const Emission& e) { return place_w(e, true); };
  t["argmin"] = [](const Emission& e) { return place_w(e, false); };
  t["reduce"] = [](const Emission& e) {
    const auto& p = e.params.get<ReduceProgram>();
    return e.out.op("reduce", e.operands, types_of(e.outputs), {{"dimensions", integers_attribute(p.dimensions)}},
                    one(of_program(e.out, p.jaxpr)));
  };
  t["reduce_window"] = [](const Emission& e) {
    const auto& p = e.params.get<WindowProgram>();
    const Window w = rules::complete_window("reduce_window", p.window, e.inputs[0].rank());
    return e.out.op("reduce_window", e.operands, types_of(e.outputs), window_attributes(w),
                    one(of_program(e.out, p.jaxpr)));
  };
  t["cumlogsumexp"] = cumulative_log_sum_exp;
  t["select_and_gather_add"] = select_and_gather_w;
  t["select_and_scatter_add"] = select_and_scatter_w;
}

}  // namespace tf2jax::stablehlo
