// The expected value of convolutions with negative padding: the operand is cut first.
#include "negative_padding.h"

#include <algorithm>

#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/shape_ops.h"

namespace conformance {

using namespace tf2jax;

namespace {

bool has_negative_padding(const Equation& e) {
  if (e.primitive.name() != "conv_general_dilated") return false;
  const ConvParams& p = e.params.get<ConvParams>();
  const bool dilated = std::ranges::any_of(
      p.lhs_dilation, [](std::int64_t d) { return d != 1; });  // then zeros are removed, not elements
  return !dilated && std::ranges::any_of(p.padding, [](const auto& side) { return side.first < 0 || side.second < 0; });
}

Arrays convolve_cut(const Arrays& in, ConvParams p) {
  Array x = in[0];
  for (std::size_t i = 0; i < p.padding.size(); ++i) {
    auto& [low, high] = p.padding[i];
    const std::int64_t axis = p.dimension_numbers.lhs_spec[i + 2], size = x.shape()[axis].value();
    x = slice_in_dim(x, std::max<std::int64_t>(-low, 0), size - std::max<std::int64_t>(-high, 0), 1, axis);
    low = std::max<std::int64_t>(low, 0);
    high = std::max<std::int64_t>(high, 0);
  }
  return {conv_general_dilated(x, in[1], p)};
}

}  // namespace

std::optional<FlatFn> without_negative_padding(const Jaxpr& program) {
  if (std::ranges::none_of(program->eqns, has_negative_padding)) return std::nullopt;
  return [program](const Arrays& xs) {
    Arrays values(program->vars.size());
    const auto at = [&](VarId v) -> Array& { return values[v]; };
    for (std::size_t i = 0; i < program->constvars.size(); ++i) at(program->constvars[i]) = program->consts[i];
    for (std::size_t i = 0; i < xs.size(); ++i) at(program->invars[i]) = xs[i];
    const auto read = [&](const std::vector<Atom>& atoms) {
      Arrays out;
      for (const Atom& a : atoms) out.push_back(a.is_literal() ? a.literal : at(a.var));
      return out;
    };
    for (const Equation& e : program->eqns) {
      const Arrays in = read(e.inputs), out = has_negative_padding(e) ? convolve_cut(in, e.params.get<ConvParams>())
                                                                      : e.primitive.bind(in, e.params);
      for (std::size_t i = 0; i < out.size(); ++i) at(e.outputs[i]) = out[i];
    }
    return read(program->outs);
  };
}

}  // namespace conformance
