// conv_general_dilated: primitive, rules, and the functions that apply it.
#include "tf2jax/ops/conv.h"

#include <algorithm>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

Axes spatial(const Axes& spec) { return Axes(spec.begin() + 2, spec.end()); }
Axes swapped(Axes spec) {
  std::swap(spec[0], spec[1]);
  return spec;
}
Shape take(const Shape& shape, const Axes& axes) {
  Shape out;
  for (std::int64_t a : axes) out.push_back(shape[a]);
  return out;
}

// Splits axis `axis` into (groups, rest).
Array axis_out_of(std::int64_t axis, std::int64_t groups, const Array& x) {
  Shape shape = x.shape();
  const std::optional<Dim> rest = groups == 0 ? std::nullopt : exact_div(shape[axis], Dim(groups));
  check<ShapeError>(
      rest.has_value(),
      "conv_general_dilated: an axis does not split into groups. Got {} axis {}; expected a multiple of {}.", x.aval(),
      axis, groups);
  shape[axis] = *rest;
  shape.insert(shape.begin() + axis, Dim(groups));
  return reshape(x, shape);
}
// Moves axis `from` in front of axis `to` of what remains, and joins the two.
Array axis_into(std::int64_t from, std::int64_t to, const Array& x) {
  Axes order;
  for (std::int64_t i = 0; i < x.rank(); ++i)
    if (i != from) order.push_back(i);
  Shape shape;
  for (std::int64_t a : order) shape.push_back(x.shape()[a]);
  shape[to] *= x.shape()[from];
  order.insert(order.begin() + to, from);
  return reshape(transpose(x, order), shape);
}

Array bind_conv(const Array& lhs, const Array& rhs, const ConvParams& p) {
  return conv_general_dilated_p().bind1({lhs, rhs}, p);
}

void check_conv(std::span<const Aval> x, const ConvParams& p) {
  const Aval &lhs = x[0], &rhs = x[1];
  const std::int64_t rank = lhs.rank();
  const ConvDims& d = p.dimension_numbers;
  check<ShapeError>(rank >= 2 && rhs.rank() == rank,
                    "conv_general_dilated: lhs and rhs must have the same number of axes, at least 2. Got {} and {}.",
                    lhs, rhs);
  for (const Axes* spec : {&d.lhs_spec, &d.rhs_spec, &d.out_spec}) {
    Axes sorted = *spec;
    std::ranges::sort(sorted);
    check(sorted == iota_axes(rank), "conv_general_dilated: dimension numbers must be permutations of {} axes. Got {}.",
          rank, shown(*spec));
  }
  const std::size_t n = rank - 2;
  check(
      p.window_strides.size() == n && p.padding.size() == n && p.lhs_dilation.size() == n && p.rhs_dilation.size() == n,
      "conv_general_dilated: window_strides, padding and dilations must have one entry per spatial axis, {}. Got "
      "strides {}, {} paddings.",
      n, shown(p.window_strides), p.padding.size());
  const std::int64_t fg = p.feature_group_count, bg = p.batch_group_count;
  check(fg >= 1 && bg >= 1,
        "conv_general_dilated: feature_group_count and batch_group_count must be positive. Got {} and {}.", fg, bg);
  check(fg == 1 || bg == 1,
        "conv_general_dilated: at most one of batch_group_count and feature_group_count may exceed 1. Got {} and {}.",
        bg, fg);
  const Dim batch = lhs.shape[d.lhs_spec[0]], features = lhs.shape[d.lhs_spec[1]];
  const Dim out_features = rhs.shape[d.rhs_spec[0]], in_features = rhs.shape[d.rhs_spec[1]];
  check<ShapeError>(identical(in_features * Dim(fg), features),
                    "conv_general_dilated: lhs must have the input features of rhs, times feature_group_count. Got {} "
                    "and {} times {}, of {} and {}.",
                    features, in_features, fg, lhs, rhs);
  check<ShapeError>(exact_div(out_features, Dim(fg)).has_value() && exact_div(out_features, Dim(bg)).has_value(),
                    "conv_general_dilated: the output features of rhs must be a multiple of the group counts. Got {} "
                    "of {} and groups {} and {}.",
                    out_features, rhs, fg, bg);
  check<ShapeError>(exact_div(batch, Dim(bg)).has_value(),
                    "conv_general_dilated: the batch must be a multiple of batch_group_count. Got {} of {} and {}.",
                    batch, lhs, bg);
  rules::same_dtype("conv_general_dilated", x);
  rules::check_dtype("conv_general_dilated", lhs.dtype, kind::numeric);
}

