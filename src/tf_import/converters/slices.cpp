// Slices, and what replaces them.
#include "tf2jax/tf_import/internal/bounded_sizes.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/grad.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

bool bit(std::int64_t mask, std::size_t i) { return mask >> i & 1; }

// One axis of a strided slice after masks and negative indices are resolved.
struct AxisSlice {
  Dim start = 0, limit = 0;
  std::int64_t stride = 1;
  bool shrink = false, new_axis = false;
  std::optional<Array> index;  // a traced position of a shrunk axis
  std::optional<Array> first;  // or the traced start of a window of limit - start elements
  std::optional<Array> holds;  // whether that window is what TensorFlow takes
};

Dim clamp_dim(Dim v, Dim lo, Dim hi) { return max(min(v, hi), lo); }

bool is_traced(const Value& v) {
  const auto* x = v.get_if<Array>();
  return x && !x->is_concrete();
}

// The masks have a bit for each entry.
constexpr std::size_t kMaxEntries = 63;
// A stride that no axis is longer than.
constexpr std::int64_t kMaxStride = std::int64_t{1} << 40;

struct Masks {
  std::int64_t begin, end, ellipsis, new_axis, shrink;
};

// One position for each axis: nullopt where it is traced. What is packed with traced ones keeps its number.
// Throws: ValueError, which says `expected`, unless there are `count`.
std::vector<std::optional<Dim>> positions_of(const Node& n, std::size_t input, std::size_t count,
                                             std::string_view expected) {
  const bool traced = is_traced(n.input(input));
  const Shape all = traced ? n.array(input, 1, 1).shape() : n.shape(input);
  const Dim length = traced ? all[0] : Dim(all.size());
  check(identical(length, Dim(count)), "{}. Got {}; expected {}.", expected, length, count);
  if (!traced) return {all.begin(), all.end()};
  std::vector<std::optional<Dim>> out(count);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = n.interpreter().constant_element(n.step().inputs.at(input), static_cast<int>(i));
  return out;
}

// The operands of a StridedSlice. Begin or end may be traced where no axis needs it as a number.
struct Entries {
  explicit Entries(const Node& n)
      : strides(n.integers(3)),
        begin(positions_of(n, 1, checked_count(n, strides), kOneLength)),
        end(positions_of(n, 2, strides.size(), kOneLength)),
        positions(is_traced(n.input(1)) ? n.array(1) : Array()) {}

  // Element i of a traced begin.
  Array position(std::size_t i) const { return dynamic_index_in_dim(positions, Array(static_cast<int>(i)), 0); }

  Axes strides;
  std::vector<std::optional<Dim>> begin, end;

 private:
  static constexpr std::string_view kOneLength = "begin, end and strides differ in length";
  static std::size_t checked_count(const Node& n, const Axes& strides) {
    if (strides.size() > kMaxEntries)
      n.fail(fmt::format("{} slices are given; expected at most {}.", strides.size(), kMaxEntries));
    return strides.size();
  }
  Array positions;
};

// Whether x[at : at + size] of d elements are those, at one place: where the window leaves the axis TensorFlow takes
// what is left, and where one bound is negative and the other not they count from different ends.
Array is_whole_window(const Array& at, std::int64_t size, const Array& d) {
  const Array zero = zeros_like(at), end = at + astype(Array(size), at.dtype());
  if (size <= 0) return logical_or(less(at, zero), greater_equal(end, zero));  // nothing
  return logical_or(logical_and(greater_equal(at, zero), less_equal(end, d)),
                    logical_and(greater_equal(at, -d), less(end, zero)));
}

// A traced index of an axis of size d.
Array traced_index(const Node& n, const Array& at, Dim d) {
  const Array length = astype(dim_as_value(d), at.dtype());
  n.interpreter().assume([&] { return logical_and(greater_equal(at, -length), less(at, length)); });
  return at;
}

