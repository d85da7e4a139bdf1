// Scalar operations on each element: a row each for those that are one, and functions for the others.
#include "tf2jax/ops/elementwise.h"

#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

// 1 + tanh(u) = 2 logistic(2u): the form in which gelu is written; logistic costs less and does not cancel.
Rewritten sum(GraphBuilder& b, const GraphEquation& e) {
  const Aval& out = e.out();
  if (is_floating(out.dtype) && e.in.size() == 2)
    for (const int k : {0, 1}) {
      const ValueId t = e.in[k];
      const GraphOp* tanh = b.producer(t);
      if (!tanh || tanh->kind != OpKind::elementwise || tanh->scalar != Op::tanh || !b.is_number(e.in[1 - k], 1))
        continue;
      const Aval aval = b.value(t).aval;
      const ValueId u = tanh->in[0];
      const ValueId s = b.scalar_op(Op::logistic, {b.scalar_op(Op::mul, {b.number(out.dtype, 2), u}, aval)}, aval);
      b.notes.logistic_of[t] = s;
      return b.scalar_op(Op::mul, {b.number(out.dtype, 2), s}, out);
    }
  return b.scalar_op(Op::add, e.in, out);
}

// 1 - t^2; where t is a tanh(u) whose s = logistic(2u) is there, 4 s (1 - s).
Rewritten one_minus_square(GraphBuilder& b, const GraphEquation& e) {
  const Aval& out = e.out();
  const auto op = [&](Op o, const Values& x) { return b.scalar_op(o, x, out); };
  if (const auto it = b.notes.logistic_of.find(e.in[0]); it != b.notes.logistic_of.end()) {
    const ValueId s = it->second;
    return op(Op::mul, {op(Op::mul, {b.number(out.dtype, 4), s}), op(Op::sub, {b.number(out.dtype, 1), s})});
  }
  const ValueId one = b.number(out.dtype, 1);
  return op(Op::mul, {op(Op::sub, {one, e.in[0]}), op(Op::add, {one, e.in[0]})});
}

Rewritten square(GraphBuilder& b, const GraphEquation& e) { return b.scalar_op(Op::mul, {e.in[0], e.in[0]}, e.out()); }

Rewritten rounded(GraphBuilder& b, const GraphEquation& e) {
  const bool away = e.params.get<RoundParams>().rounding_method == 0;
  return b.scalar_op(away ? Op::round_away : Op::round_even, e.in, e.out());
}

Rewritten clamped(GraphBuilder& b, const GraphEquation& e) {
  return b.scalar_op(Op::min, {b.scalar_op(Op::max, {e.in[1], e.in[0]}, e.out()), e.in[2]}, e.out());
}

// The first case whose number is not below an integer selector, which is out of range at both ends.
Rewritten selected(GraphBuilder& b, const GraphEquation& e) {
  const Values& in = e.in;
  if (b.dtype(in[0]) == DType::bool_)
    return in.size() == 2 ? in[1] : b.scalar_op(Op::select, {in[0], in[2], in[1]}, e.out());
  const Aval flags{DType::bool_, b.value(in[0]).aval.shape, false};
  ValueId result = in.back();
  for (std::size_t k = in.size() - 2; k >= 1; --k) {
    const ValueId number = b.number(b.dtype(in[0]), static_cast<double>(k - 1));
    const ValueId here = b.scalar_op(k == 1 ? Op::le : Op::eq, {in[0], number}, flags);
    result = b.scalar_op(Op::select, {here, in[k], result}, e.out());
  }
  return result;
}

// Binary powers, as the eager kernel does.
Rewritten integer_power(GraphBuilder& b, const GraphEquation& e) {
  const std::int64_t y = e.params.get<IntegerPow>().y;
  if (y == 0 || (y < 0 && !is_inexact(e.out().dtype))) return std::nullopt;
  const auto op = [&](Op o, const Values& x) { return b.scalar_op(o, x, e.out()); };
  ValueId base = e.in[0], result = -1;
  for (auto n = static_cast<std::uint64_t>(y < 0 ? -y : y); n; n >>= 1) {
    if (n & 1) result = result < 0 ? base : op(Op::mul, {result, base});
    if (n > 1) base = op(Op::mul, {base, base});
  }
  return y < 0 ? op(Op::div, {b.number(e.out().dtype, 1), result}) : result;
}

