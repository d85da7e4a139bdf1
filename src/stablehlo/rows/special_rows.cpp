// CHLO: the mathematical functions that StableHLO writes as composites, and JAX's texts by name.
#include "tf2jax/stablehlo/internal/composites.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/special.h"

#include <algorithm>

namespace tf2jax::stablehlo {
namespace {

template <Array (*F)(const Array&)>
Arrays unary(Call& c) {
  c.expect_operands(1, 1);
  return {F(c[0])};
}
template <const Primitive& (*P)()>
Arrays binary(Call& c) {
  c.expect_operands(2, 2);
  return P().bind(c.args);
}

template <const Primitive& (*P)()>
Arrays ternary(Call& c) {
  c.expect_operands(3, 3);
  return P().bind(c.args);
}

Arrays top_k_of(const Call& c, std::int64_t k) {
  c.expect_operands(1, 1);
  if (c[0].rank() == 0) c.fail("its operand must have axes.");
  Arrays out = top_k_p().bind({c[0]}, TopK{k, c[0].rank() - 1, true});
  if (out.size() == 2 && c.op.results.size() == 2 && out[1].dtype() != c.result_dtype(1))
    out[1] = convert_element_type_p().bind1({out[1]}, ConvertParams{c.result_dtype(1), false});
  return out;
}

Arrays top_k_row(Call& c) { return top_k_of(c, c.integer("k")); }

// y^2 and the like never come this way: jax.lax writes products.
constexpr OpRow kRows[] = {
    {"chlo.acos", acos_p, unary<acos>},
    {"chlo.acosh", acosh_p, unary<acosh>},
    {"chlo.asin", asin_p, unary<asin>},
    {"chlo.asinh", asinh_p, unary<asinh>},
    {"chlo.atan", atan_p, unary<atan>},
    {"chlo.atanh", atanh_p, unary<atanh>},
    {"chlo.bessel_i1e", bessel_i1e_p, unary<bessel_i1e>},
    {"chlo.conj", conj_p, unary<conj>},
    {"chlo.cosh", cosh_p, unary<cosh>},
    {"chlo.digamma", digamma_p, unary<digamma>},
    {"chlo.erf", erf_p, unary<erf>},
    {"chlo.erf_inv", erf_inv_p, unary<erf_inv>},
    {"chlo.erfc", erfc_p, unary<erfc>},
    {"chlo.lgamma", lgamma_p, unary<lgamma>},
    {"chlo.next_after", nextafter_p, binary<nextafter_p>},
    {"chlo.polygamma", polygamma_p, binary<polygamma_p>},
    {"chlo.sinh", sinh_p, unary<sinh>},
    {"chlo.square", square_p, unary<square>},
    {"chlo.tan", nullptr, unary<tan>},
    {"chlo.top_k", nullptr, top_k_row},
    {"chlo.zeta", zeta_p, binary<zeta_p>},
    // Names of our own, which others take by their decompositions: JAX writes these out.
    {"tf2jax.bessel_i0e", bessel_i0e_p, unary<bessel_i0e>},
    {"tf2jax.igamma", igamma_p, binary<igamma_p>},
    {"tf2jax.igammac", igammac_p, binary<igammac_p>},
    {"tf2jax.igamma_grad_a", igamma_grad_a_p, binary<igamma_grad_a_p>},
    {"tf2jax.random_gamma_grad", random_gamma_grad_p, binary<random_gamma_grad_p>},
    {"tf2jax.regularized_incomplete_beta", regularized_incomplete_beta_p, ternary<regularized_incomplete_beta_p>},
    // Of complex numbers: by CHLO's names others compute them with other signs on the branch cuts.
    {"tf2jax.acos", nullptr, unary<acos>},
    {"tf2jax.acosh", nullptr, unary<acosh>},
    {"tf2jax.asin", nullptr, unary<asin>},
    {"tf2jax.asinh", nullptr, unary<asinh>},
    {"tf2jax.atan", nullptr, unary<atan>},
    {"tf2jax.atanh", nullptr, unary<atanh>},
};

}  // namespace

std::span<const OpRow> special_rows() { return kRows; }

std::optional<Arrays> known_composite(Call& c) {
  const Attr* name = c.op.find("name");
  if (!name || !(name->text.starts_with("chlo.") || name->text.starts_with("tf2jax."))) return std::nullopt;
  if (name->text == "chlo.top_k") {
    const Attr* attributes = c.op.find("composite_attributes");
    const Attr* k = attributes ? attributes->find("k") : nullptr;
    if (!k || !is_floating(c[0].dtype())) return std::nullopt;
    return top_k_of(c, k->integer);
  }
  if (c.args.empty() || !is_inexact(c[0].dtype())) return std::nullopt;
  const auto it = std::ranges::find(kRows, std::string_view(name->text), &OpRow::op);
  if (it == std::end(kRows)) return std::nullopt;
  return it->read(c);
}

}  // namespace tf2jax::stablehlo
