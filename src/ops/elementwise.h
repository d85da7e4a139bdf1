// Elementwise operations. Binary functions broadcast and promote as NumPy does in JAX; unary ones keep the dtype,
// except that integers become floating where the mathematics needs it.
#pragma once
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/array.h"

namespace tf2jax {

struct IntegerPow {
  std::int64_t y = 1;
  bool operator==(const IntegerPow&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("y", y); }
};
/// Functions that JAX prints with an `accuracy` when it is not the default.
struct Accuracy {
  bool operator==(const Accuracy&) const = default;
  template <class V> void visit_fields(V&& v) {
    if constexpr (requires { v.ignore("accuracy"); }) v.ignore("accuracy");
  }
};
struct RoundParams {
  std::int64_t rounding_method = 0;   // 0: away from zero, 1: to nearest even
  bool operator==(const RoundParams&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("rounding_method", rounding_method); }
};
struct ReducePrecision {
  std::int64_t exponent_bits = 8, mantissa_bits = 23;
  bool operator==(const ReducePrecision&) const = default;
  template <class V> void visit_fields(V&& v) {
    v.field("exponent_bits", exponent_bits);
    v.field("mantissa_bits", mantissa_bits);
  }
};
struct ConvertParams {
  DType new_dtype = DType::f32;
  bool weak_type = false;
  bool operator==(const ConvertParams&) const = default;
  template <class V> void visit_fields(V&& v) {
    if constexpr (requires { v.ignore("sharding"); }) v.ignore("sharding");
    v.field("new_dtype", new_dtype);
    v.field("weak_type", weak_type);
  }
};
struct NewDtype {
  DType new_dtype = DType::f32;
  bool operator==(const NewDtype&) const = default;
  template <class V> void visit_fields(V&& v) { v.field("new_dtype", new_dtype); }
};
/// The dtype conj was given before it became complex. JAX prints it either way.
struct InputDtype {
  DType input_dtype = DType::c64;
  bool operator==(const InputDtype&) const = default;
  template <class V> void visit_fields(V&& v) {
    if constexpr (requires { v.take("_input_dtype"); }) {
      if (v.has("_input_dtype")) {
        v.ignore("_input_dtype");
        return;
      }
    }
    v.field("input_dtype", input_dtype);
  }
};

// ---- primitives
const Primitive& neg_p(); const Primitive& sign_p(); const Primitive& floor_p(); const Primitive& ceil_p();
const Primitive& round_p(); const Primitive& is_finite_p(); const Primitive& exp_p(); const Primitive& exp2_p();
const Primitive& expm1_p(); const Primitive& log_p(); const Primitive& log1p_p(); const Primitive& tanh_p();
const Primitive& logistic_p(); const Primitive& sin_p(); const Primitive& cos_p(); const Primitive& tan_p();
const Primitive& asin_p(); const Primitive& acos_p(); const Primitive& atan_p(); const Primitive& sinh_p();
const Primitive& cosh_p(); const Primitive& asinh_p(); const Primitive& acosh_p(); const Primitive& atanh_p();
const Primitive& sqrt_p(); const Primitive& rsqrt_p(); const Primitive& cbrt_p(); const Primitive& square_p();
const Primitive& integer_pow_p(); const Primitive& abs_p(); const Primitive& real_p(); const Primitive& imag_p();
const Primitive& conj_p(); const Primitive& not_p(); const Primitive& population_count_p(); const Primitive& clz_p();
const Primitive& erf_p(); const Primitive& erfc_p(); const Primitive& erf_inv_p(); const Primitive& lgamma_p();
const Primitive& digamma_p(); const Primitive& one_minus_square_p(); const Primitive& copy_p();
const Primitive& stop_gradient_p(); const Primitive& log2_p();
const Primitive& convert_element_type_p(); const Primitive& bitcast_convert_type_p(); const Primitive& reduce_precision_p();
const Primitive& add_p(); const Primitive& sub_p(); const Primitive& mul_p(); const Primitive& div_p(); const Primitive& rem_p();
const Primitive& max_p(); const Primitive& min_p(); const Primitive& pow_p(); const Primitive& atan2_p(); const Primitive& and_p();
const Primitive& or_p(); const Primitive& xor_p(); const Primitive& shift_left_p(); const Primitive& shift_right_logical_p();
const Primitive& shift_right_arithmetic_p(); const Primitive& eq_p(); const Primitive& ne_p(); const Primitive& ge_p();
const Primitive& gt_p(); const Primitive& le_p(); const Primitive& lt_p(); const Primitive& add_any_p(); const Primitive& complex_p();
const Primitive& nextafter_p(); const Primitive& clamp_p(); const Primitive& select_n_p();
const Primitive& eq_to_p(); const Primitive& le_to_p(); const Primitive& lt_to_p();
void append_elementwise_primitives(std::vector<Primitive>& out);

// ---- promotion
/// The dtype that the operands have together under JAX's lattice.
PromotedType result_type(std::span<const Array> operands);
/// The operands in their common dtype and with equal ranks (scalars stay scalars), ready for an n-ary primitive.
Arrays promote(std::string_view where, std::span<const Array> operands);
/// As promote, and integers become floating (or complex stays).
Arrays promote_inexact(std::string_view where, std::span<const Array> operands);
/// `x` in a floating dtype: integers and bools become the default float.
Array to_inexact(const Array& x);

// ---- conversions
/// `x` with elements converted to `dtype` (canonicalised). The identity when it has that dtype already.
/// Floats become integers by truncation; out-of-range values saturate, NaN becomes 0. Complex becomes real by
/// dropping the imaginary part.
Array astype(const Array& x, DType dtype);
/// The primitive itself, which also sets weak_type.
Array convert_element_type(const Array& x, DType new_dtype, bool weak_type = false);
/// Reinterprets the bits. Between different widths the last axis is split or merged. Throws: TypeError.
Array bitcast_convert_type(const Array& x, DType new_dtype);
/// Rounds a float to fewer exponent and mantissa bits.
Array reduce_precision(const Array& x, int exponent_bits, int mantissa_bits);

// ---- unary. Gradient: the analytic derivative; step functions (sign, floor, round, …) have derivative zero.
Array neg(const Array& x); Array sign(const Array& x); Array floor(const Array& x); Array ceil(const Array& x);
/// Rounds half away from zero.
Array round(const Array& x);
/// Rounds half to even.
Array rint(const Array& x);
Array is_finite(const Array& x); Array isnan(const Array& x); Array isinf(const Array& x);
Array exp(const Array& x); Array exp2(const Array& x); Array expm1(const Array& x);
Array log(const Array& x); Array log1p(const Array& x); Array log2(const Array& x);
Array tanh(const Array& x);
/// 1 / (1 + exp(-x)).
Array logistic(const Array& x);
Array sin(const Array& x); Array cos(const Array& x); Array tan(const Array& x);
Array asin(const Array& x); Array acos(const Array& x); Array atan(const Array& x);
Array sinh(const Array& x); Array cosh(const Array& x); Array asinh(const Array& x); Array acosh(const Array& x); Array atanh(const Array& x);
Array sqrt(const Array& x);
/// 1 / sqrt(x).
Array rsqrt(const Array& x);
Array cbrt(const Array& x); Array square(const Array& x); Array reciprocal(const Array& x);
/// Absolute value; the slope at 0 is +1, as in JAX. Complex: the modulus, real dtype.
Array abs(const Array& x);
Array real(const Array& x); Array imag(const Array& x); Array conj(const Array& x);
/// Complex from real and imaginary parts (f32 or f64).
Array complex(const Array& re, const Array& im);
Array logical_not(const Array& x); Array bitwise_not(const Array& x);
Array population_count(const Array& x); Array clz(const Array& x);
Array erf(const Array& x); Array erfc(const Array& x); Array erf_inv(const Array& x);
Array lgamma(const Array& x); Array digamma(const Array& x);
/// x raised to an integer known now.
Array integer_pow(const Array& x, std::int64_t y);
/// 1 - x*x, accurate near |x| = 1.
Array one_minus_square(const Array& x);
/// `x` as a constant for differentiation: its tangent is zero.
Array stop_gradient(const Array& x);

// ---- binary, with NumPy broadcasting and JAX promotion. Throws: ShapeError or TypeError naming the operation.
Array add(const Array& x, const Array& y); Array sub(const Array& x, const Array& y); Array mul(const Array& x, const Array& y);
/// True division: integers become floating.
Array divide(const Array& x, const Array& y);
/// lax.div: integers divide towards zero.
Array div(const Array& x, const Array& y);
/// Remainder with the sign of the dividend (C's fmod, %).
Array rem(const Array& x, const Array& y);
/// Division rounding towards minus infinity, and the remainder with the divisor's sign.
Array floor_divide(const Array& x, const Array& y); Array mod(const Array& x, const Array& y);
/// NaN wins; on ties the gradient is split evenly.
Array maximum(const Array& x, const Array& y); Array minimum(const Array& x, const Array& y);
Array pow(const Array& x, const Array& y);
Array atan2(const Array& y, const Array& x);
Array nextafter(const Array& x, const Array& y);
Array logical_and(const Array& x, const Array& y); Array logical_or(const Array& x, const Array& y); Array logical_xor(const Array& x, const Array& y);
Array bitwise_and(const Array& x, const Array& y); Array bitwise_or(const Array& x, const Array& y); Array bitwise_xor(const Array& x, const Array& y);
Array shift_left(const Array& x, const Array& y); Array shift_right_logical(const Array& x, const Array& y); Array shift_right_arithmetic(const Array& x, const Array& y);
Array equal(const Array& x, const Array& y); Array not_equal(const Array& x, const Array& y); Array greater(const Array& x, const Array& y);
Array greater_equal(const Array& x, const Array& y); Array less(const Array& x, const Array& y); Array less_equal(const Array& x, const Array& y);
Array squared_difference(const Array& x, const Array& y);

// ---- selection
/// NumPy where: `x` where the condition holds, else `y`. Broadcasts and promotes.
Array where(const Array& condition, const Array& x, const Array& y);
/// lax.select_n: cases[which]; `which` is bool (two cases) or any integer, of the cases' shape or scalar.
Array select_n(const Array& which, std::span<const Array> cases);
inline Array select(const Array& predicate, const Array& on_true, const Array& on_false) { const Array cases[] = {on_false, on_true}; return select_n(predicate, cases); }
/// min(max(x, lo), hi). Bounds broadcast.
Array clamp(const Array& lo, const Array& x, const Array& hi);

// ---- operators
inline Array operator+(const Array& x, const Array& y) { return add(x, y); }
inline Array operator-(const Array& x, const Array& y) { return sub(x, y); }
inline Array operator*(const Array& x, const Array& y) { return mul(x, y); }
inline Array operator/(const Array& x, const Array& y) { return divide(x, y); }
inline Array operator%(const Array& x, const Array& y) { return mod(x, y); }
inline Array operator-(const Array& x) { return neg(x); }
inline Array operator+(const Array& x) { return x; }
inline Array operator~(const Array& x) { return bitwise_not(x); }
inline Array operator!(const Array& x) { return logical_not(x); }
inline Array operator&(const Array& x, const Array& y) { return bitwise_and(x, y); }
inline Array operator|(const Array& x, const Array& y) { return bitwise_or(x, y); }
inline Array operator^(const Array& x, const Array& y) { return bitwise_xor(x, y); }
inline Array operator<<(const Array& x, int y) { return shift_left(x, y); }
inline Array operator==(const Array& x, const Array& y) { return equal(x, y); }
inline Array operator!=(const Array& x, const Array& y) { return not_equal(x, y); }
inline Array operator>(const Array& x, const Array& y) { return greater(x, y); }
inline Array operator>=(const Array& x, const Array& y) { return greater_equal(x, y); }
inline Array operator<(const Array& x, const Array& y) { return less(x, y); }
inline Array operator<=(const Array& x, const Array& y) { return less_equal(x, y); }
inline Array& operator+=(Array& x, const Array& y) { return x = add(x, y); }
inline Array& operator-=(Array& x, const Array& y) { return x = sub(x, y); }
inline Array& operator*=(Array& x, const Array& y) { return x = mul(x, y); }
inline Array& operator/=(Array& x, const Array& y) { return x = divide(x, y); }

}  // namespace tf2jax
