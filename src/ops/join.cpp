// Primitives that join, pad and split arrays.
#include <algorithm>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

using rules::instantiate;
using rules::mapped_to_front;
using rules::to_front;

const Primitive& concatenate_p() {
  static const Primitive p = make_primitive<ConcatenateParams>({
      .name = "concatenate",
      .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const ConcatenateParams& c) -> Avals {
        check(!x.empty(), "concatenate: there are no operands. Expected at least one.");
        rules::same_dtype("concatenate", x);
        check<AxisError>(c.dimension >= 0 && c.dimension < x[0].rank(),
                         "concatenate: the dimension is out of bounds. Got {} for {}.", c.dimension, shown(x));
        Shape out = x[0].shape;
        for (const Aval& a : x.subspan(1)) {
          check<ShapeError>(a.rank() == x[0].rank(), "concatenate: the operands must have one rank. Got {}.", shown(x));
          for (std::int64_t i = 0; i < a.rank(); ++i) {
            if (i == c.dimension) out[i] += a.shape[i];
            else if (!definitely_equal(a.shape[i], out[i]).value_or(false)) [[unlikely]]
              raise<ShapeError>(
                  "concatenate: sizes may differ along the dimension that is joined only. Got dimension {} and {}.",
                  c.dimension, to_string(x));
          }
        }
        return {Aval{x[0].dtype, std::move(out), rules::all_weak(x)}};
      },
      .jvp = rules::jvp_linear_all(concatenate_p),
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x,
                      const ConcatenateParams& c) -> Tangents {
        Tangents out;
        Dim start = 0;
        for (const LinearArg& a : x) {
          const Shape& shape = a.known ? a.known->shape() : a.aval.shape;
          const Dim end = start + shape[c.dimension];
          if (a.is_linear() && !ct[0].is_zero()) {
            Shape lo(shape.size(), Dim(0)), hi = ct[0].value().shape();
            lo[c.dimension] = start;
            hi[c.dimension] = end;
            out.push_back(Tangent(slice(ct[0].value(), lo, hi)));
          } else {
            out.push_back(Tangent::zero(a.aval));
          }
          start = end;
        }
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size,
                  const ConcatenateParams& c) -> BatchResult {
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
    out += fmt::format("{}({}, {}, {})", i ? ", " : "", v[i].low.to_string(), v[i].high.to_string(),
                       v[i].interior.to_string());
  return out + (v.size() == 1 ? ",)" : ")");
}
void read_param(const ParsedValue& v, std::vector<PadAxis>& out) {
  out.clear();
  for (const ParsedValue& axis : v.items) {
    check<ParseError>(axis.items.size() == 3,
                      "parse_jaxpr: padding_config has another form. Got '{}'; expected three numbers per axis.",
                      axis.text.substr(0, 80));
    PadAxis a;
    read_param(axis.items[0], a.low);
    read_param(axis.items[1], a.high);
    read_param(axis.items[2], a.interior);
    out.push_back(a);
  }
}

namespace {

Avals pad_aval(std::span<const Aval> x, const PadParams& pad) {
  rules::same_dtype("pad", x);
  check<ShapeError>(x[1].shape.empty(), "pad: the padding value must be a scalar. Got {}.", x[1]);
  check<ShapeError>(pad.padding_config.size() == x[0].shape.size(),
                    "pad: padding_config must have one entry per axis. Got {} for {}.", shown(pad.padding_config),
                    x[0]);
  Shape out;
  for (std::size_t i = 0; i < x[0].shape.size(); ++i) {
    const PadAxis& a = pad.padding_config[i];
    const Dim n = x[0].shape[i];
    check<ShapeError>(!(a.interior.is_constant() && a.interior.value() < 0),
                      "pad: interior padding must not be negative. Got {}.", shown(pad.padding_config));
    const Dim inner = identical(a.interior, Dim(0))
                          ? Dim(0)
                          : (n.is_constant() ? Dim(std::max<std::int64_t>(n.value() - 1, 0)) * a.interior
                                             : (n - Dim(1)) * a.interior);
    out.push_back(a.low + a.high + n + inner);
    if (out.back().is_constant())
      check<ShapeError>(out.back().value() >= 0,
                        "pad: a size becomes negative. Got result shape {} for padding_config {} and {}.", shown(out),
                        shown(pad.padding_config), x[0]);
  }
  return {Aval{x[0].dtype, std::move(out), rules::all_weak(x)}};
}

Tangents pad_transpose(std::span<const Tangent> ct, std::span<const LinearArg> x, const PadParams& pad) {
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
  if (x[1].is_linear())
    out[1] = Tangent(sub(reduce_sum(g, iota_axes(g.rank())), reduce_sum(operand, iota_axes(operand.rank()))));
  return out;
}

}  // namespace

const Primitive& pad_p() {
  static const Primitive p = make_primitive<PadParams>({
      .name = "pad",
      .operands = 2,
      .aval = pad_aval,
      .jvp = rules::jvp_linear_all(pad_p),
      .transpose = pad_transpose,
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

const Primitive& split_p() {
  static const Primitive p = make_primitive<SplitParams>({
      .name = "split",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const SplitParams& s) -> Avals {
        rules::check_axes("split", "axis", {s.axis}, x[0]);
        rules::check_sizes("split", "sizes", Shape(s.sizes.begin(), s.sizes.end()));
        const std::int64_t axis = s.axis;
        std::int64_t total = 0;
        bool fits = true;
        Avals out;
        for (const auto n : s.sizes) {
          fits = !__builtin_add_overflow(total, n, &total) && fits;
          Aval piece = x[0];
          piece.shape[axis] = n;
          out.push_back(std::move(piece));
        }
        check<ShapeError>(fits && x[0].shape[axis] == total,
                          "split: the sizes must add up to the axis. Got {} for axis {} of {}.", shown(s.sizes), axis,
                          x[0]);
        return out;
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const SplitParams& s) -> JvpResult {
        JvpResult out{split_p().bind(x, s), {}};
        if (t[0].is_zero())
          for (const Array& y : out.primals) out.tangents.push_back(Tangent::zero(y.aval()));
        else
          for (Array& d : split_p().bind({t[0].value()}, s)) out.tangents.emplace_back(std::move(d));
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
        return {split_p().bind({mapped_to_front(x[0], axes[0])}, SplitParams{s.sizes, s.axis + 1}),
                std::vector<Axis>(s.sizes.size(), 0)};
      },
  });
  return p;
}

const Primitive& stack_p() {
  static const Primitive p = make_primitive<AxisParam>({
      .name = "stack",
      .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const AxisParam& s) -> Avals {
        check(!x.empty(), "stack: there are no operands. Expected at least one.");
        check<AxisError>(s.axis >= 0 && s.axis <= x[0].rank(), "stack: the axis is out of range. Got {} for {}.",
                         s.axis, x[0]);
        rules::same_dtype("stack", x);
        for (const Aval& a : x)
          check<ShapeError>(identical(a.shape, x[0].shape), "stack: the operands must have one shape. Got {}.",
                            shown(x));
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
        for (std::size_t i = 0; i < x.size(); ++i)
          out.push_back(x[i].is_linear() ? Tangent(pieces[i]) : Tangent::zero(x[i].aval));
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
      .name = "unstack",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const AxisParam& s) -> Avals {
        rules::check_axes("unstack", "axis", {s.axis}, x[0]);
        const std::int64_t axis = s.axis;
        Aval piece = x[0];
        const std::int64_t n = piece.shape[axis].value();
        piece.shape.erase(piece.shape.begin() + axis);
        return Avals(n, piece);
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const AxisParam& s) -> JvpResult {
        JvpResult out{unstack_p().bind(x, s), {}};
        if (t[0].is_zero())
          for (const Array& y : out.primals) out.tangents.push_back(Tangent::zero(y.aval()));
        else
          for (Array& d : unstack_p().bind({t[0].value()}, s)) out.tangents.emplace_back(std::move(d));
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

}  // namespace tf2jax
