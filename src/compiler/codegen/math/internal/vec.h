// Values of an unrolled vector loop, with arithmetic that emits instructions.
#pragma once
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <concepts>
#include <initializer_list>

namespace tf2jax::codegen {

using Parts = llvm::SmallVector<llvm::Value*, 4>;

/// Where instructions go, and for which machine.
struct Ir {
  llvm::IRBuilder<> b;
  llvm::Module& module;
  llvm::Function* function;
  int lanes;  // of every vector, whatever its element type
  bool avx512;

  llvm::AllocaInst* slot(llvm::Type* type, unsigned alignment = 0);  // in the entry block
  llvm::BasicBlock* block(const char* name);
  llvm::Value* call(llvm::Intrinsic::ID id, llvm::ArrayRef<llvm::Type*> types, llvm::ArrayRef<llvm::Value*> arguments) {
    return b.CreateIntrinsic(id, types, arguments);
  }
};

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

/// One scalar, or several vectors that every operation is emitted for in turn, so that their latencies overlap. Scalars
/// are repeated over the lanes where they meet vectors.
class Vec {
 public:
  Vec() = default;
  Vec(Ir& ir, llvm::Value* value) : ir_(&ir), parts_{value} {}
  Vec(Ir& ir, Parts parts) : ir_(&ir), parts_(std::move(parts)) {}

  explicit operator bool() const { return ir_ != nullptr; }
  Ir& ir() const { return *ir_; }
  bool uniform() const { return !parts_[0]->getType()->isVectorTy(); }
  std::size_t size() const { return parts_.size(); }
  llvm::Value* operator[](std::size_t i) const { return parts_[i]; }
  const Parts& parts() const { return parts_; }
  llvm::Type* type() const { return parts_[0]->getType(); }
  llvm::Type* element() const { return type()->getScalarType(); }
  bool floating() const { return element()->isFloatingPointTy(); }
  unsigned bits() const { return element()->getScalarSizeInBits(); }
  /// Another element type in the same shape.
  llvm::Type* with(llvm::Type* element) const;
  /// A constant of this element type.
  Vec of(double value) const { return Vec(*ir_, llvm::ConstantFP::get(element(), value)); }
  Vec of(std::int64_t value) const { return Vec(*ir_, llvm::ConstantInt::getSigned(element(), value)); }
  template <Number T>
  Vec constant(T value) const {
    return floating() ? of(static_cast<double>(value)) : of(static_cast<std::int64_t>(value));
  }
  /// In `parts` vectors.
  Vec spread(std::size_t parts) const;
  Vec like(const Vec& shape) const { return uniform() && !shape.uniform() ? spread(shape.size()) : *this; }

