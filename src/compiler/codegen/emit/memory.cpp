// Loads and stores: addresses by lane coefficient, masks, gathers and bounds checks.
#include <cstdlib>
#include <stdexcept>

#include "tf2jax/compiler/codegen/emit/internal/emitter.h"
#include "tf2jax/compiler/codegen/object/internal/runtime.h"

namespace tf2jax::codegen {

using loops::BufferId;
using loops::NodeId;

namespace {
constexpr std::int64_t kShuffledStride = 4;  // beyond it a gather is cheaper
}

/// Elements of a buffer: those at index + stride * lane + offsets (empty: none).
struct Emitter::Access {
  llvm::Value* buffer;
  llvm::Type* memory;
  llvm::Align align;
  llvm::Value* index;
  std::int64_t stride;
  Vec offsets;
  bool narrow;  // every index fits 32 bits
};

std::int64_t scratch_bytes(const loops::Kernel& kernel) {
  std::int64_t total = 0;
  for (const loops::Buffer& b : kernel.buffers)
    if (b.scratch) total += (b.elements * bytes_of(b.dtype) + 63) / 64 * 64;
  return total;
}

llvm::Value* Emitter::pointer(BufferId buffer) {
  llvm::Value*& p = pointers_.at(buffer);
  if (p) return p;
  const auto& all = kernel_.buffers;
  const std::size_t id = buffer;
  if (all[id].scratch) {
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < id; ++i)
      if (all[i].scratch) offset += (all[i].elements * bytes_of(all[i].dtype) + 63) / 64 * 64;
    p = ir_.b.CreateConstGEP1_64(ir_.b.getInt8Ty(), ir_.function->getArg(3), static_cast<std::uint64_t>(offset));
  } else {
    p = ir_.b.CreateLoad(ir_.b.getPtrTy(), ir_.b.CreateConstGEP1_64(ir_.b.getPtrTy(), ir_.function->getArg(0), id));
  }
  return p;
}

llvm::Value* Emitter::zero_slot() {
  if (!zero_slot_) {
    llvm::AllocaInst* slot = ir_.slot(ir_.b.getInt64Ty(), 8);
    llvm::IRBuilder<> at(slot->getNextNode());
    at.CreateStore(at.getInt64(0), slot);
    zero_slot_ = slot;
  }
  return zero_slot_;
}

std::int64_t Emitter::lane_coefficient(const loops::Affine& at) const {
  if (lane_var_ < 0) return 0;
  for (const auto& [var, coefficient] : at.terms)
    if (var == lane_var_) return coefficient;
  return 0;
}

/// The index of the first lane.
llvm::Value* Emitter::uniform_index(const loops::Affine& at) {
  llvm::Value* sum = nullptr;
  for (const auto& [var, coefficient] : at.terms) {
    llvm::Value* v = vars_.at(var);
    if (!v) throw std::runtime_error("a loop variable is used outside its loop");
    llvm::Value* term =
        coefficient == 1 ? v : ir_.b.CreateMul(v, ir_.b.getInt64(static_cast<std::uint64_t>(coefficient)));
    sum = sum ? ir_.b.CreateAdd(sum, term) : term;
  }
  llvm::Value* offset = ir_.b.getInt64(static_cast<std::uint64_t>(at.offset));
  if (!sum) return offset;
  return at.offset == 0 ? sum : ir_.b.CreateAdd(sum, offset);
}

Emitter::Access Emitter::place(BufferId buffer, const loops::Affine& at,
                               const std::vector<std::pair<NodeId, std::int64_t>>& dynamic) {
  const loops::Buffer& b = kernel_.buffers.at(buffer);
  llvm::Type* memory = memory_type(ir_, b.dtype);
  Access p{pointer(buffer),      memory, llvm::Align(static_cast<std::uint64_t>(bytes_of(b.dtype))), uniform_index(at),
           lane_coefficient(at), {},     b.elements <= INT32_MAX && !options_.check_bounds};
  for (const auto& [node, scale] : dynamic) {
    const Vec& v = value(node);
    const bool is_signed = is_signed_integer(kernel_.nodes[node].dtype);
    const auto resized = [&](llvm::Type* type) {
      return map(v, [&](auto* x) {
        return is_signed ? ir_.b.CreateSExtOrTrunc(x, v.with(type)) : ir_.b.CreateZExtOrTrunc(x, v.with(type));
      });
    };
    if (v.uniform()) {
      p.index = ir_.b.CreateAdd(p.index, (resized(ir_.b.getInt64Ty()) * scale)[0]);
    } else {
      const Vec term = resized(p.narrow ? ir_.b.getInt32Ty() : ir_.b.getInt64Ty()) * scale;
      p.offsets = p.offsets ? p.offsets + term : term;
    }
  }
  return p;
}

