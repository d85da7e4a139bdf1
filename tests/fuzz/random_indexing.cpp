// Steps that read and write at computed places: slices, gathers, scatters, sorting.
#include "random_program.h"

#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/sort.h"

namespace tf2jax::fuzz {

namespace {

std::optional<Array> with_axes(Pool& pool) {
  return pool.find([](const Array& x) { return x.rank() > 0 && x.size() > 0 && x.dtype() != DType::key; });
}

// Integers of a type that may index; some lie outside.
Array indices(Pool& pool, const Dims& dims, std::int64_t size) {
  const DType type = pool.draw.chance(0.2) && config().enable_x64 ? DType::i64 : DType::i32;
  if (pool.draw.chance(0.3))
    if (const auto found = pool.find([&](const Array& v) { return is_integer(v.dtype()) && v.dims() == dims; }))
      return convert_element_type(*found, type);
  std::vector<std::int32_t> values;
  for (std::int64_t i = 0; i < num_elements(dims); ++i)
    values.push_back(
        static_cast<std::int32_t>(pool.draw.chance(0.1) ? pool.draw.between(-2, size + 1) : pool.draw.below(size)));
  return convert_element_type(Array::from_bytes(DType::i32, dims, std::as_bytes(std::span(values))), type);
}

Arrays starts(Pool& pool, const Array& x) {
  Arrays out;
  for (const std::int64_t n : x.dims())
    out.push_back(pool.draw.chance(0.3)
                      ? Array(0)
                      : convert_element_type(indices(pool, {}, std::max<std::int64_t>(n, 1)), DType::i32));
  return out;
}
Dims smaller(Draw& draw, const Dims& dims) {
  Dims out;
  for (const std::int64_t n : dims)
    out.push_back(draw.chance(0.4) ? n : draw.chance(0.05) ? 0 : draw.between(std::min<std::int64_t>(1, n), n));
  return out;
}

void moving_slice(Pool& pool) {
  if (const auto x = with_axes(pool))
    pool.add(dynamic_slice(*x, starts(pool, *x), symbolic(smaller(pool.draw, x->dims()))));
}

void updated_slice(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  const Dims window = smaller(pool.draw, x->dims());
  const auto same =
      pool.find([&](const Array& v) { return v.dtype() == x->dtype() && v.size() == num_elements(window); });
  pool.add(dynamic_update_slice(
      *x,
      same && pool.draw.chance(0.7) ? reshape(*same, symbolic(window)) : random_array(pool.draw, x->dtype(), window),
      starts(pool, *x)));
}

struct Windows {
  Axes into, single, moving;  // offset (or update window) axes of the result; axes without one; axes with a start
  Dims sizes, batch, result;
};
Windows random_windows(Pool& pool, const Array& x) {
  Draw& draw = pool.draw;
  Windows w;
  Dims window;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    const std::int64_t n = x.dims()[i];
    const bool single = draw.chance(0.5);
    w.sizes.push_back(single ? 1 : draw.chance(0.5) ? n : draw.between(1, n));
    if (single) w.single.push_back(i);
    else window.push_back(w.sizes.back());
    if (single || draw.chance(0.3)) w.moving.push_back(i);
  }
  if (draw.chance(0.3)) std::reverse(w.moving.begin(), w.moving.end());
  w.batch = random_dims(draw, draw.between(0, 2));
  const auto rank = static_cast<std::int64_t>(window.size() + w.batch.size());
  w.into = draw.some(static_cast<std::int64_t>(window.size()), rank);
  std::sort(w.into.begin(), w.into.end());
  w.result.assign(rank, 0);
  for (std::int64_t i = 0, a = 0, b = 0; i < rank; ++i) w.result[i] = contains(w.into, i) ? window[a++] : w.batch[b++];
  return w;
}
Array window_starts(Pool& pool, const Array& x, const Windows& w) {
  Dims dims = w.batch;
  dims.push_back(static_cast<std::int64_t>(w.moving.size()));
  std::int64_t size = 1;
  for (const auto a : w.moving) size = std::max(size, x.dims()[a]);
  return indices(pool, dims, size);
}

void gathered(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  const Windows w = random_windows(pool, *x);
  if (num_elements(w.result) > pool.largest) return;
  static const std::vector<GatherScatterMode> modes{GatherScatterMode::clip, GatherScatterMode::fill_or_drop};
  pool.add(gather(*x, window_starts(pool, *x, w),
                  {.offset_dims = w.into, .collapsed_slice_dims = w.single, .start_index_map = w.moving}, w.sizes,
                  {.mode = pool.draw.of(modes)}));
}

void scattered(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x || x->dtype() == DType::bool_) return;
  const Windows w = random_windows(pool, *x);
  if (num_elements(w.result) > pool.largest) return;
  static const std::vector<GatherScatterMode> modes{GatherScatterMode::clip, GatherScatterMode::fill_or_drop};
  const auto same =
      pool.find([&](const Array& v) { return v.dtype() == x->dtype() && v.size() == num_elements(w.result); });
  const Array updates = same && pool.draw.chance(0.7) ? reshape(*same, symbolic(w.result))
                                                      : random_array(pool.draw, x->dtype(), w.result);
  const ScatterDims dims{
      .update_window_dims = w.into, .inserted_window_dims = w.single, .scatter_dims_to_operand_dims = w.moving};
  const GatherOptions options{.mode = pool.draw.of(modes)};
  const Array at = window_starts(pool, *x, w);
  const std::int64_t kind = pool.draw.below(is_complex(x->dtype()) ? 2 : 6);
  if (kind >= 2) pool.is_smooth = false;
  pool.add(kind == 0   ? scatter_add(*x, at, updates, dims, options)
           : kind == 1 ? scatter_sub(*x, at, updates, dims, options)
           : kind == 2 ? scatter_max(*x, at, updates, dims, options)
           : kind == 3 ? scatter_min(*x, at, updates, dims, options)
           : kind == 4 ? scatter(*x, at, updates, dims, options)
                       : scatter_add(*x, at, updates * updates, dims, options));
}

