// Steps over single elements: functions, arithmetic, comparisons, conversions, constants, random numbers.
#include "random_program.h"

#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/special.h"

namespace tf2jax::fuzz {

namespace {

using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

// A second operand for x: of its shape, one that broadcasts to it, or a constant.
std::optional<Array> partner(Pool& pool, const Array& x) {
  const std::int64_t kind = pool.draw.below(10);
  if (kind < 5)
    if (const auto y = pool.like(x)) return y;
  if (kind < 7) return random_array(pool.draw, x.dtype(), {});
  if (kind < 9)
    if (const auto y = pool.find([&](const Array& v) {
          const Dims a = x.dims(), b = v.dims();
          if (v.dtype() != x.dtype() || b.size() > a.size()) return false;
          for (std::size_t i = 0; i < b.size(); ++i)
            if (b[b.size() - 1 - i] != 1 && b[b.size() - 1 - i] != a[a.size() - 1 - i]) return false;
          return true;
        }))
      return y;
  return random_array(pool.draw, x.dtype(), x.dims());
}

void function(Pool& pool) {
  static const std::vector<Unary> smooth{sin,
                                         cos,
                                         tanh,
                                         neg,
                                         square,
                                         logistic,
                                         atan,
                                         sinh,
                                         [](const Array& x) { return exp(sin(x)); },
                                         asinh,
                                         erf,
                                         [](const Array& x) { return sqrt(square(x) + 1.f); },
                                         [](const Array& x) { return log(square(x) + 0.5f); },
                                         [](const Array& x) { return log1p(square(x)); },
                                         [](const Array& x) { return expm1(sin(x)); },
                                         [](const Array& x) { return rsqrt(square(x) + 0.25f); },
                                         softplus,
                                         silu,
                                         [](const Array& x) { return integer_pow(x, 3); },
                                         [](const Array& x) { return 1.f / (square(x) + 1.f); }};
  static const std::vector<Unary> kinked{relu,    abs,  sign, floor,      ceil,  round, rint,         exp,     log,
                                         sqrt,    cbrt, tan,  asin,       acosh, atanh, erfc,         erf_inv, lgamma,
                                         digamma, exp2, log2, reciprocal, cosh,  rsqrt, stop_gradient};
  static const std::vector<Unary> complex_ones{
      neg, sin, exp, square, conj, tanh, cos, [](const Array& x) { return complex(real(x), imag(x) * 2.f); }};
  const auto x = pool.inexact();
  if (!x) return;
  if (is_complex(x->dtype())) {
    pool.add(pool.draw.of(complex_ones)(*x));
    if (pool.draw.chance(0.3)) pool.add(pool.draw.chance(0.5) ? real(*x) : imag(*x));
    return;
  }
  if (pool.draw.chance(0.75)) return pool.add(pool.draw.of(smooth)(*x));
  pool.is_smooth = false;
  pool.add(pool.draw.of(kinked)(*x));
}

void special(Pool& pool) {
  const auto found =
      pool.find([](const Array& v) { return (v.dtype() == DType::f32 || v.dtype() == DType::f64) && v.size() < 500; });
  if (!found) return;
  const Array x = *found, positive = square(x) + 0.5f;
  pool.is_smooth = false;  // not differentiable in every argument
  switch (pool.draw.below(10)) {
    case 0: return pool.add(igamma(stop_gradient(positive), positive + 0.25f));
    case 1: return pool.add(igammac(stop_gradient(positive), positive + 0.25f));
    case 2: return pool.add(betainc(stop_gradient(positive), stop_gradient(positive + 1.f), logistic(x)));
    case 3: return pool.add(stop_gradient(zeta(positive + 1.f, positive)));
    case 4: return pool.add(polygamma(stop_gradient(ones_like(x)), positive));
    case 5: return pool.add(bessel_i0e(x));
    case 6: return pool.add(bessel_i1e(x));
    case 7: return pool.add(nextafter(stop_gradient(x), stop_gradient(x + 1.f)));
    case 8: return pool.add(stop_gradient(convert_element_type(is_finite(x), x.dtype())));
    default: return pool.add(atan2(x, positive));
  }
}

void barrier(Pool& pool) {
  if (const auto x = pool.any()) pool.add(optimization_barrier(Arrays{*x})[0]);
}

void arithmetic(Pool& pool) {
  static const std::vector<Binary> smooth{add, sub, mul, mul,
                                          [](const Array& x, const Array& y) { return div(x, square(y) + 1.f); }};
  static const std::vector<Binary> kinked{
      maximum, minimum, div, atan2, [](const Array& x, const Array& y) { return pow(abs(x) + 0.5f, y); }, rem};
  static const std::vector<Binary> whole{add,
                                         sub,
                                         mul,
                                         maximum,
                                         minimum,
                                         bitwise_and,
                                         bitwise_or,
                                         bitwise_xor,
                                         rem,
                                         div,
                                         shift_left,
                                         shift_right_logical,
                                         shift_right_arithmetic};
  const auto x = pool.find([](const Array& v) { return is_numeric(v.dtype()); });
  if (!x) return;
  const auto y = partner(pool, *x);
  if (is_integer(x->dtype())) return pool.add(pool.draw.of(whole)(*x, *y));
  if (is_complex(x->dtype()) || pool.draw.chance(0.8)) return pool.add(pool.draw.of(smooth)(*x, *y));
  pool.is_smooth = false;
  pool.add(pool.draw.of(kinked)(*x, *y));
}

void comparison(Pool& pool) {
  static const std::vector<Binary> compare{less, less_equal, greater, greater_equal, equal, not_equal};
  const auto x = pool.find(
      [](const Array& v) { return !is_complex(v.dtype()) && v.dtype() != DType::bool_ && v.dtype() != DType::key; });
  if (!x) return;
  const Array mask = pool.draw.of(compare)(*x, *partner(pool, *x));
  pool.is_smooth = false;
  pool.add(mask);
  if (pool.draw.chance(0.7))
    if (const auto a = pool.find([&](const Array& v) { return v.dims() == mask.dims() && v.dtype() != DType::bool_; }))
      pool.add(where(mask, *a, pool.like(*a).value_or(*a)));
}

void logic(Pool& pool) {
  const auto x = pool.find([](const Array& v) { return v.dtype() == DType::bool_; });
  if (!x) return;
  static const std::vector<Binary> of_two{logical_and, logical_or, logical_xor, equal, not_equal};
  if (const auto y = pool.like(*x)) pool.add(pool.draw.of(of_two)(*x, *y));
  pool.add(logical_not(*x));
}

void selection(Pool& pool) {
  const auto x = pool.any();
  if (!x) return;
  const std::int64_t cases = pool.draw.between(2, 4);
  Arrays xs{*x};
  while (static_cast<std::int64_t>(xs.size()) < cases)
    xs.push_back(pool.draw.chance(0.6) ? pool.like(*x).value_or(*x) : random_array(pool.draw, x->dtype(), x->dims()));
  const Dims dims = pool.draw.chance(0.3) ? Dims{} : x->dims();
  const Array which = cases == 2 ? random_array(pool.draw, DType::bool_, dims)
                                 : clamp(Array(0), random_array(pool.draw, DType::i32, dims),
                                         Array(static_cast<std::int32_t>(cases - 1)));
  pool.add(select_n(which, xs));
}

void bounds(Pool& pool) {
  const auto x = pool.real_float();
  if (!x) return;
  pool.is_smooth = false;
  pool.add(clamp(convert_element_type(Array(-1.f), x->dtype()), *x, convert_element_type(Array(0.75f), x->dtype())));
}

void conversion(Pool& pool) {
  static const std::vector<DType> types{DType::f32, DType::f64, DType::f16, DType::bf16, DType::i32,
                                        DType::i8,  DType::u8,  DType::i64, DType::bool_};
  const auto x = pool.any();
  if (!x || is_complex(x->dtype())) return;
  const DType to = pool.draw.of(types);
  if (!config().enable_x64 && (to == DType::f64 || to == DType::i64)) return;
  pool.is_smooth = false;
  // Out of range there is no one result.
  const Array bounded =
      is_floating(x->dtype()) && (is_integer(to))
          ? where(less(abs(*x), convert_element_type(Array(100.f), x->dtype())), abs(*x), ones_like(*x))
          : *x;
  pool.add(convert_element_type(bounded, to));
}

void rounding(Pool& pool) {
  const auto x = pool.real_float();
  if (!x) return;
  pool.is_smooth = false;
  pool.add(reduce_precision(*x, 5, 7));
}

void bits(Pool& pool) {
  const auto x = pool.find(
      [](const Array& v) { return v.dtype() == DType::f32 || v.dtype() == DType::i32 || v.dtype() == DType::u32; });
  if (!x) return;
  if (x->dtype() == DType::f32) return;  // the bits of rounded numbers differ
  pool.add(pool.draw.chance(0.5) ? population_count(*x) : clz(*x));
  pool.add(bitcast_convert_type(*x, x->dtype() == DType::i32 ? DType::u32 : DType::i32));
}

void counter(Pool& pool) {
  const Dims dims = random_dims(pool.draw, pool.draw.between(1, 3));
  const auto x = pool.real_float();
  pool.add(iota(x ? x->dtype() : DType::i32, symbolic(dims), pool.draw.below(static_cast<std::int64_t>(dims.size()))));
}

void random_numbers(Pool& pool) {
  const Array key = random::key(pool.draw.below(1000));
  const Dims dims = random_dims(pool.draw, pool.draw.between(0, 2));
  if (pool.draw.chance(0.5)) pool.add(random::uniform(key, symbolic(dims), DType::f32));
  else pool.add(random::bits(random::split(key)[0], symbolic(dims)));
}

}  // namespace

void append_elementwise_steps(std::vector<Step>& steps) {
  steps.insert(steps.end(), {{14, function},
                             {14, arithmetic},
                             {3, comparison},
                             {1, logic},
                             {2, selection},
                             {1, bounds},
                             {1, conversion},
                             {0.3, rounding},
                             {0.5, bits},
                             {1, counter},
                             {0.5, random_numbers},
                             {0.6, special},
                             {0.2, barrier}});
}

}  // namespace tf2jax::fuzz
