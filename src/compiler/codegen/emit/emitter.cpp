// Control flow of a kernel: the parallel index space, serial loops and lane loops.
#include "tf2jax/compiler/codegen/emit/internal/emitter.h"

#include <llvm/IR/Dominators.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

#include <stdexcept>

namespace tf2jax::codegen {

using loops::Block;
using loops::LoopVar;
using loops::NodeId;
using loops::Op;

namespace {

constexpr std::int64_t kSerialUnrollWeight = 48;  // instructions of a serial loop that is written out in full

void nodes_inside(const Block& body, std::set<NodeId>& out) {
  for (const loops::Statement& s : body) {
    if (const auto* e = std::get_if<loops::Eval>(&s.what)) out.insert(e->node);
    loops::for_blocks(s, [&](const Block& inner) { nodes_inside(inner, out); });
  }
}
// What a block changes.
struct Effects {
  std::set<loops::BufferId> stored;
  std::set<std::int32_t> accumulators, cells;
  void add(const Block& body) {
    for (const loops::Statement& s : body) {
      if (const auto* store = std::get_if<loops::Store>(&s.what)) stored.insert(store->buffer);
      if (const auto* r = std::get_if<loops::Reset>(&s.what)) accumulators.insert(r->accumulator);
      if (const auto* a = std::get_if<loops::Accumulate>(&s.what)) accumulators.insert(a->accumulator);
      if (const auto* c = std::get_if<loops::Set>(&s.what)) cells.insert(c->cell);
      loops::for_blocks(s, [&](const Block& inner) { add(inner); });
    }
  }
};
bool depends_on(const loops::Affine& at, LoopVar var) {
  for (const auto& term : at.terms)
    if (term.first == var) return true;
  return false;
}

}  // namespace

Emitter::Emitter(Ir& ir, const loops::Kernel& kernel, const EmitOptions& options)
    : ir_(ir),
      kernel_(kernel),
      options_(options),
      values_(kernel.nodes.size()),
      vars_(kernel.variables),
      extents_(kernel.variables, -1),
      pointers_(kernel.buffers.size()),
      uses_(kernel.accumulators.size()),
      slots_(kernel.accumulators.size()) {
  for (std::size_t i = 0; i < kernel.parallel.size(); ++i) extents_.at(i) = kernel.parallel[i];
}

// for (i = begin; i < end; i += step) body(i). `end` need not be begin plus a multiple of the step.
template <class F>
void Emitter::counted(llvm::Value* begin, llvm::Value* end, std::int64_t step, bool known_nonempty, F&& body) {
  llvm::BasicBlock* head = ir_.block("loop");
  llvm::BasicBlock* exit = ir_.block("done");
  llvm::BasicBlock* before = ir_.b.GetInsertBlock();
  if (known_nonempty) ir_.b.CreateBr(head);
  else ir_.b.CreateCondBr(ir_.b.CreateICmpSLT(begin, end), head, exit);
  ir_.b.SetInsertPoint(head);
  llvm::PHINode* i = ir_.b.CreatePHI(ir_.b.getInt64Ty(), 2);
  i->addIncoming(begin, before);
  body(i);
  llvm::Value* next = ir_.b.CreateAdd(i, ir_.b.getInt64(static_cast<std::uint64_t>(step)), "", false, true);
  i->addIncoming(next, ir_.b.GetInsertBlock());
  ir_.b.CreateCondBr(ir_.b.CreateICmpSLT(next, end), head, exit);
  ir_.b.SetInsertPoint(exit);
}

void Emitter::run() {
  llvm::BasicBlock* entry = ir_.block("entry");
  ir_.b.SetInsertPoint(entry);
  for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) pointer(static_cast<loops::BufferId>(i));
  find_uses(kernel_.body, 0);
  for (const DType c : kernel_.cells) promotable_.push_back(cells_.emplace_back(ir_.slot(register_type(ir_, c))));
  // Allocas are put in the entry block by everything below; the code starts in a block of its own.
  llvm::BasicBlock* body = ir_.block("body");
  ir_.b.CreateBr(body);
  ir_.b.SetInsertPoint(body);
  if (kernel_.parallel.empty()) {
    block(kernel_.body);
  } else {
    llvm::BasicBlock *work = ir_.block("work"), *exit = ir_.block("exit");
    llvm::Value *begin = ir_.function->getArg(1), *end = ir_.function->getArg(2);
    ir_.b.CreateCondBr(ir_.b.CreateICmpSLT(begin, end), work, exit);
    ir_.b.SetInsertPoint(work);
    parallel();
    ir_.b.CreateBr(exit);
    ir_.b.SetInsertPoint(exit);
  }
  if (streamed_) ir_.call(llvm::Intrinsic::x86_sse_sfence, {}, {});  // such stores are not ordered otherwise
  ir_.b.CreateRetVoid();
  llvm::DominatorTree dominators(*ir_.function);
  llvm::PromoteMemToReg(promotable_, dominators);
}

