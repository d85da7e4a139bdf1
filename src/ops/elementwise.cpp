// Public elementwise functions: promotion and broadcasting around the strict primitives.
#include "tf2jax/ops/elementwise.h"

#include <algorithm>
#include <cmath>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/internal/numeric.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

// ---- promotion

PromotedType result_type(std::span<const Array> operands) {
  check(!operands.empty(), "result_type: there are no operands. Expected at least one.");
  PromotedType out{operands[0].dtype(), operands[0].weak_type()};
  for (const Array& x : operands.subspan(1)) out = promote_types(out, {x.dtype(), x.weak_type()});
  // i32 and u32 are i64 together, where there is one.
  const auto is_wide = [](const Array& x) { return itemsize(real_dtype(x.dtype())) == 8; };
  if (std::ranges::none_of(operands, is_wide)) out.dtype = canonical_dtype(out.dtype);
  return out;
}

namespace {

// Converting a concrete scalar is not an operation of the program: it becomes another literal.
Array cast(const Array& x, DType dtype, bool weak) {
  if (x.dtype() == dtype && (x.weak_type() == weak || !weak)) return x;
  if (x.is_concrete() && x.rank() == 0) {
    const TraceScope literal(eval_trace());
    return rules::converted(x, dtype, weak);
  }
  return rules::converted(x, dtype, weak);
}

Arrays promote_to(std::string_view where, std::span<const Array> operands, PromotedType type) {
  Arrays out;
  std::int64_t rank = 0;
  bool mixed = false;
  for (const Array& x : operands) {
    if (x.rank() == 0) continue;
    mixed = mixed || (rank != 0 && rank != x.rank());
    rank = std::max(rank, x.rank());
  }
  if (mixed) {
    std::vector<Shape> shapes;
    for (const Array& x : operands) shapes.push_back(x.shape());
    broadcast_shapes(shapes, where);  // the message names the user's shapes
  }
  for (const Array& x : operands) {
    Array y = cast(x, type.dtype, type.weak_type);
    if (mixed && y.rank() != 0 && y.rank() < rank) {
      Shape padded(rank - y.rank(), Dim(1));
      padded.insert(padded.end(), y.shape().begin(), y.shape().end());
      y = broadcast_in_dim(y, padded, iota_axes(y.rank(), rank - y.rank()));
    }
    out.push_back(std::move(y));
  }
  return out;
}

// The floating type of integers: f64 for 64-bit and weakly typed ones (as far as it is enabled), f32 for the others.
DType inexact_of(DType dtype, bool weak) {
  return weak || itemsize(dtype) == 8 ? canonical_dtype(DType::f64) : DType::f32;
}

PromotedType inexact_type(PromotedType t) {
  if (is_inexact(t.dtype)) return t;
  return {inexact_of(t.dtype, t.weak_type), t.weak_type};
}

// Same dtype, and same rank or one is a scalar: nothing to promote. The eager fast path.
bool ready(const Array& x, const Array& y) {
  return x.dtype() == y.dtype() && x.weak_type() == y.weak_type() &&
         (x.rank() == y.rank() || x.rank() == 0 || y.rank() == 0);
}

Array binary(const Primitive& p, const Array& x, const Array& y) {
  if (ready(x, y)) return p.bind1({x, y});
  const Array operands[] = {x, y};
  return p.bind(promote_to(p.name(), operands, result_type(operands)))[0];
}

Array binary_inexact(const Primitive& p, const Array& x, const Array& y) {
  if (is_inexact(x.dtype()) && ready(x, y)) return p.bind1({x, y});
  const Array operands[] = {x, y};
  return p.bind(promote_inexact(p.name(), operands))[0];
}

Array binary_numeric(const Primitive& p, const Array& x, const Array& y) {
  const auto [a, b] = rules::numeric(p.name(), x, y);
  return binary(p, a, b);
}

Array to_bool(const Array& x) { return x.dtype() == DType::bool_ ? x : not_equal(x, 0); }

}  // namespace

