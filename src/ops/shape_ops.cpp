// Primitives that move data without arithmetic: broadcasting, reshaping, permuting, joining, padding, splitting.
#include "tf2jax/ops/shape_ops.h"

#include <algorithm>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/reduce.h"

namespace tf2jax {

namespace {

using rules::instantiate;
using rules::mapped_to_front;
using rules::to_front;
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
std::size_t u(std::int64_t i) { return static_cast<std::size_t>(i); }

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
      .name = "broadcast_in_dim", .operands = 1,
      .aval = [](std::span<const Aval> x, const BroadcastInDim& b) -> Avals {
        rules::check_sizes("broadcast_in_dim", "shape", b.shape);
        if (!(b.broadcast_dimensions.size() == x[0].shape.size())) [[unlikely]]
  raise<ShapeError>("broadcast_in_dim broadcast_dimensions must have length equal to operand ndim; got {} for {}.", tuple_string(b.broadcast_dimensions), x[0]);
        for (std::size_t i = 0; i < x[0].shape.size(); ++i) {
          const std::int64_t d = b.broadcast_dimensions[i];
          if (!(d >= 0 && d < static_cast<std::int64_t>(b.shape.size()) && (i == 0 || b.broadcast_dimensions[i - 1] < d))) [[unlikely]]
  raise<ShapeError>("broadcast_in_dim: broadcast_dimensions must be increasing axes of the result. Got {} for result shape {}.",
                            tuple_string(b.broadcast_dimensions), to_string(b.shape));
          if (!(identical(x[0].shape[i], Dim(1)) || x[0].shape[i] == b.shape[u(d)])) [[unlikely]]
  raise<ShapeError>("broadcast_in_dim: operand {} does not fit result shape {} at broadcast_dimensions {}: axis {} must be 1 or match.", x[0],
                            to_string(b.shape), tuple_string(b.broadcast_dimensions), i);
        }
        return {Aval{x[0].dtype, b.shape, x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(broadcast_in_dim_p),
      .transpose = transpose_unary([](const Array& ct, const Aval& x, const BroadcastInDim& b) {
        Axes summed;
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(b.shape.size()); ++i) {
          const auto it = std::ranges::find(b.broadcast_dimensions, i);
          if (it == b.broadcast_dimensions.end() || !identical(x.shape[u(it - b.broadcast_dimensions.begin())], b.shape[u(i)])) summed.push_back(i);
        }
        return reshape(summed.empty() ? ct : reduce_sum(ct, summed), x.shape);
      }),
      .batch = batch_front<BroadcastInDim>(broadcast_in_dim_p, [](const BroadcastInDim& b, Dim n, std::int64_t) {
        Axes dims = shifted(b.broadcast_dimensions);
        dims.insert(dims.begin(), 0);
        return BroadcastInDim{dims, prepended(n, b.shape)};
      }),
  });
  return p;
}

const Primitive& reshape_p() {
  static const Primitive p = make_primitive<ReshapeParams>({
      .name = "reshape", .operands = 1,
      .aval = [](std::span<const Aval> x, const ReshapeParams& r) -> Avals {
        rules::check_sizes("reshape", "new_sizes", r.new_sizes);
        check<AxisError>(!r.dimensions || (rules::are_axes(*r.dimensions, x[0].rank()) && r.dimensions->size() == x[0].shape.size()),
                         "reshape dimensions must be a permutation of operand dimensions, got dimensions {} for {}.", tuple_string(r.dimensions.value_or(Axes{})), x[0]);
        const Dim from = num_elements(x[0].shape), to = num_elements(r.new_sizes);
        if (!(identical(from, to) || definitely_equal(from, to).value_or(false))) [[unlikely]]
  raise<ShapeError>("reshape total size must be unchanged, got new_sizes {} for shape {}.", to_string(r.new_sizes), to_string(x[0].shape));
        return {Aval{x[0].dtype, r.new_sizes, x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(reshape_p),
      .transpose = transpose_unary([](const Array& ct, const Aval& x, const ReshapeParams& r) {
        if (!r.dimensions) return reshape(ct, x.shape);
        Shape permuted;
        for (const auto a : *r.dimensions) permuted.push_back(x.shape[u(a)]);
        return transpose(reshape(ct, permuted), inverse_permutation(*r.dimensions));
      }),
      .batch = batch_front<ReshapeParams>(reshape_p, [](const ReshapeParams& r, Dim n, std::int64_t) {
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
      .name = "squeeze", .operands = 1,
      .aval = [](std::span<const Aval> x, const SqueezeParams& s) -> Avals {
        rules::check_axes("squeeze", "dimensions", s.dimensions, x[0]);
        Shape out;
        for (std::int64_t i = 0; i < x[0].rank(); ++i) {
          if (!contains(s.dimensions, i)) out.push_back(x[0].shape[u(i)]);
          else
            if (!(x[0].shape[u(i)] == Dim(1))) [[unlikely]]
  raise<ShapeError>("cannot select an axis to squeeze out which has size not equal to one, got shape={} and dimensions={}.",
                              to_string(x[0].shape), tuple_string(s.dimensions));
        }
        return {Aval{x[0].dtype, std::move(out), x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(squeeze_p),
      .transpose = transpose_unary([](const Array& ct, const Aval& x, const SqueezeParams&) { return reshape(ct, x.shape); }),
      .batch = batch_front<SqueezeParams>(squeeze_p, [](const SqueezeParams& s, Dim, std::int64_t) { return SqueezeParams{shifted(s.dimensions)}; }),
  });
  return p;
}

const Primitive& transpose_p() {
  static const Primitive p = make_primitive<TransposeParams>({
      .name = "transpose", .operands = 1,
      .aval = [](std::span<const Aval> x, const TransposeParams& t) -> Avals {
        Axes sorted = t.permutation;
        std::ranges::sort(sorted);
        if (!(sorted == iota_axes(x[0].rank()))) [[unlikely]]
  raise<ShapeError>("transpose permutation isn't a permutation of operand dimensions, got permutation {} for operand {}.",
                          tuple_string(t.permutation), x[0]);
        Shape out;
        for (const auto a : t.permutation) out.push_back(x[0].shape[u(a)]);
        return {Aval{x[0].dtype, std::move(out), x[0].weak_type}};
      },
      .jvp = rules::jvp_linear(transpose_p),
      .transpose = transpose_unary([](const Array& ct, const Aval&, const TransposeParams& t) { return transpose(ct, inverse_permutation(t.permutation)); }),
      .batch = batch_front<TransposeParams>(transpose_p, [](const TransposeParams& t, Dim, std::int64_t) {
        Axes permutation = shifted(t.permutation);
        permutation.insert(permutation.begin(), 0);
        return TransposeParams{permutation};
      }),
  });
  return p;
}

const Primitive& rev_p() {
  static const Primitive p = make_primitive<RevParams>({
      .name = "rev", .operands = 1,
      .aval = [](std::span<const Aval> x, const RevParams& r) -> Avals {
        rules::check_axes("rev", "dimensions", r.dimensions, x[0]);
        return {x[0]};
      },
      .jvp = rules::jvp_linear(rev_p),
      .transpose = transpose_unary([](const Array& ct, const Aval&, const RevParams& r) { return rev(ct, r.dimensions); }),
      .batch = batch_front<RevParams>(rev_p, [](const RevParams& r, Dim, std::int64_t) { return RevParams{shifted(r.dimensions)}; }),
  });
  return p;
}

const Primitive& concatenate_p() {
  static const Primitive p = make_primitive<ConcatenateParams>({
      .name = "concatenate", .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const ConcatenateParams& c) -> Avals {
        check(!x.empty(), "concatenate expects at least one operand, got 0.");
        rules::same_dtype("concatenate", x);
        if (!(c.dimension >= 0 && c.dimension < x[0].rank())) [[unlikely]]
  raise<AxisError>("concatenate dimension out of bounds: dimension {} for shapes {}.", c.dimension, to_string(x));
        Shape out = x[0].shape;
        for (const Aval& a : x.subspan(1)) {
          if (!(a.rank() == x[0].rank())) [[unlikely]]
  raise<ShapeError>("Cannot concatenate arrays with different numbers of dimensions: got {}.", to_string(x));
          for (std::int64_t i = 0; i < a.rank(); ++i) {
            if (i == c.dimension) out[u(i)] += a.shape[u(i)];
            else
              if (!(a.shape[u(i)] == out[u(i)])) [[unlikely]]
  raise<ShapeError>("Cannot concatenate arrays with shapes that differ in dimensions other than the one being concatenated: concatenating along dimension {} for shapes {}.",
                                c.dimension, to_string(x));
          }
        }
        return {Aval{x[0].dtype, std::move(out), rules::all_weak(x)}};
      },
      .jvp = rules::jvp_linear_all(concatenate_p),
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const ConcatenateParams& c) -> Tangents {
        Tangents out;
        Dim start = 0;
        for (const LinearArg& a : x) {
          const Shape& shape = a.known ? a.known->shape() : a.aval.shape;
          const Dim end = start + shape[u(c.dimension)];
          if (a.is_linear() && !ct[0].is_zero()) {
            Shape lo(shape.size(), Dim(0)), hi = ct[0].value().shape();
            lo[u(c.dimension)] = start;
            hi[u(c.dimension)] = end;
            out.push_back(Tangent(slice(ct[0].value(), lo, hi)));
          } else {
            out.push_back(Tangent::zero(a.aval));
          }
          start = end;
        }
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const ConcatenateParams& c) -> BatchResult {
        Arrays in;
        for (std::size_t i = 0; i < x.size(); ++i) in.push_back(to_front(x[i], axes[i], size));
        return {concatenate_p().bind(in, ConcatenateParams{c.dimension + 1}), {0}};
      },
  });
  return p;
}

std::string param_text(const std::vector<PadAxis>& v) {
  std::string out = "(";
  for (std::size_t i = 0; i < v.size(); ++i)
    out += fmt::format("{}({}, {}, {})", i ? ", " : "", v[i].low.to_string(), v[i].high.to_string(), v[i].interior.to_string());
  return out + (v.size() == 1 ? ",)" : ")");
}
std::size_t param_hash(const std::vector<PadAxis>& v) {
  std::size_t h = v.size();
  for (const PadAxis& a : v) h = ((h * 31 + hash_value(a.low)) * 31 + hash_value(a.high)) * 31 + hash_value(a.interior);
  return h;
}
void read_param(const ParsedValue& v, std::vector<PadAxis>& out) {
  out.clear();
  for (const ParsedValue& axis : v.items) {
    check<ParseError>(axis.items.size() == 3, "padding_config: expected three numbers per axis.");
    PadAxis a;
    read_param(axis.items[0], a.low);
    read_param(axis.items[1], a.high);
    read_param(axis.items[2], a.interior);
    out.push_back(a);
  }
}

const Primitive& pad_p() {
  static const Primitive p = make_primitive<PadParams>({
      .name = "pad", .operands = 2,
      .aval = [](std::span<const Aval> x, const PadParams& pad) -> Avals {
        rules::same_dtype("pad", x);
        check<ShapeError>(x[1].shape.empty(), "padding_value must be a scalar; got {}.", x[1]);
        if (!(pad.padding_config.size() == x[0].shape.size())) [[unlikely]]
  raise<ShapeError>("length of padding_config must equal the number of axes of operand, got padding_config {} for operand {}.",
                          param_text(pad.padding_config), x[0]);
        Shape out;
        for (std::size_t i = 0; i < x[0].shape.size(); ++i) {
          const PadAxis& a = pad.padding_config[i];
          const Dim n = x[0].shape[i];
          if (!(!(a.interior.is_constant() && a.interior.value() < 0))) [[unlikely]]
  raise<ShapeError>("interior padding in padding_config must be nonnegative, got {}.", param_text(pad.padding_config));
          const Dim inner = identical(a.interior, Dim(0)) ? Dim(0) : (n.is_constant() ? Dim(std::max<std::int64_t>(n.value() - 1, 0)) * a.interior : (n - Dim(1)) * a.interior);
          out.push_back(a.low + a.high + n + inner);
          if (out.back().is_constant()) if (!(out.back().value() >= 0)) [[unlikely]]
  raise<ShapeError>("Dimension size after padding is not at least 0, got result shape {} for padding_config {} and operand {}.",
                                                           to_string(out), param_text(pad.padding_config), x[0]);
        }
        return {Aval{x[0].dtype, std::move(out), rules::all_weak(x)}};
      },
      .jvp = rules::jvp_linear_all(pad_p),
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const PadParams& pad) -> Tangents {
        Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
        if (ct[0].is_zero()) return out;
        const Array& g = ct[0].value();
        // Undo the outer padding by negative padding, the interior one by strides.
        std::vector<PadAxis> unpadded;
        Axes strides;
        for (const PadAxis& a : pad.padding_config) {
          unpadded.push_back({-a.low, -a.high, 0});
          strides.push_back(a.interior.value() + 1);
        }
        const Array inner = tf2jax::pad(g, rules::scalar_of(g.dtype(), 0), unpadded);
        const Array operand = slice(inner, Shape(inner.shape().size(), Dim(0)), inner.shape(), strides);
        if (x[0].is_linear()) out[0] = Tangent(operand);
        if (x[1].is_linear()) out[1] = Tangent(sub(reduce_sum(g, iota_axes(g.rank())), reduce_sum(operand, iota_axes(operand.rank()))));
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const PadParams& pad) -> BatchResult {
        PadParams shifted = pad;
        shifted.padding_config.insert(shifted.padding_config.begin(), PadAxis{0, 0, 0});
        const Array operand = to_front(x[0], axes[0], size);
        if (!axes[1]) return {pad_p().bind({operand, x[1]}, shifted), {0}};
        // A value per example: pad with zeros and fill the padding, which a padded mask of ones reveals.
        const Array zero = rules::scalar_of(operand.dtype(), 0);
        const Array padded = pad_p().bind1({operand, zero}, shifted);
        const Array mask = pad_p().bind1({full(operand.shape(), true), Array(false)}, shifted);
        const Array fill = broadcast_in_dim(mapped_to_front(x[1], axes[1]), padded.shape(), {0});
        return {{select(mask, padded, fill)}, {0}};
      },
  });
  return p;
}

const Primitive& iota_p() {
  static const Primitive p = make_primitive<IotaParams>({
      .name = "iota", .operands = 0,
      .aval = [](std::span<const Aval>, const IotaParams& i) -> Avals {
        rules::check_dtype("iota", i.dtype, kind::numeric);
        rules::check_sizes("iota", "shape", i.shape);
        if (!(i.dimension >= 0 && i.dimension < static_cast<std::int64_t>(i.shape.size()))) [[unlikely]]
  raise<AxisError>("iota dimension must be between 0 and len(shape), got dimension={} for shape {}.",
                         i.dimension, to_string(i.shape));
        return {Aval{i.dtype, i.shape, false}};
      },
      .jvp = rules::jvp_zero(iota_p),
      .batch = [](std::span<const Array>, std::span<const Axis>, Dim, const IotaParams& i) -> BatchResult { return {iota_p().bind({}, i), {std::nullopt}}; },
  });
  return p;
}

const Primitive& split_p() {
  static const Primitive p = make_primitive<SplitParams>({
      .name = "split", .operands = 1,
      .aval = [](std::span<const Aval> x, const SplitParams& s) -> Avals {
        rules::check_axes("split", "axis", {s.axis}, x[0]);
        rules::check_sizes("split", "sizes", Shape(s.sizes.begin(), s.sizes.end()));
        const std::int64_t axis = s.axis;
        std::int64_t total = 0;
        Avals out;
        for (const auto n : s.sizes) {
          total += n;
          Aval piece = x[0];
          piece.shape[u(axis)] = n;
          out.push_back(std::move(piece));
        }
        if (!(x[0].shape[u(axis)] == Dim(total))) [[unlikely]]
  raise<ShapeError>("split: sizes {} do not add up to axis {} of {}.", tuple_string(s.sizes), axis, x[0]);
        return out;
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const SplitParams& s) -> JvpResult {
        JvpResult out{split_p().bind(x, s), {}};
        if (t[0].is_zero()) for (const Array& y : out.primals) out.tangents.push_back(Tangent::zero(y.aval()));
        else for (Array& d : split_p().bind({t[0].value()}, s)) out.tangents.emplace_back(std::move(d));
        return out;
      },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const SplitParams& s) -> Tangents {
        Arrays pieces;
        bool live = false;
        for (const Tangent& c : ct) live = live || !c.is_zero();
        if (!live) return {Tangent::zero(x[0].aval)};
        for (const Tangent& c : ct) pieces.push_back(instantiate(c));
        return {Tangent(concatenate_p().bind(pieces, ConcatenateParams{s.axis})[0])};
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const SplitParams& s) -> BatchResult {
        return {split_p().bind({mapped_to_front(x[0], axes[0])}, SplitParams{s.sizes, s.axis + 1}), std::vector<Axis>(s.sizes.size(), 0)};
      },
  });
  return p;
}

const Primitive& stack_p() {
  static const Primitive p = make_primitive<AxisParam>({
      .name = "stack", .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const AxisParam& s) -> Avals {
        check(!x.empty(), "stack expects at least one operand.");
        check<AxisError>(s.axis >= 0 && s.axis <= x[0].rank(), "stack: axis {} is out of range for {}.", s.axis, x[0]);
        rules::same_dtype("stack", x);
        for (const Aval& a : x) if (!(identical(a.shape, x[0].shape))) [[unlikely]]
  raise<ShapeError>("All input arrays to stack must have the same shape, got {}.", to_string(x));
        Aval out = x[0];
        out.shape.insert(out.shape.begin() + s.axis, Dim(x.size()));
        return {out};
      },
      .jvp = rules::jvp_linear_all(stack_p),
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const AxisParam& s) -> Tangents {
        Tangents out;
        if (ct[0].is_zero()) {
          for (const LinearArg& a : x) out.push_back(Tangent::zero(a.aval));
          return out;
        }
        const Arrays pieces = unstack(ct[0].value(), s.axis);
        for (std::size_t i = 0; i < x.size(); ++i) out.push_back(x[i].is_linear() ? Tangent(pieces[i]) : Tangent::zero(x[i].aval));
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const AxisParam& s) -> BatchResult {
        Arrays in;
        for (std::size_t i = 0; i < x.size(); ++i) in.push_back(to_front(x[i], axes[i], size));
        return {stack_p().bind(in, AxisParam{s.axis + 1}), {0}};
      },
  });
  return p;
}

const Primitive& unstack_p() {
  static const Primitive p = make_primitive<AxisParam>({
      .name = "unstack", .operands = 1,
      .aval = [](std::span<const Aval> x, const AxisParam& s) -> Avals {
        rules::check_axes("unstack", "axis", {s.axis}, x[0]);
        const std::int64_t axis = s.axis;
        Aval piece = x[0];
        const std::int64_t n = piece.shape[u(axis)].value();
        piece.shape.erase(piece.shape.begin() + axis);
        return Avals(u(n), piece);
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const AxisParam& s) -> JvpResult {
        JvpResult out{unstack_p().bind(x, s), {}};
        if (t[0].is_zero()) for (const Array& y : out.primals) out.tangents.push_back(Tangent::zero(y.aval()));
        else for (Array& d : unstack_p().bind({t[0].value()}, s)) out.tangents.emplace_back(std::move(d));
        return out;
      },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const AxisParam& s) -> Tangents {
        Arrays pieces;
        bool live = false;
        for (const Tangent& c : ct) live = live || !c.is_zero();
        if (!live) return {Tangent::zero(x[0].aval)};
        for (const Tangent& c : ct) pieces.push_back(instantiate(c));
        return {Tangent(stack_p().bind(pieces, s)[0])};
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const AxisParam& s) -> BatchResult {
        Arrays out = unstack_p().bind({mapped_to_front(x[0], axes[0])}, AxisParam{s.axis + 1});
        const std::size_t n = out.size();
        return {std::move(out), std::vector<Axis>(n, 0)};
      },
  });
  return p;
}

const Primitive& tile_p() {
  static const Primitive p = make_primitive<TileParams>({
      .name = "tile", .operands = 1,
      .aval = [](std::span<const Aval> x, const TileParams& t) -> Avals {
        if (!(t.reps.size() == x[0].shape.size())) [[unlikely]]
  raise<ShapeError>("tile: reps {} must have one entry per axis of {}.", tuple_string(t.reps), x[0]);
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
      .batch = batch_front<TileParams>(tile_p, [](const TileParams& t, Dim, std::int64_t) {
        TileParams out = t;
        out.reps.insert(out.reps.begin(), 1);
        return out;
      }),
  });
  return p;
}

void append_shape_primitives(std::vector<Primitive>& out) {
  for (const PrimitiveFn p : {broadcast_in_dim_p, reshape_p, squeeze_p, transpose_p, rev_p, concatenate_p, pad_p, slice_p, dynamic_slice_p,
                              dynamic_update_slice_p, iota_p, split_p, stack_p, unstack_p, tile_p})
    out.push_back(p());
}

}  // namespace tf2jax
