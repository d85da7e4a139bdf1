// A canonical text of kernels: what two kernels must share to share code.
#include <string>

#include "tf2jax/compiler/codegen/object/internal/object.h"

namespace tf2jax::codegen {

namespace {

class Writer {
 public:
  void number(std::int64_t v) {
    for (int i = 0; i < 8; ++i) out_.push_back(static_cast<char>(static_cast<std::uint64_t>(v) >> (8 * i)));
  }
  void affine(const loops::Affine& at) {
    number(at.offset);
    pairs(at.terms);
  }
  template <class Pairs>
  void pairs(const Pairs& all) {
    number(static_cast<std::int64_t>(all.size()));
    for (const auto& [a, b] : all) {
      number(a);
      number(b);
    }
  }
  void node(const loops::Node& n) {
    number(static_cast<std::int64_t>(n.op) | static_cast<std::int64_t>(n.dtype) << 16);
    for (const auto in : n.in) number(in);
    number(static_cast<std::int64_t>(n.bits));
    affine(n.at);
    number(n.extent);
    number(n.buffer);
    pairs(n.dynamic);
    number(n.accumulator);
    number(n.cell);
  }
  void block(const loops::Block& body) {
    number(static_cast<std::int64_t>(body.size()));
    for (const loops::Statement& s : body) {
      number(static_cast<std::int64_t>(s.what.index()));
      if (const auto* e = std::get_if<loops::Eval>(&s.what)) {
        number(e->node);
      } else if (const auto* st = std::get_if<loops::Store>(&s.what)) {
        number(st->buffer);
        affine(st->at);
        number(st->value);
        number(st->mask);
        number(st->streaming);
        pairs(st->dynamic);
      } else if (const auto* r = std::get_if<loops::Reset>(&s.what)) {
        number(r->accumulator);
      } else if (const auto* a = std::get_if<loops::Accumulate>(&s.what)) {
        number(a->accumulator);
        number(a->value);
      } else if (const auto* c = std::get_if<loops::Set>(&s.what)) {
        number(c->cell);
        number(c->value);
      } else if (const auto* l = std::get_if<loops::Loop>(&s.what)) {
        number(l->var);
        number(l->extent);
        number(l->lanes);
      } else if (const auto* w = std::get_if<loops::While>(&s.what)) {
        number(w->test);
      } else {
        number(std::get<loops::If>(s.what).test);
      }
      loops::for_blocks(s, [&](const loops::Block& inner) { block(inner); });
    }
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace

std::string serialise(const loops::Kernel& kernel) {
  Writer w;
  w.number(static_cast<std::int64_t>(kernel.parallel.size()));
  for (const auto extent : kernel.parallel) w.number(extent);
  w.number(kernel.parallel_lanes);
  w.number(kernel.variables);
  w.number(static_cast<std::int64_t>(kernel.nodes.size()));
  for (const auto& n : kernel.nodes) w.node(n);
  w.number(static_cast<std::int64_t>(kernel.buffers.size()));
  for (const auto& b : kernel.buffers) {
    w.number(static_cast<std::int64_t>(b.dtype) | b.written << 16 | b.scratch << 17);
    w.number(b.elements);
  }
  w.number(static_cast<std::int64_t>(kernel.accumulators.size()));
  for (const auto& a : kernel.accumulators) {
    w.number(static_cast<std::int64_t>(a.dtype) | static_cast<std::int64_t>(a.combine) << 16 |
             static_cast<std::int64_t>(a.running) << 32);
    w.number(static_cast<std::int64_t>(a.initial));
  }
  w.number(static_cast<std::int64_t>(kernel.cells.size()));
  for (const DType c : kernel.cells) w.number(static_cast<std::int64_t>(c));
  w.block(kernel.body);
  return w.take();
}

}  // namespace tf2jax::codegen
