// Movements in a few canonical forms: reshapes, transposes, slices, broadcasts, pads.
#include <algorithm>

#include "tf2jax/compiler/loops/scalar_bits.h"
#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

namespace {

Rewriter as_op(OpKind kind) {
  return [kind](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    return b.append(e.primitive, e.params, kind, e.in, e.out());
  };
}

Rewritten broadcast(GraphBuilder& b, const GraphEquation& e) {
  return b.broadcast(e.in[0], e.out().dims(), e.params.get<BroadcastInDim>().broadcast_dimensions);
}

Rewritten reshape(GraphBuilder& b, const GraphEquation& e) {
  const auto& permutation = e.params.get<ReshapeParams>().dimensions;
  return b.reshape(permutation ? b.transpose(e.in[0], *permutation) : e.in[0], e.out().dims());
}

Rewritten squeeze(GraphBuilder& b, const GraphEquation& e) { return b.reshape(e.in[0], e.out().dims()); }

Rewritten transpose(GraphBuilder& b, const GraphEquation& e) {
  return b.transpose(e.in[0], e.params.get<TransposeParams>().permutation);
}

Rewritten slice(GraphBuilder& b, const GraphEquation& e) {
  const SliceParams& s = e.params.get<SliceParams>();
  const Dims ones(e.out().dims().size(), 1);
  return b.slice(e.in[0], concrete(s.start_indices), concrete(s.limit_indices), s.strides.value_or(ones));
}

Rewritten tile(GraphBuilder& b, const GraphEquation& e) {
  const Dims d = b.dims(e.in[0]);
  const Axes& reps = e.params.get<TileParams>().reps;
  if (reps.size() != d.size()) return std::nullopt;
  Dims wide;
  Axes axes;
  for (std::size_t i = 0; i < d.size(); ++i) {
    wide.push_back(reps[i]);
    axes.push_back(static_cast<std::int64_t>(wide.size()));
    wide.push_back(d[i]);
  }
  return b.reshape(b.broadcast(e.in[0], wide, axes), e.out().dims());
}

Rewritten concatenate(GraphBuilder& b, const GraphEquation& e) {
  return e.in.size() == 1 ? e.in[0] : b.append(e.primitive, e.params, OpKind::concatenate, e.in, e.out());
}

Rewritten stack(GraphBuilder& b, const GraphEquation& e) {
  const std::int64_t axis = e.params.get<AxisParam>().axis;
  Dims one = e.out().dims();
  one[axis] = 1;
  Values parts;
  for (const ValueId v : e.in) parts.push_back(b.reshape(v, one));
  if (parts.size() == 1) return parts[0];
  return b.append(concatenate_p(), ConcatenateParams{axis}, OpKind::concatenate, parts, e.out());
}

Rewritten split(GraphBuilder& b, const GraphEquation& e) {
  const SplitParams& s = e.params.get<SplitParams>();
  const Dims d = b.dims(e.in[0]);
  Dims start(d.size(), 0), limit = d;
  limit[s.axis] = 0;
  Values out;
  for (const std::int64_t n : s.sizes) {
    start[s.axis] = limit[s.axis];
    limit[s.axis] += n;
    out.push_back(b.slice(e.in[0], start, limit, Dims(d.size(), 1)));
  }
  return out;
}

Rewritten unstack(GraphBuilder& b, const GraphEquation& e) {
  const std::int64_t axis = e.params.get<AxisParam>().axis;
  const Dims d = b.dims(e.in[0]);
  Values out;
  for (std::size_t i = 0; i < e.avals.size(); ++i) {
    Dims start(d.size(), 0), limit = d;
    start[axis] = static_cast<std::int64_t>(i);
    limit[axis] = start[axis] + 1;
    out.push_back(b.reshape(b.slice(e.in[0], start, limit, Dims(d.size(), 1)), e.avals[i].dims()));
  }
  return out;
}

Rewritten gather(GraphBuilder& b, const GraphEquation& e) {
  if (e.params.get<GatherParams>().mode == GatherScatterMode::one_hot) return std::nullopt;
  return b.append(e.primitive, e.params, OpKind::gather, e.in, e.out());
}

// Elements apart are elements followed by others, side by side.
ValueId pad_inside(GraphBuilder& b, ValueId x, ValueId outside, const std::vector<PadAxis>& config, const Aval& out) {
  const Dims from = b.dims(x);
  Dims single, joined;
  std::vector<PadAxis> inside, around;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t gap = config[i].interior.value();
    single.push_back(from[i]);
    inside.push_back({0, 0, 0});
    if (gap > 0) {
      single.push_back(1);
      inside.push_back({0, gap, 0});
    }
    joined.push_back(from[i] * (gap + 1));
    around.push_back({config[i].low, config[i].high.value() - gap, 0});
  }
  Dims wide = single;
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] += inside[i].high.value();
  const auto padded = [&](ValueId v, const std::vector<PadAxis>& by, const Dims& to) {
    if (std::ranges::all_of(by, [](const PadAxis& a) { return a.low.value() == 0 && a.high.value() == 0; })) return v;
    return b.append(pad_p(), PadParams{by}, OpKind::pad, {v, outside}, {out.dtype, symbolic(to), false});
  };
  const ValueId v = padded(b.reshape(padded(b.reshape(x, single), inside, wide), joined), around, out.dims());
  const GraphValue& zero = b.value(outside);
  if (zero.is_constant() && scalar_bits(zero.constant) == 0) b.notes.dilated.emplace(v, Dilation{x, config});
  return v;
}

Rewritten pad(GraphBuilder& b, const GraphEquation& e) {
  const auto& config = e.params.get<PadParams>().padding_config;
  if (std::ranges::any_of(config, [](const PadAxis& a) { return a.interior.value() != 0; }))
    return pad_inside(b, e.in[0], e.in[1], config, e.out());
  return b.append(e.primitive, e.params, OpKind::pad, e.in, e.out());
}

}  // namespace

void append_movement_rewrites(RewriteTable& t) {
  const std::pair<Primitive, Rewriter> rows[] = {
      {broadcast_in_dim_p(), broadcast},
      {reshape_p(), reshape},
      {squeeze_p(), squeeze},
      {transpose_p(), transpose},
      {slice_p(), slice},
      {tile_p(), tile},
      {concatenate_p(), concatenate},
      {stack_p(), stack},
      {split_p(), split},
      {unstack_p(), unstack},
      {pad_p(), pad},
      {gather_p(), gather},
      {rev_p(), as_op(OpKind::reverse)},
      {iota_p(), as_op(OpKind::iota)},
      {dynamic_slice_p(), as_op(OpKind::dynamic_slice)},
  };
  for (const auto& [p, rewriter] : rows) t.set(Turn::loops, p, rewriter);
}

}  // namespace tf2jax::compiler
