// Window reductions: primitives with their rules, and the functions that apply them.
#include "tf2jax/ops/window.h"

#include <algorithm>
#include <limits>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace rules {

std::int64_t dilated(std::int64_t n, std::int64_t dilation) { return dilated(Dim(n), dilation).value(); }
Dim dilated(Dim n, std::int64_t dilation) {
  if (identical(n, Dim(0))) return n;
  return dilation == 1 ? n : (n - Dim(1)) * Dim(dilation) + Dim(1);
}

namespace {
constexpr std::int64_t kLargest = std::int64_t{1} << 40;
}

Window complete_window(std::string_view name, Window w, std::int64_t rank) {
  const std::size_t n = rank;
  if (w.window_strides.empty()) w.window_strides.assign(n, 1);
  if (w.padding.empty()) w.padding.assign(n, {0, 0});
  if (w.base_dilation.empty()) w.base_dilation.assign(n, 1);
  if (w.window_dilation.empty()) w.window_dilation.assign(n, 1);
  check<ShapeError>(w.window_dimensions.size() == n && w.window_strides.size() == n && w.padding.size() == n &&
                        w.base_dilation.size() == n && w.window_dilation.size() == n,
                    "{}: the window must have one entry per axis, {}. Got dimensions {}, strides {}.", name, rank,
                    shown(w.window_dimensions), shown(w.window_strides));
  return w;
}

Shape window_shape(std::string_view name, const Shape& x, const Window& w) {
  const Window full = complete_window(name, w, static_cast<std::int64_t>(x.size()));
  Shape out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    check(full.window_dimensions[i] > 0 && full.window_strides[i] > 0 && full.base_dilation[i] > 0 &&
              full.window_dilation[i] > 0,
          "{}: window dimensions, strides and dilations must be positive. Got dimensions {}, strides {}, base dilation "
          "{}, window dilation {}.",
          name, shown(full.window_dimensions), shown(full.window_strides), shown(full.base_dilation),
          shown(full.window_dilation));
    // Kernels multiply and add these; far below 2^63 nothing wraps.
    const std::int64_t largest = std::max({full.window_dimensions[i], full.window_strides[i], full.base_dilation[i],
                                           full.window_dilation[i], full.padding[i].first, full.padding[i].second});
    const std::int64_t least = std::min(full.padding[i].first, full.padding[i].second);
    check(largest <= kLargest && least >= -kLargest,
          "{}: window dimensions, strides, dilations and padding may be at most 2^40. Got {} and {} on axis {}.", name,
          largest, least, i);
    const Dim padded = dilated(x[i], full.base_dilation[i]) + Dim(full.padding[i].first) + Dim(full.padding[i].second);
    const Dim room = padded - Dim(dilated(full.window_dimensions[i], full.window_dilation[i]));
    if (room.is_constant() && room.value() < 0) out.push_back(0);
    else
      out.push_back(full.window_strides[i] == 1 ? room + Dim(1) : floordiv(room, Dim(full.window_strides[i])) + Dim(1));
  }
  return out;
}

Padding adjoint_padding(const Shape& in, const Dims& window, const Dims& strides, const Shape& out,
                        const Padding& padding, const Dims& base_dilation, const Dims& window_dilation) {
  Padding result;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::int64_t w = dilated(window[i], window_dilation[i]), before = w - padding[i].first - 1;
    const Dim after = dilated(in[i], base_dilation[i]) - dilated(out[i], strides[i]) + Dim(w - 1 - before);
    result.emplace_back(before, after.value());
  }
  return result;
}

}  // namespace rules

