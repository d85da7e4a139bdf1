// Householder reflections column by column, as LAPACK's unblocked routines have them: H = I - tau v v^H.
#include "tf2jax/stablehlo/internal/householder.h"

#include "tf2jax/control/scan.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::stablehlo {
namespace {

std::int64_t rows_of(const Array& a) { return a.shape()[a.shape().size() - 2].value(); }
std::int64_t columns_of(const Array& a) { return a.shape().back().value(); }

Array conjugate(const Array& x) { return is_complex(x.dtype()) ? conj(x) : x; }
Array last_axis(const Array& x) { return expand_dims(x, {x.rank()}); }

// [..., m, n] -> [..., m]: column j, which is traced.
Array column(const Array& a, const Array& j) {
  const Array hit = equal(iota(DType::i32, {a.shape().back()}, 0), j);
  return reduce_sum(select(broadcast_to(hit, a.shape()), a, zeros_like(a)), {a.rank() - 1});
}

struct Reflector {
  Array vector, tau, beta;  // [..., m], [...], [...]
};

// The reflector that maps x, from entry j on, to a multiple of the unit vector j. `x` is [..., m].
Reflector reflector(const Array& x, const Array& j) {
  const DType dtype = x.dtype();
  const Array place = iota(DType::i32, {x.shape().back()}, 0);
  const Array at = broadcast_to(equal(place, j), x.shape()), below = broadcast_to(greater(place, j), x.shape());
  const Array nothing = zeros_like(x);
  const Axes last{x.rank() - 1};
  const Array alpha = reduce_sum(select(at, x, nothing), last);
  const Array tail = select(below, x, nothing);
  const Array tail_square = reduce_sum(real(mul(tail, conjugate(tail))), last);
  const Array zero = zeros_like(tail_square);
  const Array alpha_re = real(alpha), alpha_im = is_complex(dtype) ? imag(alpha) : zeros_like(alpha_re);
  // Nothing to be done where the tail is zero and alpha is real.
  const Array idle = logical_and(equal(tail_square, zero), equal(alpha_im, zero));
  const Array one = ones_like(tail_square);
  const Array square = add(add(mul(alpha_re, alpha_re), mul(alpha_im, alpha_im)), tail_square);
  const Array norm = sqrt(select(idle, one, square));
  const Array beta_re = select(less(alpha_re, zero), norm, neg(norm));
  const Array beta = rules::as_dtype(select(idle, alpha_re, beta_re), dtype);
  const Array away = rules::as_dtype(beta_re, dtype);
  const Array tau = select(idle, zeros_like(alpha), div(sub(away, alpha), away));
  const Array scale = select(idle, ones_like(alpha), sub(alpha, away));
  const Array vector = select(at, ones_like(x), div(tail, broadcast_to(last_axis(scale), x.shape())));
  return {vector, tau, beta};
}

// (I - tau v v^H) a, and a (I - tau v v^H).
Array from_left(const Array& a, const Array& v, const Array& tau) {
  const Array row = matmul(expand_dims(conjugate(v), {v.rank() - 1}), a);
  return sub(a, mul(mul(last_axis(last_axis(tau)), last_axis(v)), row));
}
Array from_right(const Array& a, const Array& v, const Array& tau) {
  const Array col = matmul(a, last_axis(v));
  return sub(a, mul(mul(last_axis(last_axis(tau)), col), expand_dims(conjugate(v), {v.rank() - 1})));
}

// [..., m, n] with column j of `a` replaced by beta at `row` and the vector below it; above, `a` stays.
Array pack(const Array& a, const Reflector& r, const Array& j, const Array& row) {
  const Array rows = iota(DType::i32, a.shape(), a.rank() - 2), columns = iota(DType::i32, a.shape(), a.rank() - 1);
  const Array here = equal(columns, j);
  const Array vector = broadcast_to(last_axis(r.vector), a.shape()),
              beta = broadcast_to(last_axis(last_axis(r.beta)), a.shape());
  const Array with_vector = select(logical_and(here, greater(rows, row)), vector, a);
  return select(logical_and(here, equal(rows, row)), beta, with_vector);
}

// Columns and rows up to and including `last` of a; the others of b.
Array kept_columns(const Array& a, const Array& b, const Array& last) {
  return select(less_equal(iota(DType::i32, a.shape(), a.rank() - 1), last), a, b);
}

Array to_front(const Array& taus) { return moveaxis(taus, 0, taus.rank() - 1); }

// Runs `step(a, j)` for j = 0, …, n-1; the taus stacked.
template <class F>
std::pair<Array, Array> over_columns(const Array& a, std::int64_t n, const F& step) {
  Shape taus(a.shape().begin(), a.shape().end() - 2);
  if (n <= 0) {
    taus.emplace_back(0);
    return {a, zeros_of({a.dtype(), taus, false})};
  }
  const FlatFn body = [&](const Arrays& xs) {
    auto [next, tau] = step(xs[0], xs[1]);
    return Arrays{next, tau};
  };
  const Arrays out = scan_flat(body, {a}, {iota(DType::i32, {Dim(n)}, 0)});
  return {out[0], to_front(out[1])};
}

}  // namespace

std::pair<Array, Array> qr_packed(const Array& a) {
  return over_columns(a, std::min(rows_of(a), columns_of(a)), [](const Array& x, const Array& j) {
    const Reflector r = reflector(column(x, j), j);
    const Array next = kept_columns(x, from_left(x, r.vector, conjugate(r.tau)), j);
    return std::pair(pack(next, r, j, j), r.tau);
  });
}

Array reflector_product(const Array& packed, const Array& taus) {
  const std::int64_t k = columns_of(taus), m = rows_of(packed), n = columns_of(packed);
  const Shape matrix{Dim(m), Dim(n)};
  const Array diagonal = equal(iota(DType::i32, matrix, 0), iota(DType::i32, matrix, 1));
  const Array q = broadcast_to(rules::as_dtype(diagonal, packed.dtype()), packed.shape());
  if (k == 0) return q;
  // H_1 (… (H_k I)): the last reflector first.
  const FlatFn body = [&](const Arrays& xs) {
    const Array& j = xs[1];
    const Array place = iota(DType::i32, {Dim(m)}, 0), v = column(packed, j);
    const Array below = broadcast_to(greater(place, j), v.shape()), at = broadcast_to(equal(place, j), v.shape());
    const Array vector = select(at, ones_like(v), select(below, v, zeros_like(v)));
    const Array tau = column(expand_dims(taus, {taus.rank() - 1}), j);
    return Arrays{from_left(xs[0], vector, squeeze(tau, {tau.rank() - 1}))};
  };
  return scan_flat(body, {q}, {iota(DType::i32, {Dim(k)}, 0)}, {}, true)[0];
}

std::pair<Array, Array> hessenberg_packed(const Array& a) {
  return over_columns(a, rows_of(a) - 1, [](const Array& x, const Array& j) {
    const Array row = add(j, ones_like(j));
    const Reflector r = reflector(column(x, j), row);
    const Array left = kept_columns(x, from_left(x, r.vector, conjugate(r.tau)), j);
    const Array both = kept_columns(left, from_right(left, r.vector, r.tau), j);
    return std::pair(pack(both, r, j, row), r.tau);
  });
}

}  // namespace tf2jax::stablehlo
