// Steps that move elements, and reductions of every kind.
#include "random_program.h"

namespace tf2jax::fuzz {

namespace {

std::optional<Array> with_axes(Pool& pool) {
  return pool.find([](const Array& x) { return x.rank() > 0; });
}
std::int64_t random_axis(Pool& pool, const Array& x) { return pool.draw.below(x.rank()); }
Axes random_axes(Pool& pool, const Array& x) {
  Axes axes = pool.draw.some(pool.draw.between(pool.draw.chance(0.1) ? 0 : 1, x.rank()), x.rank());
  std::sort(axes.begin(), axes.end());
  return axes;
}

// n as a product of sizes, with ones in between.
Dims random_factors(Draw& draw, std::int64_t n) {
  Dims dims;
  std::int64_t rest = n;
  while (rest > 1 && !(draw.chance(0.35))) {
    std::vector<std::int64_t> divisors;
    for (std::int64_t d = 2; d <= rest; ++d)
      if (rest % d == 0) divisors.push_back(d);
    dims.push_back(draw.of(divisors));
    rest /= dims.back();
  }
  if (rest != 1 || n == 0) dims.push_back(rest);
  while (dims.size() < 5 && draw.chance(0.2))
    dims.insert(dims.begin() + draw.between(0, static_cast<std::int64_t>(dims.size())), 1);
  return dims;
}

void reshaped(Pool& pool) {
  const auto x = pool.any();
  if (!x) return;
  const Array y = reshape(*x, symbolic(random_factors(pool.draw, x->size())));
  pool.add(pool.draw.chance(0.3) && y.rank() > 1 ? transpose(y, pool.draw.some(y.rank(), y.rank())) : y);
}

void transposed(Pool& pool) {
  if (const auto x = with_axes(pool)) pool.add(transpose(*x, pool.draw.some(x->rank(), x->rank())));
}

void broadcast(Pool& pool) {
  const auto x = pool.find([](const Array& v) { return v.rank() < 4; });
  if (!x) return;
  const std::int64_t rank = pool.draw.between(std::max<std::int64_t>(x->rank(), 1), 4);
  Dims dims = random_dims(pool.draw, rank);
  Axes axes = pool.draw.some(x->rank(), rank);
  std::sort(axes.begin(), axes.end());
  const Dims from = x->dims();
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1) dims[axes[i]] = from[i];
  if (num_elements(dims) <= pool.largest) pool.add(broadcast_in_dim(*x, symbolic(dims), axes));
}

void squeezed(Pool& pool) {
  const auto x = pool.any();
  if (!x) return;
  pool.add(pool.draw.chance(0.5) ? squeeze(*x) : expand_dims(*x, {pool.draw.between(0, x->rank())}));
}

void sliced(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  Dims start, limit, strides;
  for (const std::int64_t n : x->dims()) {
    const bool whole = pool.draw.chance(0.4);
    start.push_back(whole ? 0 : pool.draw.between(0, n));
    limit.push_back(whole ? n : pool.draw.between(start.back(), n));
    strides.push_back(pool.draw.chance(0.7) ? 1 : pool.draw.between(1, 3));
  }
  pool.add(slice(*x, symbolic(start), symbolic(limit), strides));
}

void split_in_parts(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  const std::int64_t axis = random_axis(pool, *x), n = x->dims()[axis], at = pool.draw.between(0, n);
  for (const Array& part : split(*x, {at, n - at}, axis)) pool.add(part);
}

void padded(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x || x->dtype() == DType::key) return;
  std::vector<PadAxis> config;
  for (const std::int64_t n : x->dims()) {
    const bool none = pool.draw.chance(0.4);
    const std::int64_t interior = none || pool.draw.chance(0.6) ? 0 : pool.draw.between(1, 2);
    const std::int64_t low = none ? 0 : pool.draw.between(-1, 3), size = n + low + (n > 0 ? (n - 1) * interior : 0);
    const std::int64_t high = none ? 0 : pool.draw.between(-1, 3);
    config.push_back({size < 0 ? 0 : low, std::max(high, size < 0 ? 0 : -size), interior});
  }
  pool.add(pad(*x, pool.draw.chance(0.5) ? zeros({}, x->dtype()) : random_array(pool.draw, x->dtype(), {}), config));
}

void reversed(Pool& pool) {
  if (const auto x = with_axes(pool)) pool.add(rev(*x, random_axes(pool, *x)));
}

void joined(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  const std::int64_t axis = random_axis(pool, *x);
  Arrays xs{*x};
  const std::int64_t count = pool.draw.between(1, 3);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto y = pool.find([&](const Array& v) {
      if (v.dtype() != x->dtype() || v.rank() != x->rank()) return false;
      for (std::int64_t k = 0; k < v.rank(); ++k)
        if (k != axis && v.dims()[k] != x->dims()[k]) return false;
      return true;
    });
    xs.insert(xs.begin() + pool.draw.between(0, i), *y);
  }
  pool.add(pool.draw.chance(0.2) ? stack({*x, pool.like(*x).value_or(*x)}, axis) : concatenate(xs, axis));
}

void repeated(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  const std::int64_t kind = pool.draw.below(4);
  if (kind == 0) return pool.add(roll(*x, pool.draw.between(-3, 3), random_axis(pool, *x)));
  if (x->size() >= 500) return;
  if (kind == 1) return pool.add(repeat(*x, pool.draw.between(1, 3), random_axis(pool, *x)));
  if (kind == 2) return pool.add(tile(*x, Axes(x->rank(), 2)));
  for (const Array& part : unstack(*x, 0)) pool.add(part);
}