 private:
  Ir* ir_ = nullptr;
  Parts parts_;
};

template <class F>
Vec map(const Vec& a, F&& f) {
  Parts out;
  for (std::size_t i = 0; i < a.size(); ++i) out.push_back(f(a[i]));
  return Vec(a.ir(), std::move(out));
}
template <class F>
Vec map(const Vec& a, const Vec& b, F&& f) {
  const Vec x = a.like(b), y = b.like(a);
  Parts out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(f(x[i], y[i]));
  return Vec(a.ir(), std::move(out));
}
template <class F>
Vec map(const Vec& a, const Vec& b, const Vec& c, F&& f) {
  const Vec x = a.like(b).like(c), y = b.like(x), z = c.like(x);
  Parts out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(f(x[i], y[i], z[i]));
  return Vec(a.ir(), std::move(out));
}

Vec operator+(const Vec& a, const Vec& b);
Vec operator-(const Vec& a, const Vec& b);
Vec operator*(const Vec& a, const Vec& b);
Vec operator/(const Vec& a, const Vec& b);  // floating
Vec operator-(const Vec& a);
Vec operator&(const Vec& a, const Vec& b);
Vec operator|(const Vec& a, const Vec& b);
Vec operator^(const Vec& a, const Vec& b);
Vec operator<<(const Vec& a, const Vec& b);
Vec operator>>(const Vec& a, const Vec& b);  // logical
Vec operator~(const Vec& a);
// Comparisons: ordered for floats (false with NaN), signed for integers.
Vec operator<(const Vec& a, const Vec& b);
Vec operator>(const Vec& a, const Vec& b);
Vec operator<=(const Vec& a, const Vec& b);
Vec operator>=(const Vec& a, const Vec& b);
Vec operator==(const Vec& a, const Vec& b);

template <Number T>
Vec operator+(const Vec& a, T c) {
  return a + a.constant(c);
}
template <Number T>
Vec operator-(const Vec& a, T c) {
  return a - a.constant(c);
}
template <Number T>
Vec operator*(const Vec& a, T c) {
  return a * a.constant(c);
}
template <Number T>
Vec operator/(const Vec& a, T c) {
  return a / a.constant(c);
}
template <Number T>
Vec operator&(const Vec& a, T c) {
  return a & a.constant(c);
}
template <Number T>
Vec operator|(const Vec& a, T c) {
  return a | a.constant(c);
}
template <Number T>
Vec operator^(const Vec& a, T c) {
  return a ^ a.constant(c);
}
template <Number T>
Vec operator<<(const Vec& a, T c) {
  return a << a.constant(c);
}
template <Number T>
Vec operator>>(const Vec& a, T c) {
  return a >> a.constant(c);
}
template <Number T>
Vec operator<(const Vec& a, T c) {
  return a < a.constant(c);
}
template <Number T>
Vec operator>(const Vec& a, T c) {
  return a > a.constant(c);
}
template <Number T>
Vec operator<=(const Vec& a, T c) {
  return a <= a.constant(c);
}
template <Number T>
Vec operator>=(const Vec& a, T c) {
  return a >= a.constant(c);
}
template <Number T>
Vec operator==(const Vec& a, T c) {
  return a == a.constant(c);
}
template <Number T>
Vec operator+(T c, const Vec& a) {
  return a.constant(c) + a;
}
template <Number T>
Vec operator-(T c, const Vec& a) {
  return a.constant(c) - a;
}
template <Number T>
Vec operator*(T c, const Vec& a) {
  return a.constant(c) * a;
}
template <Number T>
Vec operator/(T c, const Vec& a) {
  return a.constant(c) / a;
}

/// a * b + c, rounded once.
Vec fma(const Vec& a, const Vec& b, const Vec& c);
template <Number T>
Vec fma(const Vec& a, T b, const Vec& c) {
  return fma(a, a.constant(b), c);
}
template <Number T>
Vec fma(const Vec& a, const Vec& b, T c) {
  return fma(a, b, a.constant(c));
}
template <Number T>
Vec fma(const Vec& a, T b, T c) {
  return fma(a, a.constant(b), a.constant(c));
}
/// Horner's rule, highest power first.
Vec poly(const Vec& x, std::initializer_list<double> coefficients);
Vec select(const Vec& condition, const Vec& yes, const Vec& no);
template <Number T>
Vec select(const Vec& condition, T yes, const Vec& no) {
  return select(condition, no.constant(yes), no);
}
template <Number T>
Vec select(const Vec& condition, const Vec& yes, T no) {
  return select(condition, yes, yes.constant(no));
}

Vec is_nan(const Vec& x);
Vec abs(const Vec& x);  // floating
Vec sqrt(const Vec& x);
Vec round_even(const Vec& x);
Vec trunc(const Vec& x);
Vec copysign(const Vec& magnitude, const Vec& sign);
/// The bits of a float as an integer of its width, and back.
Vec to_bits(const Vec& x);
Vec from_bits(const Vec& x);
/// Float to integer of the same width (must fit) and back.
Vec to_int(const Vec& x);
Vec to_float(const Vec& x);
Vec cast(const Vec& x, llvm::Type* element, llvm::Instruction::CastOps op);
Vec unary(const Vec& x, llvm::Intrinsic::ID id);
Vec binary(const Vec& x, const Vec& y, llvm::Intrinsic::ID id);
/// Whether any lane is true: an i1 scalar.
llvm::Value* any(const Vec& mask);

/// Code that runs only when `condition` (an i1 scalar) holds, which is rare: construct, emit it, finish.
class Branch {
 public:
  Branch(Ir& ir, llvm::Value* condition);
  /// `rare` if the branch was taken, else `usual`.
  Vec finish(const Vec& usual, const Vec& rare);
  void finish();

 private:
  Ir& ir_;
  llvm::BasicBlock* from_;
  llvm::BasicBlock* join_;
};

}  // namespace tf2jax::codegen