// Indices are decoded once and then counted up with carries, without a division in the loop.
void Emitter::parallel() {
  auto& b = ir_.b;
  llvm::Value *begin = ir_.function->getArg(1), *end = ir_.function->getArg(2);
  if (kernel_.parallel_lanes) {
    if (kernel_.parallel.size() != 1) throw std::runtime_error("a parallel lane loop has one variable");
    hoist(0, kernel_.body);
    lane_loop(0, begin, end, -1, kernel_.body);
    return;
  }
  const std::size_t n = kernel_.parallel.size();
  std::vector<llvm::Value*> first(n);
  llvm::Value* rest = begin;
  for (std::size_t i = n; i-- > 1;) {
    llvm::Value* extent = b.getInt64(static_cast<std::uint64_t>(kernel_.parallel[i]));
    first[i] = b.CreateURem(rest, extent);
    rest = b.CreateUDiv(rest, extent);
  }
  first[0] = rest;
  llvm::BasicBlock* before = b.GetInsertBlock();
  counted(begin, end, 1, true, [&](llvm::Value*) {
    std::vector<llvm::PHINode*> phis(n);
    for (std::size_t i = 0; i < n; ++i) {
      phis[i] = b.CreatePHI(b.getInt64Ty(), 2);
      phis[i]->addIncoming(first[i], before);
      vars_[i] = phis[i];
    }
    block(kernel_.body);
    llvm::Value* carry = b.getTrue();
    std::vector<llvm::Value*> next(n);
    for (std::size_t i = n; i-- > 0;) {
      llvm::Value* stepped = b.CreateAdd(phis[i], b.CreateZExt(carry, b.getInt64Ty()));
      carry = b.CreateICmpEQ(stepped, b.getInt64(static_cast<std::uint64_t>(kernel_.parallel[i])));
      next[i] = i == 0 ? stepped : b.CreateSelect(carry, b.getInt64(0), stepped);
    }
    for (std::size_t i = 0; i < n; ++i) phis[i]->addIncoming(next[i], b.GetInsertBlock());
  });
}

void Emitter::block(const Block& body) {
  for (const loops::Statement& s : body) statement(s);
}

void Emitter::statement(const loops::Statement& s) {
  if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
    if (!hoisted_.contains(e->node)) values_.at(e->node) = evaluate(e->node);
  } else if (const auto* st = std::get_if<loops::Store>(&s.what)) {
    store(*st);
  } else if (const auto* r = std::get_if<loops::Reset>(&s.what)) {
    reset(*r);
  } else if (const auto* a = std::get_if<loops::Accumulate>(&s.what)) {
    accumulate(*a);
  } else if (const auto* c = std::get_if<loops::Set>(&s.what)) {
    set(*c);
  } else if (const auto* l = std::get_if<loops::Loop>(&s.what)) {
    loop(*l);
  } else if (const auto* w = std::get_if<loops::While>(&s.what)) {
    while_loop(*w);
  } else {
    branch(std::get<loops::If>(s.what));
  }
}

// Evaluates before the loop what does not change in it: the planner may list everything in the innermost body.
void Emitter::hoist(LoopVar var, const Block& body) { hoist(var, {&body}); }