Avals conv_aval(std::span<const Aval> x, const ConvParams& p) {
  check_conv(x, p);
  const Aval &lhs = x[0], &rhs = x[1];
  const ConvDims& d = p.dimension_numbers;
  const std::size_t n = p.window_strides.size();
  Shape lhs_spatial;
  Window w{{}, p.window_strides, p.padding, p.lhs_dilation, p.rhs_dilation};
  for (std::size_t i = 0; i < n; ++i) {
    lhs_spatial.push_back(lhs.shape[d.lhs_spec[i + 2]]);
    w.window_dimensions.push_back(std::max<std::int64_t>(rhs.shape[d.rhs_spec[i + 2]].value(), 0));
  }
  Shape out(lhs.rank());
  out[d.out_spec[0]] = *exact_div(lhs.shape[d.lhs_spec[0]], Dim(p.batch_group_count));
  out[d.out_spec[1]] = rhs.shape[d.rhs_spec[0]];
  const bool empty_kernel = std::ranges::any_of(w.window_dimensions, [](std::int64_t k) { return k == 0; });
  if (empty_kernel)
    for (std::int64_t& k : w.window_dimensions)
      k = std::max<std::int64_t>(k, 1);  // sizes of an empty kernel: as if it were one wide
  const Shape sizes = rules::window_shape("conv_general_dilated", lhs_spatial, w);
  for (std::size_t i = 0; i < n; ++i) {
    const bool zero = rhs.shape[d.rhs_spec[i + 2]].value() == 0;
    out[d.out_spec[i + 2]] = zero ? sizes[i] + Dim(p.window_strides[i] == 1 ? 1 : 0) : sizes[i];
  }
  return {Aval{p.preferred_element_type.value_or(lhs.dtype), out, false}};
}

Array transpose_lhs(const Array& g, const Aval& lhs, const Array& rhs_in, const ConvParams& p) {
  const ConvDims& d = p.dimension_numbers;
  const Axes lhs_s = spatial(d.lhs_spec), rhs_s = spatial(d.rhs_spec), out_s = spatial(d.out_spec);
  ConvParams t = p;
  Array rhs = rhs_in;
  if (const std::int64_t groups = p.feature_group_count > 1 ? p.feature_group_count : p.batch_group_count; groups > 1) {
    rhs = axis_into(d.rhs_spec[0], d.rhs_spec[1], axis_out_of(d.rhs_spec[0], groups, rhs));
    t.feature_group_count = groups;
  }
  t.batch_group_count = 1;
  t.dimension_numbers = {d.out_spec, swapped(d.rhs_spec), d.lhs_spec};
  t.window_strides = p.lhs_dilation;
  t.lhs_dilation = p.window_strides;
  t.padding = rules::adjoint_padding(take(lhs.shape, lhs_s), concrete(take(rhs_in.shape(), rhs_s)), p.window_strides,
                                     take(g.shape(), out_s), p.padding, p.lhs_dilation, p.rhs_dilation);
  Array out = bind_conv(g, rhs_s.empty() ? rhs : rev(rhs, rhs_s), t);
  if (p.batch_group_count > 1)
    out = axis_into(d.lhs_spec[1], d.lhs_spec[0], axis_out_of(d.lhs_spec[1], p.batch_group_count, out));
  return out;
}

