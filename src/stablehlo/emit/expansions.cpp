// Primitives that StableHLO has no operation for, in terms of those it has.
#include "tf2jax/stablehlo/internal/emitter.h"
#include "tf2jax/stablehlo/internal/special_functions.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/threefry.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace tf2jax::stablehlo {
namespace {

using Expand = Arrays (*)(const Arrays&, const EquationParams&);

Array like(const Array& x, double v) { return full_like(x, rules::scalar_of(x.dtype(), v)); }

// By squaring, as jax.lax does.
Arrays integer_power(const Arrays& xs, const EquationParams& params) {
  const std::int64_t y = params.get<IntegerPow>().y;
  if (y == 0) return {ones_like(xs[0])};
  std::uint64_t left = y < 0 ? ~static_cast<std::uint64_t>(y) + 1 : static_cast<std::uint64_t>(y);
  Array square = xs[0], product;
  for (;; left >>= 1) {
    if (left & 1u) product = product.has_value() ? mul(product, square) : square;
    if (left <= 1) break;
    square = mul(square, square);
  }
  return {y < 0 ? div(ones_like(product), product) : product};
}

Arrays squared(const Arrays& xs, const EquationParams&) { return {mul(xs[0], xs[0])}; }
Arrays two_to_the(const Arrays& xs, const EquationParams&) { return {exp(mul(xs[0], like(xs[0], std::numbers::ln2)))}; }
Arrays log_to_base_two(const Arrays& xs, const EquationParams&) {
  return {div(log(xs[0]), like(xs[0], std::numbers::ln2))};
}
Arrays one_less_square(const Arrays& xs, const EquationParams&) {
  return {mul(sub(ones_like(xs[0]), xs[0]), add(ones_like(xs[0]), xs[0]))};
}

Arrays arc_sine(const Arrays& xs, const EquationParams&) {
  if (is_complex(xs[0].dtype())) return {written_out::asin(xs[0])};
  const Array &x = xs[0], one = ones_like(x);
  return {mul(like(x, 2), atan2(x, add(one, sqrt(mul(sub(one, x), add(one, x))))))};
}
Arrays arc_cosine(const Arrays& xs, const EquationParams&) {
  if (is_complex(xs[0].dtype())) return {written_out::acos(xs[0])};
  const Array &x = xs[0], one = ones_like(x);
  const Array y = mul(like(x, 2), atan2(sqrt(mul(sub(one, x), add(one, x))), add(one, x)));
  return {select(equal(x, neg(one)), like(x, std::numbers::pi), y)};
}
Arrays arc_tangent(const Arrays& xs, const EquationParams&) {
  if (is_complex(xs[0].dtype())) return {written_out::atan(xs[0])};
  return {atan2(xs[0], ones_like(xs[0]))};
}

// Half of exp(x) is exp(x - log 2), which does not overflow early; near 0 the difference is by expm1.
Arrays hyperbolic_sine(const Arrays& xs, const EquationParams&) {
  const Array& x = xs[0];
  if (is_complex(x.dtype())) return {complex(mul(sinh(real(x)), cos(imag(x))), mul(cosh(real(x)), sin(imag(x))))};
  const Array half = like(x, -std::numbers::ln2), m = expm1(clamp(like(x, -1), x, like(x, 1)));
  const Array large = sub(exp(add(x, half)), exp(sub(half, x)));
  const Array small = mul(like(x, 0.5), add(m, div(m, add(m, ones_like(x)))));
  return {select(less(abs(x), ones_like(x)), small, large)};
}
Arrays hyperbolic_cosine(const Arrays& xs, const EquationParams&) {
  const Array& x = xs[0];
  if (is_complex(x.dtype())) return {complex(mul(cosh(real(x)), cos(imag(x))), mul(sinh(real(x)), sin(imag(x))))};
  const Array half = like(x, -std::numbers::ln2);
  return {add(exp(add(x, half)), exp(sub(half, x)))};
}

// Where x^2 would overflow, log(2 |x|).
double root_of_largest(DType d) { return d == DType::f64 ? 1e154 : d == DType::f16 ? 200.0 : 1e19; }
Arrays area_sine(const Arrays& xs, const EquationParams&) {
  if (is_complex(xs[0].dtype())) return {written_out::asinh(xs[0])};
  const Array &x = xs[0], one = ones_like(x), all = abs(x);
  const Array limit = like(x, root_of_largest(x.dtype())), a = minimum(all, limit);
  const Array small = log1p(add(a, div(mul(a, a), add(one, sqrt(add(mul(a, a), one))))));
  const Array large = add(log(maximum(all, limit)), like(x, std::numbers::ln2));
  return {mul(sign(x), select(greater(all, limit), large, small))};
}
Arrays area_cosine(const Arrays& xs, const EquationParams&) {
  if (is_complex(xs[0].dtype())) return {written_out::acosh(xs[0])};
  const Array &x = xs[0], one = ones_like(x);
  const Array limit = like(x, root_of_largest(x.dtype())), a = minimum(x, limit);
  const Array small = log(add(a, mul(sqrt(add(a, one)), sqrt(sub(a, one)))));
  const Array large = add(log(maximum(x, limit)), like(x, std::numbers::ln2));
  return {select(greater(x, limit), large, small)};
}
Arrays area_tangent(const Arrays& xs, const EquationParams&) {
  if (is_complex(xs[0].dtype())) return {written_out::atanh(xs[0])};
  return {mul(like(xs[0], 0.5), sub(log1p(xs[0]), log1p(neg(xs[0]))))};
}

Arrays pieces(const Arrays& xs, const EquationParams& params) {
  const auto& p = params.get<SplitParams>();
  Arrays out;
  std::int64_t at = 0;
  for (const auto size : p.sizes) {
    out.push_back(slice_in_dim(xs[0], at, at + size, 1, p.axis));
    at += size;
  }
  return out;
}

Arrays stacked(const Arrays& xs, const EquationParams& params) {
  const std::int64_t axis = params.get<AxisParam>().axis;
  Arrays rows;
  for (const Array& x : xs) {
    Shape shape = x.shape();
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), Dim(1));
    rows.push_back(reshape(x, shape));
  }
  return {concatenate(rows, axis)};
}
Arrays rows_of(const Arrays& xs, const EquationParams& params) {
  const std::int64_t axis = params.get<AxisParam>().axis, n = xs[0].shape().at(as_index(axis)).value();
  Arrays out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(squeeze(slice_in_dim(xs[0], i, i + 1, 1, axis), {axis}));
  return out;
}
Arrays tiled(const Arrays& xs, const EquationParams& params) {
  const Axes& reps = params.get<TileParams>().reps;
  Array x = xs[0];
  for (std::size_t i = 0; i < reps.size(); ++i) {
    const Arrays copies(as_index(std::max<std::int64_t>(reps[i], 0)), x);
    if (reps[i] == 1) continue;
    x = copies.empty() ? slice_in_dim(x, 0, 0, 1, static_cast<std::int64_t>(i))
                       : concatenate(copies, static_cast<std::int64_t>(i));
  }
  return {x};
}
Arrays nothing(const Arrays&, const EquationParams& params) {
  const auto& p = params.get<EmptyMemory>();
  return {zeros_of({p.dtype, p.shape, false})};
}