namespace {

template <class P>
Window window_of(const P& p) {
  if constexpr (requires { p.base_dilation; })
    return {p.window_dimensions, p.window_strides, p.padding, p.base_dilation, p.window_dilation};
  else return {p.window_dimensions, p.window_strides, p.padding, {}, {}};
}
// The window that leaves a new axis at `at` alone.
template <class P>
P with_axis(P p, std::int64_t at) {
  p.window_dimensions.insert(p.window_dimensions.begin() + at, 1);
  p.window_strides.insert(p.window_strides.begin() + at, 1);
  p.padding.insert(p.padding.begin() + at, {0, 0});
  if constexpr (requires { p.base_dilation; }) {
    p.base_dilation.insert(p.base_dilation.begin() + at, 1);
    p.window_dilation.insert(p.window_dilation.begin() + at, 1);
  }
  return p;
}

void check_select(std::string_view name, const std::string& select) {
  check(select == "ge" || select == "le", "{}: select_prim must be ge or le. Got '{}'.", name, select);
}

auto window_aval(std::string name) {
  return [=](std::span<const Aval> x, const Window& w) -> Avals {
    rules::check_dtype(name, x[0].dtype, kind::any);
    return {Aval{x[0].dtype, rules::window_shape(name, x[0].shape, w), x[0].weak_type}};
  };
}
auto window_batch(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim, const Window& w) -> BatchResult {
    return {self().bind({x[0]}, with_axis(w, *axes[0])), {axes[0]}};
  };
}
template <class P>
BatchResult batch_pair(const Primitive& self, std::span<const Array> x, std::span<const Axis> axes, Dim size,
                       const P& p) {
  const Array a = rules::to_front(x[0], axes[0], size), b = rules::to_front(x[1], axes[1], size);
  return {self.bind({a, b}, with_axis(p, 0)), {0}};
}

Array select_and_gather_add(const Array& tangents, const Array& x, const char* select, const Window& w) {
  return select_and_gather_add_p().bind1({tangents, x}, SelectAndGather{select, w.window_dimensions, w.window_strides,
                                                                        w.padding, w.base_dilation, w.window_dilation});
}
auto chooser_jvp(PrimitiveFn self, const char* select) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const Window& w) -> JvpResult {
    Array y = self().bind1({x[0]}, w);
    if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
    rules::check_dtype(select, x[0].dtype(), kind::ordered);
    return {{std::move(y)}, {Tangent(select_and_gather_add(t[0].value(), x[0], select, w))}};
  };
}
// Linear in the first operand; the second one only decides.
template <class P>
auto first_linear_jvp(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const P& p) -> JvpResult {
    Array y = self().bind1({x[0], x[1]}, p);
    if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
    return {{std::move(y)}, {Tangent(self().bind1({t[0].value(), x[1]}, p))}};
  };
}
bool all_ones(const Dims& v) {
  return std::ranges::all_of(v, [](std::int64_t d) { return d == 1; });
}
// One cell of every window: of a padded operand, and back among zeros.
struct Cell {
  Shape start, limit;
  const Dims& strides;
  Array of(const Array& padded) const { return slice(padded, start, limit, strides); }
  Array put_back(const Array& x, const Shape& padded) const {
    std::vector<PadAxis> config;
    for (std::size_t i = 0; i < start.size(); ++i)
      config.push_back({start[i].value(), (padded[i] - limit[i]).value(), strides[i] - 1});
    return pad(x, rules::scalar_of(x.dtype(), 0), config);
  }
};
// The cells in row-major order.
std::vector<Cell> cells_of(const SelectAndGather& s, const Shape& windows) {
  std::vector<Cell> out;
  for (std::int64_t k = 0; k < num_elements(s.window_dimensions); ++k) {
    Cell cell{windows, windows, s.window_strides};
    std::int64_t rest = k;
    for (std::size_t i = windows.size(); i-- > 0;) {
      const std::int64_t at = rest % s.window_dimensions[i] * s.window_dilation[i];
      rest /= s.window_dimensions[i];
      cell.start[i] = Dim(at);
      cell.limit[i] = (windows[i] - Dim(1)) * Dim(s.window_strides[i]) + Dim(at + 1);
    }
    out.push_back(std::move(cell));
  }
  return out;
}
// The transpose of select_and_gather_add for windows with holes, which select_and_scatter_add does not know. A window's
// first extreme element is taken, or its last NaN, as the kernel does; none where all are the least there is.
Array scatter_through_holes(const Array& ct, const Array& x, const SelectAndGather& s) {
  if (std::ranges::any_of(ct.shape(), [](Dim d) { return identical(d, Dim(0)); }))
    return full(x.shape(), 0, ct.dtype());
  constexpr std::int64_t kMostCells = 4096;
  check<NotImplementedError>(num_elements(s.window_dimensions) <= kMostCells,
                             "select_and_gather_add: its transpose is not implemented for dilated windows of more than "
                             "{} elements. Got {}.",
                             kMostCells, shown(s.window_dimensions));
  const bool largest = s.select_prim == "ge";
  const Array least = rules::extreme(x.dtype(), largest);
  std::vector<PadAxis> config, back;
  for (std::size_t i = 0; i < s.padding.size(); ++i) {
    config.push_back({s.padding[i].first, s.padding[i].second, s.base_dilation[i] - 1});
    back.push_back({-s.padding[i].first, -s.padding[i].second, 0});
  }
  const Array padded = pad(x, least, config);
  const std::vector<Cell> cells = cells_of(s, ct.shape());
  Array best = broadcast_in_dim(least, ct.shape(), {}), chosen = full(ct.shape(), -1, DType::i32);
  for (std::size_t k = 0; k < cells.size(); ++k) {
    const Array v = cells[k].of(padded);
    const Array take = bitwise_or(largest ? greater(v, best) : less(v, best), not_equal(v, v));
    best = where(take, v, best);
    chosen = where(take, full_like(chosen, static_cast<double>(k)), chosen);
  }
  Array sum = broadcast_in_dim(rules::scalar_of(ct.dtype(), 0), padded.shape(), {});
  for (std::size_t k = 0; k < cells.size(); ++k) {
    const Array mine = where(equal(chosen, full_like(chosen, static_cast<double>(k))), ct, zeros_like(ct));
    sum = add(sum, cells[k].put_back(mine, padded.shape()));
  }
  const Array inside = pad(sum, rules::scalar_of(ct.dtype(), 0), back);
  return slice(inside, Shape(inside.shape().size(), Dim(0)), inside.shape(), s.base_dilation);
}

}  // namespace