void Emitter::hoist(LoopVar var, std::initializer_list<const Block*> blocks) {
  std::set<NodeId> varying;
  Effects effects;
  std::vector<const loops::Eval*> evals;
  for (const Block* body : blocks) {
    nodes_inside(*body, varying);
    effects.add(*body);
    for (const loops::Statement& s : *body)
      if (const auto* e = std::get_if<loops::Eval>(&s.what)) evals.push_back(e);
  }
  for (const loops::Eval* e : evals) {
    if (hoisted_.contains(e->node)) continue;
    const loops::Node& n = kernel_.nodes.at(e->node);
    const auto varies = [&](NodeId id) { return id >= 0 && varying.contains(id); };
    bool fixed = !depends_on(n.at, var) && !varies(n.in[0]) && !varies(n.in[1]) && !varies(n.in[2]);
    for (const auto& d : n.dynamic) fixed = fixed && !varies(d.first);
    if (n.op == Op::load) fixed = fixed && !effects.stored.contains(n.buffer);
    if (n.op == Op::read) fixed = fixed && !effects.accumulators.contains(n.accumulator);
    if (n.op == Op::get) fixed = fixed && !effects.cells.contains(n.cell);
    if (!fixed) continue;
    values_[e->node] = evaluate(e->node);
    varying.erase(e->node);
    hoisted_.insert(e->node);
  }
}

void Emitter::loop(const loops::Loop& l) {
  if (l.extent <= 0) return;
  extents_.at(l.var) = l.extent;
  const std::set<NodeId> outer = hoisted_;
  hoist(l.var, l.body);
  if (!l.lanes) serial(l);
  else lane_loop(l.var, ir_.b.getInt64(0), ir_.b.getInt64(static_cast<std::uint64_t>(l.extent)), l.extent, l.body);
  hoisted_ = outer;
}

void Emitter::serial(const loops::Loop& l) {
  auto& var = vars_.at(l.var);
  const std::int64_t weight = weight_of(kernel_, l.body) * unroll_;
  if (l.extent == 1 || l.extent * weight <= kSerialUnrollWeight) {
    for (std::int64_t i = 0; i < l.extent; ++i) {
      var = ir_.b.getInt64(static_cast<std::uint64_t>(i));
      block(l.body);
    }
    return;
  }
  counted(ir_.b.getInt64(0), ir_.b.getInt64(static_cast<std::uint64_t>(l.extent)), 1, true, [&](llvm::Value* i) {
    var = i;
    block(l.body);
  });
}

void Emitter::while_loop(const loops::While& w) {
  if (lane_var_ >= 0) throw std::runtime_error("lanes do not loop on their own");
  const std::set<NodeId> outer = hoisted_;
  hoist(-1, {&w.condition, &w.body});
  llvm::BasicBlock *head = ir_.block("while"), *body = ir_.block("do"), *exit = ir_.block("done");
  ir_.b.CreateBr(head);
  ir_.b.SetInsertPoint(head);
  block(w.condition);
  ir_.b.CreateCondBr(value(w.test)[0], body, exit);
  ir_.b.SetInsertPoint(body);
  block(w.body);
  ir_.b.CreateBr(head);
  ir_.b.SetInsertPoint(exit);
  hoisted_ = outer;
}

void Emitter::branch(const loops::If& i) {
  if (lane_var_ >= 0) throw std::runtime_error("lanes do not branch on their own");
  llvm::BasicBlock *yes = ir_.block("yes"), *no = ir_.block("no"), *join = ir_.block("join");
  ir_.b.CreateCondBr(value(i.test)[0], yes, no);
  for (const auto& [to, body] : {std::pair(yes, &i.yes), std::pair(no, &i.no)}) {
    ir_.b.SetInsertPoint(to);
    block(*body);
    ir_.b.CreateBr(join);
  }
  ir_.b.SetInsertPoint(join);
}

void Emitter::set(const loops::Set& s) {
  if (lane_var_ >= 0) throw std::runtime_error("lanes have no cells");
  ir_.b.CreateStore(value(s.value)[0], cells_.at(s.cell));
}

