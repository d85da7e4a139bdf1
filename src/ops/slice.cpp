// Static and dynamic slices and their updates.
#include <algorithm>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

using rules::mapped_to_front;
using rules::to_front;

void check_start(std::string_view name, const Aval& operand, std::span<const Aval> start) {
  check<ShapeError>(start.size() == operand.shape.size(), "{}: there must be one start index per axis. Got {} for {}.",
                    name, start.size(), operand);
  for (const Aval& a : start)
    check<DtypeError>(is_integer(a.dtype) && a.shape.empty(), "{}: start indices must be integer scalars. Got {}.",
                      name, a);
}

// Start indices as one i32/i64 array of shape [batch?, rank], for the gather and scatter forms of the batched rules.
std::pair<Array, bool> stacked_indices(std::span<const Array> start, std::span<const Axis> axes, Dim size) {
  const bool mapped = std::ranges::any_of(axes, [](const Axis& a) { return a.has_value(); });
  Arrays parts;
  for (std::size_t i = 0; i < start.size(); ++i) parts.push_back(mapped ? to_front(start[i], axes[i], size) : start[i]);
  return {stack(parts, mapped ? 1 : 0), mapped};
}

// Start indices as further operands. What is no index the primitive refuses.
void append_start(Arrays& operands, std::span<const Array> start, bool allow_negative_indices) {
  const Shape shape = operands.front().shape();
  for (std::size_t i = 0; i < start.size(); ++i)
    operands.push_back(allow_negative_indices && i < shape.size() ? rules::wrap_negative(start[i], shape[i])
                                                                  : start[i]);
}

}  // namespace

const Primitive& slice_p() {
  static const Primitive p = make_primitive<SliceParams>({
      .name = "slice",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const SliceParams& s) -> Avals {
        const std::size_t rank = x[0].shape.size();
        check<ShapeError>(s.start_indices.size() == rank && s.limit_indices.size() == rank &&
                              (!s.strides || s.strides->size() == rank),
                          "slice: start_indices, limit_indices and strides must have one entry per axis. Got starts {} "
                          "and limits {} for {}.",
                          shown(s.start_indices), shown(s.limit_indices), x[0]);
        Aval out{x[0].dtype, {}, x[0].weak_type};
        for (std::size_t i = 0; i < rank; ++i) {
          const Dim lo = s.start_indices[i], hi = s.limit_indices[i], n = x[0].shape[i];
          const std::int64_t stride = s.strides ? (*s.strides)[i] : 1;
          const bool fits = lo >= Dim(0) && definitely_ge(hi, lo).value_or(true) && definitely_ge(n, hi).value_or(true);
          check<ShapeError>(
              fits, "slice: the limits must lie between the starts and the sizes. Got starts {} and limits {} for {}.",
              shown(s.start_indices), shown(s.limit_indices), x[0]);
          check(stride > 0, "slice: the strides must be positive. Got {}.", stride);
          const Dim extent = hi - lo;
          out.shape.push_back(stride == 1 ? extent : floordiv(extent + Dim(stride - 1), Dim(stride)));
        }
        return {out};
      },
      .jvp = rules::jvp_linear(slice_p),
      .transpose = rules::transpose_unary([](const Array& ct, const Aval& x, const SliceParams& s) {
        std::vector<PadAxis> config;
        for (std::size_t i = 0; i < x.shape.size(); ++i) {
          const std::int64_t stride = s.strides ? (*s.strides)[i] : 1;
          const Dim n = ct.shape()[i];
          const Dim covered =
              identical(n, Dim(0)) ? s.start_indices[i] : s.start_indices[i] + Dim(1) + (n - Dim(1)) * Dim(stride);
          config.push_back({s.start_indices[i], x.shape[i] - covered, stride - 1});
        }
        return pad(ct, rules::scalar_of(ct.dtype(), 0), config);
      }),
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const SliceParams& s) -> BatchResult {
        SliceParams out = s;
        out.start_indices.insert(out.start_indices.begin(), Dim(0));
        out.limit_indices.insert(out.limit_indices.begin(), size);
        if (out.strides) out.strides->insert(out.strides->begin(), 1);
        return {slice_p().bind({mapped_to_front(x[0], axes[0])}, out), {0}};
      },
  });
  return p;
}

