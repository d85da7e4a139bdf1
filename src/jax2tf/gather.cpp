// The rule of gather: XlaGather, or GatherNd at every coordinate.
#include <algorithm>

#include "tf2jax/jax2tf/internal/positions.h"

#include "xla_dims.pb.h"

namespace tf2jax::jax2tf {
namespace {

void fill(auto* field, const Axes& axes) {
  for (const auto a : axes) field->Add(a);
}

// What reads outside give, as a scalar of the operand's type. The words of keys are zero then.
Tensor fill_value(Lowering& c, DType type, const FillValue& fill, bool is_key) {
  if (is_key) return c.zeros({type, {}});
  return c.constant(detail::exact_array({type, {}}, [&](std::byte* out) { fill.write(type, out); }));
}

struct GatherPlan {
  Positions at;
  Tensor starts;  // inside the operand
  Axes offset_dims;
  Shape window;  // sizes, one per operand axis
};

Tensor xla_gather(Lowering& c, const Tensor& operand, const GatherPlan& g, const Aval& out) {
  xla::GatherDimensionNumbers d;
  fill(d.mutable_offset_dims(), g.offset_dims);
  fill(d.mutable_collapsed_slice_dims(), g.at.gone);
  fill(d.mutable_start_index_map(), g.at.map);
  d.set_index_vector_dim(g.at.rank);
  return c.node("XlaGather", {operand, g.starts, c.sizes(g.window)}, out,
                {{"dimension_numbers", detail::serialize(d)}, {"indices_are_sorted", false}});
}

// The operand with indexed axes in front, cut to the window on the others, read at the coordinates of all elements.
Tensor plain_gather(Lowering& c, const Tensor& operand, const GatherPlan& g, const Aval& out) {
  const auto rank = static_cast<std::int64_t>(operand.shape.size());
  Axes kept, others, walked;  // kept by windows; not indexed; indexed and kept
  Shape limit = operand.shape;
  for (std::int64_t a = 0; a < rank; ++a) {
    if (!contains(g.at.gone, a)) kept.push_back(a);
    if (contains(g.at.map, a)) continue;
    others.push_back(a);
    limit[a] = g.window[a];
  }
  for (const auto a : g.at.map)
    if (!contains(g.at.gone, a)) walked.push_back(a);
  Axes order = g.at.map;
  order.insert(order.end(), others.begin(), others.end());
  const Tensor source = c.transpose(c.slice(operand, Shape(operand.shape.size(), 0), limit), order);

  Shape coordinates = g.at.batch(), lined = coordinates;
  for (const auto a : walked) coordinates.push_back(g.window[a]), lined.emplace_back(1);
  const auto count = static_cast<std::int64_t>(g.at.map.size());
  Tensors parts;
  for (std::int64_t k = 0; k < count; ++k) {
    Shape from(g.starts.shape.size(), 0), to = g.starts.shape;
    from.back() = Dim(k), to.back() = Dim(k + 1);
    Tensor part = c.reshape(c.slice(g.starts, from, to), lined);
    const auto it = std::ranges::find(walked, g.at.map[k]);
    if (it != walked.end() && !identical(g.window[*it], Dim(1))) {
      Shape line(lined.size(), 1);
      const auto axis = g.at.rank + (it - walked.begin());
      line[axis] = g.window[*it];
      part = c.binary("AddV2", part, c.iota(i32, line, axis));
    }
    parts.push_back(c.broadcast(part, coordinates));
  }
  Shape vectors = coordinates, read = coordinates;
  vectors.emplace_back(count);
  for (const auto a : others) read.push_back(g.window[a]);
  const Tensor index = c.node("Pack", parts, {i32, vectors}, {{"axis", static_cast<std::int64_t>(coordinates.size())}});
  Tensor y = c.node("GatherNd", {source, index}, {operand.dtype, read});

  // Now batch axes, walked axes, other axes: those that are gone have size 1.
  Shape squeezed = coordinates;
  Axes now = walked;
  for (const auto a : others)
    if (!contains(g.at.gone, a)) squeezed.push_back(g.window[a]), now.push_back(a);
  y = c.reshape(y, squeezed);
  Axes permutation;
  std::int64_t batch = 0;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(out.shape.size()); ++i) {
    const auto it = std::ranges::find(g.offset_dims, i);
    if (it == g.offset_dims.end()) permutation.push_back(batch++);
    else {
      const auto axis = kept[it - g.offset_dims.begin()];
      permutation.push_back(g.at.rank + (std::ranges::find(now, axis) - now.begin()));
    }
  }
  return c.transpose(y, permutation);
}

Tensors gather_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<GatherParams>();
  const GatherDims& d = p.dimension_numbers;
  GatherPlan g;
  g.at = positions(c, x[1],
                   {d.offset_dims, d.collapsed_slice_dims, d.start_index_map, d.operand_batching_dims,
                    d.start_indices_batching_dims});
  g.offset_dims = d.offset_dims;
  g.window = symbolic(p.slice_sizes);
  const bool is_key = g.window.size() < x[0].shape.size();
  if (is_key) {  // their words
    g.window.emplace_back(2);
    g.offset_dims.push_back(static_cast<std::int64_t>(out[0].shape.size()) - 1);
  }
  const Tensor outside = fill_value(c, x[0].dtype, p.fill_value, is_key);
  const bool fills = p.mode == GatherScatterMode::fill_or_drop;
  const bool empty = std::ranges::any_of(x[0].shape, [](Dim n) { return identical(n, Dim(0)); });
  if (empty) return {c.broadcast(outside, out[0].shape)};
  g.starts = clamped(c, g.at, x[0].shape, g.window);
  const bool plain = !c.enable_xla() && !g.at.map.empty();
  const Tensor y = plain ? plain_gather(c, x[0], g, out[0]) : xla_gather(c, x[0], g, out[0]);
  if (!c.enable_xla() && !plain) refuse("gather", "it indexes no axis, and TensorFlow has no plain form of that");
  if (!fills) return {y};
  Shape lined;
  std::size_t batch = 0;
  const Shape shape = g.at.batch();
  for (std::size_t i = 0; i < out[0].shape.size(); ++i)
    lined.push_back(contains(g.offset_dims, static_cast<std::int64_t>(i)) ? Dim(1) : shape[batch++]);
  const Tensor ok = c.reshape(inside(c, g.at, x[0].shape, g.window), lined);
  return {c.select(ok, y, outside)};
}

}  // namespace

void add_index_rules(Rules& rules) { rules.set(gather_p(), gather_rule); }

}  // namespace tf2jax::jax2tf
