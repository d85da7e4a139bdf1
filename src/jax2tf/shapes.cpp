// Rules of what moves, repeats, cuts or creates data.
#include <algorithm>

#include "tf2jax/jax2tf/internal/positions.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::jax2tf {
namespace {

Tensors broadcast_in_dim(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  Axes dims = p.get<BroadcastInDim>().broadcast_dimensions;
  const Shape& shape = out[0].shape;
  if (dims.size() < x[0].shape.size()) dims.push_back(static_cast<std::int64_t>(shape.size()) - 1);  // words of keys
  Shape lined(shape.size(), 1);
  for (std::size_t i = 0; i < dims.size(); ++i) lined[dims[i]] = x[0].shape[i];
  return {c.broadcast(c.reshape(x[0], lined), shape)};
}
Tensors reshape(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  const auto& dimensions = p.is<ReshapeParams>() ? p.get<ReshapeParams>().dimensions : std::nullopt;
  return {c.reshape(dimensions ? c.transpose(x[0], *dimensions) : x[0], out[0].shape)};
}
Tensors transpose(Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) {
  Axes permutation = p.get<TransposeParams>().permutation;
  if (permutation.size() < x[0].shape.size()) permutation.push_back(static_cast<std::int64_t>(permutation.size()));
  return {c.transpose(x[0], permutation)};
}
Tensors rev(Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) {
  const auto& axes = p.get<RevParams>().dimensions;
  return {axes.empty() ? x[0] : c.node("ReverseV2", {x[0], c.ints(axes)}, aval_of(x[0]))};
}
Tensors concatenate(Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) {
  return {c.concat(x, p.get<ConcatenateParams>().dimension)};
}

// Zeros of `value` between neighbours: each element becomes a line of 1 + interior, the last of which is cut.
Tensor spread(Lowering& c, const Tensor& x, std::size_t axis, Dim interior, const Tensor& value) {
  Shape lined = x.shape, low(x.shape.size() + 1, 0), high = low;
  lined.insert(lined.begin() + static_cast<std::ptrdiff_t>(axis) + 1, Dim(1));
  high[axis + 1] = interior;
  const Tensor padded = c.pad(c.reshape(x, lined), low, high, value);
  Shape merged = x.shape;
  merged[axis] = x.shape[axis] * (interior + 1);
  Shape limit = merged;
  limit[axis] = merged[axis] - interior;
  return c.slice(c.reshape(padded, merged), Shape(merged.size(), 0), limit);
}
Tensors pad(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  const auto& config = p.get<PadParams>().padding_config;
  Shape low, high, interior, start, limit;
  bool plain = true, cut = false;
  for (std::size_t i = 0; i < config.size(); ++i) {
    low.push_back(config[i].low), high.push_back(config[i].high), interior.push_back(config[i].interior);
    plain = plain && identical(config[i].interior, Dim(0));
    for (const Dim d : {config[i].low, config[i].high}) {
      const auto positive = definitely_ge(d, Dim(0));
      plain = plain && positive.value_or(false);
    }
  }
  if (plain) return {c.pad(x[0], low, high, x[1])};
  if (c.enable_xla()) return {c.node("XlaPad", {x[0], x[1], c.sizes(low), c.sizes(high), c.sizes(interior)}, out[0])};
  Tensor y = x[0];
  for (std::size_t i = 0; i < config.size(); ++i) {
    const auto empty = definitely_equal(y.shape[i], Dim(0));
    if (!identical(interior[i], Dim(0)) && !empty.value_or(false)) y = spread(c, y, i, interior[i], x[1]);
  }
  const auto clipped = [&](const Shape& widths) {
    Shape s;
    for (const Dim d : widths) s.push_back(max(d, Dim(0)));
    return s;
  };
  y = c.pad(y, clipped(low), clipped(high), x[1]);
  for (std::size_t i = 0; i < config.size(); ++i) {
    start.push_back(max(-low[i], Dim(0)));
    limit.push_back(start.back() + out[0].shape[i]);
    cut = cut || !identical(start.back(), Dim(0)) || !identical(limit.back(), y.shape[i]);
  }
  return {cut ? c.slice(y, start, limit) : y};
}

Tensors slice_rule(Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) {
  const auto& s = p.get<SliceParams>();
  Shape start = s.start_indices, limit = s.limit_indices;
  Axes strides = s.strides.value_or(Axes{});
  if (start.size() < x[0].shape.size()) {  // the words of keys
    start.emplace_back(0), limit.emplace_back(2);
    if (!strides.empty()) strides.push_back(1);
  }
  return {c.slice(x[0], start, limit, strides)};
}

// Starts as the primitive moves them: inside the bounds.
Tensors clamped_starts(Lowering& c, const Tensor& x, std::span<const Tensor> starts, const Shape& sizes) {
  Tensors out;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const Tensor start = narrowed(c, starts[i]);
    if (start.known.has_value()) {
      const auto v = start.known.item<std::int64_t>();
      const auto inside = definitely_ge(x.shape[i] - sizes[i], Dim(v));
      if (v >= 0 && inside.value_or(false)) {
        out.push_back(start);
        continue;
      }
    }
    const Tensor last = c.size(x.shape[i] - sizes[i]);
    out.push_back(c.binary("Maximum", c.binary("Minimum", start, last), c.index(0)));
  }
  return out;
}
Tensor packed(Lowering& c, const Tensors& scalars) {
  return c.node("Pack", scalars, {i32, {Dim(scalars.size())}}, {{"axis", std::int64_t{0}}});
}
Tensors dynamic_slice(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  Shape sizes = p.get<SliceSizes>().slice_sizes;
  Tensors starts = clamped_starts(c, x[0], std::span(x).subspan(1), sizes);
  if (sizes.size() < x[0].shape.size()) {
    sizes.emplace_back(2);
    starts.push_back(c.index(0));
  }
  if (sizes.empty()) return {x[0]};
  const bool xla = c.enable_xla() && is_concrete(sizes);
  return {c.node(xla ? "XlaDynamicSlice" : "Slice", {x[0], packed(c, starts), c.sizes(sizes)}, out[0])};
}
Tensors dynamic_update_slice(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  Tensors starts = clamped_starts(c, x[0], std::span(x).subspan(2), x[1].shape);
  if (starts.size() < x[0].shape.size()) starts.push_back(c.index(0));
  if (starts.empty()) return {x[1]};
  if (c.enable_xla()) return {c.node("XlaDynamicUpdateSlice", {x[0], x[1], packed(c, starts)}, out[0])};
  // A scatter of one window, which lies inside now.
  const ScatterDims whole{iota_axes(static_cast<std::int64_t>(starts.size())),
                          {},
                          iota_axes(static_cast<std::int64_t>(starts.size())),
                          {},
                          {}};
  return c.call(
      [&](const Arrays& v) -> Arrays {
        return {scatter(v[0], v[2], v[1], whole, {.mode = GatherScatterMode::promise_in_bounds})};
      },
      {x[0], x[1], packed(c, starts)});
}

