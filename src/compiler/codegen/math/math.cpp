// Choice between inlined functions and the C library, and the pieces the inlined ones share.
#include "tf2jax/compiler/codegen/math/internal/math.h"

#include "tf2jax/compiler/codegen/math/internal/functions.h"

#include <llvm/IR/IntrinsicsX86.h>

namespace tf2jax::codegen {

using loops::Op;

namespace {

Vec inlined(Op op, const Vec& x) {
  const bool single = x.bits() == 32;
  switch (op) {
    case Op::exp: return exp_of(x);
    case Op::exp2: return exp2_of(x);
    case Op::expm1: return expm1_of(x);
    case Op::tanh: return tanh_of(x);
    case Op::logistic: return logistic_of(x);
    case Op::log: return log_of(x);
    case Op::log1p: return log1p_of(x);
    case Op::log2: return log2_of(x);
    case Op::sin: return sin_of(x);
    case Op::cos: return cos_of(x);
    case Op::sinh: return sinh_of(x);
    case Op::cosh: return cosh_of(x);
    case Op::tan: return tan_of(x);
    case Op::asin: return single ? asin_of(x) : asin_of_double(x);
    case Op::acos: return single ? acos_of(x) : acos_of_double(x);
    case Op::atan: return single ? atan_of(x) : atan_of_double(x);
    case Op::asinh: return single ? asinh_of(x) : asinh_of_double(x);
    case Op::acosh: return single ? acosh_of(x) : acosh_of_double(x);
    case Op::atanh: return single ? atanh_of(x) : atanh_of_double(x);
    case Op::cbrt: return single ? cbrt_of(x) : cbrt_of_double(x);
    case Op::erf: return single ? erf_of(x) : erf_of_double(x);
    case Op::erf_inv: return single ? erf_inv_of(x) : Vec();
    case Op::erfc: return single ? erfc_of(x) : erfc_of_double(x);
    case Op::rsqrt: return 1.0 / sqrt(x);
    default: return {};
  }
}

}  // namespace

Vec elementary(Op op, const Vec& x) {
  const Vec out = inlined(op, x);
  return out ? out : call_libm(op, x);
}

Vec elementary(Op op, const Vec& x, const Vec& y) {
  const Vec a = x.like(y), b = y.like(x);
  const bool single = x.bits() == 32;
  if (op == Op::pow) return single ? pow_of(a, b) : pow_of_double(a, b);
  if (op == Op::atan2) return single ? atan2_of(a, b) : atan2_of_double(a, b);
  if (op == Op::rem) return single ? narrow(rem_of(widen(a), widen(b))) : rem_of(a, b);
  return call_libm(op, a, b);
}

namespace {

// AVX-512 intrinsics take 512 bits: applies f to each half of <16 x double>.
template <class F>
llvm::Value* halves(Ir& ir, llvm::ArrayRef<llvm::Value*> operands, F f) {
  static constexpr int kLow[] = {0, 1, 2, 3, 4, 5, 6, 7}, kHigh[] = {8, 9, 10, 11, 12, 13, 14, 15};
  static constexpr int kAll[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  llvm::SmallVector<llvm::Value*, 2> low, high;
  for (llvm::Value* v : operands) {
    low.push_back(ir.b.CreateShuffleVector(v, kLow));
    high.push_back(ir.b.CreateShuffleVector(v, kHigh));
  }
  return ir.b.CreateShuffleVector(f(low), f(high), kAll);
}
bool wide(const Vec& x) { return x.ir().avx512 && !x.uniform(); }

}  // namespace

Vec scale(const Vec& x, const Vec& n) {
  Ir& ir = x.ir();
  if (wide(x)) {
    llvm::Value* current = ir.b.getInt32(4);  // rounding mode
    if (x.bits() == 32)
      return map(x, n, [&](auto* v, auto* e) -> llvm::Value* {
        return ir.call(llvm::Intrinsic::x86_avx512_mask_scalef_ps_512, {}, {v, e, v, ir.b.getInt16(0xffff), current});
      });
    return map(x, n, [&](auto* v, auto* e) -> llvm::Value* {
      return halves(ir, {v, e}, [&](llvm::ArrayRef<llvm::Value*> p) -> llvm::Value* {
        return ir.call(llvm::Intrinsic::x86_avx512_mask_scalef_pd_512, {},
                       {p[0], p[1], p[0], ir.b.getInt8(0xff), current});
      });
    });
  }
  // Two factors, as 2^n itself may not be representable; only the last product rounds.
  const int bias = x.bits() == 32 ? 127 : 1023, mantissa = x.bits() == 32 ? 23 : 52;
  const Vec e = to_int(n),
            first = map(e, e.of(std::int64_t{1}), [&](auto* v, auto* one) { return ir.b.CreateAShr(v, one); });
  const auto power = [&](const Vec& k) { return from_bits((k + bias) << mantissa); };
  return x * power(first) * power(e - first);
}

// An estimate with 14 digits and one correction, which is cheaper than the division and overlaps better.
Vec quotient(const Vec& x, const Vec& y) {
  if (!wide(y) || y.bits() != 32) return x / y;
  Ir& ir = x.ir();
  const Vec inverse = map(
      y, [&](auto* v) { return ir.call(llvm::Intrinsic::x86_avx512_rcp14_ps_512, {}, {v, v, ir.b.getInt16(0xffff)}); });
  const Vec q = x * inverse;
  return fma(fma(-y, q, x), inverse, q);
}

Frexp split(const Vec& x) {
  Ir& ir = x.ir();
  Vec m, e;
  if (wide(x)) {
    llvm::Value *current = ir.b.getInt32(4), *positive = ir.b.getInt32(0);
    const auto get = [&](llvm::Intrinsic::ID f32, llvm::Intrinsic::ID f64, bool mantissa) {
      return map(x, [&](llvm::Value* v) -> llvm::Value* {
        const auto one = [&](llvm::Value* p) -> llvm::Value* {
          llvm::Value* mask = x.bits() == 32 ? static_cast<llvm::Value*>(ir.b.getInt16(0xffff)) : ir.b.getInt8(0xff);
          const auto id = x.bits() == 32 ? f32 : f64;
          if (mantissa) return ir.call(id, {}, {p, positive, p, mask, current});
          return ir.call(id, {}, {p, p, mask, current});
        };
        if (x.bits() == 32) return one(v);
        return halves(ir, {v}, [&](llvm::ArrayRef<llvm::Value*> p) { return one(p[0]); });
      });
    };
    m = get(llvm::Intrinsic::x86_avx512_mask_getmant_ps_512, llvm::Intrinsic::x86_avx512_mask_getmant_pd_512, true);
    e = get(llvm::Intrinsic::x86_avx512_mask_getexp_ps_512, llvm::Intrinsic::x86_avx512_mask_getexp_pd_512, false);
    const Vec large = m > 1.4142135623730951;
    return {select(large, m * 0.5, m), select(large, e + 1.0, e)};
  }
  // Subnormals are scaled up first. The exponent is taken from sqrt(1/2) on, so that the mantissa straddles 1.
  const bool f32 = x.bits() == 32;
  const int mantissa = f32 ? 23 : 52;
  const Vec tiny = x < (f32 ? 0x1p-126 : 0x1p-1022);
  const Vec bits = to_bits(select(tiny, x * (f32 ? 0x1p23 : 0x1p52), x));
  const std::int64_t root = f32 ? 0x3f3504f3 : 0x3fe6a09e667f3bcd;
  const Vec above = bits - root;
  const Vec k = map(above, above.of(static_cast<std::int64_t>(mantissa)),
                    [&](auto* v, auto* s) { return ir.b.CreateAShr(v, s); });
  m = from_bits(bits - (k << mantissa));
  e = to_float(k) - select(tiny, x.of(static_cast<double>(mantissa)), x.of(0.0));
  return {m, e};
}

// Exact. The quotient is at most one off while it has fewer digits than a double, and then the fused remainder is
// exact.
Vec rem_of(const Vec& x, const Vec& y) {
  const Vec a = abs(x), b = abs(y), q = a / b;
  const Vec r = fma(-trunc(q), b, a);
  const Vec up = select(r < 0.0, r + b, r), in_range = select(up >= b, up - b, up);
  const Vec usual = copysign(select(a < b, a, in_range), x);
  Branch huge(x.ir(), any(~(q < 0x1p52)));
  return huge.finish(usual, call_libm(Op::rem, x, y));
}

}  // namespace tf2jax::codegen
