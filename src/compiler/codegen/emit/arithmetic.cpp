// The operations of loop programs on register values. Semantics: backends/cpu/{unary,binary,math}_kernels.cpp.
#include <limits>
#include <stdexcept>

#include "tf2jax/compiler/codegen/emit/internal/emitter.h"
#include "tf2jax/compiler/codegen/math/internal/math.h"

namespace tf2jax::codegen {

using loops::Op;

namespace {

bool is_unsigned(DType d) { return is_unsigned_integer(d) || is_bool(d); }

Vec sign(DType dtype, const Vec& x) {
  if (is_bool(dtype)) return x;
  if (is_unsigned_integer(dtype)) return select(x == 0, 0, x.of(std::int64_t{1}));
  if (is_integer(dtype)) return select(x > 0, 1, select(x < 0, -1, x));
  return select(x > 0.0, 1.0, select(x < 0.0, -1.0, x));  // keeps -0 and NaN
}

Vec compare(const Vec& x, const Vec& y, llvm::CmpInst::Predicate p) {
  return map(x, y, [&](auto* a, auto* b) { return x.ir().b.CreateCmp(p, a, b); });
}
Vec less(DType dtype, const Vec& x, const Vec& y) {
  return compare(x, y,
                 is_floating(dtype)   ? llvm::CmpInst::FCMP_OLT
                 : is_unsigned(dtype) ? llvm::CmpInst::ICMP_ULT
                                      : llvm::CmpInst::ICMP_SLT);
}
Vec at_most(DType dtype, const Vec& x, const Vec& y) {
  return compare(x, y,
                 is_floating(dtype)   ? llvm::CmpInst::FCMP_OLE
                 : is_unsigned(dtype) ? llvm::CmpInst::ICMP_ULE
                                      : llvm::CmpInst::ICMP_SLE);
}

// NaN wins; of zeros, the maximum is the positive one.
Vec extreme(DType dtype, const Vec& x, const Vec& y, bool largest) {
  if (is_bool(dtype)) return largest ? x | y : x & y;
  if (is_integer(dtype)) {
    const auto id = is_unsigned(dtype) ? (largest ? llvm::Intrinsic::umax : llvm::Intrinsic::umin)
                                       : (largest ? llvm::Intrinsic::smax : llvm::Intrinsic::smin);
    return binary(x, y, id);
  }
  return binary(x, y, largest ? llvm::Intrinsic::maximum : llvm::Intrinsic::minimum);
}

// Likewise, x where they are equal: the first select is one instruction.
Vec running_extreme(const Vec& x, const Vec& y, bool largest) {
  const Vec best = select(largest ? y > x : y < x, y, x);  // x where either is NaN
  return select(is_nan(y), y, best);
}

// log(e^x + e^y). Where the smaller term is lost, its exponential is not computed: subnormal results are slow.
Vec log_add_exp(const Vec& x, const Vec& y) {
  const double farthest = x.bits() == 32 ? 80 : 700;
  const Vec distance = x - y, apart = abs(distance), near = select(apart < farthest, apart, 0.0);
  const Vec more = select(apart < farthest, elementary(Op::log1p, elementary(Op::exp, -near)), 0.0);
  return select(is_nan(distance), x + y, select(y > x, y, x) + more);  // NaN: of equal infinities, or NaNs
}

// Quotients of up to 32 bits are exact in doubles, which have vector division.
Vec integer_quotient(bool is_signed, const Vec& x, const Vec& y) {
  Ir& ir = x.ir();
  if (x.uniform() && y.uniform())
    return map(x, y, [&](auto* a, auto* b) { return is_signed ? ir.b.CreateSDiv(a, b) : ir.b.CreateUDiv(a, b); });
  if (x.bits() > 32 || llvm::isa<llvm::Constant>(y[0]))
    return map(x, y, [&](auto* a, auto* b) { return is_signed ? ir.b.CreateSDiv(a, b) : ir.b.CreateUDiv(a, b); });
  const auto widen = is_signed ? llvm::Instruction::SIToFP : llvm::Instruction::UIToFP;
  const auto narrow = is_signed ? llvm::Instruction::FPToSI : llvm::Instruction::FPToUI;
  llvm::Type* wide = x.bits() < 32 ? ir.b.getFloatTy() : ir.b.getDoubleTy();  // 16-bit quotients are exact in floats
  return cast(cast(x, wide, widen) / cast(y, wide, widen), x.element(), narrow);
}

Vec divide(DType dtype, const Vec& x, const Vec& y) {
  if (is_bool(dtype)) return x | ~y;
  if (is_floating(dtype)) return x / y;
  const bool is_signed = is_signed_integer(dtype);
  const Vec zero = y == 0;
  const Vec avoid = is_signed ? zero | (y == -1) : zero;
  const Vec q = integer_quotient(is_signed, x, select(avoid, 1, y));
  const Vec out = is_signed ? select(y == -1, -x, q) : q;
  return select(zero, -1, out);  // as XLA's CPU back end: all bits set
}

Vec remainder(DType dtype, const Vec& x, const Vec& y) {
  if (is_floating(dtype)) return elementary(Op::rem, x, y);
  const bool is_signed = is_signed_integer(dtype);
  const Vec zero = y == 0;
  const Vec safe = select(is_signed ? zero | (y == -1) : zero, 1, y);
  return select(zero, x, x - integer_quotient(is_signed, x, safe) * safe);
}

Vec shift(Op op, DType dtype, const Vec& x, const Vec& y) {
  if (is_bool(dtype)) return x;
  const Vec width = x.of(static_cast<std::int64_t>(x.bits()));
  const Vec inside = compare(y, width, llvm::CmpInst::ICMP_ULT);
  if (op == Op::shift_right_arithmetic) {
    const Vec n = select(inside, y, width - 1);
    return map(x, n, [&](auto* a, auto* b) { return x.ir().b.CreateAShr(a, b); });
  }
  const Vec n = select(inside, y, 0);
  return select(inside, op == Op::shift_left ? x << n : x >> n, 0);
}

template <class F>
Vec contracted(const Vec& x, F&& f) {
  llvm::IRBuilderBase::FastMathFlagGuard guard(x.ir().b);
  llvm::FastMathFlags flags;
  flags.setAllowContract();
  x.ir().b.setFastMathFlags(flags);
  return f();
}

}  // namespace

Vec arithmetic(Op op, DType dtype, const Vec& x) {
  Ir& ir = x.ir();
  const bool floating = is_floating(dtype);
  switch (op) {
    case Op::neg: return is_bool(dtype) ? x : -x;
    case Op::sign: return sign(dtype, x);
    case Op::floor: return floating ? unary(x, llvm::Intrinsic::floor) : x;
    case Op::ceil: return floating ? unary(x, llvm::Intrinsic::ceil) : x;
    case Op::round_away: return floating ? unary(x, llvm::Intrinsic::round) : x;
    case Op::round_even: return floating ? unary(x, llvm::Intrinsic::roundeven) : x;
    case Op::is_finite: return abs(x) < std::numeric_limits<double>::infinity();
    case Op::sqrt: return sqrt(x);
    case Op::abs:
      if (floating) return abs(x);
      if (is_unsigned(dtype)) return x;
      return map(x, [&](auto* v) { return ir.call(llvm::Intrinsic::abs, {v->getType()}, {v, ir.b.getFalse()}); });
    case Op::bit_not: return ~x;
    case Op::population_count: return unary(x, llvm::Intrinsic::ctpop);
    case Op::clz:
      return map(x, [&](auto* v) { return ir.call(llvm::Intrinsic::ctlz, {v->getType()}, {v, ir.b.getFalse()}); });
    default: break;
  }
  if (!floating) throw std::runtime_error(name_of(op) + " needs a float");
  return elementary(op, x);
}

Vec arithmetic(Op op, DType dtype, const Vec& x, const Vec& y) {
  const bool floating = is_floating(dtype), boolean = is_bool(dtype);
  switch (op) {
    case Op::add: return boolean ? x | y : contracted(x, [&] { return x + y; });
    case Op::sub: return boolean ? x ^ y : contracted(x, [&] { return x - y; });
    case Op::mul: return boolean ? x & y : contracted(x, [&] { return x * y; });
    case Op::div: return divide(dtype, x, y);
    case Op::rem: return remainder(dtype, x, y);
    case Op::max: return extreme(dtype, x, y, true);
    case Op::min: return extreme(dtype, x, y, false);
    case Op::bit_and: return x & y;
    case Op::bit_or: return x | y;
    case Op::bit_xor: return x ^ y;
    case Op::shift_left:
    case Op::shift_right_logical:
    case Op::shift_right_arithmetic: return shift(op, dtype, x, y);
    case Op::eq: return x == y;
    case Op::ne: return floating ? compare(x, y, llvm::CmpInst::FCMP_UNE) : compare(x, y, llvm::CmpInst::ICMP_NE);
    case Op::lt: return less(dtype, x, y);
    case Op::le: return at_most(dtype, x, y);
    case Op::gt: return less(dtype, y, x);
    case Op::ge: return at_most(dtype, y, x);
    default: break;
  }
  if (!floating) throw std::runtime_error(name_of(op) + " needs floats");
  if (op == Op::log_add_exp) return log_add_exp(x, y);
  return elementary(op, x, y);
}

Vec combined(Op op, DType dtype, const Vec& x, const Vec& y) {
  if (is_floating(dtype) && (op == Op::max || op == Op::min)) return running_extreme(x, y, op == Op::max);
  return arithmetic(op, dtype, x, y);
}

}  // namespace tf2jax::codegen
