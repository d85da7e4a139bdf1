// Subscripts: x[i], x(all, slice(1, {}), newaxis), x.at(…).set(…).
#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/internal/nonzero.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/array.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

namespace tf2jax {

Array rules::wrap_negative(const Array& indices, Dim size) {
  if (!is_signed_integer(indices.dtype())) return indices;
  const bool large = size.is_constant() && size.value() > std::numeric_limits<std::int32_t>::max();
  const DType type = large ? DType::i64 : itemsize(indices.dtype()) < 4 ? DType::i32 : indices.dtype();
  if (indices.is_concrete() && indices.rank() == 0 && size.is_constant()) {
    const auto at = indices.item<std::int64_t>();
    return at < 0 ? scalar_of(type, at + size.value()) : indices;
  }
  const Array wide = converted(indices, type);
  const Array length = size.is_constant() ? scalar_of(type, size.value()) : converted(dim_as_value(size), type);
  return where(less(wide, 0), wide + length, wide);
}

Coordinates nonzero(const Array& x) {
  const auto set = rules::as_dtype(x, DType::bool_).to_vector<std::uint8_t>();
  const Dims strides = row_major_strides(x.dims());
  Coordinates out;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (!set[i]) continue;
    ++out.count;
    auto rest = static_cast<std::int64_t>(i);
    for (const std::int64_t stride : strides) {
      out.values.push_back(rest / stride);
      rest %= stride;
    }
  }
  return out;
}

namespace {

// A subscript in terms of a slice and one gather.
struct Plan {
  Shape start, limit;  // static part, with strides; reversed axes afterwards
  Axes strides, reversed;
  struct Picked {
    std::int64_t axis;
    Array indices;
  };
  std::vector<Picked> arrays;  // integer-array indices, by axis of the sliced value
  Axes dropped;                // integer indices: size-1 axes to remove, in sliced axes
  Axes added;                  // positions of new axes among the axes that slices leave
  std::int64_t batch_at = 0;   // where the axes of the arrays stand among those

  void take_integer(const Array& x, std::int64_t axis, std::int64_t i);
  void take_range(const Array& x, std::int64_t axis, const Index& i);
};

void Plan::take_integer(const Array& x, std::int64_t axis, std::int64_t i) {
  const std::size_t a = axis;
  const std::int64_t n = x.shape()[a].value(), k = i < 0 ? i + n : i;
  if (k < 0 || k >= n)
    raise<ValueError>("index: index {0} is out of bounds for axis {1} with size {2}. Expected -{2} <= index < {2}.", i,
                      axis, n);
  start[a] = k;
  limit[a] = k + 1;
  dropped.push_back(axis);
}

void Plan::take_range(const Array& x, std::int64_t axis, const Index& i) {
  if (!i.start && !i.stop && i.step == 1) return;  // whole axis, symbolic sizes too
  check(i.step != 0, "index: the step of a slice must not be 0.");
  const std::size_t a = axis;
  const std::int64_t n = x.shape()[a].value();
  const auto clip = [&](std::int64_t v, std::int64_t lo, std::int64_t hi) {
    return std::clamp<std::int64_t>(v < 0 ? v + n : v, lo, hi);
  };
  if (i.step > 0) {
    const std::int64_t lo = i.start ? clip(*i.start, 0, n) : 0, hi = i.stop ? clip(*i.stop, 0, n) : n;
    start[a] = lo;
    limit[a] = std::max(lo, hi);
    strides[a] = i.step;
    return;
  }
  // Elements first, first+step, … above last: take them forwards, then reverse.
  const std::int64_t first = i.start ? clip(*i.start, -1, n - 1) : n - 1, last = i.stop ? clip(*i.stop, -1, n - 1) : -1;
  const std::int64_t count = first > last ? (first - last - i.step - 1) / -i.step : 0;
  start[a] = count ? first + (count - 1) * i.step : 0;
  limit[a] = count ? first + 1 : 0;
  strides[a] = -i.step;
  reversed.push_back(axis);
}

// NumPy's rule for arrays among the indices: integers beside them count as arrays of rank 0, and the axes of all of
// them together stand where the first was, or come first where a slice, an ellipsis or a new axis separates them.
class BatchPlace {
 public:
  void advanced(std::size_t entry, std::int64_t kept) {
    if (!last_) place_ = kept;
    else if (*last_ + 1 != entry) place_ = 0;
    last_ = entry;
  }
  std::int64_t place() const { return place_; }

