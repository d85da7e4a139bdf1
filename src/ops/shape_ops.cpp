// Primitives that move data without arithmetic: broadcasting, reshaping, permuting, repeating.
#include "tf2jax/ops/shape_ops.h"

#include <algorithm>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/reduce.h"

namespace tf2jax {

namespace {

using rules::mapped_to_front;
using rules::transpose_unary;

Axes shifted(const Axes& axes, std::int64_t by = 1) {
  Axes out = axes;
  for (auto& a : out) a += by;
  return out;
}
Shape prepended(Dim size, const Shape& shape) {
  Shape out{size};
  out.insert(out.end(), shape.begin(), shape.end());
  return out;
}

// An axis-wise rule on one operand: mapped axis to the front, params shifted by the caller.
template <class P, class Shift>
auto batch_front(PrimitiveFn self, Shift shift) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim size, const P& params) -> BatchResult {
    return {self().bind({mapped_to_front(x[0], axes[0])}, shift(params, size, x[0].rank() - 1)), {0}};
  };
}

}  // namespace

void BroadcastInDim::after_read(ParamReader& r) {
  if (!r.context().outputs.empty()) shape = r.context().outputs[0].second;
}

const Primitive& broadcast_in_dim_p() {
  static const Primitive p = make_primitive<BroadcastInDim>({
      .name = "broadcast_in_dim",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const BroadcastInDim& b) -> Avals {
        rules::check_sizes("broadcast_in_dim", "shape", b.shape);
        check<ShapeError>(
            b.broadcast_dimensions.size() == x[0].shape.size(),
            "broadcast_in_dim: broadcast_dimensions must have one entry per axis of the operand. Got {} for {}.",
            shown(b.broadcast_dimensions), x[0]);
        for (std::size_t i = 0; i < x[0].shape.size(); ++i) {
          const std::int64_t d = b.broadcast_dimensions[i];
          check<ShapeError>(
              d >= 0 && d < static_cast<std::int64_t>(b.shape.size()) && (i == 0 || b.broadcast_dimensions[i - 1] < d),
              "broadcast_in_dim: broadcast_dimensions must be increasing axes of the result. Got {} for result shape "
              "{}.",
              shown(b.broadcast_dimensions), shown(b.shape));
          check<ShapeError>(identical(x[0].shape[i], Dim(1)) || x[0].shape[i] == b.shape[d],
                            "broadcast_in_dim: the operand does not fit the result. Got {} for shape {} at "
                            "broadcast_dimensions {}; expected axis {} to be 1 or equal.",
                            x[0], shown(b.shape), shown(b.broadcast_dimensions), i);
        }
        return {Aval{x[0].dtype, b.shape, x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(broadcast_in_dim_p),
      .transpose = transpose_unary([](const Array& ct, const Aval& x, const BroadcastInDim& b) {
        Axes summed;
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(b.shape.size()); ++i) {
          const auto it = std::ranges::find(b.broadcast_dimensions, i);
          if (it == b.broadcast_dimensions.end() ||
              !identical(x.shape[it - b.broadcast_dimensions.begin()], b.shape[i]))
            summed.push_back(i);
        }
        return reshape(summed.empty() ? ct : reduce_sum(ct, summed), x.shape);
      }),
      .batch = batch_front<BroadcastInDim>(broadcast_in_dim_p,
                                           [](const BroadcastInDim& b, Dim n, std::int64_t) {
                                             Axes dims = shifted(b.broadcast_dimensions);
                                             dims.insert(dims.begin(), 0);
                                             return BroadcastInDim{dims, prepended(n, b.shape)};
                                           }),
  });
  return p;
}

const Primitive& reshape_p() {
  static const Primitive p = make_primitive<ReshapeParams>({
      .name = "reshape",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const ReshapeParams& r) -> Avals {
        rules::check_sizes("reshape", "new_sizes", r.new_sizes);
        check<AxisError>(
            !r.dimensions || (rules::are_axes(*r.dimensions, x[0].rank()) && r.dimensions->size() == x[0].shape.size()),
            "reshape: dimensions must be a permutation of the axes. Got {} for {}.",
            tuple_string(r.dimensions.value_or(Axes{})), x[0]);
        const Dim from = num_elements(x[0].shape), to = num_elements(r.new_sizes);
        check<ShapeError>(identical(from, to) || definitely_equal(from, to).value_or(false),
                          "reshape: the number of elements must not change. Got new_sizes {} for shape {}.",
                          shown(r.new_sizes), shown(x[0].shape));
        return {Aval{x[0].dtype, r.new_sizes, x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(reshape_p),
      .transpose = transpose_unary([](const Array& ct, const Aval& x, const ReshapeParams& r) {
        if (!r.dimensions) return reshape(ct, x.shape);
        Shape permuted;
        for (const auto a : *r.dimensions) permuted.push_back(x.shape[a]);
        return transpose(reshape(ct, permuted), inverse_permutation(*r.dimensions));
      }),
      .batch = batch_front<ReshapeParams>(reshape_p,
                                          [](const ReshapeParams& r, Dim n, std::int64_t) {
                                            ReshapeParams out{prepended(n, r.new_sizes), r.dimensions};
                                            if (out.dimensions) {
                                              out.dimensions = shifted(*out.dimensions);
                                              out.dimensions->insert(out.dimensions->begin(), 0);
                                            }
                                            return out;
                                          }),
  });
  return p;
}

const Primitive& squeeze_p() {
  static const Primitive p = make_primitive<SqueezeParams>({
      .name = "squeeze",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const SqueezeParams& s) -> Avals {
        rules::check_axes("squeeze", "dimensions", s.dimensions, x[0]);
        Shape out;
        for (std::int64_t i = 0; i < x[0].rank(); ++i) {
          if (!contains(s.dimensions, i)) out.push_back(x[0].shape[i]);
          else if (x[0].shape[i] != 1) [[unlikely]]
            raise<ShapeError>("squeeze: the axes that go must have size 1. Got shape {} and dimensions {}.",
                              to_string(x[0].shape), tuple_string(s.dimensions));
        }
        return {Aval{x[0].dtype, std::move(out), x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(squeeze_p),
      .transpose =
          transpose_unary([](const Array& ct, const Aval& x, const SqueezeParams&) { return reshape(ct, x.shape); }),
      .batch = batch_front<SqueezeParams>(
          squeeze_p, [](const SqueezeParams& s, Dim, std::int64_t) { return SqueezeParams{shifted(s.dimensions)}; }),
  });
  return p;
}

const Primitive& transpose_p() {
  static const Primitive p = make_primitive<TransposeParams>({
      .name = "transpose",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const TransposeParams& t) -> Avals {
        Axes sorted = t.permutation;
        std::ranges::sort(sorted);
        check<ShapeError>(sorted == iota_axes(x[0].rank()),
                          "transpose: the permutation must name each axis once. Got {} for {}.", shown(t.permutation),
                          x[0]);
        Shape out;
        for (const auto a : t.permutation) out.push_back(x[0].shape[a]);
        return {Aval{x[0].dtype, std::move(out), x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(transpose_p),
      .transpose = transpose_unary([](const Array& ct, const Aval&, const TransposeParams& t) {
        return transpose(ct, inverse_permutation(t.permutation));
      }),
      .batch = batch_front<TransposeParams>(transpose_p,
                                            [](const TransposeParams& t, Dim, std::int64_t) {
                                              Axes permutation = shifted(t.permutation);
                                              permutation.insert(permutation.begin(), 0);
                                              return TransposeParams{permutation};
                                            }),
  });
  return p;
}

const Primitive& rev_p() {
  static const Primitive p = make_primitive<RevParams>({
      .name = "rev",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const RevParams& r) -> Avals {
        rules::check_axes("rev", "dimensions", r.dimensions, x[0]);
        return {x[0]};
      },
      .jvp = rules::jvp_linear(rev_p),
      .transpose =
          transpose_unary([](const Array& ct, const Aval&, const RevParams& r) { return rev(ct, r.dimensions); }),
      .batch = batch_front<RevParams>(
          rev_p, [](const RevParams& r, Dim, std::int64_t) { return RevParams{shifted(r.dimensions)}; }),
  });
  return p;
}

const Primitive& iota_p() {
  static const Primitive p = make_primitive<IotaParams>({
      .name = "iota",
      .operands = 0,
      .aval = [](std::span<const Aval>, const IotaParams& i) -> Avals {
        rules::check_dtype("iota", i.dtype, kind::numeric);
        rules::check_sizes("iota", "shape", i.shape);
        check<AxisError>(i.dimension >= 0 && i.dimension < static_cast<std::int64_t>(i.shape.size()),
                         "iota: the dimension is out of range. Got {} for shape {}.", i.dimension, shown(i.shape));
        return {Aval{i.dtype, i.shape, false}};
      },
      .jvp = rules::jvp_zero(iota_p),
      .batch = [](std::span<const Array>, std::span<const Axis>, Dim, const IotaParams& i) -> BatchResult {
        return {iota_p().bind({}, i), {std::nullopt}};
      },
  });
  return p;
}

const Primitive& tile_p() {
  static const Primitive p = make_primitive<TileParams>({
      .name = "tile",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const TileParams& t) -> Avals {
        check<ShapeError>(t.reps.size() == x[0].shape.size(), "tile: reps must have one entry per axis. Got {} for {}.",
                          shown(t.reps), x[0]);
        rules::check_sizes("tile", "reps", Shape(t.reps.begin(), t.reps.end()));
        Aval out = x[0];
        for (std::size_t i = 0; i < t.reps.size(); ++i) out.shape[i] *= Dim(t.reps[i]);
        return {out};
      },
      .jvp = rules::jvp_linear(tile_p),
      .transpose = transpose_unary([](const Array& ct, const Aval& x, const TileParams& t) {
        Shape split;
        Axes copies;
        for (std::size_t i = 0; i < t.reps.size(); ++i) {
          copies.push_back(static_cast<std::int64_t>(split.size()));
          split.push_back(t.reps[i]);
          split.push_back(x.shape[i]);
        }
        return reduce_sum(reshape(ct, split), copies);
      }),
      .batch = batch_front<TileParams>(tile_p,
                                       [](const TileParams& t, Dim, std::int64_t) {
                                         TileParams out = t;
                                         out.reps.insert(out.reps.begin(), 1);
                                         return out;
                                       }),
  });
  return p;
}

void append_shape_primitives(std::vector<Primitive>& out) {
  for (const PrimitiveFn p :
       {broadcast_in_dim_p, reshape_p, squeeze_p, transpose_p, rev_p, concatenate_p, pad_p, slice_p, dynamic_slice_p,
        dynamic_update_slice_p, iota_p, split_p, stack_p, unstack_p, tile_p})
    out.push_back(p());
}

}  // namespace tf2jax
