// Functions that emitted code calls: the C library over a short array, for what is not inlined and for rare arguments.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tf2jax/compiler/codegen/math/internal/math.h"
#include "tf2jax/compiler/codegen/object/internal/runtime.h"

namespace tf2jax::codegen {

namespace {

using loops::Op;

template <class T, class F>
void over(T* out, const T* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = F{}(x[i]);
}
template <class T, class F>
void over2(T* out, const T* x, const T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = F{}(x[i], y[i]);
}

template <class F>
void add(std::vector<RuntimeSymbol>& table, Op op, F) {
  table.push_back({runtime_name(op, 32), reinterpret_cast<void*>(&over<float, F>)});
  table.push_back({runtime_name(op, 64), reinterpret_cast<void*>(&over<double, F>)});
}
template <class F>
void add2(std::vector<RuntimeSymbol>& table, Op op, F) {
  table.push_back({runtime_name(op, 32), reinterpret_cast<void*>(&over2<float, F>)});
  table.push_back({runtime_name(op, 64), reinterpret_cast<void*>(&over2<double, F>)});
}

[[noreturn]] void out_of_bounds(const char* kernel, std::int64_t node, const std::int64_t* index, const bool* active,
                                std::int64_t lanes, std::int64_t elements) {
  for (std::int64_t i = 0; i < lanes; ++i)
    if (active[i] && (index[i] < 0 || index[i] >= elements))
      std::fprintf(stderr, "tf2jax: kernel '%s' accesses element %lld of a buffer of %lld (%s %lld)\n", kernel,
                   static_cast<long long>(index[i]), static_cast<long long>(elements),
                   node < 0 ? "store to buffer" : "load node", static_cast<long long>(node < 0 ? -1 - node : node));
  std::abort();
}

std::vector<RuntimeSymbol> make_table() {
  std::vector<RuntimeSymbol> t;
  add(t, Op::exp, [](auto x) { return std::exp(x); });
  add(t, Op::exp2, [](auto x) { return std::exp2(x); });
  add(t, Op::expm1, [](auto x) { return std::expm1(x); });
  add(t, Op::log, [](auto x) { return std::log(x); });
  add(t, Op::log1p, [](auto x) { return std::log1p(x); });
  add(t, Op::log2, [](auto x) { return std::log2(x); });
  add(t, Op::tanh, [](auto x) { return std::tanh(x); });
  add(t, Op::logistic, [](auto x) { return 1 / (1 + std::exp(-x)); });
  add(t, Op::sin, [](auto x) { return std::sin(x); });
  add(t, Op::cos, [](auto x) { return std::cos(x); });
  add(t, Op::tan, [](auto x) { return std::tan(x); });
  add(t, Op::asin, [](auto x) { return std::asin(x); });
  add(t, Op::acos, [](auto x) { return std::acos(x); });
  add(t, Op::atan, [](auto x) { return std::atan(x); });
  add(t, Op::sinh, [](auto x) { return std::sinh(x); });
  add(t, Op::cosh, [](auto x) { return std::cosh(x); });
  add(t, Op::asinh, [](auto x) { return std::asinh(x); });
  add(t, Op::acosh, [](auto x) { return std::acosh(x); });
  add(t, Op::atanh, [](auto x) { return std::atanh(x); });
  add(t, Op::cbrt, [](auto x) { return std::cbrt(x); });
  add(t, Op::erf, [](auto x) { return std::erf(x); });
  add(t, Op::erfc, [](auto x) { return std::erfc(x); });
  add2(t, Op::pow, [](auto x, auto y) { return std::pow(x, y); });
  add2(t, Op::atan2, [](auto x, auto y) { return std::atan2(x, y); });
  add2(t, Op::rem, [](auto x, auto y) { return std::fmod(x, y); });
  t.push_back({kOutOfBounds, reinterpret_cast<void*>(&out_of_bounds)});
  return t;
}

}  // namespace

std::string runtime_name(Op op, unsigned bits) {
  return "tf2jax_libm_" + std::to_string(static_cast<int>(op)) + "_f" + std::to_string(bits);
}

std::span<const RuntimeSymbol> runtime_symbols() {
  static const std::vector<RuntimeSymbol> table = make_table();
  return table;
}

namespace {

Vec call(Op op, const Vec& shape, std::initializer_list<Vec> operands) {
  Ir& ir = shape.ir();
  const std::size_t parts = shape.size();
  const std::uint64_t lanes = shape.uniform() ? 1 : static_cast<std::uint64_t>(ir.lanes);
  const std::uint64_t bytes = shape.bits() / 8;
  llvm::Type* array = llvm::ArrayType::get(shape.type(), parts);
  llvm::PointerType* pointer = ir.b.getPtrTy();
  const auto at = [&](llvm::Value* base, std::size_t i) {
    return ir.b.CreateConstGEP1_64(ir.b.getInt8Ty(), base, i * lanes * bytes);
  };

  llvm::AllocaInst* result = ir.slot(array, 64);
  llvm::SmallVector<llvm::Value*, 4> arguments{result};
  for (const Vec& x : operands) {
    llvm::AllocaInst* slot = ir.slot(array, 64);
    for (std::size_t i = 0; i < parts; ++i) ir.b.CreateAlignedStore(x[i], at(slot, i), llvm::Align(bytes));
    arguments.push_back(slot);
  }
  arguments.push_back(ir.b.getInt64(parts * lanes));
  llvm::SmallVector<llvm::Type*, 4> types(operands.size() + 1, pointer);
  types.push_back(ir.b.getInt64Ty());
  llvm::FunctionCallee f = ir.module.getOrInsertFunction(runtime_name(op, shape.bits()),
                                                         llvm::FunctionType::get(ir.b.getVoidTy(), types, false));
  llvm::cast<llvm::Function>(f.getCallee())->setDoesNotThrow();
  ir.b.CreateCall(f, arguments);
  Parts out;
  for (std::size_t i = 0; i < parts; ++i)
    out.push_back(ir.b.CreateAlignedLoad(shape.type(), at(result, i), llvm::Align(bytes)));
  return Vec(ir, std::move(out));
}

}  // namespace

Vec call_libm(Op op, const Vec& x) { return call(op, x, {x}); }
Vec call_libm(Op op, const Vec& x, const Vec& y) { return call(op, x.like(y), {x.like(y), y.like(x)}); }

}  // namespace tf2jax::codegen