Arrays threefry_hash(const Arrays& xs, const EquationParams&) {
  const threefry::Words h = threefry::hash({xs[0], xs[1]}, xs[2], xs[3]);
  return {h.first, h.second};
}

template <Array (*F)(const Array&)>
Arrays unary(const Arrays& xs, const EquationParams&) {
  return {F(xs[0])};
}
template <Array (*F)(const Array&, const Array&)>
Arrays binary(const Arrays& xs, const EquationParams&) {
  return {F(xs[0], xs[1])};
}
Arrays incomplete_beta(const Arrays& xs, const EquationParams&) { return {written_out::betainc(xs[0], xs[1], xs[2])}; }

// One choice is as good as the other: the exact one.
Arrays exact_top_k(const Arrays& xs, const EquationParams& params) {
  const auto& p = params.get<ApproxTopK>();
  const std::int64_t last = xs[0].rank() - 1,
                     axis = normalize_axis(p.reduction_dimension, xs[0].rank(), "approx_top_k");
  const Array x = moveaxis(xs[0], axis, last), key = p.is_max_k ? x : neg(x);
  const Arrays found = top_k_p().bind({key}, TopK{p.k, last, true});
  return {moveaxis(p.is_max_k ? found[0] : neg(found[0]), last, axis), moveaxis(found[1], last, axis)};
}

