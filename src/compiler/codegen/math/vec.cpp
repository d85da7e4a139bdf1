// Emission of the operations of Vec.
#include "tf2jax/compiler/codegen/math/internal/vec.h"

#include <llvm/IR/MDBuilder.h>

namespace tf2jax::codegen {

llvm::AllocaInst* Ir::slot(llvm::Type* type, unsigned alignment) {
  llvm::BasicBlock& entry = function->getEntryBlock();
  llvm::IRBuilder<> at(&entry, entry.begin());
  llvm::AllocaInst* out = at.CreateAlloca(type);
  if (alignment) out->setAlignment(llvm::Align(alignment));
  return out;
}

llvm::BasicBlock* Ir::block(const char* name) { return llvm::BasicBlock::Create(module.getContext(), name, function); }

llvm::Type* Vec::with(llvm::Type* element) const {
  if (const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type()))
    return llvm::FixedVectorType::get(element, vector->getNumElements());
  return element;
}

Vec Vec::spread(std::size_t parts) const {
  if (!uniform()) return *this;
  llvm::Value* v = parts_[0];
  const auto count = llvm::ElementCount::getFixed(static_cast<unsigned>(ir_->lanes));
  if (auto* c = llvm::dyn_cast<llvm::Constant>(v)) v = llvm::ConstantVector::getSplat(count, c);
  else v = ir_->b.CreateVectorSplat(count, v);
  return Vec(*ir_, Parts(parts, v));
}

Vec operator+(const Vec& a, const Vec& b) {
  return map(a, b,
             [&](auto* x, auto* y) { return a.floating() ? a.ir().b.CreateFAdd(x, y) : a.ir().b.CreateAdd(x, y); });
}
Vec operator-(const Vec& a, const Vec& b) {
  return map(a, b,
             [&](auto* x, auto* y) { return a.floating() ? a.ir().b.CreateFSub(x, y) : a.ir().b.CreateSub(x, y); });
}
Vec operator*(const Vec& a, const Vec& b) {
  return map(a, b,
             [&](auto* x, auto* y) { return a.floating() ? a.ir().b.CreateFMul(x, y) : a.ir().b.CreateMul(x, y); });
}
Vec operator/(const Vec& a, const Vec& b) {
  // LLVM 19 takes lanes in which both operands are known to be zero (masked loads, padding) for zero after a division
  // too (SelectionDAG's SimplifyDemandedVectorElts), where they are no number. Behind a fence it does not know the
  // divisor.
  return map(a, b, [&](auto* x, auto* y) {
    llvm::Value* divisor = y;
    if (y->getType()->isVectorTy() && !llvm::isa<llvm::Constant>(y))
      divisor = a.ir().call(llvm::Intrinsic::arithmetic_fence, {y->getType()}, {y});
    return a.ir().b.CreateFDiv(x, divisor);
  });
}
Vec operator-(const Vec& a) {
  return map(a, [&](auto* x) { return a.floating() ? a.ir().b.CreateFNeg(x) : a.ir().b.CreateNeg(x); });
}
Vec operator&(const Vec& a, const Vec& b) {
  return map(a, b, [&](auto* x, auto* y) { return a.ir().b.CreateAnd(x, y); });
}
Vec operator|(const Vec& a, const Vec& b) {
  return map(a, b, [&](auto* x, auto* y) { return a.ir().b.CreateOr(x, y); });
}
Vec operator^(const Vec& a, const Vec& b) {
  return map(a, b, [&](auto* x, auto* y) { return a.ir().b.CreateXor(x, y); });
}
Vec operator<<(const Vec& a, const Vec& b) {
  return map(a, b, [&](auto* x, auto* y) { return a.ir().b.CreateShl(x, y); });
}
Vec operator>>(const Vec& a, const Vec& b) {
  return map(a, b, [&](auto* x, auto* y) { return a.ir().b.CreateLShr(x, y); });
}
Vec operator~(const Vec& a) {
  return map(a, [&](auto* x) { return a.ir().b.CreateNot(x); });
}

namespace {
Vec compare(const Vec& a, const Vec& b, llvm::CmpInst::Predicate floating, llvm::CmpInst::Predicate integer) {
  return map(a, b, [&](auto* x, auto* y) { return a.ir().b.CreateCmp(a.floating() ? floating : integer, x, y); });
}
}  // namespace

Vec operator<(const Vec& a, const Vec& b) { return compare(a, b, llvm::CmpInst::FCMP_OLT, llvm::CmpInst::ICMP_SLT); }
Vec operator>(const Vec& a, const Vec& b) { return compare(a, b, llvm::CmpInst::FCMP_OGT, llvm::CmpInst::ICMP_SGT); }
Vec operator<=(const Vec& a, const Vec& b) { return compare(a, b, llvm::CmpInst::FCMP_OLE, llvm::CmpInst::ICMP_SLE); }
Vec operator>=(const Vec& a, const Vec& b) { return compare(a, b, llvm::CmpInst::FCMP_OGE, llvm::CmpInst::ICMP_SGE); }
Vec operator==(const Vec& a, const Vec& b) { return compare(a, b, llvm::CmpInst::FCMP_OEQ, llvm::CmpInst::ICMP_EQ); }

