// Elementwise operations. Binary functions broadcast and promote as NumPy does in JAX; unary ones keep the dtype,
// except that integers become floating where the mathematics needs it.
#pragma once
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/trace/array.h"

namespace tf2jax {

/// Params of integer_pow: the exponent.
struct IntegerPow {
  std::int64_t y = 1;
  bool operator==(const IntegerPow&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("y", self.y); }
};
/// Functions that JAX prints with an `accuracy` when it is not the default.
struct Accuracy {
  bool operator==(const Accuracy&) const = default;
  static void visit_fields(auto&, auto& v) { v.ignored({"accuracy"}); }
};
/// Params of round.
struct RoundParams {
  std::int64_t rounding_method = 0;  // 0: away from zero, 1: to nearest even
  bool operator==(const RoundParams&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("rounding_method", self.rounding_method); }
};
/// Params of reduce_precision: the bits that are left.
struct ReducePrecision {
  std::int64_t exponent_bits = 8, mantissa_bits = 23;
  bool operator==(const ReducePrecision&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("exponent_bits", self.exponent_bits);
    v.field("mantissa_bits", self.mantissa_bits);
  }
};
/// Params of convert_element_type.
struct ConvertParams {
  DType new_dtype = DType::f32;
  bool weak_type = false;
  bool operator==(const ConvertParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.ignored({"sharding"});
    v.field("new_dtype", self.new_dtype);
    v.field("weak_type", self.weak_type);
  }
};
/// Params of bitcast_convert_type.
struct NewDtype {
  DType new_dtype = DType::f32;
  bool operator==(const NewDtype&) const = default;
  static void visit_fields(auto& self, auto& v) { v.field("new_dtype", self.new_dtype); }
};
/// The dtype conj was given before it became complex. JAX prints it, or a function in its place.
struct InputDtype {
  DType input_dtype = DType::c64;
  bool operator==(const InputDtype&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.ignored({"_input_dtype"});
    v.field_or("input_dtype", self.input_dtype, DType::c64);
  }
};

// ---- primitives
const Primitive& neg_p();
const Primitive& sign_p();
const Primitive& floor_p();
const Primitive& ceil_p();
const Primitive& round_p();
const Primitive& is_finite_p();
const Primitive& exp_p();
const Primitive& exp2_p();
const Primitive& expm1_p();
const Primitive& log_p();
const Primitive& log1p_p();
const Primitive& tanh_p();
const Primitive& logistic_p();
const Primitive& sin_p();
const Primitive& cos_p();
const Primitive& tan_p();
const Primitive& asin_p();
const Primitive& acos_p();
const Primitive& atan_p();
const Primitive& sinh_p();
const Primitive& cosh_p();
const Primitive& asinh_p();
const Primitive& acosh_p();
const Primitive& atanh_p();
const Primitive& sqrt_p();
const Primitive& rsqrt_p();
const Primitive& cbrt_p();
const Primitive& square_p();
const Primitive& integer_pow_p();
const Primitive& abs_p();
const Primitive& real_p();
const Primitive& imag_p();
const Primitive& conj_p();
const Primitive& not_p();
const Primitive& population_count_p();
const Primitive& clz_p();
const Primitive& erf_p();
const Primitive& erfc_p();
const Primitive& erf_inv_p();
const Primitive& lgamma_p();
const Primitive& digamma_p();
const Primitive& one_minus_square_p();
const Primitive& copy_p();
const Primitive& stop_gradient_p();
const Primitive& log2_p();
const Primitive& convert_element_type_p();
const Primitive& bitcast_convert_type_p();
const Primitive& reduce_precision_p();
const Primitive& add_p();
const Primitive& sub_p();
const Primitive& mul_p();
const Primitive& div_p();
const Primitive& rem_p();
const Primitive& max_p();
const Primitive& min_p();
const Primitive& pow_p();
const Primitive& atan2_p();
const Primitive& and_p();
const Primitive& or_p();
const Primitive& xor_p();
const Primitive& shift_left_p();
const Primitive& shift_right_logical_p();
const Primitive& shift_right_arithmetic_p();
const Primitive& eq_p();
const Primitive& ne_p();
const Primitive& ge_p();
const Primitive& gt_p();
const Primitive& le_p();
const Primitive& lt_p();
const Primitive& add_any_p();
const Primitive& complex_p();
const Primitive& nextafter_p();
const Primitive& clamp_p();
const Primitive& select_n_p();
const Primitive& eq_to_p();
const Primitive& le_to_p();
const Primitive& lt_to_p();
/// The primitives of elementwise.h, binary.cpp and unary.cpp.
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
/// -x; unsigned integers wrap. Gradient: linear.
Array neg(const Array& x);
/// -1, 0 or 1 with the sign of x; NaN for NaN. Complex: x / |x|, 0 at 0. TF: Sign.
Array sign(const Array& x);
/// The largest whole number not above x. TF: Floor.
Array floor(const Array& x);
/// The smallest whole number not below x. TF: Ceil.
Array ceil(const Array& x);
/// Rounds half away from zero.
Array round(const Array& x);
/// Rounds half to even.
Array rint(const Array& x);
/// True where x is neither infinite nor NaN. TF: IsFinite.
Array is_finite(const Array& x);
/// True where x is NaN. TF: IsNan.
Array isnan(const Array& x);
/// True where x is infinite, of either sign. TF: IsInf.
Array isinf(const Array& x);
/// e to the power x. Gradient: exp(x). TF: Exp.
Array exp(const Array& x);
/// 2 to the power x. Gradient: exp2(x) log(2).
Array exp2(const Array& x);
/// exp(x) - 1, accurate near 0. Gradient: exp(x). TF: Expm1.
Array expm1(const Array& x);
/// The natural logarithm; NaN below 0. Gradient: 1 / x. TF: Log.
Array log(const Array& x);
/// log(1 + x), accurate near 0. Gradient: 1 / (1 + x). TF: Log1p.
Array log1p(const Array& x);
/// The logarithm to base 2. Gradient: 1 / (x log(2)).
Array log2(const Array& x);
/// The hyperbolic tangent. Gradient: 1 - tanh(x)^2. TF: Tanh.
Array tanh(const Array& x);
/// 1 / (1 + exp(-x)).
Array logistic(const Array& x);
/// The sine of x radians. Gradient: cos(x). TF: Sin.
Array sin(const Array& x);
/// The cosine of x radians. Gradient: -sin(x). TF: Cos.
Array cos(const Array& x);
/// The tangent of x radians. Gradient: 1 + tan(x)^2. TF: Tan.
Array tan(const Array& x);
/// The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]. TF: Asin.
Array asin(const Array& x);
/// The angle in [0, pi] whose cosine is x; NaN outside [-1, 1]. TF: Acos.
Array acos(const Array& x);
/// The angle in [-pi/2, pi/2] whose tangent is x. Gradient: 1 / (1 + x^2). TF: Atan.
Array atan(const Array& x);
/// The hyperbolic sine. Gradient: cosh(x). TF: Sinh.
Array sinh(const Array& x);
/// The hyperbolic cosine. Gradient: sinh(x). TF: Cosh.
Array cosh(const Array& x);
/// The inverse of sinh. Gradient: 1 / sqrt(x^2 + 1). TF: Asinh.
Array asinh(const Array& x);
/// The inverse of cosh that is not negative; NaN below 1. TF: Acosh.
Array acosh(const Array& x);
/// The inverse of tanh; NaN outside [-1, 1]. Gradient: 1 / (1 - x^2). TF: Atanh.
Array atanh(const Array& x);
/// The square root; NaN below 0. Gradient: 1 / (2 sqrt(x)). TF: Sqrt.
Array sqrt(const Array& x);
/// 1 / sqrt(x).
Array rsqrt(const Array& x);
/// The real cube root.
Array cbrt(const Array& x);
/// x x. Gradient: 2 x. TF: Square.
Array square(const Array& x);
/// 1 / x. TF: Reciprocal.
Array reciprocal(const Array& x);
/// Absolute value; the slope at 0 is +1, as in JAX. Complex: the modulus, real dtype.
Array abs(const Array& x);
/// The real part; x itself where it is real. Gradient: linear. TF: Real.
Array real(const Array& x);
/// The imaginary part; 0 where x is real. Gradient: linear. TF: Imag.
Array imag(const Array& x);
/// The complex conjugate; x itself where it is real. Gradient: linear over the reals. TF: Conj.
Array conj(const Array& x);
/// Complex from real and imaginary parts (f32 or f64).
Array complex(const Array& re, const Array& im);
/// True where x is 0 or false. TF: LogicalNot.
Array logical_not(const Array& x);
/// Every bit flipped; bools: not. TF: Invert.
Array bitwise_not(const Array& x);
/// The number of bits that are 1. Dtypes: integers. TF: PopulationCount.
Array population_count(const Array& x);
/// The number of leading bits that are 0. Dtypes: integers.
Array clz(const Array& x);
/// The error function. Gradient: 2 / sqrt(pi) exp(-x^2). TF: Erf.
Array erf(const Array& x);
/// 1 - erf(x), accurate for large x. TF: Erfc.
Array erfc(const Array& x);
/// The inverse of erf; infinite at -1 and 1, NaN beyond. TF: Erfinv.
Array erf_inv(const Array& x);
/// The logarithm of the absolute gamma function. Gradient: digamma(x). TF: Lgamma.
Array lgamma(const Array& x);
/// The derivative of lgamma. Gradient: polygamma of order 1. TF: Digamma.
Array digamma(const Array& x);
/// x raised to an integer known now.
Array integer_pow(const Array& x, std::int64_t y);
/// 1 - x*x, accurate near |x| = 1.
Array one_minus_square(const Array& x);
/// `x` as a constant for differentiation: its tangent is zero.
Array stop_gradient(const Array& x);

// ---- binary, with NumPy broadcasting and JAX promotion. Throws: ShapeError or TypeError naming the operation.
/// x + y; integers wrap, bools: or. Gradient: linear in both. TF: Add, AddV2.
Array add(const Array& x, const Array& y);
/// x - y; integers wrap. Gradient: linear in both. TF: Sub.
Array sub(const Array& x, const Array& y);
/// x y; integers wrap, bools: and. Gradient: bilinear. TF: Mul.
Array mul(const Array& x, const Array& y);
/// True division: integers become floating.
Array divide(const Array& x, const Array& y);
/// lax.div: integers divide towards zero.
Array div(const Array& x, const Array& y);
/// Remainder with the sign of the dividend (C's fmod, %).
Array rem(const Array& x, const Array& y);
/// Division rounding towards minus infinity, and the remainder with the divisor's sign.
Array floor_divide(const Array& x, const Array& y);
/// The remainder of floor_divide: it has the sign of y. TF: FloorMod.
Array mod(const Array& x, const Array& y);
/// NaN wins; on ties the gradient is split evenly.
Array maximum(const Array& x, const Array& y);
/// The smaller of x and y; as maximum otherwise. TF: Minimum.
Array minimum(const Array& x, const Array& y);
/// x to the power y. Gradient: in x and y. TF: Pow.
Array pow(const Array& x, const Array& y);
/// The angle of the point (x, y) in [-pi, pi], by the signs of both. TF: Atan2.
Array atan2(const Array& y, const Array& x);
/// The number next to x in the direction of y. Not differentiable. TF: NextAfter.
Array nextafter(const Array& x, const Array& y);
/// True where both are not 0. TF: LogicalAnd.
Array logical_and(const Array& x, const Array& y);
/// True where one is not 0. TF: LogicalOr.
Array logical_or(const Array& x, const Array& y);
/// True where exactly one is not 0.
Array logical_xor(const Array& x, const Array& y);
/// The bits that are set in both. Dtypes: integers and bools. TF: BitwiseAnd.
Array bitwise_and(const Array& x, const Array& y);
/// The bits that are set in one. Dtypes: integers and bools. TF: BitwiseOr.
Array bitwise_or(const Array& x, const Array& y);
/// The bits that are set in exactly one. Dtypes: integers and bools. TF: BitwiseXor.
Array bitwise_xor(const Array& x, const Array& y);
/// The bits of x moved up by y places; 0 where y is no less than their number. TF: LeftShift.
Array shift_left(const Array& x, const Array& y);
/// The bits of x moved down by y places; zeros come in.
Array shift_right_logical(const Array& x, const Array& y);
/// The bits of x moved down by y places; copies of the sign come in. TF: RightShift.
Array shift_right_arithmetic(const Array& x, const Array& y);
/// True where x = y; NaN equals nothing. TF: Equal.
Array equal(const Array& x, const Array& y);
/// True where x and y differ; NaN differs from everything. TF: NotEqual.
Array not_equal(const Array& x, const Array& y);
/// True where x > y. TF: Greater.
Array greater(const Array& x, const Array& y);
/// True where x >= y. TF: GreaterEqual.
Array greater_equal(const Array& x, const Array& y);
/// True where x < y. TF: Less.
Array less(const Array& x, const Array& y);
/// True where x <= y. TF: LessEqual.
Array less_equal(const Array& x, const Array& y);
/// (x - y)^2. TF: SquaredDifference.
Array squared_difference(const Array& x, const Array& y);

// ---- selection
/// NumPy where: `x` where the condition holds, else `y`. Broadcasts and promotes.
Array where(const Array& condition, const Array& x, const Array& y);
/// lax.select_n: cases[which]; `which` is bool (two cases) or any integer, of the cases' shape or scalar.
Array select_n(const Array& which, std::span<const Array> cases);
/// select_n with two cases: `on_true` where the predicate holds.
inline Array select(const Array& predicate, const Array& on_true, const Array& on_false) {
  const Array cases[] = {on_false, on_true};
  return select_n(predicate, cases);
}
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