ValueIds inlined(const Emission& e, Expand f) {
  return e.out.expanded([&](const Arrays& xs) { return f(xs, e.params); }, e.inputs, e.operands);
}

// As a composite of that name; operands are repeated to the shape of the result.
ValueIds composite(const Emission& e, const std::string& name, Expand f) {
  const Shape& shape = e.outputs[0].shape;
  Emission m = e;
  for (std::size_t i = 0; i < m.inputs.size(); ++i) {
    if (identical(m.inputs[i].shape, shape)) continue;
    m.operands[i] = e.out.expanded([&](const Arrays& xs) { return Arrays{rules::broadcast_like(xs[0], shape)}; },
                                   {m.inputs[i]}, {m.operands[i]})[0];
    m.inputs[i].shape = shape;
  }
  return e.out.composite(name, [&](const Arrays& xs) { return f(xs, e.params); }, m.inputs, m.operands, e.outputs);
}

// The composite that readers know a primitive by; empty when there is none.
std::string composite_name(std::string_view primitive) {
  for (const OpRow& row : special_rows())
    if (row.primitive && row.primitive().name() == primitive) return std::string(row.op);
  return {};
}

}  // namespace

void add_expansion_writers(Writers& t) {
  const std::pair<const char*, Expand> rows[] = {{"integer_pow", integer_power},
                                                 {"square", squared},
                                                 {"exp2", two_to_the},
                                                 {"log2", log_to_base_two},
                                                 {"asin", arc_sine},
                                                 {"acos", arc_cosine},
                                                 {"atan", arc_tangent},
                                                 {"sinh", hyperbolic_sine},
                                                 {"cosh", hyperbolic_cosine},
                                                 {"asinh", area_sine},
                                                 {"acosh", area_cosine},
                                                 {"atanh", area_tangent},
                                                 {"erf", unary<written_out::erf>},
                                                 {"erfc", unary<written_out::erfc>},
                                                 {"erf_inv", unary<written_out::erf_inv>},
                                                 {"lgamma", unary<written_out::lgamma>},
                                                 {"digamma", unary<written_out::digamma>},
                                                 {"bessel_i0e", unary<written_out::bessel_i0e>},
                                                 {"bessel_i1e", unary<written_out::bessel_i1e>},
                                                 {"nextafter", binary<written_out::nextafter>},
                                                 {"igamma", binary<written_out::igamma>},
                                                 {"igammac", binary<written_out::igammac>},
                                                 {"igamma_grad_a", binary<written_out::igamma_grad_a>},
                                                 {"random_gamma_grad", binary<written_out::random_gamma_grad>},
                                                 {"zeta", binary<written_out::zeta>},
                                                 {"polygamma", binary<written_out::polygamma>},
                                                 {"regularized_incomplete_beta", incomplete_beta},
                                                 {"approx_top_k", exact_top_k},
                                                 {"split", pieces},
                                                 {"stack", stacked},
                                                 {"unstack", rows_of},
                                                 {"tile", tiled},
                                                 {"empty2", nothing},
                                                 {"threefry2x32", threefry_hash},
                                                 {"one_minus_square", one_less_square}};
  for (const auto& [primitive, expand] : rows) {
    const std::string name = composite_name(primitive);
    const std::string own = "tf2jax." + std::string(primitive);  // with the values of this library
    const bool has_own = std::ranges::any_of(special_rows(), [&](const OpRow& row) { return row.op == own; });
    t[primitive] = [f = expand, name, complex_name = has_own ? own : name](const Emission& e) {
      const DType dtype = (e.inputs.empty() ? e.outputs : e.inputs)[0].dtype;
      const bool named = !name.empty() && is_inexact(dtype);
      return named ? composite(e, is_complex(dtype) ? complex_name : name, f) : inlined(e, f);
    };
  }
}

}  // namespace tf2jax::stablehlo
