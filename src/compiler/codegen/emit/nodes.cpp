// Values of nodes, and how heavy they are.
#include <algorithm>
#include <stdexcept>

#include "tf2jax/compiler/codegen/emit/internal/emitter.h"
#include "tf2jax/compiler/codegen/math/internal/math.h"

namespace tf2jax::codegen {

using loops::NodeId;
using loops::Op;

const Vec& Emitter::value(NodeId id) {
  Vec& v = values_.at(id);
  if (kernel_.nodes[id].op == Op::constant && !v) v = constant(kernel_.nodes[id]);
  if (!v) throw std::runtime_error("node " + std::to_string(id) + " is used before it is evaluated");
  return v;
}

Vec Emitter::constant(const loops::Node& n) {
  llvm::Type* type = register_type(ir_, n.dtype);
  const auto real = [&](const llvm::fltSemantics& semantics, unsigned bits) {
    llvm::APFloat v(semantics, llvm::APInt(bits, n.bits & (bits == 64 ? ~0ull : (1ull << bits) - 1)));
    bool lost = false;
    if (type->isFloatTy()) v.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lost);
    return Vec(ir_, llvm::ConstantFP::get(type, v));
  };
  switch (n.dtype) {
    case DType::f16: return real(llvm::APFloat::IEEEhalf(), 16);
    case DType::bf16: return real(llvm::APFloat::BFloat(), 16);
    case DType::f32: return real(llvm::APFloat::IEEEsingle(), 32);
    case DType::f64: return real(llvm::APFloat::IEEEdouble(), 64);
    default: return Vec(ir_, llvm::ConstantInt::get(type, n.dtype == DType::bool_ ? (n.bits & 0xff) != 0 : n.bits));
  }
}

Vec Emitter::index(const loops::Node& n) {
  llvm::Type* type = register_type(ir_, n.dtype);
  if (!type->isIntegerTy()) throw std::runtime_error("index nodes are integers");
  const Vec base(ir_, ir_.b.CreateTrunc(uniform_index(n.at), type));
  const std::int64_t stride = lane_coefficient(n.at);
  if (lane_var_ < 0 || stride == 0) return base;
  Parts out;
  for (int u = 0; u < unroll_; ++u) {
    llvm::SmallVector<llvm::Constant*, 16> steps;
    for (int i = 0; i < ir_.lanes; ++i)
      steps.push_back(llvm::ConstantInt::getSigned(type, stride * (u * ir_.lanes + i)));
    out.push_back((base.spread(1) + Vec(ir_, llvm::ConstantVector::get(steps)))[0]);
  }
  return Vec(ir_, out);
}

// In 32 bits where the index cannot leave them; one unsigned comparison covers both ends.
Vec Emitter::in_range(const loops::Node& n) {
  std::int64_t low = n.at.offset, high = n.at.offset;
  bool narrow = n.extent <= INT32_MAX;
  for (const auto& [var, coefficient] : n.at.terms) {
    const std::int64_t extent = extents_.at(var);
    if (extent < 0 || extent > INT32_MAX || coefficient > INT32_MAX || coefficient < INT32_MIN) {
      narrow = false;
      break;
    }
    (coefficient < 0 ? low : high) += coefficient * (extent + kMaxUnroll * ir_.lanes);
  }
  narrow = narrow && low >= INT32_MIN && high <= INT32_MAX;
  loops::Node at = n;
  at.dtype = narrow ? DType::i32 : DType::i64;
  const Vec i = index(at);
  return map(i, i.of(n.extent), [&](auto* a, auto* b) { return ir_.b.CreateICmpULT(a, b); });
}