/// Every lane's index.
Vec Emitter::indices(const Access& p, llvm::Type* element) {
  Parts out;
  const Vec base(ir_, ir_.b.CreateTrunc(p.index, element));
  for (int u = 0; u < unroll_; ++u) {
    llvm::SmallVector<llvm::Constant*, 16> steps;
    for (int i = 0; i < ir_.lanes; ++i)
      steps.push_back(llvm::ConstantInt::getSigned(element, p.stride * (u * ir_.lanes + i)));
    Vec v = base.spread(1) + Vec(ir_, llvm::ConstantVector::get(steps));
    if (p.offsets) v = v + Vec(ir_, p.offsets[u]);
    out.push_back(v[0]);
  }
  return Vec(ir_, out);
}

Vec Emitter::combine_masks(const Vec& mask) const {
  if (!mask_) return mask;
  return mask ? mask & mask_ : mask_;
}

Vec Emitter::load(NodeId id) {
  const loops::Node& n = kernel_.nodes[id];
  const Vec mask = n.in[0] >= 0 ? value(n.in[0]) : Vec();
  const Access p = place(n.buffer, n.at, n.dynamic);
  llvm::Type* memory = p.memory;
  if (options_.check_bounds) check(p, n.buffer, id, mask);
  if (p.stride == 0 && !p.offsets) {
    llvm::Value* address = ir_.b.CreateGEP(memory, p.buffer, p.index);
    // A masked scalar reads a zero instead of branching.
    if (mask) address = ir_.b.CreateSelect(any(combine_masks(mask)), address, zero_slot());
    const Vec x = from_memory(n.dtype, Vec(ir_, ir_.b.CreateAlignedLoad(memory, address, p.align)));
    if (!mask || mask.uniform()) return x;
    return select(mask, x, Vec(ir_, llvm::Constant::getNullValue(x.type())));
  }
  return from_memory(n.dtype, load_vectors(p, memory, combine_masks(mask)));
}

namespace {

llvm::SmallVector<int, 16> reversed(int lanes) {
  llvm::SmallVector<int, 16> order;
  for (int i = lanes; i-- > 0;) order.push_back(i);
  return order;
}

}  // namespace

Vec Emitter::load_vectors(const Access& p, llvm::Type* memory, const Vec& mask) {
  auto& b = ir_.b;
  llvm::Type* vector = llvm::FixedVectorType::get(memory, static_cast<unsigned>(ir_.lanes));
  const Vec masks = mask ? mask.spread(unroll_) : mask;
  llvm::Value* zero = llvm::Constant::getNullValue(vector);
  const auto mask_at = [&](int u) { return masks ? masks[u] : nullptr; };
  Parts out;
  if (!p.offsets && (p.stride == 1 || p.stride == -1)) {
    llvm::Value* first = b.CreateGEP(memory, p.buffer, p.index);
    for (int u = 0; u < unroll_; ++u) {
      const std::int64_t start = p.stride == 1 ? u * ir_.lanes : -(u + 1) * ir_.lanes + 1;
      llvm::Value* address =
          start == 0 ? first : b.CreateGEP(memory, first, b.getInt64(static_cast<std::uint64_t>(start)));
      llvm::Value* m = mask_at(u);
      if (m && p.stride == -1) m = b.CreateShuffleVector(m, reversed(ir_.lanes));
      llvm::Value* x = m ? static_cast<llvm::Value*>(b.CreateMaskedLoad(vector, address, p.align, m, zero))
                         : b.CreateAlignedLoad(vector, address, p.align);
      out.push_back(p.stride == 1 ? x : b.CreateShuffleVector(x, reversed(ir_.lanes)));
    }
    return Vec(ir_, out);
  }
  if (!p.offsets && !masks && std::abs(p.stride) <= kShuffledStride) {
    llvm::Value* first = b.CreateGEP(memory, p.buffer, p.index);
    for (int u = 0; u < unroll_; ++u)
      out.push_back(load_shuffled(
          p, b.CreateGEP(memory, first, b.getInt64(static_cast<std::uint64_t>(p.stride * u * ir_.lanes)))));
    return Vec(ir_, out);
  }
  const Vec all = indices(p, p.narrow ? b.getInt32Ty() : b.getInt64Ty());
  for (int u = 0; u < unroll_; ++u) {
    llvm::Value* addresses = b.CreateGEP(memory, p.buffer, all[u]);
    out.push_back(b.CreateMaskedGather(vector, addresses, p.align, mask_at(u), zero));
  }
  return Vec(ir_, out);
}

