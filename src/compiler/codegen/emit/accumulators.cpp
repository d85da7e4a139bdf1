// Accumulators: running values of reductions and scans, and how they combine over lanes.
#include <stdexcept>

#include "tf2jax/compiler/codegen/emit/internal/emitter.h"

namespace tf2jax::codegen {

using loops::Block;

namespace {

llvm::Constant* initial_value(Ir& ir, const loops::Accumulator& a) {
  llvm::Type* type = register_type(ir, a.dtype);
  if (type->isFloatTy())
    return llvm::ConstantFP::get(type,
                                 llvm::APFloat(llvm::APFloat::IEEEsingle(), llvm::APInt(32, a.initial & 0xffffffff)));
  if (type->isDoubleTy())
    return llvm::ConstantFP::get(type, llvm::APFloat(llvm::APFloat::IEEEdouble(), llvm::APInt(64, a.initial)));
  return llvm::ConstantInt::get(type, a.initial);
}

Vec splat(Ir& ir, llvm::Constant* c) { return Vec(ir, c).spread(1); }

}  // namespace

void Emitter::find_uses(const Block& body, int unroll) {
  // A kernel whose parallel loop has lanes is a lane loop itself.
  if (kernel_.parallel_lanes && &body == &kernel_.body) unroll = unroll_of(kernel_, body, -1, ir_.lanes);
  for (const loops::Statement& s : body) {
    if (const auto* r = std::get_if<loops::Reset>(&s.what)) {
      AccumulatorUse& use = uses_.at(r->accumulator);
      if (unroll > 0) use.per_lane = true;
      use.parts = std::max(use.parts, unroll);
    } else if (const auto* a = std::get_if<loops::Accumulate>(&s.what)) {
      AccumulatorUse& use = uses_.at(a->accumulator);
      if (unroll == 0 || (kernel_.accumulators[a->accumulator].running && !use.per_lane)) use.scalar = true;
      else if (!use.per_lane) use.across_lanes = true;
      use.parts = std::max(use.parts, unroll);
    } else {
      const auto* l = std::get_if<loops::Loop>(&s.what);
      loops::for_blocks(s, [&](const Block& inner) {
        find_uses(inner, l && l->lanes ? unroll_of(kernel_, inner, l->extent, ir_.lanes) : unroll);
      });
    }
  }
  if (&body != &kernel_.body) return;
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    llvm::Type* type = register_type(ir_, kernel_.accumulators[i].dtype);
    slots_[i].scalar = ir_.slot(type);
    promotable_.push_back(slots_[i].scalar);
    llvm::Type* vector = llvm::FixedVectorType::get(type, static_cast<unsigned>(ir_.lanes));
    for (int k = 0; k < uses_[i].parts; ++k) {
      llvm::AllocaInst* slot = ir_.slot(vector);
      slots_[i].vectors.push_back(slot);
      promotable_.push_back(slot);
    }
  }
}

void Emitter::reset(const loops::Reset& r) {
  const std::size_t id = r.accumulator;
  llvm::Constant* initial = initial_value(ir_, kernel_.accumulators[id]);
  const AccumulatorUse& use = uses_[id];
  if (lane_var_ < 0) ir_.b.CreateStore(initial, slots_[id].scalar);
  if (lane_var_ < 0 && !use.across_lanes) return;
  const Vec lanes = splat(ir_, initial);
  const std::size_t count = lane_var_ < 0 ? slots_[id].vectors.size() : static_cast<std::size_t>(unroll_);
  for (std::size_t i = 0; i < count; ++i) ir_.b.CreateStore(lanes[0], slots_[id].vectors[i]);
}

void Emitter::accumulate(const loops::Accumulate& a) {
  const std::size_t id = a.accumulator;
  const loops::Accumulator& acc = kernel_.accumulators[id];
  llvm::Type* type = register_type(ir_, acc.dtype);
  const Vec value = this->value(a.value);
  if (value.element() != type) throw std::runtime_error("an accumulator and its value have different types");
  if (lane_var_ < 0) {
    const Vec old(ir_, ir_.b.CreateLoad(type, slots_[id].scalar));
    ir_.b.CreateStore(combined(acc.combine, acc.dtype, old, value)[0], slots_[id].scalar);
    return;
  }
  const Vec lanes = value.spread(unroll_);
  if (acc.running && !uses_[id].per_lane) return run_along_lanes(id, lanes);
  Parts old;
  for (std::size_t i = 0; i < lanes.size(); ++i) old.push_back(ir_.b.CreateLoad(lanes.type(), slots_[id].vectors[i]));
  const Vec before(ir_, old);
  Vec after = combined(acc.combine, acc.dtype, before, lanes);
  if (mask_ && uses_[id].across_lanes) after = select(mask_, after, before);
  for (std::size_t i = 0; i < after.size(); ++i) ir_.b.CreateStore(after[i], slots_[id].vectors[i]);
}

