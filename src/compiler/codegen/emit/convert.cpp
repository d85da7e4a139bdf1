// Element types in memory and in registers, and conversions between them.
#include <cmath>
#include <stdexcept>

#include "tf2jax/compiler/codegen/emit/internal/emitter.h"

namespace tf2jax::codegen {

namespace {

unsigned integer_bits(DType d) {
  switch (d) {
    case DType::bool_: return 1;
    case DType::i8:
    case DType::u8: return 8;
    case DType::i16:
    case DType::u16: return 16;
    case DType::i32:
    case DType::u32: return 32;
    case DType::i64:
    case DType::u64: return 64;
    default: return 0;
  }
}
bool half(DType d) { return d == DType::f16 || d == DType::bf16; }
bool is_unsigned(DType d) { return is_unsigned_integer(d) || is_bool(d); }

// In integers, as the conversion instruction flushes subnormals.
Vec bf16_bits(const Vec& x) {
  const Vec u = to_bits(x);
  const Vec rounded = u + 0x7fff + ((u >> 16) & 1);
  return cast(select(is_nan(x), u | 0x400000, rounded) >> 16, x.ir().b.getInt16Ty(), llvm::Instruction::Trunc);
}
Vec bf16_value(const Vec& bits) {
  return from_bits(cast(bits, bits.ir().b.getInt32Ty(), llvm::Instruction::ZExt) << 16);
}

// Truncates; out-of-range values saturate and NaN becomes 0. The conversion's result is not used where it is undefined.
Vec float_to_int(const Vec& x, DType to) {
  Ir& ir = x.ir();
  const unsigned bits = integer_bits(to);
  const bool is_signed = !is_unsigned(to);
  const auto low = is_signed ? llvm::APInt::getSignedMinValue(bits) : llvm::APInt::getMinValue(bits);
  const auto high = is_signed ? llvm::APInt::getSignedMaxValue(bits) : llvm::APInt::getMaxValue(bits);
  const double first_too_large =
      is_signed ? std::ldexp(1.0, static_cast<int>(bits) - 1) : std::ldexp(1.0, static_cast<int>(bits));
  const double least = is_signed ? -first_too_large : 0.0;
  llvm::Type* type = ir.b.getIntNTy(bits);
  const auto limit = [&](const llvm::APInt& v) { return Vec(ir, llvm::ConstantInt::get(type, v)); };
  Vec y = cast(x, type, is_signed ? llvm::Instruction::FPToSI : llvm::Instruction::FPToUI);
  y = select(x >= first_too_large, limit(high), y);
  y = select(x <= least, limit(low), y);
  return select(is_nan(x), limit(llvm::APInt(bits, 0)), y);
}

}  // namespace

int bytes_of(DType dtype) {
  if (half(dtype)) return 2;
  if (is_floating(dtype)) return dtype == DType::f64 ? 8 : 4;
  return static_cast<int>((integer_bits(dtype) + 7) / 8);
}

llvm::Type* register_type(Ir& ir, DType dtype) {
  if (const unsigned bits = integer_bits(dtype)) return ir.b.getIntNTy(bits);
  if (dtype == DType::f64) return ir.b.getDoubleTy();
  if (dtype == DType::f32 || half(dtype)) return ir.b.getFloatTy();
  throw std::runtime_error("loop programs hold bools, integers and real floats only");
}

llvm::Type* memory_type(Ir& ir, DType dtype) {
  if (dtype == DType::bool_) return ir.b.getInt8Ty();
  if (dtype == DType::f16) return ir.b.getHalfTy();
  if (dtype == DType::bf16) return ir.b.getInt16Ty();
  return register_type(ir, dtype);
}

Vec from_memory(DType dtype, const Vec& x) {
  if (dtype == DType::bool_) return ~(x == 0);
  if (dtype == DType::f16) return cast(x, x.ir().b.getFloatTy(), llvm::Instruction::FPExt);
  if (dtype == DType::bf16) return bf16_value(x);
  return x;
}

Vec to_memory(DType dtype, const Vec& x) {
  if (dtype == DType::bool_) return cast(x, x.ir().b.getInt8Ty(), llvm::Instruction::ZExt);
  if (dtype == DType::f16) return cast(x, x.ir().b.getHalfTy(), llvm::Instruction::FPTrunc);
  if (dtype == DType::bf16) return bf16_bits(x);
  return x;
}

Vec round_to(DType dtype, const Vec& x) { return half(dtype) ? from_memory(dtype, to_memory(dtype, x)) : x; }

Vec convert(DType from, DType to, const Vec& x) {
  if (from == to) return x;
  llvm::Type* type = register_type(x.ir(), to);
  if (is_floating(from)) {
    if (to == DType::bool_)
      return map(x, [&](auto* v) { return x.ir().b.CreateFCmpUNE(v, llvm::ConstantFP::get(v->getType(), 0.0)); });
    if (is_integer(to)) return float_to_int(x, to);
    if (x.element() == type) return round_to(to, x);
    return round_to(to, cast(x, type, to == DType::f64 ? llvm::Instruction::FPExt : llvm::Instruction::FPTrunc));
  }
  if (from == DType::bool_)  // one masked move, where an extension of the mask takes three operations
    return map(x, [&](auto* v) {
      llvm::Type* wide = v->getType()->getWithNewType(type);
      llvm::Constant* one =
          type->isFloatingPointTy() ? llvm::ConstantFP::get(wide, 1.0) : llvm::ConstantInt::get(wide, 1);
      return x.ir().b.CreateSelect(v, one, llvm::Constant::getNullValue(wide));
    });
  if (is_floating(to))
    return round_to(to, cast(x, type, is_unsigned(from) ? llvm::Instruction::UIToFP : llvm::Instruction::SIToFP));
  if (to == DType::bool_) return ~(x == 0);
  const unsigned have = integer_bits(from), want = integer_bits(to);
  if (have == want) return x;
  return cast(x, type,
              have > want         ? llvm::Instruction::Trunc
              : is_unsigned(from) ? llvm::Instruction::ZExt
                                  : llvm::Instruction::SExt);
}

Vec bitcast(DType from, DType to, const Vec& x) {
  if (from == to) return x;
  Vec bits = half(from) || from == DType::bool_ ? to_memory(from, x) : x;
  llvm::Type* type = memory_type(x.ir(), to);
  if (bits.element() != type) bits = cast(bits, type, llvm::Instruction::BitCast);
  return half(to) || to == DType::bool_ ? from_memory(to, bits) : bits;
}

}  // namespace tf2jax::codegen
