// The rules of scatters: XlaScatter, or TensorScatter* on the elements as a vector.
#include <algorithm>

#include "tf2jax/jax2tf/internal/positions.h"
#include "tf2jax/ops/rule_makers.h"

#include "xla_dims.pb.h"

namespace tf2jax::jax2tf {
namespace {

struct Kind {
  const char* name;
  const char* op;     // of two numbers; null: the update itself
  const char* plain;  // of a vector; null: there is none
  const char* bools;  // of two bools
};
constexpr Kind kKinds[] = {{"scatter", nullptr, "TensorScatterUpdate", nullptr},
                           {"scatter-add", "AddV2", "TensorScatterAdd", "LogicalOr"},
                           {"scatter-sub", "AddV2", "TensorScatterSub", nullptr},
                           {"scatter-mul", "Mul", nullptr, "LogicalAnd"},
                           {"scatter-min", "Minimum", "TensorScatterMin", "LogicalAnd"},
                           {"scatter-max", "Maximum", "TensorScatterMax", "LogicalOr"}};

Shape window_of(const Shape& operand, const Shape& updates, const Positions& at, const Axes& window_dims) {
  Shape window;
  std::size_t next = 0;
  for (std::size_t a = 0; a < operand.size(); ++a)
    window.push_back(contains(at.gone, static_cast<std::int64_t>(a)) ? Dim(1) : updates[window_dims[next++]]);
  return window;
}

struct ScatterPlan {
  Positions at;
  Tensor starts;
  Axes window_dims;
  Shape window;
};

Tensor xla_scatter(Lowering& c, const Kind& kind, const Tensors& x, const ScatterPlan& s, const ScatterParams& p) {
  xla::ScatterDimensionNumbers d;
  for (const auto a : s.window_dims) d.add_update_window_dims(a);
  for (const auto a : s.at.gone) d.add_inserted_window_dims(a);
  for (const auto a : s.at.map) d.add_scatter_dims_to_operand_dims(a);
  d.set_index_vector_dim(s.at.rank);
  const DType type = x[0].dtype;
  const bool subtracts = std::string_view(kind.name) == "scatter-sub";
  const char* op = is_bool(type) ? kind.bools : kind.op;
  if (is_bool(type) && subtracts) refuse(kind.name, "bools are not subtracted in TensorFlow");
  const FunctionName f = c.scalar_function("scatter_update", {type, type}, [&](Lowering& inner, const Tensors& v) {
    if (p.update_jaxpr && !kind.op) {
      const Tensors arguments(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(p.update_jaxpr->num_inputs()));
      return inner.run(*p.update_jaxpr, arguments)[0];
    }
    return op ? inner.binary(op, v[0], v[1]) : v[1];
  });
  const Tensor updates = subtracts ? c.negated(x[2]) : x[2];
  return c.node(
      "XlaScatter", {x[0], s.starts, updates}, aval_of(x[0]),
      {{"update_computation", f},
       {"dimension_numbers", detail::serialize(d)},
       {"indices_are_sorted", p.indices_are_sorted && s.at.map == p.dimension_numbers.scatter_dims_to_operand_dims}});
}

// The place of each element of the updates in the operand's row-major order.
Tensor linear_index(Lowering& c, const Tensors& x, const ScatterPlan& s, const Axes& batch_axes) {
  const Shape& updates = x[2].shape;
  const auto rank = static_cast<std::int64_t>(x[0].shape.size());
  std::optional<Tensor> sum;
  const auto add = [&](const Tensor& t) { sum = sum ? c.binary("AddV2", *sum, t) : t; };
  Dim stride = 1;
  std::size_t kept = s.window_dims.size();
  for (std::int64_t a = rank - 1; a >= 0; --a) {
    const Tensor step = c.size(stride);
    if (!contains(s.at.gone, a)) {
      const auto axis = s.window_dims[--kept];
      Shape line(updates.size(), 1);
      line[axis] = updates[axis];
      add(c.binary("Mul", c.iota(i32, line, axis), step));
    }
    const auto it = std::ranges::find(s.at.map, a);
    if (it != s.at.map.end()) {
      Shape from(s.starts.shape.size(), 0), to = s.starts.shape, lined(updates.size(), 1);
      from.back() = Dim(it - s.at.map.begin()), to.back() = from.back() + 1;
      for (std::size_t k = 0; k < batch_axes.size(); ++k) lined[batch_axes[k]] = s.starts.shape[k];
      add(c.binary("Mul", c.reshape(c.slice(s.starts, from, to), lined), step));
    }
    stride = stride * x[0].shape[a];
  }
  return sum ? c.broadcast(*sum, updates) : c.broadcast(c.index(0), updates);
}

// Updates outside go to one more element, which is cut off again.
Tensor plain_scatter(Lowering& c, const Kind& kind, const Tensors& x, const ScatterPlan& s, bool drops) {
  if (!kind.plain) refuse(kind.name, "TensorFlow has no plain operation that multiplies into places");
  if (is_bool(x[0].dtype) && kind.op) refuse(kind.name, "TensorFlow's plain scatters of bools only replace");
  Axes batch_axes;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(x[2].shape.size()); ++i)
    if (!contains(s.window_dims, i)) batch_axes.push_back(i);
  const Dim size = num_elements(x[0].shape), count = num_elements(x[2].shape);
  Tensor index = linear_index(c, x, s, batch_axes);
  if (drops) {
    Shape lined(x[2].shape.size(), 1);
    for (std::size_t k = 0; k < batch_axes.size(); ++k) lined[batch_axes[k]] = s.starts.shape[k];
    index = c.select(c.reshape(inside(c, s.at, x[0].shape, s.window), lined), index, c.size(size));
  }
  const Tensor flat = c.pad(c.reshape(x[0], {size}), {0}, {1}, c.scalar(x[0].dtype, 0));
  const Tensor updated =
      c.node(kind.plain, {flat, c.reshape(index, {count, 1}), c.reshape(x[2], {count})}, {x[0].dtype, flat.shape});
  return c.reshape(c.slice(updated, {0}, {size}), x[0].shape);
}

Rule scatter_rule(const Kind& kind) {
  return [&kind](Lowering& c, const Tensors& x, const EquationParams& params, const Avals&) -> Tensors {
    const auto& p = params.get<ScatterParams>();
    const bool applies = p.update_jaxpr && !kind.op;
    ScatterPlan s;
    s.at = positions(c, x[1], p.dimension_numbers);
    s.window_dims = p.dimension_numbers.update_window_dims;
    if (x[0].shape.size() > s.window_dims.size() + s.at.gone.size())  // the words of keys
      s.window_dims.push_back(static_cast<std::int64_t>(x[2].shape.size()) - 1);
    s.window = window_of(x[0].shape, x[2].shape, s.at, s.window_dims);
    const auto empty = [](const Tensor& t) {
      return std::ranges::any_of(t.shape, [](Dim n) { return identical(n, Dim(0)); });
    };
    if (empty(x[0]) || empty(x[2])) return {x[0]};
    const bool clips = p.mode == GatherScatterMode::clip;
    s.starts = clips ? clamped(c, s.at, x[0].shape, s.window) : s.at.vectors;
    if (is_complex(x[0].dtype) && kind.op && std::string_view(kind.op).ends_with("imum"))
      refuse(kind.name, "TensorFlow does not order complex numbers");
    if (c.enable_xla()) return {xla_scatter(c, kind, x, s, p)};
    if (applies) need_xla(c, kind.name);
    return {plain_scatter(c, kind, x, s, !clips)};
  };
}

}  // namespace

void add_scatter_rules(Rules& rules) {
  constexpr PrimitiveFn kPrimitives[] = {scatter_p,     scatter_add_p, scatter_sub_p,
                                         scatter_mul_p, scatter_min_p, scatter_max_p};
  for (std::size_t i = 0; i < std::size(kPrimitives); ++i) rules.set(kPrimitives[i](), scatter_rule(kKinds[i]));
}

}  // namespace tf2jax::jax2tf