Vec Emitter::tail_mask(llvm::Value* remaining) {
  if (const auto* known = llvm::dyn_cast<llvm::ConstantInt>(remaining)) {
    llvm::SmallVector<llvm::Constant*, 16> active;
    for (int i = 0; i < ir_.lanes; ++i) active.push_back(ir_.b.getInt1(i < known->getSExtValue()));
    return Vec(ir_, llvm::ConstantVector::get(active));
  }
  llvm::Value* lanes = ir_.b.getInt64(static_cast<std::uint64_t>(ir_.lanes));
  llvm::Value* left =
      ir_.b.CreateTrunc(ir_.b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, remaining, lanes), ir_.b.getInt32Ty());
  llvm::SmallVector<llvm::Constant*, 16> iota;
  for (int i = 0; i < ir_.lanes; ++i) iota.push_back(ir_.b.getInt32(static_cast<std::uint32_t>(i)));
  return Vec(ir_, llvm::ConstantVector::get(iota)) < Vec(ir_, left);
}

// Whole groups of vectors first, then what is left of whole vectors, then a masked one.
void Emitter::lane_loop(LoopVar var, llvm::Value* begin, llvm::Value* end, std::int64_t extent, const Block& body) {
  if (lane_var_ >= 0) throw std::runtime_error("lane loops do not nest");
  Effects effects;
  effects.add(body);
  accumulating_ = std::move(effects.accumulators);
  auto& b = ir_.b;
  const std::int64_t lanes = ir_.lanes;
  const int unroll = unroll_of(kernel_, body, extent, ir_.lanes);
  const std::int64_t group = lanes * unroll;
  const auto masked = [&](llvm::Value* i) { lanes_at(var, i, 1, tail_mask(b.CreateSub(end, i)), body); };
  const auto whole = [&](llvm::Value* i) { lanes_at(var, i, unroll, {}, body); };
  if (extent < 0) {
    llvm::Value* length = b.CreateSub(end, begin);
    llvm::Value* groups = b.CreateUDiv(length, b.getInt64(static_cast<std::uint64_t>(group)));
    llvm::Value* main_end = b.CreateAdd(begin, b.CreateMul(groups, b.getInt64(static_cast<std::uint64_t>(group))));
    counted(begin, main_end, group, false, whole);
    counted(main_end, end, lanes, false, masked);
  } else {
    const std::int64_t groups = extent / group, main_end = groups * group;
    llvm::Value* rest = b.getInt64(static_cast<std::uint64_t>(main_end));
    if (groups == 1) whole(b.getInt64(0));
    else if (groups > 1) counted(begin, rest, group, true, whole);
    const std::int64_t vectors = (extent - main_end) / lanes, whole_end = main_end + vectors * lanes;
    if (vectors > 0) lanes_at(var, rest, static_cast<int>(vectors), {}, body);
    if (extent > whole_end) masked(b.getInt64(static_cast<std::uint64_t>(whole_end)));
  }
  accumulating_.clear();
}

void Emitter::lanes_at(LoopVar var, llvm::Value* base, int unroll, const Vec& mask, const Block& body) {
  vars_.at(var) = base;
  lane_var_ = var;
  unroll_ = unroll;
  mask_ = mask;
  block(body);
  lane_var_ = -1;
  unroll_ = 1;
  mask_ = {};
}

void emit_kernel(llvm::Module& module, const loops::Kernel& kernel, const std::string& symbol,
                 const EmitOptions& options) {
  llvm::LLVMContext& c = module.getContext();
  llvm::Type *pointer = llvm::PointerType::get(c, 0), *i64 = llvm::Type::getInt64Ty(c);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(c), {pointer, i64, i64, pointer}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol, module);
  function->addFnAttr("prefer-vector-width", "512");
  function->addFnAttr("min-legal-vector-width", options.avx512 ? "512" : "256");
  function->setDoesNotThrow();
  Ir ir{llvm::IRBuilder<>(c), module, function, options.lanes, options.avx512};
  Emitter(ir, kernel, options).run();
}

}  // namespace tf2jax::codegen
