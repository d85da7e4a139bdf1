// sort and top_k: primitives with their rules, and the functions that apply them.
#include "tf2jax/ops/sort.h"

#include <algorithm>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

Array take_along(const Array& x, const Array& indices, std::int64_t axis) {
  const Axes others = other_axes({axis}, x.rank());
  const Array vectors = expand_dims(indices, {indices.rank()});
  return gather(x, vectors, {{}, {axis}, {axis}, others, others}, Dims(x.shape().size(), 1),
                {.mode = GatherScatterMode::promise_in_bounds});
}

const Primitive& sort_p() {
  static const Primitive p = make_primitive<SortParams>({
      .name = "sort",
      .operands = OperandCount::at_least(1),
      .aval = [](std::span<const Aval> x, const SortParams& s) -> Avals {
        check(!x.empty(), "sort: there are no operands. Expected at least one.");
        for (const Aval& a : x)
          check<ShapeError>(identical(a.shape, x[0].shape), "sort: operands must have the same shape. Got {} and {}.",
                            x[0], a);
        check<AxisError>(s.dimension >= 0 && s.dimension < x[0].rank(),
                         "sort: the axis is out of range. Got {} for {}.", s.dimension, x[0]);
        check(s.num_keys >= 1 && s.num_keys <= static_cast<std::int64_t>(x.size()),
              "sort: num_keys must be in [1, {}]. Got {}.", x.size(), s.num_keys);
        return Avals(x.begin(), x.end());
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const SortParams& s) -> JvpResult {
        const bool live = std::ranges::any_of(t, [](const Tangent& d) { return !d.is_zero(); });
        JvpResult out;
        if (!live) {
          out.primals = sort_p().bind(x, s);
          for (const Array& y : out.primals) out.tangents.push_back(Tangent::zero(y.aval()));
          return out;
        }
        Arrays in(x.begin(), x.end());
        in.push_back(iota(DType::i32, x[0].shape(), s.dimension));
        out.primals = sort_p().bind(in, s);
        const Array order = out.primals.back();
        out.primals.pop_back();
        for (std::size_t i = 0; i < x.size(); ++i)
          out.tangents.push_back(t[i].is_zero() ? Tangent::zero(x[i].aval())
                                                : Tangent(take_along(t[i].value(), order, s.dimension)));
        return out;
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const SortParams& s) -> BatchResult {
        Arrays in;
        for (std::size_t i = 0; i < x.size(); ++i) in.push_back(rules::to_front(x[i], axes[i], size));
        SortParams b = s;
        ++b.dimension;
        return {sort_p().bind(in, b), std::vector<Axis>(x.size(), 0)};
      },
  });
  return p;
}

const Primitive& top_k_p() {
  static const Primitive p = make_primitive<TopK>({
      .name = "top_k",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const TopK& s) -> Avals {
        rules::check_dtype("top_k", x[0].dtype, kind::ordered);
        check<AxisError>(s.axis >= 0 && s.axis < x[0].rank(), "top_k: the axis is out of range. Got {} for {}.", s.axis,
                         x[0]);
        const Dim n = x[0].shape[s.axis];
        check(s.k >= 0, "top_k: k must not be negative. Got {}.", s.k);
        check(definitely_ge(n, Dim(s.k)).value_or(true),
              "top_k: k must not exceed the size of the axis. Got {} for {} along axis {}.", s.k, x[0], s.axis);
        Shape shape = x[0].shape;
        shape[s.axis] = s.k;
        return {Aval{x[0].dtype, shape, x[0].weak_type}, Aval{DType::i32, shape, false}};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const TopK& s) -> JvpResult {
        const Arrays y = top_k_p().bind(x, s);
        const Tangent none = Tangent::zero(y[1].aval());
        if (t[0].is_zero()) return {y, {Tangent::zero(y[0].aval()), none}};
        return {y, {Tangent(take_along(t[0].value(), y[1], s.axis)), none}};
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const TopK& s) -> BatchResult {
        TopK b = s;
        b.axis += s.axis >= *axes[0];
        return {top_k_p().bind(x, b), {axes[0], axes[0]}};
      },
  });
  return p;
}