Arrays promote(std::string_view where, std::span<const Array> operands) {
  return promote_to(where, operands, result_type(operands));
}
Arrays promote_inexact(std::string_view where, std::span<const Array> operands) {
  return promote_to(where, operands, inexact_type(result_type(operands)));
}
Array to_inexact(const Array& x) {
  if (is_inexact(x.dtype())) return x;
  return cast(x, inexact_of(x.dtype(), x.weak_type()), x.weak_type());
}

// ---- conversions

Array rules::converted(const Array& x, DType dtype, bool weak_type) {
  if (x.dtype() == dtype && x.weak_type() == weak_type) return x;
  return convert_element_type_p().bind1({x}, ConvertParams{dtype, weak_type});
}
Array rules::as_dtype(const Array& x, DType dtype) {
  if (is_complex(x.dtype()) && !is_complex(dtype) && dtype != DType::bool_) return as_dtype(real(x), dtype);
  if (x.dtype() == dtype && !x.weak_type()) return x;
  if (x.is_concrete() && x.rank() == 0) {
    const TraceScope literal(eval_trace());
    return converted(x, dtype);
  }
  return converted(x, dtype);
}
Array convert_element_type(const Array& x, DType new_dtype, bool weak_type) {
  return rules::converted(x, requested_dtype("convert_element_type", new_dtype), weak_type);
}
Array astype(const Array& x, DType dtype) { return rules::as_dtype(x, requested_dtype("astype", dtype)); }
Array bitcast_convert_type(const Array& x, DType new_dtype) {
  const DType target = requested_dtype("bitcast_convert_type", new_dtype);
  if (x.dtype() == target) return x;
  return bitcast_convert_type_p().bind1({x}, NewDtype{target});
}
Array reduce_precision(const Array& x, int exponent_bits, int mantissa_bits) {
  return reduce_precision_p().bind1({x}, ReducePrecision{exponent_bits, mantissa_bits});
}

// ---- unary

namespace {
const EquationParams& accuracy() {
  static const EquationParams p{Accuracy{}};
  return p;
}
Array inexact_unary(const Primitive& p, const Array& x) { return p.bind1({to_inexact(x)}, accuracy()); }
}  // namespace