Rewritten power(GraphBuilder& b, const GraphEquation& e) {
  if (b.dtype(e.in[0]) != b.dtype(e.in[1])) return std::nullopt;
  return b.scalar_op(Op::pow, e.in, e.out());
}

Rewritten inverse_erf(GraphBuilder& b, const GraphEquation& e) {
  if (e.out().dtype == DType::f64) return std::nullopt;
  return b.scalar_op(Op::erf_inv, e.in, e.out());
}

Rewritten converted(GraphBuilder& b, const GraphEquation& e) {
  return b.dtype(e.in[0]) == e.out().dtype ? e.in[0] : b.scalar_op(Op::convert, e.in, e.out());
}

Rewritten bitcast(GraphBuilder& b, const GraphEquation& e) {
  if (itemsize(b.dtype(e.in[0])) != itemsize(e.out().dtype)) return std::nullopt;
  return b.scalar_op(Op::bitcast, e.in, e.out());
}

Rewritten operand(GraphBuilder&, const GraphEquation& e) { return e.in[0]; }

}  // namespace

// Long because it is a table, one primitive a row.
void append_elementwise_rewrites(RewriteTable& t) {
  const std::pair<Primitive, Op> operations[] = {
      {neg_p(), Op::neg},
      {sign_p(), Op::sign},
      {floor_p(), Op::floor},
      {ceil_p(), Op::ceil},
      {is_finite_p(), Op::is_finite},
      {exp_p(), Op::exp},
      {exp2_p(), Op::exp2},
      {expm1_p(), Op::expm1},
      {log_p(), Op::log},
      {log1p_p(), Op::log1p},
      {log2_p(), Op::log2},
      {tanh_p(), Op::tanh},
      {logistic_p(), Op::logistic},
      {sin_p(), Op::sin},
      {cos_p(), Op::cos},
      {tan_p(), Op::tan},
      {asin_p(), Op::asin},
      {acos_p(), Op::acos},
      {atan_p(), Op::atan},
      {sinh_p(), Op::sinh},
      {cosh_p(), Op::cosh},
      {asinh_p(), Op::asinh},
      {acosh_p(), Op::acosh},
      {atanh_p(), Op::atanh},
      {sqrt_p(), Op::sqrt},
      {rsqrt_p(), Op::rsqrt},
      {abs_p(), Op::abs},
      {not_p(), Op::bit_not},
      {population_count_p(), Op::population_count},
      {clz_p(), Op::clz},
      {cbrt_p(), Op::cbrt},
      {erf_p(), Op::erf},
      {erfc_p(), Op::erfc},
      {sub_p(), Op::sub},
      {mul_p(), Op::mul},
      {div_p(), Op::div},
      {rem_p(), Op::rem},
      {max_p(), Op::max},
      {min_p(), Op::min},
      {atan2_p(), Op::atan2},
      {and_p(), Op::bit_and},
      {or_p(), Op::bit_or},
      {xor_p(), Op::bit_xor},
      {shift_left_p(), Op::shift_left},
      {shift_right_logical_p(), Op::shift_right_logical},
      {shift_right_arithmetic_p(), Op::shift_right_arithmetic},
  };
  for (const auto& [p, op] : operations)
    t.set(Turn::loops, p,
          [op = op](GraphBuilder& b, const GraphEquation& e) -> Rewritten { return b.scalar_op(op, e.in, e.out()); });
  const std::pair<Primitive, Op> comparisons[] = {{eq_p(), Op::eq}, {ne_p(), Op::ne}, {lt_p(), Op::lt},
                                                  {le_p(), Op::le}, {gt_p(), Op::gt}, {ge_p(), Op::ge}};
  for (const auto& [p, op] : comparisons)
    t.set(Turn::loops, p, [op = op](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
      return b.scalar_op(op, e.in, e.out().with_dtype(DType::bool_));
    });
  const std::pair<Primitive, Rewriter> others[] = {
      {copy_p(), operand},
      {stop_gradient_p(), operand},
      {add_p(), sum},
      {add_any_p(), sum},
      {square_p(), square},
      {one_minus_square_p(), one_minus_square},
      {pow_p(), power},
      {integer_pow_p(), integer_power},
      {round_p(), rounded},
      {clamp_p(), clamped},
      {select_n_p(), selected},
      {convert_element_type_p(), converted},
      {erf_inv_p(), inverse_erf},
      {bitcast_convert_type_p(), bitcast},
  };
  for (const auto& [p, rewriter] : others) t.set(Turn::loops, p, rewriter);
}

}  // namespace tf2jax::compiler