Array transpose_rhs(const Array& g, const Array& lhs, const Aval& rhs, const ConvParams& p) {
  const ConvDims& d = p.dimension_numbers;
  const Dims in = concrete(take(lhs.shape(), spatial(d.lhs_spec))),
             window = concrete(take(rhs.shape, spatial(d.rhs_spec))),
             out = concrete(take(g.shape(), spatial(d.out_spec)));
  ConvParams t = p;
  std::swap(t.feature_group_count, t.batch_group_count);
  t.dimension_numbers = {swapped(d.lhs_spec), swapped(d.out_spec), swapped(d.rhs_spec)};
  t.window_strides = p.rhs_dilation;
  t.rhs_dilation = p.window_strides;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::int64_t low = p.padding[i].first;
    const std::int64_t from_lhs =
        rules::dilated(out[i], p.window_strides[i]) - rules::dilated(in[i], p.lhs_dilation[i]);
    const std::int64_t from_rhs = rules::dilated(window[i], p.rhs_dilation[i]) - low - 1;
    t.padding[i] = {low, from_lhs + from_rhs};
  }
  return bind_conv(lhs, g, t);
}

bool empty(const Array& x) {
  return std::ranges::any_of(x.shape(), [](Dim n) { return identical(n, Dim(0)); });
}

// A mapped axis joins the batch, the features, or the groups.
BatchResult conv_batch(std::span<const Array> x, std::span<const Axis> axes, Dim size, const ConvParams& p) {
  const ConvDims& d = p.dimension_numbers;
  const Axes &ls = d.lhs_spec, &rs = d.rhs_spec, &os = d.out_spec;
  ConvParams b = p;
  const Array &lhs = x[0], &rhs = x[1];
  if (axes[0] && axes[1]) {
    const std::int64_t n = size.value();
    const bool batched = p.batch_group_count > 1;
    (batched ? b.batch_group_count : b.feature_group_count) *= n;
    const Array l = axis_into(*axes[0], batched ? ls[0] : ls[1], lhs), r = axis_into(*axes[1], rs[0], rhs);
    return {{axis_out_of(os[1], n, bind_conv(l, r, b))}, {os[1]}};
  }
  if (axes[0]) {
    const std::int64_t m = *axes[0];
    Array l;
    if (p.batch_group_count == 1) {
      l = axis_into(m, ls[0], lhs);
    } else {
      l = axis_out_of(ls[0] + (m <= ls[0]), p.batch_group_count, lhs);
      l = axis_into(m + (ls[0] < m), ls[0] + 1, l);
      l = axis_into(ls[0], ls[0], l);
    }
    const Array y = bind_conv(l, rhs, b);
    Shape shape = y.shape();
    shape[os[0]] = exact_div(shape[os[0]], size).value();
    shape.insert(shape.begin() + os[0], size);
    return {{reshape(y, shape)}, {os[0]}};
  }
  const std::int64_t m = *axes[1], n = size.value(), groups = std::max(p.feature_group_count, p.batch_group_count);
  if (groups == 1) return {{axis_out_of(os[1], n, bind_conv(lhs, axis_into(m, rs[0], rhs), b))}, {os[1]}};
  // Groups stay outermost: factor them out, put the mapped axis below them, and undo both in the result.
  Array r = axis_out_of(rs[0] + (m <= rs[0]), groups, rhs);
  r = axis_into(m + (rs[0] < m), rs[0] + 1, r);
  r = axis_into(rs[0], rs[0], r);
  Array y = axis_out_of(os[1], groups, bind_conv(lhs, r, b));
  y = axis_out_of(os[1] + 1, n, y);
  return {{axis_into(os[1], os[1] + 1, y)}, {os[1]}};
}

}  // namespace

ConvDims conv_dims(std::string_view lhs, std::string_view rhs, std::string_view out) {
  const auto spec = [](std::string_view names, std::string_view letters, std::string_view order) {
    Axes axes;
    for (char c : letters) {
      const auto i = names.find(c);
      check(i != std::string_view::npos, "conv_dims: a layout lacks an axis. Got '{}'; expected an axis '{}' in it.",
            names, c);
      axes.push_back(static_cast<std::int64_t>(i));
    }
    for (char c : order) {
      const auto i = names.find(c);
      check(i != std::string_view::npos, "conv_dims: a layout lacks an axis. Got '{}'; expected an axis '{}' in it.",
            names, c);
      axes.push_back(static_cast<std::int64_t>(i));
    }
    check(axes.size() == names.size(),
          "conv_dims: a layout does not fit the others. Got '{}'; expected as many axes as they have.", names);
    return axes;
  };
  // As in JAX, spatial axes go in the order of the kernel's layout.
  std::string order;
  for (char c : rhs)
    if (c != 'O' && c != 'I') order += c;
  return {spec(lhs, "NC", order), spec(rhs, "OI", order), spec(out, "NC", order)};
}