const Primitive& reduce_window_sum_p() {
  static const Primitive p = make_primitive<Window>(
      {.name = "reduce_window_sum",
       .operands = 1,
       .aval = window_aval("reduce_window_sum"),
       .jvp = rules::jvp_linear(reduce_window_sum_p),
       .transpose = rules::transpose_unary([](const Array& ct, const Aval& x, const Window& w) {
         const Padding pads = rules::adjoint_padding(x.shape, w.window_dimensions, w.window_strides, ct.shape(),
                                                     w.padding, w.base_dilation, w.window_dilation);
         std::vector<PadAxis> config;
         for (std::size_t i = 0; i < pads.size(); ++i)
           config.push_back({pads[i].first, pads[i].second, w.window_strides[i] - 1});
         const Array padded = pad(ct, rules::scalar_of(ct.dtype(), 0), config);
         return reduce_window_sum(padded, {w.window_dimensions, w.base_dilation, {}, {}, w.window_dilation});
       }),
       .batch = window_batch(reduce_window_sum_p)});
  return p;
}
const Primitive& reduce_window_max_p() {
  static const Primitive p = make_primitive<Window>({.name = "reduce_window_max",
                                                     .operands = 1,
                                                     .aval = window_aval("reduce_window_max"),
                                                     .jvp = chooser_jvp(reduce_window_max_p, "ge"),
                                                     .batch = window_batch(reduce_window_max_p)});
  return p;
}
const Primitive& reduce_window_min_p() {
  static const Primitive p = make_primitive<Window>({.name = "reduce_window_min",
                                                     .operands = 1,
                                                     .aval = window_aval("reduce_window_min"),
                                                     .jvp = chooser_jvp(reduce_window_min_p, "le"),
                                                     .batch = window_batch(reduce_window_min_p)});
  return p;
}

