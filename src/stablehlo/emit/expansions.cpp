// Primitives that StableHLO has no operation for, in terms of those it has.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

#include <array>
#include <cmath>
#include <numbers>

namespace tf2jax::stablehlo {
namespace {

using Expand = Arrays (*)(const Arrays&, const EquationParams&);

Array like(const Array& x, double v) { return full_like(x, rules::scalar_of(x.dtype(), v)); }

void expect_real(const Array& x, const char* name) {
  check<NotImplementedError>(is_floating(x.dtype()), "stablehlo: primitive '{}' cannot be written for {}.", name,
                             x.dtype());
}

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
  const Array &x = xs[0], one = ones_like(x);
  expect_real(x, "asin");
  return {mul(like(x, 2), atan2(x, add(one, sqrt(mul(sub(one, x), add(one, x))))))};
}
Arrays arc_cosine(const Arrays& xs, const EquationParams&) {
  const Array &x = xs[0], one = ones_like(x);
  expect_real(x, "acos");
  const Array y = mul(like(x, 2), atan2(sqrt(mul(sub(one, x), add(one, x))), add(one, x)));
  return {select(equal(x, neg(one)), like(x, std::numbers::pi), y)};
}
Arrays arc_tangent(const Arrays& xs, const EquationParams&) {
  expect_real(xs[0], "atan");
  return {atan2(xs[0], ones_like(xs[0]))};
}

// Half of exp(x) is exp(x - log 2), which does not overflow early; near 0 the difference is by expm1.
Arrays hyperbolic_sine(const Arrays& xs, const EquationParams&) {
  const Array& x = xs[0];
  expect_real(x, "sinh");
  const Array half = like(x, -std::numbers::ln2), m = expm1(clamp(like(x, -1), x, like(x, 1)));
  const Array large = sub(exp(add(x, half)), exp(sub(half, x)));
  const Array small = mul(like(x, 0.5), add(m, div(m, add(m, ones_like(x)))));
  return {select(less(abs(x), ones_like(x)), small, large)};
}
Arrays hyperbolic_cosine(const Arrays& xs, const EquationParams&) {
  const Array& x = xs[0];
  expect_real(x, "cosh");
  const Array half = like(x, -std::numbers::ln2);
  return {add(exp(add(x, half)), exp(sub(half, x)))};
}

// Where x^2 would overflow, log(2 |x|).
double root_of_largest(DType d) { return d == DType::f64 ? 1e154 : d == DType::f16 ? 200.0 : 1e19; }
Arrays area_sine(const Arrays& xs, const EquationParams&) {
  const Array &x = xs[0], one = ones_like(x), all = abs(x);
  expect_real(x, "asinh");
  const Array limit = like(x, root_of_largest(x.dtype())), a = minimum(all, limit);
  const Array small = log1p(add(a, div(mul(a, a), add(one, sqrt(add(mul(a, a), one))))));
  const Array large = add(log(maximum(all, limit)), like(x, std::numbers::ln2));
  return {mul(sign(x), select(greater(all, limit), large, small))};
}
Arrays area_cosine(const Arrays& xs, const EquationParams&) {
  const Array &x = xs[0], one = ones_like(x);
  expect_real(x, "acosh");
  const Array limit = like(x, root_of_largest(x.dtype())), a = minimum(x, limit);
  const Array small = log(add(a, mul(sqrt(add(a, one)), sqrt(sub(a, one)))));
  const Array large = add(log(maximum(x, limit)), like(x, std::numbers::ln2));
  return {select(greater(x, limit), large, small)};
}
Arrays area_tangent(const Arrays& xs, const EquationParams&) {
  expect_real(xs[0], "atanh");
  return {mul(like(xs[0], 0.5), sub(log1p(xs[0]), log1p(neg(xs[0]))))};
}

Array polynomial(const Array& x, std::span<const double> coefficients) {
  Array out = like(x, coefficients[0]);
  for (const double c : coefficients.subspan(1)) out = add(mul(out, x), like(x, c));
  return out;
}

// A rational function of x^2 on [-4, 4], where erf is 1 in single precision.
Arrays error_function(const Arrays& xs, const EquationParams&) {
  check<NotImplementedError>(is_floating(xs[0].dtype()) && xs[0].dtype() != DType::f64,
                             "stablehlo: primitive 'erf' cannot be written for {}.", xs[0].dtype());
  constexpr std::array kOver{-2.72614225801306e-10, 2.77068142495902e-08,  -2.10102402082508e-06, -5.69250639462346e-05,
                             -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02};
  constexpr std::array kUnder{-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
                              -7.37332916720468e-03, -1.42647390514189e-02};
  const DType given = xs[0].dtype();
  const Array x =
      clamp(rules::scalar_of(DType::f32, -4.0), rules::as_dtype(xs[0], DType::f32), rules::scalar_of(DType::f32, 4.0));
  const Array square = mul(x, x);
  return {rules::as_dtype(div(mul(x, polynomial(square, kOver)), polynomial(square, kUnder)), given)};
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

// Twenty rounds on two words, with a word of the key mixed in after every fourth.
Arrays threefry(const Arrays& xs, const EquationParams&) {
  constexpr int kTurns[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const Array parity = like(xs[0], 0);
  const std::uint32_t constant = 0x1BD11BDAu;
  const Array word = detail::exact_array(Aval{DType::u32, {}, false}, std::as_bytes(std::span(&constant, 1)));
  const Array keys[3] = {xs[0], xs[1], bitwise_xor(bitwise_xor(xs[0], xs[1]), add(parity, word))};
  Array a = add(xs[2], keys[0]), b = add(xs[3], keys[1]);
  for (int group = 0; group < 5; ++group) {
    for (const int turn : kTurns[group % 2]) {
      a = add(a, b);
      const Array left = shift_left(b, like(b, turn)), right = shift_right_logical(b, like(b, 32 - turn));
      b = bitwise_xor(a, bitwise_or(left, right));
    }
    a = add(a, keys[(group + 1) % 3]);
    b = add(b, add(keys[(group + 2) % 3], like(b, group + 1)));
  }
  return {a, b};
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
                                                 {"erf", error_function},
                                                 {"split", pieces},
                                                 {"stack", stacked},
                                                 {"unstack", rows_of},
                                                 {"tile", tiled},
                                                 {"empty2", nothing},
                                                 {"threefry2x32", threefry},
                                                 {"one_minus_square", one_less_square}};
  for (const auto& [primitive, expand] : rows)
    t[primitive] = [f = expand](const Emission& e) {
      return e.out.expanded([&](const Arrays& xs) { return f(xs, e.params); }, e.inputs, e.operands);
    };
}

}  // namespace tf2jax::stablehlo