// A window whose size the graph tells though its bounds are traced: x[i : i + 3]. It is taken for granted that the
// window lies on the axis; elsewhere its size would depend on values, and what stands there is unknown.
std::optional<AxisSlice> traced_window(const Node& n, const Entries& e, const Masks& masks, std::size_t i, Dim d) {
  if (e.begin[i] || bit(masks.begin, i) || bit(masks.end, i) || e.strides[i] != 1) return std::nullopt;
  const auto& inputs = n.step().inputs;
  const auto size = n.interpreter().constant_distance(inputs.at(1), inputs.at(2), static_cast<int>(i));
  if (!size || definitely_ge(Dim(*size - 1), d).value_or(false)) return std::nullopt;
  AxisSlice s;
  s.limit = min(Dim(std::max<std::int64_t>(*size, 0)), d);
  const Array at = e.position(i), length = astype(dim_as_value(d), at.dtype());
  s.first = where(less(at, zeros_like(at)), at + length, at);
  s.holds = is_whole_window(at, *size, length);
  n.interpreter().assume([&] { return *s.holds; });
  return s;
}

// Entry i, which is for axis `axis` of size d.
AxisSlice axis_slice(const Node& n, const Entries& e, const Masks& masks, std::size_t i, std::size_t axis, Dim d) {
  const auto from_end = [&](Dim v) { return v.is_constant() && v.value() < 0 ? v + d : v; };
  AxisSlice s;
  s.stride = std::clamp(e.strides[i], -kMaxStride, kMaxStride);
  if (s.stride == 0) n.fail("a stride is zero.");
  if (bit(masks.shrink, i)) {
    s.shrink = true;
    if (e.begin[i]) s.start = from_end(*e.begin[i]);
    else s.index = traced_index(n, e.position(i), d);
    if (definitely_ge(s.start, d).value_or(false) || definitely_ge(Dim(-1), s.start).value_or(false))
      raise<ValueError>("index {0} is out of bounds for axis {1} with size {2}. Expected -{2} <= index < {2}.",
                        e.begin[i].value_or(s.start), axis, d);
    s.limit = s.start + 1;
    s.stride = 1;
  } else if (!(e.begin[i] || bit(masks.begin, i)) || !(e.end[i] || bit(masks.end, i))) {
    if (const auto window = traced_window(n, e, masks, i, d)) return *window;
    raise<ConcretizationError>(
        "the bounds of a slice must be constants, or the end the begin plus one. Got traced ones for axis {}. Pass "
        "them "
        "as constants, or call without jit.",
        axis);
  } else if (s.stride > 0) {
    s.start = bit(masks.begin, i) ? Dim(0) : clamp_dim(from_end(*e.begin[i]), 0, d);
    s.limit = bit(masks.end, i) || identical(*e.end[i], d) ? d : clamp_dim(from_end(*e.end[i]), 0, d);
    if (!definitely_ge(s.limit, s.start).value_or(true)) s.limit = s.start;
  } else {
    // Kept as the window [end + 1, begin + 1), to be reversed.
    const Dim first = bit(masks.begin, i) ? d - 1 : clamp_dim(from_end(*e.begin[i]), -1, d - 1);
    const Dim last = bit(masks.end, i) ? Dim(-1) : clamp_dim(from_end(*e.end[i]), -1, d - 1);
    s.start = last + 1;
    s.limit = max(first + 1, s.start);
  }
  return s;
}

// Source: the documentation of tf.strided_slice.
std::vector<AxisSlice> resolve_slices(const Node& n, const Shape& shape, const Masks& masks) {
  const Entries entries(n);
  const std::size_t count = entries.strides.size();
  std::size_t used = 0, ellipses = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (bit(masks.ellipsis, i)) ++ellipses;
    else if (!bit(masks.new_axis, i)) ++used;
  }
  if (ellipses > 1)
    n.fail(fmt::format("ellipsis_mask {} marks {} entries; expected at most one.", masks.ellipsis, ellipses));
  if (used > shape.size()) n.fail(fmt::format("{} indices are given for rank {}.", used, shape.size()));
  std::vector<AxisSlice> out;
  std::size_t axis = 0;
  const auto whole = [&] { out.push_back({.start = 0, .limit = shape[axis++]}); };
  for (std::size_t i = 0; i < count; ++i) {
    if (bit(masks.ellipsis, i)) {
      for (std::size_t k = used; k < shape.size(); ++k) whole();
    } else if (bit(masks.new_axis, i)) {
      out.push_back({.new_axis = true});
    } else {
      out.push_back(axis_slice(n, entries, masks, i, axis, shape[axis]));
      ++axis;
    }
  }
  if (ellipses == 0) {
    while (axis < shape.size()) whole();
  }
  return out;
}

