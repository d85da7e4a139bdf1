// Samplers. The steps, and the dtype of each, are JAX's: another order would give other numbers.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tf2jax/base/config.h"
#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

namespace tf2jax::random {
namespace {

bool is_typed(const Array& key) { return key.dtype() == DType::key; }
Array typed(const Array& key) { return is_typed(key) ? key : wrap_key_data(key); }
// One key, for samplers.
Array single(std::string_view where, const Array& key) {
  Array k = typed(key);
  check(k.rank() == 0, "random::{}: one key is expected. Got keys of shape {}. Use vmap for several.", where,
        shown(k.shape()));
  return k;
}
Array like_given(const Array& keys, const Array& given) { return is_typed(given) ? keys : key_data(keys); }

DType float_dtype(std::string_view where, std::optional<DType> dtype) {
  const DType d = dtype_or_float(where, dtype);
  check<DtypeError>(is_floating(d), "random::{}: dtype must be a floating type. Got {}.", where, d);
  return d;
}
DType default_int() { return canonical_dtype(DType::i64); }
DType int_dtype(std::string_view where, std::optional<DType> dtype) {
  return dtype ? requested_dtype(where, *dtype) : default_int();
}
// Rounded once, from double.
Array constant(double v, DType dtype) {
  return rules::as_dtype(detail::exact_array(Aval{DType::f64, {}, false}, std::as_bytes(std::span(&v, 1))), dtype);
}

struct Float {
  int bits, mantissa;
  double epsneg, tiny;
};
Float float_info(DType d) {
  switch (d) {
    case DType::f16: return {16, 10, 0x1p-11, 0x1p-14};
    case DType::bf16: return {16, 7, 0x1p-8, 0x1p-126};
    case DType::f64: return {64, 52, 0x1p-53, 0x1p-1022};
    default: return {32, 23, 0x1p-24, 0x1p-126};
  }
}
DType unsigned_of(int bits) {
  return bits == 8 ? DType::u8 : bits == 16 ? DType::u16 : bits == 64 ? DType::u64 : DType::u32;
}
Array unsigned_constant(std::uint64_t v, DType d) {
  return detail::exact_array(Aval{d, {}, false}, [&](std::byte* p) {
    visit_dtype(d, [&]<class T>(std::type_identity<T>) {
      if constexpr (std::integral<T>) *reinterpret_cast<T*>(p) = static_cast<T>(v);
    });
  });
}

Array raw_bits(const Array& key, std::int64_t width, const Shape& shape) {
  return random_bits_p().bind1({key}, RandomBits{width, shape, config().threefry_partitionable});
}
Array split_typed(const Array& key, const Shape& shape) {
  return random_split_p().bind1({key}, RandomSplit{shape, config().threefry_partitionable});
}
std::pair<Array, Array> two_keys(const Array& key) {
  const Array keys = split_typed(key, {2});
  return {squeeze(slice_in_dim(keys, 0, 1, 1, 0), {0}), squeeze(slice_in_dim(keys, 1, 2, 1, 0), {0})};
}

Array spread(const Array& x, const Shape& shape) { return broadcast_to(x, shape); }

// Sample of a standard shape on [minval, maxval): random mantissa bits with exponent 0 give [1, 2).
Array uniform_typed(const Array& key, const Shape& shape, DType dtype, const Array& minval, const Array& maxval) {
  const Float f = float_info(dtype);
  const int width = f.mantissa < 8 ? 8 : f.bits;
  const DType u = unsigned_of(f.bits);
  Array b = raw_bits(key, width, shape);
  if (width != f.bits) b = convert_element_type(b, u);
  const std::uint64_t one = dtype == DType::f64   ? 0x3ff0000000000000u
                            : dtype == DType::f32 ? 0x3f800000u
                            : dtype == DType::f16 ? 0x3c00u
                                                  : 0x3f80u;
  const Array mantissa = shift_right_logical(b, unsigned_constant(static_cast<std::uint64_t>(width - f.mantissa), u));
  const Array unit =
      sub(bitcast_convert_type(bitwise_or(mantissa, unsigned_constant(one, u)), dtype), constant(1, dtype));
  const Array lo = convert_element_type(minval, dtype), hi = convert_element_type(maxval, dtype);
  const Array range = sub(hi, lo);
  return maximum(lo, add(mul(unit, range), lo));
}

Array normal_real(const Array& key, const Shape& shape, DType dtype) {
  const Float f = float_info(dtype);
  const Array u = uniform_typed(key, shape, dtype, constant(-1 + f.epsneg, dtype), constant(1, dtype));
  return mul(constant(std::sqrt(2.0), dtype), erf_inv(u));
}

}  // namespace

Array key(std::int64_t seed) {
  if (config().enable_x64) return key(Array::from_bytes(DType::i64, {}, std::as_bytes(std::span(&seed, 1))));
  const auto narrow = static_cast<std::int32_t>(static_cast<std::uint32_t>(seed));
  return key(Array::from_bytes(DType::i32, {}, std::as_bytes(std::span(&narrow, 1))));
}
Array key(const Array& seed) { return random_seed_p().bind1({seed}, KeyImpl{}); }
Array raw_key(std::int64_t seed) { return key_data(key(seed)); }
Array wrap_key_data(const Array& data) { return random_wrap_p().bind1({data}, KeyImpl{}); }
Array key_data(const Array& keys) { return is_typed(keys) ? random_unwrap_p().bind1({keys}) : keys; }

Array split(const Array& key, std::int64_t count) { return split(key, Shape{Dim(count)}); }
Array split(const Array& key, const Shape& shape) { return like_given(split_typed(single("split", key), shape), key); }
Array fold_in(const Array& key, const Array& data) {
  check<DtypeError>(is_integer(data.dtype()), "random::fold_in: data must be an integer. Got {}.", data.aval());
  return like_given(random_fold_in_p().bind1({single("fold_in", key), convert_element_type(data, DType::u32)}), key);
}

Array bits(const Array& key, const Shape& shape, DType dtype) {
  const DType d = requested_dtype("random::bits", dtype);
  check<DtypeError>(is_unsigned_integer(d), "random::bits: dtype must be unsigned. Got {}.", d);
  return raw_bits(single("bits", key), itemsize(d) * 8, shape);
}

Array uniform(const Array& key, const Shape& shape, std::optional<DType> dtype, const Array& minval,
              const Array& maxval) {
  return uniform_typed(single("uniform", key), shape, float_dtype("uniform", dtype), minval, maxval);
}

namespace {
// `x` as an integer of dtype `d`, values outside its range moved to the nearest bound.
Array clipped(const Array& x, DType d) {
  if (x.dtype() == d) return x;
  return visit_dtype(d, [&]<class T>(std::type_identity<T>) -> Array {
    if constexpr (std::integral<T> && !std::same_as<T, bool>) {
      return visit_dtype(x.dtype(), [&]<class S>(std::type_identity<S>) -> Array {
        if constexpr (std::integral<S> && !std::same_as<S, bool>) {
          const S lo = std::cmp_less(std::numeric_limits<S>::min(), std::numeric_limits<T>::min())
                           ? static_cast<S>(std::numeric_limits<T>::min())
                           : std::numeric_limits<S>::min();
          const S hi = std::cmp_greater(std::numeric_limits<S>::max(), std::numeric_limits<T>::max())
                           ? static_cast<S>(std::numeric_limits<T>::max())
                           : std::numeric_limits<S>::max();
          const auto bound = [&](S v) {
            return detail::exact_array({x.dtype(), {}, false}, std::as_bytes(std::span(&v, 1)));
          };
          return convert_element_type(clamp(bound(lo), x, bound(hi)), d);
        } else {
          raise<DtypeError>("random::randint: bounds must be integers. Got {}.", x.aval());
        }
      });
    } else {
      raise<DtypeError>("random::randint: dtype must be an integer type. Got {}.", d);
    }
  });
}
}  // namespace

Array randint(const Array& key_in, const Shape& shape, const Array& minval, const Array& maxval,
              std::optional<DType> dtype) {
  const Array key = single("randint", key_in);
  const DType d = int_dtype("randint", dtype);
  check<DtypeError>(is_integer(d), "random::randint: dtype must be an integer type. Got {}.", d);
  const int width = itemsize(d) * 8;
  if (width < 32) {  // drawn with 32 bits; the upper bound may be one beyond the dtype's largest value
    const std::int32_t least = is_signed_integer(d) ? -(1 << (width - 1)) : 0,
                       most = (1 << (is_signed_integer(d) ? width - 1 : width)) - 1;
    const auto bound = [](std::int32_t v) {
      return Array::from_bytes(DType::i32, {}, std::as_bytes(std::span(&v, 1)));
    };
    const Array from = clamp(bound(least), clipped(minval, DType::i32), bound(most)),
                to = clamp(bound(least), clipped(maxval, DType::i32), bound(most + 1));
    return convert_element_type(randint(key, shape, from, to, DType::i32), d);
  }
  const DType u = unsigned_of(width);
  const Array lo = clipped(minval, d), hi = clipped(maxval, d);
  // A bound above the dtype's largest value: the span is one more than the clipped bounds say.
  const Array beyond = greater(maxval, clipped(hi, maxval.dtype()));
  const auto [k1, k2] = two_keys(key);
  const Array higher = raw_bits(k1, width, shape), lower = raw_bits(k2, width, shape);
  const Array one = unsigned_constant(1, u), empty = less_equal(hi, lo);
  Array span = convert_element_type(sub(hi, lo), u);
  span = select(empty, broadcast_to(one, span.shape()), span);
  span = select(logical_and(beyond, logical_not(empty)), add(span, one), span);
  const auto remainder = [&](const Array& x) { return rem(x, span); };
  Array factor = rem(broadcast_to(unsigned_constant(std::uint64_t{1} << (width / 2), u), span.shape()), span);
  factor = rem(mul(factor, factor), span);
  const Array high = mul(remainder(higher), factor);
  const Array offset = remainder(add(high, remainder(lower)));
  return add(lo, convert_element_type(offset, d));
}

Array normal(const Array& key_in, const Shape& shape, std::optional<DType> dtype) {
  const Array key = single("normal", key_in);
  const DType d = dtype_or_float("normal", dtype);
  if (!is_complex(d)) return normal_real(key, shape, float_dtype("normal", d));
  const auto [a, b] = two_keys(key);
  const Array re = normal_real(a, shape, real_dtype(d)), im = normal_real(b, shape, real_dtype(d));
  return div(complex(re, im), constant(std::sqrt(2.0), d));
}

Array truncated_normal(const Array& key, const Array& lower, const Array& upper, const Shape& shape,
                       std::optional<DType> dtype) {
  const DType d = float_dtype("truncated_normal", dtype);
  const Array root = constant(std::sqrt(2.0), d), lo = convert_element_type(lower, d),
              hi = convert_element_type(upper, d);
  const Array a = erf(div(lo, root)), b = erf(div(hi, root));
  const Array u = uniform_typed(single("truncated_normal", key), shape, d, a, b);
  const Array out = mul(root, erf_inv(u));
  const Array infinity = constant(std::numeric_limits<double>::infinity(), d);
  return clamp(nextafter(stop_gradient(lo), infinity), out, nextafter(stop_gradient(hi), neg(infinity)));
}

Array bernoulli(const Array& key, const Array& p, const std::optional<Shape>& shape) {
  const DType d = p.weak_type() ? canonical_dtype(DType::f64) : p.dtype();
  const Array q = convert_element_type(p, float_dtype("bernoulli", d));
  return less(uniform_typed(single("bernoulli", key), shape.value_or(p.shape()), q.dtype(), constant(0, q.dtype()),
                            constant(1, q.dtype())),
              q);
}
Array rademacher(const Array& key, const Shape& shape, std::optional<DType> dtype) {
  const DType d = int_dtype("rademacher", dtype);
  const Array b = convert_element_type(bernoulli(key, 0.5f, shape), d);
  return sub(mul(constant(2, d), b), constant(1, d));
}
Array exponential(const Array& key, const Shape& shape, std::optional<DType> dtype) {
  const Array u = uniform(key, shape, float_dtype("exponential", dtype));
  return neg(log1p(neg(u)));
}
Array gumbel(const Array& key, const Shape& shape, std::optional<DType> dtype) {
  const DType d = float_dtype("gumbel", dtype);
  const Array u = uniform(key, shape, d, constant(float_info(d).tiny, d), constant(1, d));
  return neg(log(neg(log(u))));
}
Array laplace(const Array& key, const Shape& shape, std::optional<DType> dtype) {
  const DType d = float_dtype("laplace", dtype);
  const Array u = uniform(key, shape, d, constant(-1 + float_info(d).epsneg, d), constant(1, d));
  const Array s = sign(u);
  return mul(s, log1p(neg(abs(u))));
}
Array logistic(const Array& key, const Shape& shape, std::optional<DType> dtype) {
  const DType d = float_dtype("logistic", dtype);
  const Array x = uniform(key, shape, d, constant(epsilon(d), d), constant(1, d));
  return log(div(x, sub(constant(1, d), x)));
}
Array cauchy(const Array& key, const Shape& shape, std::optional<DType> dtype) {
  const DType d = float_dtype("cauchy", dtype);
  const Array u = uniform(key, shape, d, constant(epsilon(d), d), constant(1, d));
  return tan(mul(constant(3.14159265358979323846, d), sub(u, constant(0.5, d))));
}

Array categorical(const Array& key, const Array& logits, std::int64_t axis, const std::optional<Shape>& shape) {
  const auto at = normalize_axis(axis, logits.rank(), "categorical");
  Shape batch = logits.shape();
  batch.erase(batch.begin() + at);
  const Shape all = shape.value_or(batch);
  check<ShapeError>(
      all.size() >= batch.size(),
      "random::categorical: the shape must end in the batch shape of logits. Got {}; expected the end {}.", shown(all),
      shown(batch));
  const auto prefix = static_cast<std::int64_t>(all.size() - batch.size());
  Shape noise = all;
  noise.insert(noise.begin() + prefix + at, logits.shape()[at]);
  const Array g = gumbel(key, noise, logits.dtype());
  return argmax(add(g, prefix ? expand_dims(logits, iota_axes(prefix)) : logits), prefix + at, default_int());
}

namespace {
Array gamma_typed(const Array& key, const Array& a, const std::optional<Shape>& shape, std::optional<DType> dtype,
                  bool log_space) {
  const DType d = float_dtype("gamma", dtype);
  const Array alpha = spread(convert_element_type(a, d), shape.value_or(a.shape()));
  return random_gamma_p().bind1({single("gamma", key), alpha}, RandomGamma{log_space, config().threefry_partitionable});
}
}  // namespace

Array gamma(const Array& key, const Array& a, const std::optional<Shape>& shape, std::optional<DType> dtype) {
  return gamma_typed(key, a, shape, dtype, false);
}
Array loggamma(const Array& key, const Array& a, const std::optional<Shape>& shape, std::optional<DType> dtype) {
  return gamma_typed(key, a, shape, dtype, true);
}
Array beta(const Array& key, const Array& a, const Array& b, const std::optional<Shape>& shape,
           std::optional<DType> dtype) {
  const Shape both[] = {a.shape(), b.shape()};
  const Shape all = shape.value_or(broadcast_shapes(both, "beta"));
  const auto [ka, kb] = two_keys(single("beta", key));
  const Array la = loggamma(ka, a, all, dtype), lb = loggamma(kb, b, all, dtype);
  const Array top = maximum(la, lb), sa = exp(sub(la, top)), sb = exp(sub(lb, top));
  return div(sa, add(sa, sb));
}
Array dirichlet(const Array& key, const Array& alpha, const std::optional<Shape>& shape, std::optional<DType> dtype) {
  check<ShapeError>(alpha.rank() >= 1, "random::dirichlet: alpha must have an axis. Got {}.", alpha.aval());
  Shape all = shape.value_or(Shape(alpha.shape().begin(), alpha.shape().end() - 1));
  all.push_back(alpha.shape().back());
  const Array logs = loggamma(key, alpha, all, dtype);
  const std::int64_t last = logs.rank() - 1;
  const Array largest = stop_gradient(expand_dims(reduce_max(logs, {last}), {last}));
  const Array e = exp(sub(logs, largest));
  return div(e, expand_dims(reduce_sum(e, {last}), {last}));
}

namespace {
Array shuffle(Array key, Array x, std::int64_t axis) {
  const double size = static_cast<double>(std::max<std::int64_t>(1, x.size()));
  const int rounds = static_cast<int>(std::ceil(3 * std::log(size) / std::log(4294967295.0)));
  for (int i = 0; i < rounds; ++i) {
    auto [next, subkey] = two_keys(key);
    key = next;
    const Array pair[] = {raw_bits(subkey, 32, x.shape()), x};
    x = sort(pair, axis)[1];
  }
  return x;
}
}  // namespace

Array permutation(const Array& key, std::int64_t n) {
  return shuffle(single("permutation", key), iota(default_int(), {Dim(n)}, 0), 0);
}
Array permutation(const Array& key, const Array& x, std::int64_t axis, bool independent) {
  const auto at = normalize_axis(axis, x.rank(), "permutation");
  if (independent || x.rank() == 1) return shuffle(single("permutation", key), x, at);
  const Array order = shuffle(single("permutation", key), iota(default_int(), {x.shape()[at]}, 0), 0);
  return take(x, order, at);
}

namespace {
// Positions of the first boundary at or above each r.
Array search_sorted(const Array& boundaries, const Array& r) {
  const Array below = less(expand_dims(boundaries, iota_axes(r.rank())), expand_dims(r, {r.rank()}));
  return reduce_sum(convert_element_type(below, default_int()), {r.rank()});
}
}  // namespace

Array choice(const Array& key_in, std::int64_t n, const Shape& shape, bool replace, const std::optional<Array>& p) {
  const Array key = single("choice", key_in);
  check(n > 0, "random::choice: there is nothing to choose from. Got {} elements; expected at least one.", n);
  const std::int64_t draws = num_elements(shape).value();
  check(replace || draws <= n, "random::choice: without replacement there are too many draws. Got {} of {} elements.",
        draws, n);
  if (!p) {
    if (replace) return randint(key, shape, 0, n);
    return reshape(slice_in_dim(permutation(key, n), 0, draws, 1, 0), shape);
  }
  check<ShapeError>(identical(p->shape(), Shape{Dim(n)}),
                    "random::choice: p must be a vector with one entry per element. Got shape {} for {} elements.",
                    shown(p->shape()), n);
  if (!replace) {
    const Array g = add(gumbel(key, {Dim(n)}, p->dtype()), log(*p));
    return reshape(convert_element_type(top_k(g, draws).second, default_int()), shape);
  }
  const Array cumulative = cumsum(*p, 0);
  const Array total = squeeze(slice_in_dim(cumulative, n - 1, n, 1, 0), {0});
  const Array r = mul(total, sub(constant(1, p->dtype()), uniform(key, shape, p->dtype())));
  return search_sorted(cumulative, r);
}
Array choice(const Array& key, const Array& a, const Shape& shape, bool replace, const std::optional<Array>& p) {
  check<ShapeError>(a.rank() == 1, "random::choice: the elements must be a vector. Got {}.", a.aval());
  const std::int64_t n = a.shape()[0].value();
  if (!p && !replace) return reshape(slice_in_dim(permutation(key, a), 0, num_elements(shape).value(), 1, 0), shape);
  return take(a, choice(key, n, shape, replace, p), 0);
}

}  // namespace tf2jax::random