Vec fma(const Vec& a, const Vec& b, const Vec& c) {
  return map(a, b, c,
             [&](auto* x, auto* y, auto* z) { return a.ir().call(llvm::Intrinsic::fma, {x->getType()}, {x, y, z}); });
}

Vec poly(const Vec& x, std::initializer_list<double> coefficients) {
  const double* c = coefficients.begin();
  Vec out = x.of(*c++);
  for (; c != coefficients.end(); ++c) out = fma(out, x, x.of(*c));
  return out;
}

Vec select(const Vec& condition, const Vec& yes, const Vec& no) {
  const Vec a = yes.like(no), b = no.like(a);
  if (condition.uniform())
    return map(a, b, [&](auto* x, auto* y) { return a.ir().b.CreateSelect(condition[0], x, y); });
  return map(condition, a, b, [&](auto* c, auto* x, auto* y) { return a.ir().b.CreateSelect(c, x, y); });
}

Vec is_nan(const Vec& x) {
  return map(x, [&](auto* v) { return x.ir().b.CreateFCmpUNO(v, v); });
}
Vec unary(const Vec& x, llvm::Intrinsic::ID id) {
  return map(x, [&](auto* v) { return x.ir().call(id, {v->getType()}, {v}); });
}
Vec binary(const Vec& x, const Vec& y, llvm::Intrinsic::ID id) {
  return map(x, y, [&](auto* v, auto* w) { return x.ir().call(id, {v->getType()}, {v, w}); });
}
Vec abs(const Vec& x) { return unary(x, llvm::Intrinsic::fabs); }
Vec sqrt(const Vec& x) { return unary(x, llvm::Intrinsic::sqrt); }
Vec round_even(const Vec& x) { return unary(x, llvm::Intrinsic::roundeven); }
Vec trunc(const Vec& x) { return unary(x, llvm::Intrinsic::trunc); }
Vec copysign(const Vec& magnitude, const Vec& sign) { return binary(magnitude, sign, llvm::Intrinsic::copysign); }

Vec cast(const Vec& x, llvm::Type* element, llvm::Instruction::CastOps op) {
  return map(x, [&](auto* v) { return x.ir().b.CreateCast(op, v, x.with(element)); });
}
Vec to_bits(const Vec& x) { return cast(x, x.ir().b.getIntNTy(x.bits()), llvm::Instruction::BitCast); }
Vec from_bits(const Vec& x) {
  return cast(x, x.bits() == 64 ? x.ir().b.getDoubleTy() : x.ir().b.getFloatTy(), llvm::Instruction::BitCast);
}
Vec to_int(const Vec& x) {
  const Vec out = cast(x, x.ir().b.getIntNTy(x.bits()), llvm::Instruction::FPToSI);
  return map(out, [&](auto* v) { return x.ir().b.CreateFreeze(v); });  // NaN gives anything, not undefined behaviour
}
Vec to_float(const Vec& x) {
  return cast(x, x.bits() == 64 ? x.ir().b.getDoubleTy() : x.ir().b.getFloatTy(), llvm::Instruction::SIToFP);
}

llvm::Value* any(const Vec& mask) {
  auto& b = mask.ir().b;
  llvm::Value* all = mask[0];
  for (std::size_t i = 1; i < mask.size(); ++i) all = b.CreateOr(all, mask[i]);
  if (mask.uniform()) return all;
  llvm::Type* word = b.getIntNTy(static_cast<unsigned>(mask.ir().lanes));
  return b.CreateICmpNE(b.CreateBitCast(all, word), llvm::ConstantInt::get(word, 0));
}

Branch::Branch(Ir& ir, llvm::Value* condition) : ir_(ir) {
  from_ = ir.b.GetInsertBlock();
  llvm::BasicBlock* slow = ir.block("rare");
  join_ = ir.block("join");
  llvm::MDBuilder weights(ir.module.getContext());
  ir.b.CreateCondBr(condition, slow, join_, weights.createBranchWeights(1, 2000));
  ir.b.SetInsertPoint(slow);
}

Vec Branch::finish(const Vec& usual, const Vec& rare) {
  llvm::BasicBlock* slow = ir_.b.GetInsertBlock();
  ir_.b.CreateBr(join_);
  ir_.b.SetInsertPoint(join_);
  return map(usual, rare, [&](auto* x, auto* y) {
    llvm::PHINode* out = ir_.b.CreatePHI(x->getType(), 2);
    out->addIncoming(x, from_);
    out->addIncoming(y, slow);
    return out;
  });
}

void Branch::finish() {
  ir_.b.CreateBr(join_);
  ir_.b.SetInsertPoint(join_);
}

}  // namespace tf2jax::codegen
