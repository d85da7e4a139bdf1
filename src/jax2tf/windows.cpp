// Rules of sliding windows: XlaReduceWindow, or strided slices axis by axis.
#include <algorithm>

#include "tf2jax/control/reduce_program.h"
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/window.h"

namespace tf2jax::jax2tf {
namespace {

Tensor widths(Lowering& c, const Padding& padding) {
  Axes flat;
  for (const auto& [low, high] : padding) flat.push_back(low), flat.push_back(high);
  return c.reshape(c.ints(flat), {Dim(padding.size()), 2});
}

Tensor xla_window(Lowering& c, const Tensor& x, const Tensor& init, const Window& w, const FunctionName& f,
                  const Aval& out) {
  return c.node("XlaReduceWindow",
                {x, init, c.ints(w.window_dimensions), c.ints(w.window_strides), c.ints(w.base_dilation),
                 c.ints(w.window_dilation), widths(c, w.padding)},
                out, {{"computation", f}});
}

// x dilated and padded along one axis.
Tensor prepared(Lowering& c, const Tensor& x, std::size_t axis, const Window& w, const Tensor& fill) {
  Shape low(x.shape.size(), 0), high = low, start = low, limit;
  Tensor y = x;
  const std::int64_t gap = w.base_dilation[axis] - 1;
  if (gap > 0) {
    Shape lined = x.shape, none(x.shape.size() + 1, 0), after = none, merged = x.shape;
    lined.insert(lined.begin() + static_cast<std::ptrdiff_t>(axis) + 1, Dim(1));
    after[axis + 1] = gap;
    merged[axis] = x.shape[axis] * (gap + 1);
    y = c.reshape(c.pad(c.reshape(x, lined), none, after, fill), merged);
    limit = merged;
    limit[axis] = merged[axis] - gap;
    y = c.slice(y, start, limit);
  }
  const auto [before, behind] = w.padding[axis];
  low[axis] = std::max<std::int64_t>(before, 0), high[axis] = std::max<std::int64_t>(behind, 0);
  y = c.pad(y, low, high, fill);
  limit = y.shape;
  start[axis] = std::max<std::int64_t>(-before, 0);
  limit[axis] = y.shape[axis] + std::min<std::int64_t>(behind, 0);
  return c.slice(y, start, limit);
}

// The elements of all windows along one axis, the first ones, the second ones, ….
template <class Combine>
Tensors along_axis(Lowering& c, Tensors xs, std::size_t axis, const Window& w, Dim size, const Tensors& fills,
                   const Combine& combine) {
  for (std::size_t i = 0; i < xs.size(); ++i) xs[i] = prepared(c, xs[i], axis, w, fills[i]);
  Tensors out;
  for (std::int64_t k = 0; k < w.window_dimensions[axis]; ++k) {
    Tensors elements;
    for (const Tensor& x : xs) {
      Shape start(x.shape.size(), 0), limit = x.shape;
      start[axis] = k * w.window_dilation[axis];
      limit[axis] = start[axis] + (size - 1) * w.window_strides[axis] + 1;
      Axes strides(x.shape.size(), 1);
      strides[axis] = w.window_strides[axis];
      elements.push_back(c.slice(x, start, limit, strides));
    }
    out = out.empty() ? elements : combine(out, elements);
  }
  return out;
}
bool trivial(const Window& w, std::size_t axis) {
  return w.window_dimensions[axis] == 1 && w.window_strides[axis] == 1 && w.base_dilation[axis] == 1 &&
         w.padding[axis] == std::pair<std::int64_t, std::int64_t>(0, 0);
}
// Windows are boxes: the last axis first, then those before it.
template <class Combine>
Tensors by_axes(Lowering& c, Tensors xs, const Window& w, const Shape& out, const Tensors& fills,
                const Combine& combine) {
  if (std::ranges::any_of(out, [](Dim n) { return identical(n, Dim(0)); })) {
    for (std::size_t i = 0; i < xs.size(); ++i) xs[i] = c.broadcast(fills[i], out);
    return xs;
  }
  for (std::size_t axis = out.size(); axis-- > 0;)
    if (!trivial(w, axis)) xs = along_axis(c, std::move(xs), axis, w, out[axis], fills, combine);
  return xs;
}

Rule window_rule(const char* name, const char* op) {
  return [=](Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) -> Tensors {
    const Window w = rules::complete_window(name, params.get<Window>(), static_cast<std::int64_t>(x[0].shape.size()));
    if (is_bool(x[0].dtype)) refuse(name, "TensorFlow has no window operations of bools");
    const std::string_view kind = op;
    const DType type = x[0].dtype;
    if (is_complex(type) && kind != "AddV2") refuse(name, "TensorFlow does not order complex numbers");
    const auto write = [&](const Tensors& v) {
      const DType t = v[0].dtype;
      const Tensor init = kind == "AddV2" ? c.scalar(t, 0) : c.constant(rules::extreme(t, kind == "Maximum"));
      if (c.enable_xla()) {
        const FunctionName f = c.scalar_function(
            name, {t, t}, [&](Lowering& inner, const Tensors& s) { return inner.binary(op, s[0], s[1]); });
        return xla_window(c, v[0], init, w, f, {t, out[0].shape});
      }
      return by_axes(c, {v[0]}, w, out[0].shape, {init},
                     [&](const Tensors& a, const Tensors& b) { return Tensors{c.binary(op, a[0], b[0])}; })[0];
    };
    return {kind == "AddV2" ? c.in_f32(x, write) : write(x)};
  };
}

// The better of two elements by their first parts, the first one on ties; NaN is better than anything.
auto better_by(Lowering& c, bool largest) {
  return [&c, largest](const Tensors& a, const Tensors& b) {
    Tensor take = c.compare(largest ? "Greater" : "Less", b[0], a[0]);
    if (is_floating(b[0].dtype)) take = c.binary("LogicalOr", take, c.node("IsNan", {b[0]}, {bool_, b[0].shape}));
    return Tensors{c.select(take, b[0], a[0]), c.select(take, b[1], a[1])};
  };
}

// The place of each window's extreme element, and the sources added up there; padding has a place that is cut off.
Tensor plain_select_and_scatter(Lowering& c, const Tensor& source, const Tensor& operand, const Window& w,
                                bool largest) {
  const Dim size = num_elements(operand.shape), count = num_elements(source.shape);
  const Tensor places = c.reshape(c.iota(i32, {size}, 0), operand.shape);
  const Tensor worst = c.constant(rules::extreme(operand.dtype, largest));
  const Tensor outside = c.size(size);
  const auto better = [&](const Tensors& a, const Tensors& b) {
    const Tensors first = better_by(c, largest)(a, b);
    const Tensor is_padding = c.compare("Equal", a[1], outside);  // which loses to any element, even one like it
    return Tensors{c.select(is_padding, b[0], first[0]), c.select(is_padding, b[1], first[1])};
  };
  const Tensors found = by_axes(c, {operand, places}, w, source.shape, {worst, outside}, better);
  const Tensor nothing = c.zeros({source.dtype, {size + 1}});
  const Tensor sums = c.node("TensorScatterAdd", {nothing, c.reshape(found[1], {count, 1}), c.reshape(source, {count})},
                             aval_of(nothing));
  return c.reshape(c.slice(sums, {0}, {size}), operand.shape);
}

Tensors select_and_scatter(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<SelectAndScatter>();
  const DType type = x[1].dtype;
  const Window w =
      rules::complete_window("select_and_scatter_add", {p.window_dimensions, p.window_strides, p.padding, {}, {}},
                             static_cast<std::int64_t>(x[1].shape.size()));
  if (is_bool(type)) refuse("select_and_scatter_add", "TensorFlow has no window operations of bools");
  if (!c.enable_xla()) return {plain_select_and_scatter(c, x[0], x[1], w, p.select_prim == "ge")};
  const FunctionName select = c.scalar_function("select", {type, type}, [&](Lowering& inner, const Tensors& v) {
    return inner.compare(p.select_prim == "ge" ? "GreaterEqual" : "LessEqual", v[0], v[1]);
  });
  const FunctionName scatter = c.scalar_function(
      "scatter", {type, type}, [&](Lowering& inner, const Tensors& v) { return inner.binary("AddV2", v[0], v[1]); });
  return {c.node(
      "XlaSelectAndScatter",
      {x[1], c.ints(w.window_dimensions), c.ints(w.window_strides), widths(c, w.padding), x[0], c.scalar(type, 0)},
      out[0], {{"select", select}, {"scatter", scatter}})};
}

// Operand and tangent side by side; the tangent of the first extreme element stays.
Tensors select_and_gather(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<SelectAndGather>();
  const bool largest = p.select_prim == "ge";
  const Window w = rules::complete_window(
      "select_and_gather_add", {p.window_dimensions, p.window_strides, p.padding, p.base_dilation, p.window_dilation},
      static_cast<std::int64_t>(x[1].shape.size()));
  const Tensor worst = c.constant(rules::extreme(x[1].dtype, largest));
  const Tensor nothing = c.scalar(x[0].dtype, 0);
  return {by_axes(c, {x[1], x[0]}, w, out[0].shape, {worst, nothing}, better_by(c, largest))[1]};
}

Tensors window_program(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<WindowProgram>();
  need_xla(c, "reduce_window");
  if (x.size() != 2) refuse("reduce_window", "XlaReduceWindow takes one operand");
  if (!c.dims().empty()) refuse("reduce_window", "its program would need the sizes of dimension variables");
  const Window w = rules::complete_window("reduce_window", p.window, static_cast<std::int64_t>(x[0].shape.size()));
  return {xla_window(c, x[0], x[1], w, c.function(p.jaxpr, "reducer"), out[0])};
}

}  // namespace

void add_window_rules(Rules& rules) {
  rules.set(reduce_window_sum_p(), window_rule("reduce_window_sum", "AddV2"));
  rules.set(reduce_window_max_p(), window_rule("reduce_window_max", "Maximum"));
  rules.set(reduce_window_min_p(), window_rule("reduce_window_min", "Minimum"));
  rules.set(select_and_scatter_add_p(), select_and_scatter).set(select_and_gather_add_p(), select_and_gather);
  rules.set(reduce_window_p(), window_program);
}

}  // namespace tf2jax::jax2tf