const Primitive& dynamic_slice_p() {
  static const Primitive p = make_primitive<SliceSizes>({
      .name = "dynamic_slice",
      .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const SliceSizes& s) -> Avals {
        check_start("dynamic_slice", x[0], x.subspan(1));
        check<ShapeError>(s.slice_sizes.size() == x[0].shape.size(),
                          "dynamic_slice: slice_sizes must have one entry per axis. Got {} for {}.",
                          shown(s.slice_sizes), x[0]);
        for (std::size_t i = 0; i < s.slice_sizes.size(); ++i)
          check<ShapeError>(definitely_ge(x[0].shape[i], s.slice_sizes[i]).value_or(true) &&
                                definitely_ge(s.slice_sizes[i], Dim(0)).value_or(true),
                            "dynamic_slice: slice_sizes must not exceed the operand. Got {} for {}.",
                            shown(s.slice_sizes), x[0]);
        return {Aval{x[0].dtype, s.slice_sizes, x[0].weak_type}};
      },
      .jvp = rules::jvp_linear_first(dynamic_slice_p),
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const SliceSizes&) -> Tangents {
        Tangents out;
        for (const LinearArg& a : x) out.push_back(Tangent::zero(a.aval));
        if (ct[0].is_zero()) return out;
        Arrays start;
        for (const LinearArg& a : x.subspan(1)) start.push_back(*a.known);
        out[0] = Tangent(dynamic_update_slice(zeros_of(x[0].aval), ct[0].value(), start, false));
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const SliceSizes& s) -> BatchResult {
        if (!std::ranges::any_of(axes.subspan(1), [](const Axis& a) { return a.has_value(); })) {
          Arrays in{mapped_to_front(x[0], axes[0]), rules::scalar_of(x.size() > 1 ? x[1].dtype() : DType::i32, 0)};
          in.insert(in.end(), x.begin() + 1, x.end());
          SliceSizes sizes = s;
          sizes.slice_sizes.insert(sizes.slice_sizes.begin(), size);
          return {dynamic_slice_p().bind(in, sizes), {0}};
        }
        const auto [indices, mapped] = stacked_indices(x.subspan(1), axes.subspan(1), size);
        const std::int64_t rank = x[0].rank() - (axes[0] ? 1 : 0);
        GatherParams g;
        g.mode = GatherScatterMode::clip;
        g.slice_sizes = concrete(s.slice_sizes);
        if (axes[0]) {
          g.dimension_numbers = {iota_axes(rank, 1), {}, iota_axes(rank, 1), {0}, {0}};
          g.slice_sizes.insert(g.slice_sizes.begin(), 1);
        } else {
          g.dimension_numbers = {iota_axes(rank, 1), {}, iota_axes(rank), {}, {}};
        }
        return {gather_p().bind({mapped_to_front(x[0], axes[0]), indices}, g), {0}};
      },
  });
  return p;
}