 private:
  std::optional<std::size_t> last_;
  std::int64_t place_ = 0;
};

Plan make_plan(const Array& x, std::span<const Index> indices) {
  using Kind = Index::Kind;
  const std::int64_t rank = x.rank();
  const auto consumed = std::ranges::count_if(
      indices, [](const Index& i) { return i.kind != Kind::ellipsis && i.kind != Kind::newaxis; });
  if (std::ranges::count(indices, Kind::ellipsis, &Index::kind) > 1)
    raise<ValueError>("index: there may be one ellipsis only.");
  if (consumed > rank)
    raise<ValueError>("index: there are too many indices. Got {1}; expected at most {0}, the rank.", rank, consumed);
  Plan p;
  p.start.assign(rank, Dim(0));
  p.limit = x.shape();
  p.strides.assign(rank, 1);
  BatchPlace batch;
  std::int64_t axis = 0, kept = 0;
  for (std::size_t entry = 0; entry < indices.size(); ++entry) {
    const Index& i = indices[entry];
    switch (i.kind) {
      case Kind::newaxis: p.added.push_back(kept++); break;
      case Kind::ellipsis:
        axis += rank - consumed;
        kept += rank - consumed;
        break;
      case Kind::integer:
        batch.advanced(entry, kept);
        p.take_integer(x, axis++, *i.start);
        break;
      case Kind::range:
        p.take_range(x, axis++, i);
        ++kept;
        break;
      case Kind::array:
        check<TypeError>(is_integer(i.array.dtype()), "index: array indices must be integers or bools. Got {}.",
                         i.array.aval());
        batch.advanced(entry, kept);
        p.arrays.push_back({axis++, i.array});
        break;
    }
  }
  p.batch_at = batch.place();
  return p;
}

// The elements under the arrays of `p`, each with the window of the other axes; axes of integers are gone, new ones
// missing.
Array gather_arrays(const Array& y, const Plan& p, std::int64_t batch_at, const GatherOptions& options) {
  std::vector<Shape> shapes;
  for (const auto& a : p.arrays) shapes.push_back(a.indices.shape());
  const Shape batch = broadcast_shapes(shapes, "index");
  const auto n = static_cast<std::int64_t>(batch.size());
  Arrays columns;
  GatherDims d;
  Dims sizes = y.dims();
  for (const auto& a : p.arrays) {
    columns.push_back(expand_dims(broadcast_to(rules::wrap_negative(a.indices, y.shape()[a.axis]), batch), {n}));
    d.collapsed_slice_dims.push_back(a.axis);
    d.start_index_map.push_back(a.axis);
    sizes[a.axis] = 1;
  }
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < y.rank(); ++i)
    if (!contains(d.collapsed_slice_dims, i)) {
      d.offset_dims.push_back(position < batch_at ? position : position + n);
      ++position;
    }
  return gather(y, concatenate(columns, n), d, sizes, options);
}

// Whether `i` is an array of bools, which selects where it is true.
bool is_mask(const Index& i) { return i.kind == Index::Kind::array && is_bool(i.array.dtype()); }

// The positions at which a mask over axes from `axis` on is true: an array of indices for each axis.
std::vector<Index> positions_of(const Array& mask, const Array& x, std::int64_t axis) {
  check<NotImplementedError>(mask.rank() > 0, "index: a scalar is no mask. Got {}. Use where.", mask.aval());
  for (std::int64_t k = 0; k < mask.rank(); ++k)
    check<ShapeError>(axis + k < x.rank() && identical(mask.shape()[k], x.shape()[axis + k]),
                      "index: a mask must have the sizes of the axes that it selects from. Got {} for {}, from axis {} "
                      "on.",
                      mask.aval(), x.aval(), axis);
  check<ConcretizationError>(mask.is_concrete(),
                             "index: how many elements a mask selects depends on its values, which a traced program "
                             "does not know. Got {}. Use where.",
                             mask.aval());
  check<NotImplementedError>(mask.size() <= std::numeric_limits<std::int32_t>::max(),
                             "index: masks of so many elements are not implemented. Got {}.", mask.aval());
  const Coordinates selected = nonzero(mask);
  const std::size_t rank = mask.shape().size();
  std::vector<Index> out;
  for (std::size_t k = 0; k < rank; ++k) {
    std::vector<std::int32_t> column;
    for (std::size_t i = k; i < selected.values.size(); i += rank)
      column.push_back(static_cast<std::int32_t>(selected.values[i]));
    out.emplace_back(from_span<std::int32_t>(column, {selected.count}));
  }
  return out;
}

// NumPy's rule for masks: each stands for the indices at which it is true. What stands for them is put in `replaced`.
std::span<const Index> without_masks(const Array& x, std::span<const Index> indices, std::vector<Index>& replaced) {
  if (std::ranges::none_of(indices, is_mask)) return indices;
  using Kind = Index::Kind;
  const auto consumes = [](const Index& i) -> std::int64_t {
    if (i.kind == Kind::ellipsis || i.kind == Kind::newaxis) return 0;
    return is_mask(i) ? i.array.rank() : 1;
  };
  std::int64_t consumed = 0, axis = 0;
  for (const Index& i : indices) consumed += consumes(i);
  for (const Index& i : indices) {
    if (is_mask(i)) std::ranges::copy(positions_of(i.array, x, axis), std::back_inserter(replaced));
    else replaced.push_back(i);
    axis += i.kind == Kind::ellipsis ? x.rank() - consumed : consumes(i);
  }
  return replaced;
}