// A traced window of an axis.
Array window(const Array& x, const AxisSlice& s, std::int64_t axis) {
  Arrays starts(x.shape().size(), zeros_like(*s.first));
  Shape sizes = x.shape();
  starts[axis] = *s.first;
  sizes[axis] = s.limit;
  const Array taken = dynamic_slice(x, starts, sizes, false);
  return where(*s.holds, taken, unknown_like(taken));
}

Array apply_slices(Array x, const std::vector<AxisSlice>& slices) {
  const Shape shape = x.shape();
  Shape start, limit, result;
  Axes strides, reversed;
  std::vector<std::pair<std::int64_t, Array>> indexed;
  std::vector<std::pair<std::int64_t, AxisSlice>> windows;
  bool sliced = false, strided = false, reshaped = false;
  for (const auto& s : slices) {
    if (s.new_axis) continue;
    const auto axis = start.size();
    if (s.index) indexed.emplace_back(static_cast<std::int64_t>(axis), *s.index);
    if (s.first) windows.emplace_back(axis, s);
    const bool later = s.index || s.first;
    start.push_back(later ? Dim(0) : s.start);
    limit.push_back(later ? shape[axis] : s.limit);
    strides.push_back(s.stride > 0 ? s.stride : 1);
    if (s.stride < 0) reversed.push_back(static_cast<std::int64_t>(axis));
    sliced = sliced || !identical(start.back(), Dim(0)) || !identical(limit.back(), shape[axis]) || s.stride > 1;
  }
  if (sliced) x = slice(x, start, limit, strides);
  if (!reversed.empty()) {
    x = rev(x, reversed);
    Axes steps(start.size(), 1);
    std::size_t axis = 0;
    for (const auto& s : slices) {
      if (s.new_axis) continue;
      if (s.stride < -1) steps[axis] = -s.stride, strided = true;
      ++axis;
    }
    if (strided) x = slice(x, Shape(start.size(), Dim(0)), x.shape(), steps);
  }
  for (const auto& [axis, s] : windows) x = window(x, s, axis);
  for (const auto& [axis, index] : indexed) x = dynamic_index_in_dim(x, index, axis, true);
  std::size_t axis = 0;
  for (const auto& s : slices) {
    if (s.new_axis) result.emplace_back(1);
    else if (s.shrink) ++axis;
    else result.push_back(x.shape()[axis++]);
    reshaped = reshaped || s.new_axis || s.shrink;
  }
  return reshaped ? reshape(x, result) : x;
}

Masks masks_of(const Node& n) {
  return {n.attr<std::int64_t>("begin_mask"), n.attr<std::int64_t>("end_mask"), n.attr<std::int64_t>("ellipsis_mask"),
          n.attr<std::int64_t>("new_axis_mask"), n.attr<std::int64_t>("shrink_axis_mask")};
}

// Inputs: the operand's sizes, begin, end, strides as there, the cotangent.
Values strided_slice_grad(Node& n) {
  const Array ct = n.array(4);
  const Shape shape = n.sizes(0);
  const auto slices = resolve_slices(n, shape, masks_of(n));
  return {
      std::get<0>(vjp([&](const Array& x) { return apply_slices(x, slices); }, zeros(shape, ct.dtype())).second(ct))};
}