// Sums inside each vector by doubling distances; the total so far is added last, so that only one addition per vector
// waits for the one before.
void Emitter::run_along_lanes(std::size_t id, const Vec& lanes) {
  const loops::Accumulator& acc = kernel_.accumulators[id];
  const auto combine = [&](const Vec& x, const Vec& y) { return combined(acc.combine, acc.dtype, x, y); };
  const Vec neutral = splat(ir_, initial_value(ir_, acc));
  Vec sums = mask_ ? select(mask_, lanes, neutral) : lanes;
  for (int distance = 1; distance < ir_.lanes; distance *= 2) {
    llvm::SmallVector<int, 16> order;
    for (int i = 0; i < ir_.lanes; ++i) order.push_back(i < distance ? ir_.lanes + i : i - distance);
    sums = combine(map(sums, [&](auto* x) { return ir_.b.CreateShuffleVector(x, neutral[0], order); }), sums);
  }
  Vec before(ir_, ir_.b.CreateLoad(lanes.element(), slots_[id].scalar));
  Parts out;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const Vec part(ir_, sums[i]);
    out.push_back(combine(before, part)[0]);
    before = combine(before, Vec(ir_, ir_.b.CreateExtractElement(sums[i], static_cast<std::uint64_t>(ir_.lanes - 1))));
  }
  ir_.b.CreateStore(before[0], slots_[id].scalar);
  running_[id] = Vec(ir_, std::move(out));
}

Vec Emitter::read(const loops::Node& n) {
  const std::size_t id = n.accumulator;
  const loops::Accumulator& acc = kernel_.accumulators.at(id);
  const AccumulatorUse& use = uses_[id];
  llvm::Type* type = register_type(ir_, acc.dtype);
  Vec out;
  if (acc.running && !use.per_lane && lane_var_ >= 0 && accumulating_.contains(n.accumulator)) {
    out = running_[id];
  } else if (use.per_lane) {
    if (lane_var_ < 0) throw std::runtime_error("an accumulator of lanes is read outside their loop");
    Parts parts;
    llvm::Type* vector = llvm::FixedVectorType::get(type, static_cast<unsigned>(ir_.lanes));
    for (int i = 0; i < unroll_; ++i) parts.push_back(ir_.b.CreateLoad(vector, slots_[id].vectors[i]));
    out = Vec(ir_, parts);
  } else {
    if (lane_var_ >= 0 && accumulating_.contains(n.accumulator))
      throw std::runtime_error("an accumulator over lanes is read inside their loop");
    llvm::Value* scalar = ir_.b.CreateLoad(type, slots_[id].scalar);
    if (use.across_lanes) {
      Parts parts;
      llvm::Type* vector = llvm::FixedVectorType::get(type, static_cast<unsigned>(ir_.lanes));
      for (llvm::Value* slot : slots_[id].vectors) parts.push_back(ir_.b.CreateLoad(vector, slot));
      llvm::Value* total = across_lanes(acc.combine, acc.dtype, Vec(ir_, parts));
      scalar = use.scalar ? combined(acc.combine, acc.dtype, Vec(ir_, scalar), Vec(ir_, total))[0] : total;
    }
    out = Vec(ir_, scalar);
  }
  return is_floating(n.dtype) ? round_to(n.dtype, out) : out;
}

// Pairwise: parts first, then halves of the vector.
llvm::Value* Emitter::across_lanes(loops::Op combine, DType dtype, const Vec& vectors) {
  Parts left = vectors.parts();
  while (left.size() > 1) {
    const std::size_t half = left.size() / 2;
    Parts next;
    for (std::size_t i = 0; i < half; ++i)
      next.push_back(combined(combine, dtype, Vec(ir_, left[2 * i]), Vec(ir_, left[2 * i + 1]))[0]);
    if (left.size() % 2) next.push_back(left.back());
    left = next;
  }
  llvm::Value* v = left[0];
  if (dtype == DType::bool_) {
    const bool all = combine == loops::Op::bit_and || combine == loops::Op::mul || combine == loops::Op::min;
    return all ? ir_.b.CreateAndReduce(v) : ir_.b.CreateOrReduce(v);
  }
  for (int half = ir_.lanes / 2; half > 0; half /= 2) {
    llvm::SmallVector<int, 16> low, high;
    for (int i = 0; i < half; ++i) {
      low.push_back(i);
      high.push_back(i + half);
    }
    v = combined(combine, dtype, Vec(ir_, ir_.b.CreateShuffleVector(v, low)),
                 Vec(ir_, ir_.b.CreateShuffleVector(v, high)))[0];
  }
  return ir_.b.CreateExtractElement(v, std::uint64_t{0});
}

}  // namespace tf2jax::codegen