Array neg(const Array& x) { return neg_p().bind1({x}); }
Array sign(const Array& x) { return sign_p().bind1({x}); }
Array floor(const Array& x) { return is_inexact(x.dtype()) ? floor_p().bind1({x}) : x; }
Array ceil(const Array& x) { return is_inexact(x.dtype()) ? ceil_p().bind1({x}) : x; }
namespace {
// Of complex numbers by their parts.
Array rounded(const Array& x, RoundParams how) {
  check<DtypeError>(!is_bool(x.dtype()), "round: bools are not rounded. Got {}; expected numbers.", x.aval());
  if (is_complex(x.dtype())) return complex(rounded(real(x), how), rounded(imag(x), how));
  return is_floating(x.dtype()) ? round_p().bind1({x}, how) : x;
}
}  // namespace
Array round(const Array& x) { return rounded(x, RoundParams{0}); }
Array rint(const Array& x) { return rounded(x, RoundParams{1}); }
Array is_finite(const Array& x) { return is_finite_p().bind1({x}); }
Array isnan(const Array& x) { return not_equal(x, x); }
Array isinf(const Array& x) { return equal(abs(x), INFINITY); }
Array exp(const Array& x) { return inexact_unary(exp_p(), x); }
Array exp2(const Array& x) { return inexact_unary(exp2_p(), x); }
Array expm1(const Array& x) { return inexact_unary(expm1_p(), x); }
Array log(const Array& x) { return inexact_unary(log_p(), x); }
Array log2(const Array& x) { return inexact_unary(log2_p(), x); }
Array log1p(const Array& x) { return inexact_unary(log1p_p(), x); }
Array tanh(const Array& x) { return inexact_unary(tanh_p(), x); }
Array logistic(const Array& x) { return inexact_unary(logistic_p(), x); }
Array sin(const Array& x) { return inexact_unary(sin_p(), x); }
Array cos(const Array& x) { return inexact_unary(cos_p(), x); }
Array tan(const Array& x) { return inexact_unary(tan_p(), x); }
Array asin(const Array& x) { return inexact_unary(asin_p(), x); }
Array acos(const Array& x) { return inexact_unary(acos_p(), x); }
Array atan(const Array& x) { return inexact_unary(atan_p(), x); }
Array sinh(const Array& x) { return inexact_unary(sinh_p(), x); }
Array cosh(const Array& x) { return inexact_unary(cosh_p(), x); }
Array asinh(const Array& x) { return inexact_unary(asinh_p(), x); }
Array acosh(const Array& x) { return inexact_unary(acosh_p(), x); }
Array atanh(const Array& x) { return inexact_unary(atanh_p(), x); }
Array sqrt(const Array& x) { return inexact_unary(sqrt_p(), x); }
Array rsqrt(const Array& x) { return inexact_unary(rsqrt_p(), x); }
Array cbrt(const Array& x) { return inexact_unary(cbrt_p(), x); }
Array square(const Array& x) { return square_p().bind1({rules::numeric(x)}); }
Array reciprocal(const Array& x) { return div(1.0, to_inexact(x)); }
Array one_minus_square(const Array& x) { return one_minus_square_p().bind1({x}); }
Array abs(const Array& x) { return is_unsigned_integer(x.dtype()) || is_bool(x.dtype()) ? x : abs_p().bind1({x}); }
Array real(const Array& x) { return is_complex(x.dtype()) ? real_p().bind1({x}) : x; }
Array imag(const Array& x) {
  return is_complex(x.dtype()) ? imag_p().bind1({x}) : cast(zeros_like(x), x.dtype(), x.weak_type());
}
Array conj(const Array& x) { return is_complex(x.dtype()) ? conj_p().bind1({x}, InputDtype{x.dtype()}) : x; }
Array complex(const Array& re, const Array& im) { return binary_inexact(complex_p(), re, im); }
Array logical_not(const Array& x) { return not_p().bind1({to_bool(x)}); }
Array bitwise_not(const Array& x) { return not_p().bind1({x}); }
Array population_count(const Array& x) { return population_count_p().bind1({x}); }
Array clz(const Array& x) { return clz_p().bind1({x}); }
Array erf(const Array& x) { return erf_p().bind1({to_inexact(x)}); }
Array erfc(const Array& x) { return erfc_p().bind1({to_inexact(x)}); }
Array erf_inv(const Array& x) { return erf_inv_p().bind1({to_inexact(x)}); }
Array lgamma(const Array& x) { return lgamma_p().bind1({to_inexact(x)}); }
Array digamma(const Array& x) { return digamma_p().bind1({to_inexact(x)}); }
Array integer_pow(const Array& x, std::int64_t y) { return integer_pow_p().bind1({x}, IntegerPow{y}); }
Array stop_gradient(const Array& x) { return stop_gradient_p().bind1({x}); }

// ---- binary

Array add(const Array& x, const Array& y) {
  return binary(is_bool(x.dtype()) && is_bool(y.dtype()) ? or_p() : add_p(), x, y);
}
Array sub(const Array& x, const Array& y) { return binary(sub_p(), x, y); }
Array mul(const Array& x, const Array& y) {
  return binary(is_bool(x.dtype()) && is_bool(y.dtype()) ? and_p() : mul_p(), x, y);
}
Array div(const Array& x, const Array& y) { return binary(div_p(), x, y); }
Array divide(const Array& x, const Array& y) { return binary_inexact(div_p(), x, y); }
Array rem(const Array& x, const Array& y) { return binary(rem_p(), x, y); }
Array maximum(const Array& x, const Array& y) { return binary(max_p(), x, y); }
Array minimum(const Array& x, const Array& y) { return binary(min_p(), x, y); }
Array atan2(const Array& y, const Array& x) { return binary_inexact(atan2_p(), y, x); }
Array nextafter(const Array& x, const Array& y) { return binary_inexact(nextafter_p(), x, y); }
Array logical_and(const Array& x, const Array& y) { return binary(and_p(), to_bool(x), to_bool(y)); }
Array logical_or(const Array& x, const Array& y) { return binary(or_p(), to_bool(x), to_bool(y)); }
Array logical_xor(const Array& x, const Array& y) { return binary(xor_p(), to_bool(x), to_bool(y)); }
Array bitwise_and(const Array& x, const Array& y) { return binary(and_p(), x, y); }
Array bitwise_or(const Array& x, const Array& y) { return binary(or_p(), x, y); }
Array bitwise_xor(const Array& x, const Array& y) { return binary(xor_p(), x, y); }
Array shift_left(const Array& x, const Array& y) { return binary_numeric(shift_left_p(), x, y); }
Array shift_right_logical(const Array& x, const Array& y) { return binary_numeric(shift_right_logical_p(), x, y); }
Array shift_right_arithmetic(const Array& x, const Array& y) {
  return binary_numeric(shift_right_arithmetic_p(), x, y);
}
Array equal(const Array& x, const Array& y) { return binary(eq_p(), x, y); }
Array not_equal(const Array& x, const Array& y) { return binary(ne_p(), x, y); }
Array greater(const Array& x, const Array& y) { return binary(gt_p(), x, y); }
Array greater_equal(const Array& x, const Array& y) { return binary(ge_p(), x, y); }
Array less(const Array& x, const Array& y) { return binary(lt_p(), x, y); }
Array less_equal(const Array& x, const Array& y) { return binary(le_p(), x, y); }
Array squared_difference(const Array& x, const Array& y) { return square(sub(x, y)); }

