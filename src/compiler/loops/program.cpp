// The text of kernels.
#include "tf2jax/compiler/loops/program.h"

#include <fmt/format.h>

#include "tf2jax/compiler/loops/op_names.h"

namespace tf2jax::loops {

namespace {

std::string text(const Affine& at) {
  std::string out;
  for (const auto& [var, coefficient] : at.terms) {
    if (!out.empty()) out += " + ";
    out += coefficient == 1 ? fmt::format("i{}", var) : fmt::format("{}*i{}", coefficient, var);
  }
  if (out.empty()) return fmt::format("{}", at.offset);
  if (at.offset != 0) out += fmt::format(" + {}", at.offset);
  return out;
}

class Printer {
 public:
  explicit Printer(const Kernel& kernel) : kernel_(kernel) {}

  std::string run() {
    out_ = fmt::format("kernel {}", kernel_.name);
    if (!kernel_.parallel.empty()) {
      out_ += kernel_.parallel_lanes ? " lanes(" : " parallel(";
      for (std::size_t i = 0; i < kernel_.parallel.size(); ++i)
        out_ += fmt::format("{}i{} < {}", i ? ", " : "", i, kernel_.parallel[i]);
      out_ += ")";
    }
    out_ += "\n";
    for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) {
      const Buffer& b = kernel_.buffers[i];
      out_ += fmt::format("  b{}: {}[{}]{}{}\n", i, short_name(b.dtype), b.elements, b.written ? " written" : "",
                          b.scratch ? " scratch" : "");
    }
    for (std::size_t i = 0; i < kernel_.accumulators.size(); ++i) {
      const Accumulator& a = kernel_.accumulators[i];
      out_ += fmt::format("  a{}: {} {} from {:#x}{}\n", i, short_name(a.dtype), op_name(a.combine), a.initial,
                          a.running ? " running" : "");
    }
    block(kernel_.body, 2);
    return std::move(out_);
  }

 private:
  std::string operand(NodeId id) const {
    const Node& n = kernel_.nodes[id];
    return n.op == Op::constant ? fmt::format("{:#x}", n.bits) : fmt::format("%{}", id);
  }

  std::string element(BufferId buffer, const Affine& at,
                      const std::vector<std::pair<NodeId, std::int64_t>>& dynamic) const {
    std::string s = fmt::format("b{}[{}", buffer, text(at));
    for (const auto& [index, scale] : dynamic) s += fmt::format(" + {}*{}", scale, operand(index));
    return s + "]";
  }

  std::string node(NodeId id) const {
    const Node& n = kernel_.nodes[id];
    std::string s = fmt::format("%{}: {} = {}", id, short_name(n.dtype), op_name(n.op));
    switch (n.op) {
      case Op::constant: return s + fmt::format(" {:#x}", n.bits);
      case Op::index: return s + " " + text(n.at);
      case Op::in_range: return s + fmt::format(" {} < {}", text(n.at), n.extent);
      case Op::read: return s + fmt::format(" a{}", n.accumulator);
      case Op::get: return s + fmt::format(" c{}", n.cell);
      case Op::load:
        return s + " " + element(n.buffer, n.at, n.dynamic) + (n.in[0] >= 0 ? " if " + operand(n.in[0]) : "");
      default: break;
    }
    for (const NodeId in : n.in)
      if (in >= 0) s += " " + operand(in);
    return s;
  }

  void block(const Block& body, int depth) {
    const std::string indent(depth, ' ');
    for (const Statement& s : body) {
      out_ += indent;
      if (const auto* e = std::get_if<Eval>(&s.what)) out_ += node(e->node);
      else if (const auto* st = std::get_if<Store>(&s.what))
        out_ += fmt::format("{} = {}{}{}", element(st->buffer, st->at, st->dynamic), operand(st->value),
                            st->mask >= 0 ? " if " + operand(st->mask) : "", st->streaming ? " streaming" : "");
      else if (const auto* r = std::get_if<Reset>(&s.what)) out_ += fmt::format("reset a{}", r->accumulator);
      else if (const auto* a = std::get_if<Accumulate>(&s.what))
        out_ += fmt::format("a{} <- {}", a->accumulator, operand(a->value));
      else if (const auto* c = std::get_if<Set>(&s.what)) out_ += fmt::format("c{} = {}", c->cell, operand(c->value));
      else if (const auto* l = std::get_if<Loop>(&s.what)) {
        out_ += fmt::format("{} i{} < {}\n", l->lanes ? "lanes" : "for", l->var, l->extent);
        block(l->body, depth + 2);
        continue;
      } else if (const auto* w = std::get_if<While>(&s.what)) {
        out_ += "while\n";
        block(w->condition, depth + 2);
        out_ += fmt::format("{}{} do\n", indent, operand(w->test));
        block(w->body, depth + 2);
        continue;
      } else {
        const If& i = std::get<If>(s.what);
        out_ += fmt::format("if {}\n", operand(i.test));
        block(i.yes, depth + 2);
        out_ += indent + "else\n";
        block(i.no, depth + 2);
        continue;
      }
      out_ += "\n";
    }
  }

  const Kernel& kernel_;
  std::string out_;
};

}  // namespace

std::string to_string(const Kernel& kernel) { return Printer(kernel).run(); }

}  // namespace tf2jax::loops