const Primitive& select_and_gather_add_p() {
  static const Primitive p = make_primitive<SelectAndGather>(
      {.name = "select_and_gather_add",
       .operands = 2,
       .aval = [](std::span<const Aval> x, const SelectAndGather& s) -> Avals {
         rules::same_dtype("select_and_gather_add", x);
         check_select("select_and_gather_add", s.select_prim);
         check<ShapeError>(identical(x[0].shape, x[1].shape),
                           "select_and_gather_add: tangents and operand must have one shape. Got {} and {}.", x[0],
                           x[1]);
         return {Aval{x[0].dtype, rules::window_shape("select_and_gather_add", x[1].shape, window_of(s)), false}};
       },
       .jvp = first_linear_jvp<SelectAndGather>(select_and_gather_add_p),
       .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x,
                       const SelectAndGather& s) -> Tangents {
         Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
         if (ct[0].is_zero()) return out;
         if (!all_ones(s.window_dilation)) {
           out[0] = Tangent(scatter_through_holes(ct[0].value(), *x[1].known, s));
           return out;
         }
         Array operand = *x[1].known;
         const bool dilated = !all_ones(s.base_dilation);
         if (dilated) {
           std::vector<PadAxis> config;
           for (std::int64_t d : s.base_dilation) config.push_back({0, 0, d - 1});
           operand = pad(operand, rules::extreme(operand.dtype(), s.select_prim == "ge"), config);
         }
         Array y = select_and_scatter_add_p().bind1(
             {ct[0].value(), operand},
             SelectAndScatter{s.select_prim, s.window_dimensions, s.window_strides, s.padding});
         if (dilated) y = slice(y, Shape(y.shape().size(), Dim(0)), y.shape(), s.base_dilation);
         out[0] = Tangent(std::move(y));
         return out;
       },
       .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim n,
                   const SelectAndGather& s) { return batch_pair(select_and_gather_add_p(), x, axes, n, s); }});
  return p;
}

const Primitive& select_and_scatter_add_p() {
  static const Primitive p = make_primitive<SelectAndScatter>(
      {.name = "select_and_scatter_add",
       .operands = 2,
       .aval = [](std::span<const Aval> x, const SelectAndScatter& s) -> Avals {
         rules::same_dtype("select_and_scatter_add", x);
         check_select("select_and_scatter_add", s.select_prim);
         const Shape want = rules::window_shape("select_and_scatter_add", x[1].shape, window_of(s));
         check<ShapeError>(identical(want, x[0].shape),
                           "select_and_scatter_add: source shape must be that of the windows, {}. Got {}.", shown(want),
                           x[0]);
         return {x[1]};
       },
       .jvp = first_linear_jvp<SelectAndScatter>(select_and_scatter_add_p),
       .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x,
                       const SelectAndScatter& s) -> Tangents {
         Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
         if (!ct[0].is_zero())
           out[0] = Tangent(
               select_and_gather_add(ct[0].value(), *x[1].known, s.select_prim.c_str(),
                                     rules::complete_window("select_and_gather_add", window_of(s), x[1].aval.rank())));
         return out;
       },
       .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim n,
                   const SelectAndScatter& s) { return batch_pair(select_and_scatter_add_p(), x, axes, n, s); }});
  return p;
}

void append_window_primitives(std::vector<Primitive>& out) {
  for (PrimitiveFn p : {reduce_window_sum_p, reduce_window_max_p, reduce_window_min_p, select_and_scatter_add_p,
                        select_and_gather_add_p})
    out.push_back(p());
}

Array reduce_window_sum(const Array& x, const Window& w) {
  return reduce_window_sum_p().bind1({x}, rules::complete_window("reduce_window_sum", w, x.rank()));
}
Array reduce_window_max(const Array& x, const Window& w) {
  return reduce_window_max_p().bind1({x}, rules::complete_window("reduce_window_max", w, x.rank()));
}
Array reduce_window_min(const Array& x, const Window& w) {
  return reduce_window_min_p().bind1({x}, rules::complete_window("reduce_window_min", w, x.rank()));
}

Padding window_padding(const Dims& dims, const Dims& window, const Dims& strides, std::string_view name) {
  const bool same = name == "SAME" || name == "same" || name == "SAME_LOWER";
  check(same || name == "VALID" || name == "valid",
        "padding: the name is not known. Got '{}'; expected SAME, SAME_LOWER or VALID.", name);
  Padding out;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::int64_t stride = strides.empty() ? 1 : strides[i], n = (dims[i] + stride - 1) / stride;
    const std::int64_t total = same ? std::max<std::int64_t>((n - 1) * stride + window[i] - dims[i], 0) : 0;
    const std::int64_t low = name == "SAME_LOWER" ? total - total / 2 : total / 2;
    out.emplace_back(low, total - low);
  }
  return out;
}

}  // namespace tf2jax