// `x` with a slice replaced. Inputs: x, begin, end, strides, what stands there, which broadcasts.
Array with_slice(const Node& n, const Array& x) {
  const auto slices = resolve_slices(n, x.shape(), masks_of(n));
  const auto [old, pull] = vjp([&](const Array& v) { return apply_slices(v, slices); }, x);
  const Array value = broadcast_to(astype(n.array(4), x.dtype()), old.shape());
  const auto placed = [&](const Array& v) { return std::get<0>(pull(v)); };
  if (!is_inexact(x.dtype())) raise<NotImplementedError>("slices of integers are not replaced. Got {}.", x.aval());
  Array result = where(not_equal(placed(ones_like(old)), 0), placed(value), x);
  for (const auto& s : slices)
    if (s.holds) result = where(*s.holds, result, unknown_like(result));
  return result;
}
Values strided_update(Node& n) { return {with_slice(n, n.array(0))}; }
Values strided_assign(Node& n) {
  const VariableRef variable = n.variable(0);
  const Array next = with_slice(n, n.interpreter().read(variable));
  n.interpreter().assign(variable, next);
  return {Value(next)};
}

Values strided_slice(Node& n) {
  const Masks masks = masks_of(n);
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    if (is_traced(n.input(1)) || is_traced(n.input(2)))
      n.fail("symbolic sizes are sliced at traced positions; expected constants.");
    const auto slices = resolve_slices(n, {Dim(ints->values.size())}, masks);
    SymbolicInts out{{}, false};
    for (const auto& s : slices) {
      if (s.new_axis) continue;
      out.scalar = s.shrink;
      const auto start = s.start.value(), limit = s.limit.value();
      if (s.stride > 0) {
        for (auto i = start; i < limit; i += s.stride) out.values.push_back(ints->values.at(i));
      } else {
        for (auto i = limit - 1; i >= start; i += s.stride) out.values.push_back(ints->values.at(i));
      }
    }
    return {Value(std::move(out))};
  }
  const Array x = n.array(0);
  return {apply_slices(x, resolve_slices(n, x.shape(), masks))};
}

Values slice_node(Node& n) {
  if (const auto* ints = n.input(0).get_if<SymbolicInts>()) {
    const auto all = static_cast<std::int64_t>(ints->values.size());
    const auto begin = n.integer(1, 0, all), size = n.integer(2, -1, all - begin);
    const auto count = size < 0 ? all - begin : size;
    return {Value(SymbolicInts{{ints->values.begin() + begin, ints->values.begin() + begin + count}, false})};
  }
  const Array x = n.array(0);
  const Shape& shape = x.shape();
  const Shape sizes = n.shape(2);
  check(sizes.size() == shape.size(), "there must be one size per axis. Got {}; expected {}.", sizes.size(),
        shape.size());
  const auto begin = positions_of(n, 1, shape.size(), "there must be one start per axis");
  Shape start, limit, lengths;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const bool rest = sizes[i].is_constant() && sizes[i].value() == -1;
    check<ConcretizationError>(!rest || begin[i], "a size to the end needs a constant start.");
    start.push_back(begin[i].value_or(Dim(0)));
    limit.push_back(rest ? shape[i] : start[i] + sizes[i]);
    lengths.push_back(rest ? shape[i] - start[i] : sizes[i]);
    const bool ordered = definitely_ge(start[i], 0).value_or(true) && definitely_ge(limit[i], start[i]).value_or(true);
    check(ordered && definitely_ge(shape[i], limit[i]).value_or(true),
          "a slice exceeds its axis. Got [{}, {}) of axis {} with size {}.", start[i], limit[i], i, shape[i]);
  }
  if (!is_traced(n.input(1))) return {slice(x, start, limit)};
  const Array starts = n.array(1);
  n.interpreter().assume([&] {
    Arrays last;
    for (std::size_t i = 0; i < shape.size(); ++i)
      last.push_back(astype(dim_as_value(shape[i] - lengths[i]), starts.dtype()));
    return reduce_and(logical_and(greater_equal(starts, zeros_like(starts)), less_equal(starts, stack(last))), {0});
  });
  return {dynamic_slice(x, unstack(starts), lengths, false)};
}

}  // namespace

void add_slice_operations(ConverterTable& table) {
  table.add("StridedSlice", strided_slice);
  table.add("StridedSliceGrad", strided_slice_grad);
  table.add("TensorStridedSliceUpdate", strided_update);
  table.add("ResourceStridedSliceAssign", strided_assign, {.has_effect = true, .has_no_value = true});
  table.add("Slice", slice_node);
}

}  // namespace tf2jax::tf_import