void reduced(Pool& pool) {
  const auto x = with_axes(pool);
  if (!x) return;
  const Axes axes = random_axes(pool, *x);
  if (x->dtype() == DType::bool_) return pool.add(pool.draw.chance(0.5) ? reduce_and(*x, axes) : reduce_or(*x, axes));
  const std::int64_t kind = pool.draw.below(10);
  bool is_empty = false;
  for (const auto a : axes) is_empty = is_empty || x->dims()[a] == 0;
  Array y;
  if (kind < 6 || is_complex(x->dtype()) || is_empty)
    y = kind == 5 && !is_empty ? reduce_prod(*x, axes) : reduce_sum(*x, axes);
  else if (kind < 9) y = kind == 6 ? reduce_min(*x, axes) : reduce_max(*x, axes);
  else y = is_integer(x->dtype()) ? reduce_xor(*x, axes) : logsumexp(*x, axes);
  if (kind >= 6) pool.is_smooth = false;
  pool.add(y);
  // Back to the operand's shape, as in every normalisation.
  if (!pool.draw.chance(0.4)) return;
  const Array wide = broadcast_in_dim(y, x->shape(), other_axes(axes, x->rank()));
  pool.add(pool.draw.chance(0.5) && is_inexact(x->dtype()) ? *x - wide : wide);
}

// Statistics over parts of an array that another shape names, as in a group norm.
void regrouped(Pool& pool) {
  const auto x =
      pool.find([](const Array& v) { return v.size() > 1 && is_numeric(v.dtype()) && v.dtype() != DType::key; });
  if (!x) return;
  const Array y = reshape(*x, symbolic(random_factors(pool.draw, x->size())));
  if (y.rank() == 0) return;
  const Axes axes = random_axes(pool, y);
  const bool extreme = pool.draw.chance(0.3) && !is_complex(y.dtype());
  if (extreme) pool.is_smooth = false;
  const Array r = extreme ? reduce_max(y, axes) : reduce_sum(y, axes);
  const Array wide = reshape(broadcast_in_dim(r, y.shape(), other_axes(axes, y.rank())), x->shape());
  pool.add(pool.draw.chance(0.5) ? *x * wide : *x - wide);
  if (pool.draw.chance(0.3)) pool.add(r);
}

void normalised(Pool& pool) {
  const auto x = pool.find([](const Array& v) { return v.rank() > 0 && is_floating(v.dtype()) && v.size() > 0; });
  if (!x) return;
  const std::int64_t axis = random_axis(pool, *x);
  pool.add(pool.draw.chance(0.5) ? softmax(*x, axis) : log_softmax(*x, axis));
}

void accumulated(Pool& pool) {
  const auto x = pool.find([](const Array& v) { return v.rank() > 0 && is_numeric(v.dtype()); });
  if (!x) return;
  const std::int64_t axis = random_axis(pool, *x), kind = pool.draw.below(is_complex(x->dtype())   ? 2
                                                                          : is_integer(x->dtype()) ? 4
                                                                                                   : 5);
  const bool reverse = pool.draw.chance(0.4);
  if (kind == 2 || kind == 3) pool.is_smooth = false;
  pool.add(kind == 0   ? cumsum(*x, axis, reverse)
           : kind == 1 ? cumprod(*x, axis, reverse)
           : kind == 2 ? cummax(*x, axis, reverse)
           : kind == 3 ? cummin(*x, axis, reverse)
                       : cumlogsumexp(*x, axis, reverse));
}

void windows(Pool& pool) {
  const auto x = pool.find([](const Array& v) { return v.rank() > 0 && is_floating(v.dtype()) && v.size() > 0; });
  if (!x) return;
  Window w;
  bool dilated = pool.draw.chance(0.15);
  for (const std::int64_t n : x->dims()) {
    w.window_dimensions.push_back(pool.draw.between(1, std::min<std::int64_t>(n, 3)));
    w.window_strides.push_back(pool.draw.between(1, 3));
    w.padding.emplace_back(pool.draw.below(2), pool.draw.below(2));
    w.base_dilation.push_back(dilated ? pool.draw.between(1, 2) : 1);
    w.window_dilation.push_back(dilated && (n - 1) >= (w.window_dimensions.back() - 1) * 2 ? pool.draw.between(1, 2)
                                                                                           : 1);
  }
  const std::int64_t kind = pool.draw.below(3);
  if (kind) pool.is_smooth = false;
  pool.add(kind == 0 ? reduce_window_sum(*x, w) : kind == 1 ? reduce_window_max(*x, w) : reduce_window_min(*x, w));
}

}  // namespace

void append_movement_steps(std::vector<Step>& steps) {
  steps.insert(steps.end(), {{6, reshaped},
                             {4, transposed},
                             {5, broadcast},
                             {2, squeezed},
                             {4, sliced},
                             {1, split_in_parts},
                             {4, padded},
                             {2, reversed},
                             {3, joined},
                             {1, repeated},
                             {8, reduced},
                             {2.5, regrouped},
                             {1, normalised},
                             {4, accumulated},
                             {1.5, windows}});
}

}  // namespace tf2jax::fuzz