Array subscript(const Array& x, std::span<const Index> given, const GatherOptions& options) {
  std::vector<Index> replaced;
  const auto indices = without_masks(x, given, replaced);
  Plan p = make_plan(x, indices);
  Array y = squeeze(rev(slice(x, p.start, p.limit, p.strides), p.reversed), p.dropped);
  if (p.arrays.empty()) return expand_dims(y, p.added);
  for (auto& a : p.arrays) a.axis -= std::ranges::count_if(p.dropped, [&](std::int64_t i) { return i < a.axis; });
  // Without the new axes, then with them.
  const auto before = std::ranges::count_if(p.added, [&](std::int64_t i) { return i < p.batch_at; });
  y = gather_arrays(y, p, p.batch_at - before, options);
  const std::int64_t batch_rank = y.rank() - (x.rank() - static_cast<std::int64_t>(p.dropped.size() + p.arrays.size()));
  for (std::int64_t& i : p.added) i += i < p.batch_at ? 0 : batch_rank;
  return expand_dims(y, p.added);
}

}  // namespace

// As JAX, reads promise to be inside: what is not is clamped, and its gradient is dropped.
Array index_array(const Array& x, std::span<const Index> indices) {
  return subscript(x, indices, {.mode = GatherScatterMode::promise_in_bounds});
}

Array Array::operator[](const Index& index) const { return index_array(*this, std::span(&index, 1)); }

namespace {

using ScatterFn = Array (*)(const Array&, const Array&, const Array&, const ScatterDims&, const GatherOptions&);
using Combine = Array (*)(const Array& old, const Array& value);

// Unsigned indices beyond the size as the size itself, which a signed type holds.
Array representable(const Array& indices, Dim size) {
  const bool may_be_larger = indices.dtype() == DType::u32 || indices.dtype() == DType::u64;
  return may_be_larger ? minimum(indices, rules::scalar_of(indices.dtype(), size.value())) : indices;
}

// The subscripted elements as one window, or null where they are none: strides, reversed axes, arrays of indices.
struct Window {
  Arrays start;
  Shape sizes, shape;  // `shape`: of the updates, without the axes of integers
  Array inside;        // no value: always
};
std::optional<Window> window_of(const Array& x, std::span<const Index> indices) {
  const Plan p = make_plan(x, indices);
  const bool scalars = std::ranges::all_of(p.arrays, [](const Plan::Picked& a) { return a.indices.rank() == 0; });
  if (!scalars || !p.added.empty() || !p.reversed.empty() || !is_concrete(x.shape()) ||
      std::ranges::any_of(p.strides, [](auto s) { return s != 1; }))
    return std::nullopt;
  Window w;
  const bool wide =
      std::ranges::any_of(p.arrays, [](const Plan::Picked& a) { return itemsize(a.indices.dtype()) == 8; });
  const DType type = wide ? DType::i64 : DType::i32;
  for (std::size_t i = 0; i < p.start.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    w.start.push_back(rules::scalar_of(type, p.start[i].value()));
    w.sizes.push_back(p.limit[i] - p.start[i]);
    const auto picked = std::ranges::find(p.arrays, axis, &Plan::Picked::axis);
    if (picked != p.arrays.end()) {
      const Array at =
          rules::wrap_negative(rules::converted(representable(picked->indices, x.shape()[i]), type), x.shape()[i]);
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
  const Array updates = reshape(broadcast_to(rules::as_dtype(value, x.dtype()), w.shape), w.sizes);
  if (!combine && !w.inside.has_value()) return dynamic_update_slice(x, updates, w.start, false);
  const Array old = dynamic_slice(x, w.start, w.sizes, false);
  const Array combined = combine ? combine(old, updates) : updates;
  return dynamic_update_slice(x, w.inside.has_value() ? where(w.inside, combined, old) : combined, w.start, false);
}

// Other updates go through flat positions: an array of every element's index, subscripted like x itself. What lies
// outside gets a position outside, whose update is dropped.
Array update_positions(const Array& x, std::span<const Index> indices, const Array& value, ScatterFn apply) {
  const Dim n = num_elements(x.shape());
  const Array numbers = reshape(iota(DType::i32, {n}, 0), x.shape());
  const Array positions = subscript(
      numbers, indices,
      {.mode = GatherScatterMode::fill_or_drop, .fill_value = fill_value(std::numeric_limits<std::int32_t>::max())});
  const Array updates = broadcast_to(rules::as_dtype(value, x.dtype()), positions.shape());
  const std::int64_t rank = positions.rank();
  const Array flat = apply(reshape(x, {n}), expand_dims(positions, {rank}), updates, ScatterDims{{}, {0}, {0}, {}, {}},
                           GatherOptions{});
  return reshape(flat, x.shape());
}

Array update(const Array& x, std::span<const Index> given, const Array& value, ScatterFn apply, Combine combine) {
  std::vector<Index> replaced;
  const auto indices = without_masks(x, given, replaced);
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