// ---- selection

Array select_n(const Array& which, std::span<const Array> cases) {
  Arrays in{which};
  in.insert(in.end(), cases.begin(), cases.end());
  return select_n_p().bind(in)[0];
}

Array where(const Array& condition, const Array& x, const Array& y) {
  const Array pair[] = {x, y};
  const PromotedType type = result_type(pair);
  Array c = to_bool(condition);
  const Shape shapes[] = {c.shape(), x.shape(), y.shape()};
  const Shape shape = broadcast_shapes(shapes, "where");
  const Array a = broadcast_to(cast(x, type.dtype, type.weak_type), shape),
              b = broadcast_to(cast(y, type.dtype, type.weak_type), shape);
  if (c.rank() != 0) c = broadcast_to(c, shape);
  return select(c, a, b);
}

Array clamp(const Array& lo, const Array& x, const Array& hi) {
  const auto bound = [&](const Array& b) {
    const Array converted = cast(b, x.dtype(), false);
    return converted.rank() == 0 ? converted : broadcast_to(converted, x.shape());
  };
  const Array low = bound(lo), high = bound(hi);
  return clamp_p().bind1({low, x, high});
}

// Long because it is a list.
void append_elementwise_primitives(std::vector<Primitive>& out) {
  for (const PrimitiveFn p : {neg_p,
                              sign_p,
                              floor_p,
                              ceil_p,
                              round_p,
                              is_finite_p,
                              exp_p,
                              exp2_p,
                              expm1_p,
                              log_p,
                              log2_p,
                              log1p_p,
                              tanh_p,
                              logistic_p,
                              sin_p,
                              cos_p,
                              tan_p,
                              asin_p,
                              acos_p,
                              atan_p,
                              sinh_p,
                              cosh_p,
                              asinh_p,
                              acosh_p,
                              atanh_p,
                              sqrt_p,
                              rsqrt_p,
                              cbrt_p,
                              square_p,
                              integer_pow_p,
                              abs_p,
                              real_p,
                              imag_p,
                              conj_p,
                              not_p,
                              population_count_p,
                              clz_p,
                              erf_p,
                              erfc_p,
                              erf_inv_p,
                              lgamma_p,
                              digamma_p,
                              one_minus_square_p,
                              copy_p,
                              stop_gradient_p,
                              convert_element_type_p,
                              bitcast_convert_type_p,
                              reduce_precision_p,
                              add_p,
                              sub_p,
                              mul_p,
                              div_p,
                              rem_p,
                              max_p,
                              min_p,
                              pow_p,
                              atan2_p,
                              and_p,
                              or_p,
                              xor_p,
                              shift_left_p,
                              shift_right_logical_p,
                              shift_right_arithmetic_p,
                              eq_p,
                              ne_p,
                              ge_p,
                              gt_p,
                              le_p,
                              lt_p,
                              eq_to_p,
                              le_to_p,
                              lt_to_p,
                              add_any_p,
                              complex_p,
                              nextafter_p,
                              clamp_p,
                              select_n_p})
    out.push_back(p());
}

}  // namespace tf2jax