const Primitive& approx_top_k_p() {
  static const Primitive p = make_primitive<ApproxTopK>({
      .name = "approx_top_k",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const ApproxTopK& s) -> Avals {
        rules::check_dtype("approx_top_k", x[0].dtype, kind::floating);
        const std::size_t axis = normalize_axis(s.reduction_dimension, x[0].rank(), "approx_top_k");
        check(s.k > 0, "approx_top_k: k must be positive. Got {}.", s.k);
        check<NotImplementedError>(s.aggregate_to_topk, "approx_top_k: aggregate_to_topk must be set.");
        check<ShapeError>(definitely_ge(x[0].shape[axis], Dim(s.k)).value_or(true),
                          "approx_top_k: k must not exceed the size of the axis. Got {1}; expected at most {0}.",
                          x[0].shape[axis], s.k);
        Shape shape = x[0].shape;
        shape[axis] = s.k;
        return {Aval{x[0].dtype, shape, false}, Aval{DType::i32, shape, false}};
      },
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const ApproxTopK& s) -> JvpResult {
        const Arrays y = approx_top_k_p().bind(x, s);
        const Tangent none = Tangent::zero(y[1].aval());
        if (t[0].is_zero()) return {y, {Tangent::zero(y[0].aval()), none}};
        return {y,
                {Tangent(take_along(t[0].value(), y[1],
                                    normalize_axis(s.reduction_dimension, x[0].rank(), "approx_top_k"))),
                 none}};
      },
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const ApproxTopK& s) -> BatchResult {
        ApproxTopK b = s;
        b.reduction_dimension += s.reduction_dimension >= 0;  // a negative one still counts from the end
        return {approx_top_k_p().bind({rules::mapped_to_front(x[0], axes[0])}, b), {0, 0}};
      },
  });
  return p;
}

void append_sort_primitives(std::vector<Primitive>& out) {
  out.push_back(approx_top_k_p());
  out.push_back(sort_p());
  out.push_back(top_k_p());
}

Arrays sort(std::span<const Array> operands, std::int64_t dimension, bool is_stable, std::int64_t num_keys) {
  check(!operands.empty(), "sort: there are no operands. Expected at least one.");
  return sort_p().bind(operands,
                       SortParams{normalize_axis(dimension, operands[0].rank(), "sort"), is_stable, num_keys});
}
Array sort(const Array& x, std::int64_t dimension) { return sort(std::span(&x, 1), dimension)[0]; }
Array argsort(const Array& x, std::int64_t dimension) {
  const DType index = canonical_dtype(DType::i64);
  const Array both[] = {x, iota(index, x.shape(), normalize_axis(dimension, x.rank(), "argsort"))};
  return sort(both, dimension)[1];
}
namespace {
std::pair<Array, Array> approximate(const Array& x, std::int64_t k, std::int64_t axis, bool largest) {
  ApproxTopK p;
  p.k = k;
  p.is_max_k = largest;
  p.reduction_dimension = normalize_axis(axis, x.rank(), "approx_top_k");
  Arrays y = approx_top_k_p().bind({x}, p);
  return {std::move(y[0]), std::move(y[1])};
}
}  // namespace
std::pair<Array, Array> approx_max_k(const Array& x, std::int64_t k, std::int64_t axis) {
  return approximate(x, k, axis, true);
}
std::pair<Array, Array> approx_min_k(const Array& x, std::int64_t k, std::int64_t axis) {
  return approximate(x, k, axis, false);
}
std::pair<Array, Array> top_k(const Array& x, std::int64_t k, std::int64_t axis) {
  Arrays y = top_k_p().bind({x}, TopK{k, normalize_axis(axis, x.rank(), "top_k"), true});
  return {std::move(y[0]), std::move(y[1])};
}

}  // namespace tf2jax