const Primitive& conv_general_dilated_p() {
  static const Primitive p = make_primitive<ConvParams>({
      .name = "conv_general_dilated",
      .operands = 2,
      .aval = conv_aval,
      .jvp = rules::jvp_bilinear(conv_general_dilated_p),
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const ConvParams& c) -> Tangents {
        Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
        if (ct[0].is_zero() || empty(ct[0].value())) return out;
        const auto like = [](const Array& v, DType dtype) {
          return v.dtype() == dtype ? v : rules::converted(v, dtype);
        };
        ConvParams same = c;
        same.preferred_element_type.reset();
        if (c.preferred_element_type && *c.preferred_element_type == x[0].aval.dtype)
          same.preferred_element_type = c.preferred_element_type;
        const Array g = like(ct[0].value(), x[0].aval.dtype);
        if (x[0].is_linear()) out[0] = Tangent(transpose_lhs(g, x[0].aval, *x[1].known, same));
        else out[1] = Tangent(transpose_rhs(g, *x[0].known, x[1].aval, same));
        return out;
      },
      .batch = conv_batch,
  });
  return p;
}

void append_conv_primitives(std::vector<Primitive>& out) { out.push_back(conv_general_dilated_p()); }

Array conv_general_dilated(const Array& lhs, const Array& rhs, ConvParams p) {
  const std::int64_t rank = lhs.rank();
  const std::size_t n = std::max<std::int64_t>(rank - 2, 0);
  if (p.preferred_element_type && *p.preferred_element_type != lhs.dtype())
    p.preferred_element_type = requested_dtype("conv_general_dilated", *p.preferred_element_type);
  if (p.window_strides.empty()) p.window_strides.assign(n, 1);
  if (p.padding.empty()) p.padding.assign(n, {0, 0});
  if (p.lhs_dilation.empty()) p.lhs_dilation.assign(n, 1);
  if (p.rhs_dilation.empty()) p.rhs_dilation.assign(n, 1);
  if (p.dimension_numbers.lhs_spec.empty()) p.dimension_numbers = {iota_axes(rank), iota_axes(rank), iota_axes(rank)};
  return bind_conv(lhs, rhs, p);
}

Array conv_general_dilated(const Array& lhs, const Array& rhs, ConvParams p, std::string_view padding) {
  const std::int64_t rank = lhs.rank();
  const std::size_t n = std::max<std::int64_t>(rank - 2, 0);
  if (p.dimension_numbers.lhs_spec.empty()) p.dimension_numbers = {iota_axes(rank), iota_axes(rank), iota_axes(rank)};
  if (p.window_strides.empty()) p.window_strides.assign(n, 1);
  if (p.rhs_dilation.empty()) p.rhs_dilation.assign(n, 1);
  Dims sizes, window;
  const bool valid = padding == "VALID" || padding == "valid";
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t k = rhs.shape()[p.dimension_numbers.rhs_spec[i + 2]].value();
    window.push_back(rules::dilated(k, p.rhs_dilation[i]));
    const Dim size = lhs.shape()[p.dimension_numbers.lhs_spec[i + 2]];
    sizes.push_back(valid ? 0 : size.value());
  }
  if (!p.lhs_dilation.empty())
    for (std::size_t i = 0; i < n; ++i) sizes[i] = rules::dilated(sizes[i], p.lhs_dilation[i]);
  p.padding = window_padding(sizes, window, p.window_strides, padding);
  return conv_general_dilated(lhs, rhs, std::move(p));
}

}  // namespace tf2jax
