// Algebra on nodes that changes no bit of a result: signs move to where they cost nothing, powers of two join
// constants, and comparisons that are decided disappear. Derivatives written equation by equation are full of these.
#include <bit>
#include <cmath>
#include <optional>

#include "tf2jax/compiler/loops/scalar_bits.h"
#include "tf2jax/compiler/lower/nodes.h"

namespace tf2jax::compiler {

using loops::NodeId;
using loops::Op;

namespace {

bool is_power_of_two(double c) {
  int exponent;
  return c > 0 && std::frexp(c, &exponent) == 0.5;
}

}  // namespace

std::optional<double> NodeBuilder::number_in(NodeId n) const {
  const Node& node = kernel_.nodes[n];
  if (node.op != Op::constant) return std::nullopt;
  if (node.dtype == DType::f32) return std::bit_cast<float>(static_cast<std::uint32_t>(node.bits));
  if (node.dtype == DType::f64) return std::bit_cast<double>(node.bits);
  return std::nullopt;
}

// The operand of a negation; a negative number counts as one.
std::optional<NodeId> NodeBuilder::negated(NodeId n) {
  const Node node = kernel_.nodes[n];
  if (node.op == Op::neg) return node.in[0];
  if (const auto c = number_in(n); c && std::signbit(*c)) return constant(node.dtype, number_bits(node.dtype, -*c));
  return std::nullopt;
}

// -x, or the factor of a product that is cheaper to negate.
NodeId NodeBuilder::negative(DType dtype, NodeId x) {
  if (const auto inner = negated(x)) return *inner;
  if (const auto c = number_in(x)) return constant(dtype, number_bits(dtype, -*c));
  const Node node = kernel_.nodes[x];
  if (node.op == Op::mul) {
    const auto [a, b] = std::pair(node.in[0], node.in[1]);
    const auto rank = [&](NodeId n) {
      return number_in(n) ? -1 : static_cast<std::ptrdiff_t>(info_[n].variables.size());
    };
    if (rank(a) < rank(b)) return add({.op = Op::mul, .dtype = dtype}, {negative(dtype, a), b});
    if (rank(b) < rank(a)) return add({.op = Op::mul, .dtype = dtype}, {a, negative(dtype, b)});
  }
  return add({.op = Op::neg, .dtype = dtype}, {x});
}

NodeId NodeBuilder::product(DType dtype, NodeId x, NodeId y) {
  const auto minus_x = negated(x), minus_y = negated(y);
  if (minus_x && minus_y) return product(dtype, *minus_x, *minus_y);
  if (minus_x && !number_in(x)) return negative(dtype, product(dtype, *minus_x, y));
  if (minus_y && !number_in(y)) return negative(dtype, product(dtype, x, *minus_y));
  for (const auto& [c_node, other] : {std::pair(x, y), std::pair(y, x)}) {
    const auto c = number_in(c_node);
    if (!c) continue;
    if (*c == 1) return other;
    const Node node = kernel_.nodes[other];
    if (node.op != Op::mul) continue;
    // c (d z) = (c d) z: exact where d is a power of two and neither makes large numbers small.
    for (const int k : {0, 1}) {
      const auto d = number_in(node.in[k]);
      if (!d || std::abs(*c) < 1 || std::abs(*d) < 1 || !is_power_of_two(std::abs(*d))) continue;
      const double both = *c * *d;
      if (dtype == DType::f32 ? std::isfinite(static_cast<float>(both)) : std::isfinite(both))
        return product(dtype, constant(dtype, number_bits(dtype, both)), node.in[1 - k]);
    }
  }
  return add({.op = Op::mul, .dtype = dtype}, {x, y});
}

NodeId NodeBuilder::apply(Op op, DType dtype, const std::vector<NodeId>& in) {
  if (in.size() == 2 && in[0] == in[1] && !is_inexact(kernel_.nodes[in[0]].dtype)) {
    if (op == Op::eq || op == Op::le || op == Op::ge) return constant(DType::bool_, 1);
    if (op == Op::ne || op == Op::lt || op == Op::gt) return constant(DType::bool_, 0);
  }
  if (dtype == DType::f32 || dtype == DType::f64) {
    const Node first = kernel_.nodes[in[0]];
    if (op == Op::convert && first.op == Op::constant && first.dtype == DType::bool_)
      return constant(dtype, number_bits(dtype, first.bits ? 1 : 0));
    if (op == Op::neg) return negative(dtype, in[0]);
    if (op == Op::mul) return product(dtype, in[0], in[1]);
    const auto is_negation = [&](NodeId n) { return kernel_.nodes[n].op == Op::neg; };
    if (op == Op::add && is_negation(in[1])) return apply(Op::sub, dtype, {in[0], *negated(in[1])});
    if (op == Op::add && is_negation(in[0])) return apply(Op::sub, dtype, {in[1], *negated(in[0])});
    if (op == Op::sub && is_negation(in[1])) return apply(Op::add, dtype, {in[0], *negated(in[1])});
  }
  return add({.op = op, .dtype = dtype}, in);
}

}  // namespace tf2jax::compiler