Tensors iota_rule(Lowering& c, const Tensors&, const EquationParams& p, const Avals& out) {
  return {c.iota(out[0].dtype, out[0].shape, p.get<IotaParams>().dimension)};
}
Tensors split_rule(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  const auto& s = p.get<SplitParams>();
  return c.writer().nodes("SplitV", {x[0], c.ints(s.sizes), c.index(s.axis)}, out);
}
Tensors stack_rule(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  return {c.node("Pack", x, out[0], {{"axis", p.get<AxisParam>().axis}})};
}
Tensors unstack_rule(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  return c.writer().nodes("Unpack", x, out, {{"axis", p.get<AxisParam>().axis}});
}
Tensors tile_rule(Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) {
  Axes reps = p.get<TileParams>().reps;
  while (reps.size() < x[0].shape.size()) reps.insert(reps.begin(), 1);
  const Tensor y = c.reshape(x[0], [&] {
    Shape s = x[0].shape;
    while (s.size() < reps.size()) s.insert(s.begin(), Dim(1));
    return s;
  }());
  return {c.node("Tile", {y, c.ints(reps)}, out[0])};
}
Tensors empty_rule(Lowering& c, const Tensors&, const EquationParams&, const Avals& out) { return {c.zeros(out[0])}; }

}  // namespace

void add_shape_rules(Rules& rules) {
  rules.set(broadcast_in_dim_p(), broadcast_in_dim).set(reshape_p(), reshape).set(squeeze_p(), reshape);
  rules.set(transpose_p(), transpose).set(rev_p(), rev).set(concatenate_p(), concatenate).set(pad_p(), pad);
  rules.set(slice_p(), slice_rule).set(dynamic_slice_p(), dynamic_slice);
  rules.set(dynamic_update_slice_p(), dynamic_update_slice).set(iota_p(), iota_rule).set(split_p(), split_rule);
  rules.set(stack_p(), stack_rule).set(unstack_p(), unstack_rule).set(tile_p(), tile_rule).set(empty2_p(), empty_rule);
}

}  // namespace tf2jax::jax2tf
