// Subscripts: x[i], x(all, slice(1, {}), newaxis), x.at(…).set(…).
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/array.h"

#include <algorithm>
#include <optional>

namespace tf2jax {

namespace {

// A subscript in terms of one gather: positions per indexed axis, and what to do with the result.
struct Plan {
  Shape start, limit;     // static part, with strides; reversed axes afterwards
  Axes strides, reversed;
  struct Picked {
    std::int64_t axis;
    Array indices;
  };
  std::vector<Picked> arrays;      // integer-array indices, by axis of the sliced value
  Axes dropped;                    // integer indices: size-1 axes to remove, in sliced axes
  Axes added;                      // positions of new axes in the result without arrays
};

Plan make_plan(const Array& x, std::span<const Index> indices) {
  const std::int64_t rank = x.rank();
  std::int64_t consumed = 0;
  std::size_t ellipses = 0;
  for (const Index& i : indices) {
    if (i.kind == Index::Kind::ellipsis) ++ellipses;
    else if (i.kind != Index::Kind::newaxis) ++consumed;
  }
  if (ellipses > 1) raise<ValueError>("index: an index can only have a single ellipsis.");
  if (consumed > rank) raise<ValueError>("index: Too many indices: array is {}-dimensional, but {} were indexed.", rank, consumed);
  Plan p;
  p.start.assign(static_cast<std::size_t>(rank), Dim(0));
  p.limit = x.shape();
  p.strides.assign(static_cast<std::size_t>(rank), 1);
  std::int64_t axis = 0, out = 0;
  for (const Index& i : indices) {
    const auto a = static_cast<std::size_t>(axis);
    switch (i.kind) {
      case Index::Kind::newaxis: p.added.push_back(out++); break;
      case Index::Kind::ellipsis:
        axis += rank - consumed;
        out += rank - consumed;
        break;
      case Index::Kind::integer: {
        const std::int64_t n = x.shape()[a].value(), k = *i.start < 0 ? *i.start + n : *i.start;
        if (k < 0 || k >= n) raise<ValueError>("index {} is out of bounds for axis {} with size {}.", *i.start, axis, n);
        p.start[a] = k;
        p.limit[a] = k + 1;
        p.dropped.push_back(axis++);
        break;
      }
      case Index::Kind::range: {
        if (!i.start && !i.stop && i.step == 1) {   // whole axis, symbolic sizes too
          ++axis;
          ++out;
          break;
        }
        const std::int64_t n = x.shape()[a].value();
        check(i.step != 0, "index: slice step cannot be zero.");
        const auto clip = [&](std::int64_t v, std::int64_t lo, std::int64_t hi) { return std::clamp<std::int64_t>(v < 0 ? v + n : v, lo, hi); };
        if (i.step > 0) {
          const std::int64_t lo = i.start ? clip(*i.start, 0, n) : 0, hi = i.stop ? clip(*i.stop, 0, n) : n;
          p.start[a] = lo;
          p.limit[a] = std::max(lo, hi);
          p.strides[a] = i.step;
        } else {   // elements first, first+step, … above last: take them forwards, then reverse
          const std::int64_t first = i.start ? clip(*i.start, -1, n - 1) : n - 1, last = i.stop ? clip(*i.stop, -1, n - 1) : -1;
          const std::int64_t count = first > last ? (first - last - i.step - 1) / -i.step : 0;
          p.start[a] = count ? first + (count - 1) * i.step : 0;
          p.limit[a] = count ? first + 1 : 0;
          p.strides[a] = -i.step;
          p.reversed.push_back(axis);
        }
        ++axis;
        ++out;
        break;
      }
      case Index::Kind::array:
        check<TypeError>(is_integer(i.array.dtype()), "index: array indices must be integers. Got {}. For a mask, use where.", i.array.aval());
        p.arrays.push_back({axis++, i.array});
        break;
    }
  }
  return p;
}

Array wrap_negative(const Array& indices, Dim size) {
  if (is_unsigned_integer(indices.dtype())) return indices;
  return where(less(indices, 0), indices + size.value(), indices);
}

}  // namespace

Array index_array(const Array& x, std::span<const Index> indices) {
  const Plan p = make_plan(x, indices);
  Array y = rev(slice(x, p.start, p.limit, p.strides), p.reversed);
  if (p.arrays.empty()) return expand_dims(squeeze(y, p.dropped), p.added);
  check<NotImplementedError>(p.added.empty(), "index: newaxis together with integer-array indices is not implemented. Use expand_dims on the result.");
  // All array indices broadcast together; their axes come first unless they are adjacent (NumPy's rule).
  std::vector<Shape> shapes;
  for (const auto& a : p.arrays) shapes.push_back(a.indices.shape());
  const Shape batch = broadcast_shapes(shapes, "index");
  const auto n = static_cast<std::int64_t>(batch.size());
  Arrays columns;
  GatherDims d;
  Dims sizes = y.dims();
  for (const auto& a : p.arrays) {
    columns.push_back(expand_dims(broadcast_to(wrap_negative(a.indices, y.shape()[static_cast<std::size_t>(a.axis)]), batch), {n}));
    d.collapsed_slice_dims.push_back(a.axis);
    d.start_index_map.push_back(a.axis);
    sizes[static_cast<std::size_t>(a.axis)] = 1;
  }
  bool adjacent = true;
  for (std::size_t i = 1; i < p.arrays.size(); ++i) adjacent = adjacent && p.arrays[i].axis == p.arrays[i - 1].axis + 1;
  const std::int64_t at = adjacent ? p.arrays[0].axis : 0;
  std::int64_t position = 0;
  Axes dropped;
  for (std::int64_t i = 0; i < y.rank(); ++i) {
    if (contains(d.collapsed_slice_dims, i)) continue;
    const std::int64_t place = position < at ? position : position + n;
    d.offset_dims.push_back(place);
    if (contains(p.dropped, i)) dropped.push_back(place);
    ++position;
  }
  GatherOptions options;
  options.mode = GatherScatterMode::clip;
  return squeeze(gather(y, concatenate(columns, n), d, sizes, options), dropped);
}

Array Array::operator[](const Index& index) const { return index_array(*this, std::span(&index, 1)); }

namespace {

using ScatterFn = Array (*)(const Array&, const Array&, const Array&, const ScatterDims&, const GatherOptions&);
using Combine = Array (*)(const Array& old, const Array& value);

// The subscripted elements as one window, or null where they are none: strides, reversed axes, arrays of indices.
struct Window {
  Arrays start;
  Shape sizes, shape;              // `shape`: of the updates, without the axes of integers
  Array inside;                    // no value: always
};
std::optional<Window> window_of(const Array& x, std::span<const Index> indices) {
  const Plan p = make_plan(x, indices);
  const bool scalars = std::ranges::all_of(p.arrays, [](const Plan::Picked& a) { return a.indices.rank() == 0; });
  if (!scalars || !p.added.empty() || !p.reversed.empty() || !is_concrete(x.shape()) || std::ranges::any_of(p.strides, [](auto s) { return s != 1; })) return std::nullopt;
  Window w;
  DType type = DType::i32;
  for (const auto& a : p.arrays)
    if (itemsize(a.indices.dtype()) == 8 || a.indices.dtype() == DType::u32) type = DType::i64;
  for (std::size_t i = 0; i < p.start.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    w.start.push_back(full(Shape{}, p.start[i].value(), type));
    w.sizes.push_back(p.limit[i] - p.start[i]);
    const auto picked = std::ranges::find(p.arrays, axis, &Plan::Picked::axis);
    if (picked != p.arrays.end()) {
      const Array at = wrap_negative(convert_element_type(picked->indices, type), x.shape()[i]);
      const Array inside = logical_and(greater_equal(at, 0), less(at, x.shape()[i].value()));
      w.inside = w.inside.has_value() ? logical_and(w.inside, inside) : inside;
      w.start.back() = at;
      w.sizes.back() = Dim(1);
    } else if (!contains(p.dropped, axis)) {
      w.shape.push_back(w.sizes.back());
    }
  }
  return w;
}

// The window's elements are read, combined and written: compiled programs do that in place.
Array update_window(const Array& x, const Window& w, const Array& value, Combine combine) {
  const Array updates = reshape(broadcast_to(astype(value, x.dtype()), w.shape), w.sizes);
  if (!combine && !w.inside.has_value()) return dynamic_update_slice(x, updates, w.start);
  const Array old = dynamic_slice(x, w.start, w.sizes);
  const Array combined = combine ? combine(old, updates) : updates;
  return dynamic_update_slice(x, w.inside.has_value() ? where(w.inside, combined, old) : combined, w.start);
}

// Other updates go through flat positions: an array of every element's index, subscripted like x itself.
Array update_positions(const Array& x, std::span<const Index> indices, const Array& value, ScatterFn apply) {
  const Dim n = num_elements(x.shape());
  const Array positions = index_array(reshape(iota(DType::i32, {n}, 0), x.shape()), indices);
  const Array updates = broadcast_to(astype(value, x.dtype()), positions.shape());
  const std::int64_t rank = positions.rank();
  const Array flat = apply(reshape(x, {n}), expand_dims(positions, {rank}), updates, ScatterDims{{}, {0}, {0}, {}, {}}, GatherOptions{});
  return reshape(flat, x.shape());
}

Array update(const Array& x, std::span<const Index> indices, const Array& value, ScatterFn apply, Combine combine) {
  if (const auto w = window_of(x, indices)) return update_window(x, *w, value, combine);
  return update_positions(x, indices, value, apply);
}

Array plus(const Array& old, const Array& value) { return old + value; }
Array times(const Array& old, const Array& value) { return old * value; }

}  // namespace

Array IndexedRef::get() const { return index_array(x_, indices_); }
Array IndexedRef::set(const Array& value) const { return update(x_, indices_, value, scatter, nullptr); }
Array IndexedRef::add(const Array& value) const { return update(x_, indices_, value, scatter_add, plus); }
Array IndexedRef::multiply(const Array& value) const { return update(x_, indices_, value, scatter_mul, times); }
Array IndexedRef::min(const Array& value) const { return update_positions(x_, indices_, value, scatter_min); }
Array IndexedRef::max(const Array& value) const { return update_positions(x_, indices_, value, scatter_max); }

}  // namespace tf2jax
