// Powers, quotients and remainders of any two types, by NumPy's rules.
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/numeric.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

Array rules::numeric(const Array& x) { return is_bool(x.dtype()) ? as_dtype(x, DType::i32) : x; }
std::pair<Array, Array> rules::numeric(std::string_view where, const Array& x, const Array& y) {
  if (!is_bool(x.dtype()) && !is_bool(y.dtype())) return {x, y};
  const Array operands[] = {x, y};
  const Arrays in = promote(where, operands);
  return {numeric(in[0]), numeric(in[1])};
}

namespace {
// Integers to integer powers, wrapping, by squaring: six bits of the exponent, as more overflows for every base
// above 1.
Array integer_power(const Array& x, const Array& y) {
  const Array operands[] = {x, y};
  const Arrays in = promote("power", operands);
  Array base = in[0], exponent = in[1];
  const Array zero = zeros_like(base), one = ones_like(base), low_bit = ones_like(exponent);
  Array out = where(logical_and(equal(base, zero), not_equal(exponent, 0)), zero, one);
  for (int i = 0; i < 6; ++i) {
    out = where(not_equal(bitwise_and(exponent, low_bit), 0), mul(out, base), out);
    base = mul(base, base);
    exponent = shift_right_logical(exponent, low_bit);
  }
  return out;
}
}  // namespace

Array pow(const Array& x, const Array& y) {
  // A concrete integer exponent is static, as in x ** 3.
  if (y.is_concrete() && y.rank() == 0 && y.weak_type() && is_integer(y.dtype()))
    return integer_pow(is_bool(x.dtype()) ? rules::converted(x, canonical_dtype(DType::i64)) : x,
                       y.item<std::int64_t>());
  if (is_bool(x.dtype()) && !is_inexact(y.dtype())) {
    const auto [base, exponent] = rules::numeric("power", x, y);
    return integer_power(base, exponent);
  }
  if (is_inexact(x.dtype()) && is_integer(y.dtype()) && (x.rank() == y.rank() || x.rank() == 0))
    return pow_p().bind1({x, y});
  if (is_integer(result_type(Arrays{x, y}).dtype)) return integer_power(x, y);
  const Array operands[] = {x, y};
  return pow_p().bind(promote_inexact("pow", operands))[0];
}

namespace {
// Of floats: the quotient without the remainder, which is whole up to rounding. A zero divisor gives x / 0.
Array floor_quotient(const Array& x, const Array& y) {
  const Array operands[] = {x, y};
  const Arrays in = promote("floor_divide", operands);
  check<DtypeError>(!is_complex(in[0].dtype()), "floor_divide: complex numbers have no floor. Got {} and {}.", x.aval(),
                    y.aval());
  const Array remainder = rem(in[0], in[1]);
  const Array quotient = div(where(equal(in[1], 0), in[0], sub(in[0], remainder)), in[1]);
  const Array inexact = logical_and(not_equal(remainder, 0), not_equal(sign(in[1]), sign(remainder)));
  return round(where(inexact, sub(quotient, 1), quotient));
}
}  // namespace

Array floor_divide(const Array& given_x, const Array& given_y) {
  const auto [x, y] = rules::numeric("floor_divide", given_x, given_y);
  if (is_inexact(result_type(Arrays{x, y}).dtype)) return floor_quotient(x, y);
  if (is_unsigned_integer(result_type(Arrays{x, y}).dtype)) return div(x, y);
  const Array quotient = div(x, y), remainder = rem(x, y);
  // As in JAX, a zero divisor counts as a sign of its own.
  const Array inexact = logical_and(not_equal(remainder, 0), not_equal(sign(x), sign(y)));
  return where(inexact, sub(quotient, 1), quotient);
}

Array mod(const Array& given_x, const Array& given_y) {
  const auto [x, y] = rules::numeric("mod", given_x, given_y);
  const Array remainder = rem(x, y);
  const Array adjust = logical_and(not_equal(remainder, 0), not_equal(less(remainder, 0), less(y, 0)));
  const Array result = where(adjust, add(remainder, y), remainder);
  return is_integer(result.dtype()) ? where(equal(y, 0), zeros_like(result), result) : result;  // NumPy: n mod 0 is 0
}

}  // namespace tf2jax