// Every stride-th element from `first` on: whole vectors, which shuffles thin out. The last vector ends with the last
// element wanted, so that nothing beyond it is read.
llvm::Value* Emitter::load_shuffled(const Access& p, llvm::Value* first) {
  auto& b = ir_.b;
  const int lanes = ir_.lanes, step = static_cast<int>(std::abs(p.stride));
  const bool forward = p.stride > 0;
  llvm::Type* vector = llvm::FixedVectorType::get(p.memory, static_cast<unsigned>(lanes));
  const int lowest = forward ? 0 : -step * (lanes - 1);
  const auto start = [&](int k) { return k == step - 1 ? step * (lanes - 1) + 1 - lanes : k * lanes; };
  llvm::Value* out = nullptr;
  for (int k = 0; k < step; ++k) {
    llvm::Value* address = b.CreateGEP(
        p.memory, first, b.getInt64(static_cast<std::uint64_t>(static_cast<std::int64_t>(lowest + start(k)))));
    llvm::Value* x = b.CreateAlignedLoad(vector, address, p.align);
    llvm::SmallVector<int, 16> order;
    for (int i = 0; i < lanes; ++i) {
      const int position = step * (forward ? i : lanes - 1 - i), holder = std::min(position / lanes, step - 1);
      order.push_back(holder == k ? (k == 0 ? 0 : lanes) + position - start(k) : holder < k ? i : 0);
    }
    out = k == 0 ? b.CreateShuffleVector(x, order) : b.CreateShuffleVector(out, x, order);
  }
  return out;
}

void Emitter::store(const loops::Store& s) {
  const Vec mask = s.mask >= 0 ? value(s.mask) : Vec();
  const DType dtype = kernel_.buffers.at(s.buffer).dtype;
  const Vec stored = to_memory(dtype, value(s.value));
  const Access p = place(s.buffer, s.at, s.dynamic);
  llvm::Type* memory = p.memory;
  if (stored.element() != memory) throw std::runtime_error("a stored value and its buffer have different types");
  if (options_.check_bounds) check(p, s.buffer, -1 - s.buffer, mask);
  if (lane_var_ < 0 || (p.stride == 0 && !p.offsets && stored.uniform() && (!mask || mask.uniform()))) {
    llvm::Value* address = ir_.b.CreateGEP(memory, p.buffer, p.index);
    if (!mask) {
      ir_.b.CreateAlignedStore(stored[0], address, p.align);
      return;
    }
    llvm::BasicBlock *yes = ir_.block("store"), *join = ir_.block("stored");
    ir_.b.CreateCondBr(mask[0], yes, join);
    ir_.b.SetInsertPoint(yes);
    ir_.b.CreateAlignedStore(stored[0], address, p.align);
    ir_.b.CreateBr(join);
    ir_.b.SetInsertPoint(join);
    return;
  }
  store_vectors(p, stored.spread(unroll_), combine_masks(mask), s.streaming);
}

void Emitter::store_vectors(const Access& p, const Vec& value, const Vec& mask, bool streaming) {
  auto& b = ir_.b;
  llvm::Type* memory = p.memory;
  const Vec masks = mask ? mask.spread(value.size()) : mask;
  if (!p.offsets && (p.stride == 1 || p.stride == -1)) {
    llvm::Value* first = b.CreateGEP(memory, p.buffer, p.index);
    for (std::size_t u = 0; u < value.size(); ++u) {
      const std::int64_t lanes = ir_.lanes, i = static_cast<std::int64_t>(u);
      const std::int64_t start = p.stride == 1 ? i * lanes : -(i + 1) * lanes + 1;
      llvm::Value* address =
          start == 0 ? first : b.CreateGEP(memory, first, b.getInt64(static_cast<std::uint64_t>(start)));
      llvm::Value* x = p.stride == 1 ? value[u] : b.CreateShuffleVector(value[u], reversed(ir_.lanes));
      llvm::Value* m = masks ? masks[u] : nullptr;
      if (m && p.stride == -1) m = b.CreateShuffleVector(m, reversed(ir_.lanes));
      if (m) b.CreateMaskedStore(x, address, p.align, m);
      else store_vector(x, address, p.align, streaming);
    }
    return;
  }
  const Vec all = indices(p, p.narrow ? b.getInt32Ty() : b.getInt64Ty());
  for (std::size_t u = 0; u < value.size(); ++u)
    b.CreateMaskedScatter(value[u], b.CreateGEP(memory, p.buffer, all[u]), p.align, masks ? masks[u] : nullptr);
}