const Primitive& dynamic_update_slice_p() {
  static const Primitive p = make_primitive({
      .name = "dynamic_update_slice",
      .operands = OperandCount::at_least(2),
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        check_start("dynamic_update_slice", x[0], x.subspan(2));
        rules::same_dtype("dynamic_update_slice", x.subspan(0, 2));
        check<ShapeError>(x[0].rank() == x[1].rank(),
                          "dynamic_update_slice: the update must have the rank of the operand. Got {} for {}.", x[1],
                          x[0]);
        for (std::size_t i = 0; i < x[0].shape.size(); ++i)
          check<ShapeError>(definitely_ge(x[0].shape[i], x[1].shape[i]).value_or(true),
                            "dynamic_update_slice: the update must not exceed the operand. Got {} for {}.", x[1], x[0]);
        return {x[0]};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const NoParams&) -> JvpResult {
        Array y = dynamic_update_slice_p().bind(x)[0];
        if (t[0].is_zero() && t[1].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
        Arrays in(x.begin(), x.end());
        in[0] = rules::instantiate(t[0]);
        in[1] = rules::instantiate(t[1]);
        return {{std::move(y)}, {Tangent(dynamic_update_slice_p().bind(in)[0])}};
      },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const NoParams&) -> Tangents {
        Tangents out;
        for (const LinearArg& a : x) out.push_back(Tangent::zero(a.aval));
        if (ct[0].is_zero()) return out;
        const Array& g = ct[0].value();
        Arrays start;
        for (const LinearArg& a : x.subspan(2)) start.push_back(*a.known);
        if (x[0].is_linear()) out[0] = Tangent(dynamic_update_slice(g, zeros_of(x[1].aval), start, false));
        if (x[1].is_linear()) out[1] = Tangent(dynamic_slice(g, start, x[1].aval.shape, false));
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const NoParams&) -> BatchResult {
        const Array operand = to_front(x[0], axes[0], size), update = to_front(x[1], axes[1], size);
        if (!std::ranges::any_of(axes.subspan(2), [](const Axis& a) { return a.has_value(); })) {
          Arrays in{operand, update, rules::scalar_of(x.size() > 2 ? x[2].dtype() : DType::i32, 0)};
          in.insert(in.end(), x.begin() + 2, x.end());
          return {dynamic_update_slice_p().bind(in), {0}};
        }
        const auto [indices, mapped] = stacked_indices(x.subspan(2), axes.subspan(2), size);
        const std::int64_t rank = operand.rank() - 1;
        ScatterParams s;
        s.mode = GatherScatterMode::clip;
        s.unique_indices = s.indices_are_sorted = true;
        s.dimension_numbers = {iota_axes(rank, 1), {}, iota_axes(rank, 1), {0}, {0}};
        return {scatter_p().bind({operand, indices, update}, s), {0}};
      },
  });
  return p;
}

// ---- public functions

Array slice(const Array& x, const Shape& start, const Shape& limit, const Axes& strides) {
  bool whole = true;
  for (std::size_t i = 0; i < start.size(); ++i)
    whole = whole && identical(start[i], Dim(0)) && i < x.shape().size() && identical(limit[i], x.shape()[i]) &&
            (strides.empty() || strides[i] == 1);
  if (whole && start.size() == x.shape().size()) return x;
  const bool unit = std::ranges::all_of(strides, [](auto s) { return s == 1; });
  return slice_p().bind1({x}, SliceParams{start, limit, unit ? std::nullopt : std::optional(strides)});
}

Array slice_in_dim(const Array& x, std::int64_t start, std::int64_t limit, std::int64_t stride, std::int64_t axis) {
  const std::size_t a = normalize_axis(axis, x.rank(), "slice_in_dim");
  Shape lo(x.shape().size(), Dim(0)), hi = x.shape();
  Axes strides(x.shape().size(), 1);
  const auto bound = [&](std::int64_t i) { return i < 0 ? x.shape()[a] + Dim(i) : Dim(i); };
  lo[a] = bound(start);
  hi[a] = bound(limit);
  strides[a] = stride;
  return slice(x, lo, hi, strides);
}

Array dynamic_slice(const Array& x, std::span<const Array> start, const Shape& sizes, bool allow_negative_indices) {
  Arrays in{x};
  append_start(in, start, allow_negative_indices);
  return dynamic_slice_p().bind(in, SliceSizes{sizes})[0];
}

Array dynamic_update_slice(const Array& x, const Array& update, std::span<const Array> start,
                           bool allow_negative_indices) {
  Arrays in{x, update};
  append_start(in, start, allow_negative_indices);
  return dynamic_update_slice_p().bind(in)[0];
}

Array dynamic_index_in_dim(const Array& x, const Array& index, std::int64_t axis, bool keepdims,
                           bool allow_negative_indices) {
  const std::int64_t a = normalize_axis(axis, x.rank(), "dynamic_index_in_dim");
  Arrays start(x.shape().size(), rules::scalar_of(index.dtype(), 0));
  start[a] = index;
  Shape sizes = x.shape();
  sizes[a] = 1;
  const Array piece = dynamic_slice(x, start, sizes, allow_negative_indices);
  return keepdims ? piece : squeeze(piece, {a});
}

}  // namespace tf2jax