Vec Emitter::evaluate(NodeId id) {
  const loops::Node& n = kernel_.nodes.at(id);
  switch (n.op) {
    case Op::constant: return constant(n);
    case Op::index: return index(n);
    case Op::in_range: return in_range(n);
    case Op::load: return load(id);
    case Op::read: return read(n);
    case Op::get: {
      llvm::AllocaInst* cell = cells_.at(n.cell);
      return Vec(ir_, ir_.b.CreateLoad(cell->getAllocatedType(), cell));
    }
    default: break;
  }
  const auto dtype_of = [&](int i) { return kernel_.nodes.at(n.in[i]).dtype; };
  const Vec x = value(n.in[0]);
  if (n.op == Op::convert) return convert(dtype_of(0), n.dtype, x);
  if (n.op == Op::bitcast) return bitcast(dtype_of(0), n.dtype, x);
  if (n.op == Op::select) return select(x, value(n.in[1]), value(n.in[2]));
  if (n.op >= Op::hash_first) return hash(n.op, x, value(n.in[1]), value(n.in[2]));
  const Vec out = n.in[1] < 0 ? arithmetic(n.op, dtype_of(0), x) : arithmetic(n.op, dtype_of(0), x, value(n.in[1]));
  return round_to(n.dtype, out);
}

namespace {

int weight_of_node(const loops::Node& n) {
  switch (n.op) {
    case Op::constant:
    case Op::index:
    case Op::read:
    case Op::get: return 0;
    case Op::exp:
    case Op::exp2: return 14;
    case Op::logistic: return 18;
    case Op::log:
    case Op::log2:
    case Op::sin:
    case Op::cos:
    case Op::tanh: return 24;
    case Op::expm1:
    case Op::log1p:
    case Op::asin:
    case Op::acos:
    case Op::atan:
    case Op::sinh:
    case Op::cosh:
    case Op::erf:
    case Op::erf_inv:
    case Op::atan2: return 32;
    case Op::log_add_exp: return 56;
    case Op::tan:
    case Op::asinh:
    case Op::acosh:
    case Op::atanh:
    case Op::cbrt:
    case Op::erfc:
    case Op::pow:
    case Op::rem: return 72;  // in doubles
    case Op::hash_first:
    case Op::hash_second:
    case Op::hash_both: return 80;
    case Op::load: return n.dynamic.empty() ? 1 : 8;
    case Op::div: return is_floating(n.dtype) ? 3 : 12;
    case Op::sqrt:
    case Op::rsqrt: return 3;
    case Op::in_range: return 2;
    default: return n.dtype == DType::f16 || n.dtype == DType::bf16 ? 4 : 1;
  }
}

}  // namespace

int weight_of(const loops::Kernel& kernel, const loops::Block& body) {
  int total = 0;
  for (const loops::Statement& s : body) {
    if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
      const loops::Node& n = kernel.nodes.at(e->node);
      total += weight_of_node(n) * (n.dtype == DType::f64 || n.dtype == DType::i64 || n.dtype == DType::u64 ? 2 : 1);
    } else {
      const auto* l = std::get_if<loops::Loop>(&s.what);
      int inside = 0;
      loops::for_blocks(s, [&](const loops::Block& inner) { inside += weight_of(kernel, inner); });
      const auto* a = std::get_if<loops::Accumulate>(&s.what);
      if (a && kernel.accumulators[a->accumulator].combine == Op::log_add_exp)
        inside += weight_of_node({.op = Op::log_add_exp});
      total += l ? static_cast<int>(std::min<std::int64_t>(l->extent, 4)) * inside : inside + 1;
    }
  }
  return total;
}

// More vectors at once overlap the latencies of long bodies, up to 1.6 times the speed at 100 operations, until
// registers run out; each costs compile time, which loops over few elements do not earn back.
int unroll_of(const loops::Kernel& kernel, const loops::Block& body, std::int64_t extent, int lanes) {
  constexpr std::int64_t kFewElements = 2048;
  const int weight = weight_of(kernel, body);
  const std::int64_t wanted = weight <= 30 ? 4 : weight <= 160 ? 2 : 1;
  if (extent < 0) return kernel.parallel[0] <= kFewElements ? 1 : static_cast<int>(wanted);
  const std::int64_t vectors = extent / lanes;
  if (vectors == 0) return 1;
  if (wanted == 4 && vectors == 3) return 3;
  return static_cast<int>(std::min(wanted, vectors));
}

}  // namespace tf2jax::codegen
