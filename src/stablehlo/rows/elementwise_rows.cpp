// Operations on each element: arithmetic, comparisons, conversions, selection.
#include "tf2jax/stablehlo/internal/narrow_types.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::stablehlo {
namespace {

// Sums and products of bools are what holds of any or of both.
template <PrimitiveFn OfNumbers, PrimitiveFn OfBools>
Arrays arithmetic(Call& c) {
  c.expect_operands(2, 2);
  return (is_bool(c[0].dtype()) ? OfBools() : OfNumbers()).bind(c.args);
}

// A public function of one operand that keeps the dtype of what StableHLO allows.
template <Array (*F)(const Array&)>
Arrays unary(Call& c) {
  c.expect_operands(1, 1);
  return {F(c[0])};
}

Arrays rounded(Call& c, std::int64_t method) {
  c.expect_operands(1, 1);
  return {round_p().bind1({c[0]}, RoundParams{method})};
}

// Floats that become integers stay within their range.
Array within(const Array& x, const NarrowType& t) {
  const bool is_signed = t.held == DType::i8;
  const double most = is_signed ? (1 << (t.bits - 1)) - 1 : (1 << t.bits) - 1, least = is_signed ? -most - 1 : 0;
  return clamp(full_like(x, least), x, full_like(x, most));
}

Arrays convert(Call& c) {
  c.expect_operands(1, 1);
  const DType to = c.result_dtype();
  Array x = c[0];
  if (const NarrowType* narrow = narrow_type(c.result_type()); narrow && is_floating(x.dtype())) {
    if (is_floating(to)) x = narrowed(x, *narrow);  // once, from all the digits there are
    else x = within(x, *narrow);
  }
  if (to == x.dtype()) return {x};
  return {convert_element_type_p().bind1({x}, ConvertParams{to, false})};
}

Arrays bitcast_convert(Call& c) {
  c.expect_operands(1, 1);
  const Type& from = *c.frame.function.types[as_index(c.op.operands.at(0))];
  check<NotImplementedError>(!narrow_type(c.result_type()) && !narrow_type(from),
                             "stablehlo: the bits of {} and {} cannot be exchanged.", from.to_string(),
                             c.result_type().to_string());
  return {bitcast_convert_type_p().bind1({c[0]}, NewDtype{c.result_dtype()})};
}

Arrays reduce_precision_row(Call& c) {
  c.expect_operands(1, 1);
  return {reduce_precision_p().bind1({c[0]}, ReducePrecision{c.integer("exponent_bits"), c.integer("mantissa_bits")})};
}

Arrays real_part(Call& c) {
  c.expect_operands(1, 1);
  return {real(c[0])};
}
Arrays imaginary_part(Call& c) {
  c.expect_operands(1, 1);
  return {imag(c[0])};
}

// Orders of all floats, NaN included, are comparisons of their own; there are three of them.
Arrays compare_in_total_order(const std::string& direction, const Array& x, const Array& y) {
  const auto both = [](const Primitive& p, const Array& a, const Array& b) { return p.bind({a, b}); };
  if (direction == "EQ") return both(eq_to_p(), x, y);
  if (direction == "LT") return both(lt_to_p(), x, y);
  if (direction == "LE") return both(le_to_p(), x, y);
  if (direction == "GT") return both(lt_to_p(), y, x);
  if (direction == "GE") return both(le_to_p(), y, x);
  return {not_p().bind1({eq_to_p().bind1({x, y})})};
}

Arrays compare(Call& c) {
  c.expect_operands(2, 2);
  const std::string& direction = c.text("comparison_direction");
  if (c.text_or("compare_type", "NOTYPE") == "TOTALORDER" && is_floating(c[0].dtype()))
    return compare_in_total_order(direction, c[0], c[1]);
  if (direction == "EQ") return eq_p().bind({c[0], c[1]});
  if (direction == "NE") return ne_p().bind({c[0], c[1]});
  if (direction == "LT") return lt_p().bind({c[0], c[1]});
  if (direction == "LE") return le_p().bind({c[0], c[1]});
  if (direction == "GT") return gt_p().bind({c[0], c[1]});
  if (direction == "GE") return ge_p().bind({c[0], c[1]});
  c.fail(fmt::format("attribute 'comparison_direction' is not known. Got '{}'.", direction));
}

Arrays select_row(Call& c) {
  c.expect_operands(3, 3);
  return select_n_p().bind({c[0], c[2], c[1]});
}

Arrays constant_row(Call& c) {
  const auto value = std::ranges::find(c.op.attributes, "value", &std::pair<std::string, AttrPtr>::first);
  if (value == c.op.attributes.end()) c.fail("it has no value.");
  return {constant(value->second)};
}

Arrays barrier(Call& c) { return optimization_barrier(c.args); }

constexpr OpRow kRows[] = {
    {"abs", abs_p, unary<abs>},
    {"cbrt", cbrt_p, unary<cbrt>},
    {"ceil", ceil_p, unary<ceil>},
    {"cosine", cos_p, unary<cos>},
    {"count_leading_zeros", clz_p, unary<clz>},
    {"exponential", exp_p, unary<exp>},
    {"exponential_minus_one", expm1_p, unary<expm1>},
    {"floor", floor_p, unary<floor>},
    {"imag", imag_p, imaginary_part},
    {"is_finite", is_finite_p, unary<is_finite>},
    {"log", log_p, unary<log>},
    {"log_plus_one", log1p_p, unary<log1p>},
    {"logistic", logistic_p, unary<logistic>},
    {"negate", neg_p, unary<neg>},
    {"not", not_p},
    {"popcnt", population_count_p, unary<population_count>},
    {"real", real_p, real_part},
    {"round_nearest_afz", round_p, [](Call& c) { return rounded(c, 0); }},
    {"round_nearest_even", round_p, [](Call& c) { return rounded(c, 1); }},
    {"rsqrt", rsqrt_p, unary<rsqrt>},
    {"sign", sign_p, unary<sign>},
    {"sine", sin_p, unary<sin>},
    {"sqrt", sqrt_p, unary<sqrt>},
    {"tan", tan_p, unary<tan>},
    {"tanh", tanh_p, unary<tanh>},
    {"add", add_p, arithmetic<add_p, or_p>},
    {"and", and_p},
    {"atan2", atan2_p},
    {"complex", complex_p},
    {"divide", div_p},
    {"maximum", max_p},
    {"minimum", min_p},
    {"multiply", mul_p, arithmetic<mul_p, and_p>},
    {"or", or_p},
    {"power", pow_p},
    {"remainder", rem_p},
    {"shift_left", shift_left_p},
    {"shift_right_arithmetic", shift_right_arithmetic_p},
    {"shift_right_logical", shift_right_logical_p},
    {"subtract", sub_p},
    {"xor", xor_p},
    {"clamp", clamp_p},
    {"convert", convert_element_type_p, convert},
    {"bitcast_convert", bitcast_convert_type_p, bitcast_convert},
    {"reduce_precision", reduce_precision_p, reduce_precision_row},
    {"compare", nullptr, compare},
    {"select", select_n_p, select_row},
    {"constant", nullptr, constant_row},
    {"optimization_barrier", optimization_barrier_p, barrier},
};

}  // namespace

std::span<const OpRow> elementwise_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