// Stores that bypass the caches need whole aligned vectors; the branch always goes the same way.
void Emitter::store_vector(llvm::Value* x, llvm::Value* address, llvm::Align align, bool streaming) {
  auto& b = ir_.b;
  const std::uint64_t bytes = x->getType()->getPrimitiveSizeInBits() / 8;
  if (!streaming || bytes < 16) {
    b.CreateAlignedStore(x, address, align);
    return;
  }
  streamed_ = true;
  const std::uint64_t unit = std::min<std::uint64_t>(bytes, 64);
  llvm::Value* misplaced = b.CreateAnd(b.CreatePtrToInt(address, b.getInt64Ty()), b.getInt64(unit - 1));
  llvm::BasicBlock *around = ir_.block("around_caches"), *plain = ir_.block("through_caches"),
                   *join = ir_.block("stored");
  b.CreateCondBr(b.CreateICmpEQ(misplaced, b.getInt64(0)), around, plain);
  b.SetInsertPoint(around);
  llvm::StoreInst* store = b.CreateAlignedStore(x, address, llvm::Align(unit));
  llvm::LLVMContext& c = ir_.module.getContext();
  store->setMetadata(llvm::LLVMContext::MD_nontemporal,
                     llvm::MDNode::get(c, llvm::ConstantAsMetadata::get(b.getInt32(1))));
  b.CreateBr(join);
  b.SetInsertPoint(plain);
  b.CreateAlignedStore(x, address, align);
  b.CreateBr(join);
  b.SetInsertPoint(join);
}

void Emitter::check(const Access& p, BufferId buffer, std::int64_t node, const Vec& mask) {
  auto& b = ir_.b;
  const bool lanes = lane_var_ >= 0 && (p.stride != 0 || p.offsets);
  const Vec index = lanes ? indices(p, b.getInt64Ty()) : Vec(ir_, p.index);
  Vec active = lanes ? combine_masks(mask) : mask && !mask.uniform() ? Vec(ir_, any(combine_masks(mask))) : mask;
  if (!active) active = Vec(ir_, b.getTrue());
  active = active.like(index);
  const std::int64_t elements = kernel_.buffers[buffer].elements;
  const Vec bad = active & map(index, index.of(elements), [&](auto* x, auto* n) { return b.CreateICmpUGE(x, n); });
  Branch failed(ir_, any(bad));
  const std::uint64_t width = lanes ? static_cast<std::uint64_t>(ir_.lanes) : 1, count = width * index.size();
  llvm::AllocaInst* where = ir_.slot(llvm::ArrayType::get(b.getInt64Ty(), count), 64);
  llvm::AllocaInst* which = ir_.slot(llvm::ArrayType::get(b.getInt8Ty(), count), 64);
  const Vec bytes = cast(bad, b.getInt8Ty(), llvm::Instruction::ZExt);
  for (std::size_t u = 0; u < index.size(); ++u) {
    b.CreateAlignedStore(index[u], b.CreateConstGEP1_64(b.getInt64Ty(), where, u * width), llvm::Align(8));
    b.CreateAlignedStore(bytes[u], b.CreateConstGEP1_64(b.getInt8Ty(), which, u * width), llvm::Align(1));
  }
  llvm::Type *pointer = b.getPtrTy(), *i64 = b.getInt64Ty();
  llvm::FunctionCallee handler = ir_.module.getOrInsertFunction(
      kOutOfBounds, llvm::FunctionType::get(b.getVoidTy(), {pointer, i64, pointer, pointer, i64, i64}, false));
  llvm::cast<llvm::Function>(handler.getCallee())->setDoesNotThrow();
  b.CreateCall(handler, {b.CreateGlobalString(kernel_.name), b.getInt64(static_cast<std::uint64_t>(node)), where, which,
                         b.getInt64(count), b.getInt64(static_cast<std::uint64_t>(elements))});
  failed.finish();
}

}  // namespace tf2jax::codegen