void taken(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  const std::int64_t axis = pool.draw.below(x->rank());
  const Dims dims = random_dims(pool.draw, pool.draw.between(0, 2));
  const std::int64_t size = x->dims()[axis];
  if (num_elements(dims) * x->size() / std::max<std::int64_t>(size, 1) <= pool.largest)
    pool.add(take(*x, indices(pool, dims, size), axis));
}

void ordered(Pool& pool) {
  const auto x = pool.find(
      [](const Array& v) { return v.rank() > 0 && v.size() > 0 && (is_floating(v.dtype()) || is_integer(v.dtype())); });
  if (!x) return;
  pool.is_smooth = false;
  const std::int64_t axis = pool.draw.below(x->rank()), kind = pool.draw.below(5);
  if (kind == 0) return pool.add(sort(*x, axis));
  if (kind == 1) return pool.add(pool.draw.chance(0.5) ? argmax(*x, axis, DType::i32) : argmin(*x, axis, DType::i32));
  if (kind == 2) return pool.add(argsort(*x, axis));
  if (kind == 3) {
    const auto [values, at] = top_k(*x, pool.draw.between(1, x->dims().back()));
    pool.add(values);
    return pool.add(at);
  }
  const Arrays both{*x, pool.find([&](const Array& v) { return v.dims() == x->dims(); }).value_or(*x)};
  for (const Array& y : sort(both, axis)) pool.add(y);
}

void hot(Pool& pool) {
  const auto x = pool.find([](const Array& v) { return is_integer(v.dtype()) && v.size() < 200; });
  if (x) pool.add(one_hot(*x, pool.draw.between(1, 5)));
}

}  // namespace

void append_indexing_steps(std::vector<Step>& steps) {
  steps.insert(
      steps.end(),
      {{2, moving_slice}, {2, updated_slice}, {2, gathered}, {2.5, scattered}, {1, taken}, {1.5, ordered}, {0.5, hot}});
}

}  // namespace tf2jax::fuzz
