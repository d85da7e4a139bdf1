// Every registered primitive has a row here: its derivatives agree with finite differences, its batching with a loop,
// and its rules exist, or an exception says why not.
#include <gtest/gtest.h>
#include <tf2jax/control/reduce_program.h>
#include <tf2jax/ops/conv.h>
#include <tf2jax/ops/fft.h>
#include <tf2jax/ops/misc.h>
#include <tf2jax/ops/sort.h>
#include <tf2jax/ops/special.h>
#include <tf2jax/ops/window.h>
#include <tf2jax/tf2jax.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tf2jax/ops/internal/condensed_forms.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/jvp.h"

using namespace tf2jax;

namespace {

// Compiled loops contract a * b + c and have their own exp, log, …, each within 2 units in the last place of f64; what
// follows in a row (a reduction, a difference) may enlarge that.
void expect_few_ulps(const Array& got, const Array& want, const std::string& what) {
  ASSERT_EQ(got.aval().matches(want.aval()), true) << what;
  if (!is_inexact(want.dtype())) {
    EXPECT_TRUE(std::ranges::equal(got.bytes(), want.bytes())) << what;
    return;
  }
  const auto x = got.to_vector<complex128>(), y = want.to_vector<complex128>();
  const double tolerance = itemsize(real_dtype(want.dtype())) == 8 ? 1e-13 : 2e-6;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool same = x[i] == y[i] || (std::isnan(std::abs(x[i])) && std::isnan(std::abs(y[i])));
    EXPECT_TRUE(same || std::abs(x[i] - y[i]) <= tolerance * (1 + std::abs(y[i])))
        << what << " element " << i << ": got " << x[i] << ", expected " << y[i];
  }
}

struct Row {
  std::string primitive;
  FlatFn f;
  Arrays args;
  int order = 2;  // 0: not differentiable, values only
  bool vmap = true;
};

Array v(std::initializer_list<double> values, const Shape& shape) {
  const std::vector<double> flat(values);
  return reshape(from_span<double>(std::span<const double>(flat), {static_cast<std::int64_t>(flat.size())}), shape);
}
// Distinct values, away from kinks and poles.
Array positive() { return v({0.31, 0.52, 0.87, 0.64, 0.23, 0.45}, {2, 3}); }
Array mixed() { return v({0.9, -0.5, 0.3, -0.7, 0.2, 0.6}, {2, 3}); }
Array cube() { return v({0.4, -0.3, 0.8, 1.1, -0.6, 0.2, 0.7, -0.9, 0.5, 1.3, -0.2, 0.1}, {2, 3, 2}); }
Array z() { return complex(mixed(), positive()); }
Array ints() { return array<std::int64_t>({{3, -5, 7}, {2, 9, -4}}); }
Array flags() { return array<bool>({{true, false, true}, {false, false, true}}); }

// Appends rows for functions of one (two) arrays. Function pointers pick the Array overload of sin, exp, …
struct One {
  std::vector<Row>& rows;
  template <class F>
  void operator()(const char* name, F f, Array x, int order = 2) const {
    rows.push_back({name, [f](const Arrays& a) { return Arrays{f(a[0])}; }, {std::move(x)}, order});
  }
  void operator()(const char* name, Array (*f)(const Array&), Array x, int order = 2) const {
    this->operator()<Array (*)(const Array&)>(name, f, std::move(x), order);
  }
};
struct Two {
  std::vector<Row>& rows;
  template <class F>
  void operator()(const char* name, F f, Array x, Array y, int order = 2) const {
    rows.push_back({name, [f](const Arrays& a) { return Arrays{f(a[0], a[1])}; }, {std::move(x), std::move(y)}, order});
  }
  using Pointer = Array (*)(const Array&, const Array&);
  void operator()(const char* name, Pointer f, Array x, Array y, int order = 2) const {
    this->operator()<Pointer>(name, f, std::move(x), std::move(y), order);
  }
};

std::vector<Row> rows() {
  std::vector<Row> out;
  const One one{out};
  const Two two{out};
  // Elementwise, one operand.
  one("neg", neg, mixed());
  one("sign", sign, mixed());
  one("floor", floor, mixed());
  one("ceil", ceil, mixed());
  one("round", round, mixed() * 0.9);
  one("exp", exp, mixed());
  one("exp", exp, z());
  one("exp2", exp2, mixed());
  one("expm1", expm1, mixed());
  one("log", log, positive());
  one("log", log, z());
  one("log2", log2, positive());
  one("log1p", log1p, positive());
  one("tanh", tanh, mixed());
  one("tanh", tanh, z());
  one("logistic", logistic, mixed());
  one("sin", sin, mixed());
  one("sin", sin, z());
  one("cos", cos, mixed());
  one("tan", tan, mixed());
  one("asin", asin, positive());
  one("acos", acos, positive());
  one("atan", atan, mixed());
  one("sinh", sinh, mixed());
  one("cosh", cosh, mixed());
  one("asinh", asinh, mixed());
  one("acosh", acosh, positive() + 1.5);
  one("atanh", atanh, positive());
  one("sqrt", sqrt, positive());
  one("rsqrt", rsqrt, positive());
  one("cbrt", cbrt, positive());
  one("square", square, mixed());
  one("one_minus_square", one_minus_square, mixed());
  one("integer_pow", [](const Array& x) { return integer_pow(x, 3); }, mixed());
  one("integer_pow", [](const Array& x) { return integer_pow(x, -2); }, positive());
  one("abs", abs, mixed());
  one("abs", abs, z(), 1);
  one("real", real, z());
  one("imag", imag, z());
  one("conj", conj, z());
  one("erf", erf, mixed());
  one("erfc", erfc, mixed());
  one("erf_inv", erf_inv, mixed());
  one("lgamma", lgamma, positive() + 1.0);
  one("digamma", digamma, positive());
  one("copy", [](const Array& x) { return copy_p().bind1({x}); }, mixed());
  one("stop_gradient", stop_gradient, mixed(), 0);
  one("is_finite", is_finite, mixed(), 0);
  one("not", bitwise_not, ints(), 0);
  one("population_count", population_count, ints(), 0);
  one("clz", clz, ints(), 0);
  one("convert_element_type", [](const Array& x) { return convert_element_type(x, f32); }, mixed(), 0);
  one(
      "convert_element_type", [](const Array& x) { return convert_element_type(convert_element_type(x, c128), c64); },
      mixed(), 0);
  one("bitcast_convert_type", [](const Array& x) { return bitcast_convert_type(x, i64); }, mixed(), 0);
  one("reduce_precision", [](const Array& x) { return reduce_precision(x, 11, 52); }, mixed());
  // Elementwise, several operands, with broadcasting.
  two("add", add, mixed(), positive());
  two("add", add, mixed(), v({0.5, 1.5, -1.0}, {3}));
  two("sub", sub, v({0.7}, {}), mixed());
  two("mul", mul, mixed(), positive());
  two("mul", mul, z(), z() + 0.5);
  two("mul", mul, mixed(), v({0.2, -0.4}, {2, 1}));
  two("div", div, mixed(), positive());
  two("rem", rem, mixed() * 3.0, positive() + 1.0);
  two("max", maximum, mixed(), positive() - 0.4);
  two("min", minimum, mixed(), positive() - 0.4);
  two("pow", pow, positive(), mixed());
  two("atan2", atan2, mixed(), positive());
  two("add_any", [](const Array& x, const Array& y) { return add_any_p().bind1({x, y}); }, mixed(), positive());
  two("complex", complex, mixed(), positive());
  two("nextafter", nextafter, mixed(), positive(), 0);
  two("and", bitwise_and, ints(), ints() + 1, 0);
  two("or", bitwise_or, ints(), ints() + 1, 0);
  two("xor", bitwise_xor, ints(), ints() + 1, 0);
  two("shift_left", shift_left, ints(), ints(), 0);
  two("shift_right_logical", shift_right_logical, ints(), ints(), 0);
  two("shift_right_arithmetic", shift_right_arithmetic, ints(), abs(ints()), 0);
  for (const auto& [name, f] : std::initializer_list<std::pair<const char*, Two::Pointer>>{
           {"eq", equal}, {"ne", not_equal}, {"ge", greater_equal}, {"gt", greater}, {"le", less_equal}, {"lt", less}})
    two(name, f, mixed(), positive(), 0);
  for (const auto& [name, p] : std::initializer_list<std::pair<const char*, PrimitiveFn>>{
           {"eq_to", eq_to_p}, {"le_to", le_to_p}, {"lt_to", lt_to_p}})
    two(name, [p = p](const Array& x, const Array& y) { return p().bind1({x, y}); }, mixed(), positive(), 0);
  out.push_back({"clamp",
                 [](const Arrays& x) { return Arrays{clamp(x[0], x[1], x[2])}; },
                 {v({-0.4}, {}), mixed(), v({0.5}, {})}});
  out.push_back(
      {"select_n", [](const Arrays& x) { return Arrays{select(flags(), x[0], x[1])}; }, {mixed(), positive()}});
  out.push_back({"select_n",
                 [](const Arrays& x) { return Arrays{select(greater(x[0], 0), x[0] * x[1], x[1])}; },
                 {mixed(), positive()}});
  // Special functions and transforms.
  two("igamma", igamma, positive() + 1.0, positive() * 3.0, 1);
  two("igammac", igammac, positive() + 1.0, positive() * 3.0, 1);
  two("random_gamma_grad", random_gamma_grad, positive() + 1.0, positive(), 0);
  two("igamma_grad_a", igamma_grad_a, positive() + 1.0, positive(), 0);
  two("zeta", zeta, positive() + 1.5, positive(), 0);
  one("polygamma", [](const Array& x) { return polygamma(ones_like(x), x); }, positive());
  one(
      "regularized_incomplete_beta", [](const Array& x) { return betainc(full_like(x, 1.5), full_like(x, 2.5), x); },
      positive());
  one("bessel_i0e", bessel_i0e, mixed());
  one("bessel_i1e", bessel_i1e, mixed());
  one("fft", [](const Array& x) { return fft(x, FftType::fft, {2, 3}); }, z());
  one("fft", [](const Array& x) { return fft(x, FftType::ifft, {3}); }, z());
  one("fft", [](const Array& x) { return fft(x, FftType::rfft, {2, 3}); }, mixed());
  one("fft", [](const Array& x) { return fft(x, FftType::irfft, {4}); }, z());
  one(
      "reduce",
      [](const Array& x) {
        const Array operands[] = {x}, inits[] = {v({1}, {})};
        return reduce(operands, inits, [](const Arrays& a) { return Arrays{a[0] * a[1]}; }, {1})[0];
      },
      mixed());
  one(
      "reduce_window",
      [](const Array& x) {
        const Array operands[] = {x}, inits[] = {v({1}, {})};
        return reduce_window(operands, inits, [](const Arrays& a) { return Arrays{a[0] * a[1]}; },
                             {.window_dimensions = {1, 2}})[0];
      },
      mixed());
  // Data movement.
  one("broadcast_in_dim", [](const Array& x) { return broadcast_in_dim(x, {2, 4, 3}, {0, 2}); }, mixed());
  one("broadcast_in_dim", [](const Array& x) { return broadcast_in_dim(x, {3, 2}, {0, 1}); }, v({1, 2, 3}, {3, 1}));
  one("reshape", [](const Array& x) { return reshape(x, {3, -1}); }, mixed());
  one("squeeze", [](const Array& x) { return squeeze(x, {1}); }, reshape(mixed(), {2, 1, 3}));
  one("transpose", [](const Array& x) { return transpose(x, {2, 0, 1}); }, cube());
  one("rev", [](const Array& x) { return rev(x, {1}); }, mixed());
  two("concatenate", [](const Array& x, const Array& y) { return concatenate({x, y}, 1); }, mixed(), positive());
  two("pad", [](const Array& x, const Array& y) { return pad(x, y, {{1, -1, 0}, {0, 2, 1}}); }, mixed(), v({0.3}, {}));
  one("slice", [](const Array& x) { return slice(x, {0, 1}, {2, 3}, {1, 2}); }, mixed());
  one("slice", [](const Array& x) { return x(1, slice(2, {}, -1)); }, mixed());
  one(
      "dynamic_slice",
      [](const Array& x) {
        const Array start[] = {1, 5};
        return dynamic_slice(x, start, {1, 2});
      },
      mixed());
  two(
      "dynamic_slice",
      [](const Array& x, const Array& i) {
        const Array start[] = {i, i};
        return dynamic_slice(x, start, {1, 2});
      },
      mixed(), array<std::int64_t>(1));
  two(
      "dynamic_update_slice",
      [](const Array& x, const Array& y) {
        const Array start[] = {0, 1};
        return dynamic_update_slice(x, y, start);
      },
      mixed(), v({7, 8}, {1, 2}));
  out.push_back({"dynamic_update_slice",
                 [](const Arrays& x) {
                   const Array start[] = {x[2], x[2]};
                   return Arrays{dynamic_update_slice(x[0], x[1], start)};
                 },
                 {mixed(), v({7, 8}, {1, 2}), array<std::int64_t>(1)}});
  one("iota", [](const Array& x) { return x + iota(f64, {2, 3}, 1); }, mixed());
  out.push_back({"split", [](const Arrays& x) { return split(x[0], {1, 2}, 1); }, {mixed()}});
  two(
      "stack", [](const Array& x, const Array& y) { return stack_p().bind1({x, y}, AxisParam{1}); }, mixed(),
      positive());
  out.push_back({"unstack", [](const Arrays& x) { return unstack_p().bind({x[0]}, AxisParam{1}); }, {mixed()}});
  one("tile", [](const Array& x) { return tile_p().bind1({x}, TileParams{{2, 3}}); }, mixed());
  one("psum", [](const Array& x) { return psum_p().bind1({x}, PositionalAxes{{1}}); }, mixed());
  one("pmax", [](const Array& x) { return pmax_p().bind1({x}, PositionalAxes{{1}}); }, mixed());
  one("pmin", [](const Array& x) { return pmin_p().bind1({x}, PositionalAxes{{0}}); }, mixed());
  one("device_put", [](const Array& x) { return device_put_p().bind1({x}, DevicePut{}); }, mixed());
  out.push_back(
      {"optimization_barrier", [](const Arrays& x) { return optimization_barrier(x); }, {mixed(), positive()}});
  one("empty2", [](const Array& x) { return x + empty2_p().bind({}, EmptyMemory{f64, {2, 3}})[0]; }, mixed());
  one("reshape", [](const Array& x) { return reshape_p().bind1({x}, ReshapeParams{{6}, Axes{1, 0}}); }, mixed());
  // Reductions.
  one("reduce_sum", [](const Array& x) { return reduce_sum(x, {0, 2}); }, cube());
  one("reduce_prod", [](const Array& x) { return reduce_prod(x, {1}); }, mixed());
  one("reduce_max", [](const Array& x) { return reduce_max(x, {1}); }, mixed());
  one("reduce_min", [](const Array& x) { return reduce_min(x, {0}); }, mixed());
  one("reduce_and", [](const Array& x) { return reduce_and(x, {1}); }, flags(), 0);
  one("reduce_or", [](const Array& x) { return reduce_or(x, {1}); }, flags(), 0);
  one("reduce_xor", [](const Array& x) { return reduce_xor(x, {1}); }, ints(), 0);
  one("argmax", [](const Array& x) { return argmax(x, 1); }, mixed(), 0);
  one("argmin", [](const Array& x) { return argmin(x, 1); }, mixed(), 0);
  one("cumsum", [](const Array& x) { return cumsum(x, 1, true); }, mixed());
  one("cumprod", [](const Array& x) { return cumprod(x, 1); }, mixed());
  one("cummax", [](const Array& x) { return cummax(x, 1); }, mixed());
  one("cummin", [](const Array& x) { return cummin(x, 0, true); }, mixed());
  one("cumlogsumexp", [](const Array& x) { return cumlogsumexp(x, 1); }, mixed());
  // Windows, sorting, indexing.
  const Window window{.window_dimensions = {2, 2},
                      .window_strides = {1, 1},
                      .padding = {{0, 0}, {1, 0}},
                      .base_dilation = {1, 1},
                      .window_dilation = {1, 1}};
  one("reduce_window_sum", [=](const Array& x) { return reduce_window_sum(x, window); }, mixed());
  one("reduce_window_max", [=](const Array& x) { return reduce_window_max(x, window); }, mixed());
  one("reduce_window_min", [=](const Array& x) { return reduce_window_min(x, window); }, mixed());
  one(
      "select_and_scatter_add",
      [=](const Array& x) {
        return grad([=](const Array& y) { return sum(square(reduce_window_max(y, window))); })(x);
      },
      mixed(), 1);
  one(
      "select_and_gather_add",
      [=](const Array& x) {
        return jvp([=](const Array& y) { return reduce_window_max(y, window); }, {x}, {x * x}).second;
      },
      mixed(), 1);
  one("sort", [](const Array& x) { return sort(x, 1); }, mixed());
  out.push_back({"top_k", [](const Arrays& x) { return Arrays{top_k(x[0], 2).first}; }, {mixed()}});
  out.push_back({"approx_top_k", [](const Arrays& x) { return Arrays{approx_max_k(x[0], 2).first}; }, {mixed()}});
  const Array rows_taken = array<std::int64_t>({1, 0, 1});
  one("gather", [=](const Array& x) { return take(x, rows_taken, 1); }, mixed());
  two("gather", [](const Array& x, const Array& i) { return take(x, i, 0); }, mixed(), array<std::int64_t>({1, 0}));
  const ScatterDims onto_rows{{1}, {0}, {0}, {}, {}};
  const Array two_rows = array<std::int64_t>({{1}, {0}}), same_row = array<std::int64_t>({{1}, {1}});
  GatherOptions unique;
  unique.unique_indices = true;
  two(
      "scatter", [=](const Array& x, const Array& y) { return scatter(x, two_rows, y, onto_rows, unique); }, mixed(),
      positive());
  two(
      "scatter-add", [=](const Array& x, const Array& y) { return scatter_add(x, same_row, y, onto_rows); }, mixed(),
      positive());
  two(
      "scatter-sub", [=](const Array& x, const Array& y) { return scatter_sub(x, same_row, y, onto_rows); }, mixed(),
      positive());
  two(
      "scatter-mul", [=](const Array& x, const Array& y) { return scatter_mul(x, two_rows, y, onto_rows, unique); },
      mixed(), positive());
  two(
      "scatter-min", [=](const Array& x, const Array& y) { return scatter_min(x, two_rows, y, onto_rows); }, mixed(),
      positive() - 0.3);
  two(
      "scatter-max", [=](const Array& x, const Array& y) { return scatter_max(x, two_rows, y, onto_rows); }, mixed(),
      positive() - 0.3);
  // Contractions.
  two("dot_general", matmul, mixed(), transpose(positive()));
  two(
      "dot_general", [](const Array& x, const Array& y) { return einsum("bij,bkj->bik", {x, y}); }, cube(),
      cube() * 0.5);
  ConvParams strided;
  strided.window_strides = {2};
  strided.padding = {{1, 1}};
  two(
      "conv_general_dilated", [=](const Array& x, const Array& k) { return conv_general_dilated(x, k, strided); },
      reshape(cube(), {1, 2, 6}), reshape(cube(), {2, 2, 3}));
  ConvParams grouped;
  grouped.feature_group_count = 2;
  grouped.rhs_dilation = {2};
  two(
      "conv_general_dilated", [=](const Array& x, const Array& k) { return conv_general_dilated(x, k, grouped); },
      reshape(cube(), {1, 2, 6}), v({0.3, -0.4, 0.5, 0.6}, {2, 1, 2}));
  // Linear algebra: the inputs are made positive definite, or triangular, inside.
  const auto definite = [](const Array& x) { return matmul(x, swapaxes(x, -1, -2)) + 2.0 * eye(2, {}, f64); };
  one("cholesky", [=](const Array& x) { return cholesky(definite(x)); }, mixed());
  two(
      "triangular_solve", [](const Array& a, const Array& b) { return triangular_solve(a, b); },
      v({1.5, 0.3, -0.4, 0.8}, {2, 2}), mixed());
  two(
      "triangular_solve",
      [](const Array& a, const Array& b) {
        return triangular_solve(a, b, {.left_side = false, .lower = false, .transpose_a = true});
      },
      v({1.5, 0.3, -0.4, 0.8}, {2, 2}), transpose(mixed()));
  out.push_back({"eigh",
                 [=](const Arrays& x) {
                   auto [vectors, values] = eigh(definite(x[0]));
                   return Arrays{square(vectors), values};
                 },
                 {mixed()}});
  one("lu", [](const Array& x) { return lu(x).lu; }, v({1.5, 0.3, -0.4, 0.8}, {2, 2}));
  one("qr", [](const Array& x) { return qr(x).second; }, v({1.5, 0.3, -0.4, 0.8}, {2, 2}));
  one("svd", [](const Array& x) { return svdvals(x); }, v({1.5, 0.3, -0.4, 0.8}, {2, 2}));
  one("eig", [=](const Array& x) { return real(eigvals(definite(x))); }, mixed());
  const Array any = v({1.5, 0.3, -0.4, 0.8, -1.1, 0.2, 0.5, 0.9, 2.0}, {3, 3});
  one("schur", [](const Array& x) { return schur_p().bind({x}, SchurParams{})[0]; }, any, 0);
  one("hessenberg", [](const Array& x) { return hessenberg_p().bind({x})[0]; }, any, 0);
  one("tridiagonal", [](const Array& x) { return tridiagonal_p().bind({x}, TridiagonalParams{})[1]; }, any, 0);
  // Calls and control flow.
  const auto wave = [](const Array& x) { return sin(x) * x; };
  one("jit", jit(wave), mixed());
  one("remat2", checkpoint(wave), mixed());
  one("custom_jvp_call", custom_jvp(wave).defjvp([](auto p, auto t) {
    const Array x = std::get<0>(p), d = std::get<0>(t);
    return std::pair{sin(x) * x, d * (cos(x) * x + sin(x))};
  }),
      mixed());
  one(
      "cond",
      [wave](const Array& x) { return cond(greater(x(0, 0), 0), wave, [](const Array& y) { return y * y; }, x); },
      mixed());
  one(
      "cond",
      [](const Array& x) {
        return switch_case(Array(1),
                           std::vector<std::function<Array(const Array&)>>{[](const Array& y) { return y; },
                                                                           [](const Array& y) { return exp(y); }},
                           x);
      },
      mixed());
  two(
      "scan",
      [](const Array& w, const Array& xs) {
        auto [carry, ys] = scan(
            [&](const Array& c, const Array& x) {
              Array n = tanh(c * w + x);
              return std::pair{n, n * x};
            },
            zeros({3}, f64), xs);
        return concatenate({expand_dims(carry, {0}), ys}, 0);
      },
      v({0.3, 0.6, -0.2}, {3}), mixed());
  one(
      "scan",
      [](const Array& x) {
        return fori_loop(0, 3, [](const Array& i, const Array& c) { return sin(c) + astype(i, f64) * c; }, x);
      },
      mixed());
  return out;
}

// Primitives without a row, with the reason.
const std::map<std::string, std::string>& without_row() {
  static const std::map<std::string, std::string> reasons{
      {"while", "no reverse mode; see tests/control"},
      {"custom_vjp_call", "no forward mode; see tests/transforms"},
      {"custom_lin", "internal to custom_vjp_call; see tests/transforms"},
      {"threefry2x32", "random bits; see the prng golden cases"},
      {"random_seed", "random bits; see the prng golden cases"},
      {"random_wrap", "random bits; see the prng golden cases"},
      {"random_unwrap", "random bits; see the prng golden cases"},
      {"random_bits", "random bits; see the prng golden cases"},
      {"random_split", "random bits; see the prng golden cases"},
      {"random_fold_in", "random bits; see the prng golden cases"},
      {"random_clone", "random bits; see the prng golden cases"},
      {"random_gamma", "random bits; see the prng golden cases"},
      {"rng_bit_generator", "random bits; see the golden cases"},
      {"iota_2x32_shape", "takes no operand; see the golden cases"},
      {"prevent_gradient", "derivatives throw by design; see tests/tf_import"}};
  return reasons;
}

// All rows, made where doubles are doubles.
const std::vector<Row>& all_rows() {
  static const std::vector<Row> made = [] {
    const auto x64 = override_config(&Config::enable_x64, true);
    return rows();
  }();
  return made;
}
std::set<std::string> primitives_with_rows() {
  std::set<std::string> names;
  for (const Row& r : all_rows()) names.insert(r.primitive);
  return names;
}

// One test of each kind for each primitive: Rules.DerivativesAgreeWithFiniteDifferences/sinh, ….
class Rules : public ::testing::TestWithParam<std::string> {
 protected:
  template <class F>
  void for_rows(const F& check) const {
    for (const Row& r : all_rows())
      if (r.primitive == GetParam()) check(r);
  }

 private:
  ConfigScope x64_ = override_config(&Config::enable_x64, true);
};

}  // namespace

TEST(RuleTable, EveryPrimitiveHasARowOrAReason) {
  const std::set<std::string> covered = primitives_with_rows();
  for (const Primitive& p : registered_primitives())
    EXPECT_TRUE(covered.count(p.name()) || without_row().count(p.name()))
        << "'" << p.name() << "' has neither a row in rows() nor a reason in without_row()";
}

TEST(RuleTable, EveryPrimitiveIsEvaluatedAndBatched) {
  for (const Primitive& p : registered_primitives()) {
    EXPECT_TRUE(p.rules().operands.declared) << p.name() << " does not say how many operands it takes";
    EXPECT_TRUE(p.rules().aval) << p.name() << " has no aval rule";
    EXPECT_TRUE(p.rules().impl || default_backend().kernel(p)) << p.name() << " has no kernel";
    EXPECT_TRUE(p.rules().batch) << p.name() << " has no batching rule";
  }
}

TEST_P(Rules, RowsUseTheirPrimitive) {
  for_rows([](const Row& r) {
    Avals avals;
    for (const Array& x : r.args) avals.push_back(x.aval());
    EXPECT_NE(to_string(stage(r.f, avals)).find(r.primitive), std::string::npos);
  });
}

TEST_P(Rules, DerivativesAgreeWithFiniteDifferences) {
  for_rows([](const Row& r) {
    if (r.order == 0) return;
    EXPECT_NO_THROW(tf2jax::testing::check_grads_flat(r.f, r.args, {.order = r.order}));
  });
}

TEST_P(Rules, BatchingAgreesWithALoop) {
  for_rows([](const Row& r) {
    if (!r.vmap) return;
    EXPECT_NO_THROW(tf2jax::testing::check_vmap_flat(r.f, r.args, 1e-10, 1e-12));
    if (r.order == 0) return;
    // Batched derivatives too.
    const FlatFn slope = [&](const Arrays& x) {
      Tangents t;
      for (const Array& a : x) t.push_back(is_inexact(a.dtype()) ? Tangent(ones_like(a)) : Tangent::zero(a.aval()));
      return detail::tangents_or_zeros(jvp_flat(r.f, x, t));
    };
    EXPECT_NO_THROW(tf2jax::testing::check_vmap_flat(slope, r.args, 1e-8, 1e-10));
  });
}

TEST_P(Rules, StagedProgramsAreWellFormedAndEvaluateAlike) {
  for_rows([](const Row& r) {
    Avals avals;
    for (const Array& x : r.args) avals.push_back(x.aval());
    const Jaxpr program = stage(r.f, avals);
    EXPECT_NO_THROW(check_jaxpr(program));
    const Arrays direct = r.f(r.args), evaluated = eval_jaxpr(program, r.args),
                 compiled_out = compiled(program)->run(r.args);
    for (std::size_t i = 0; i < direct.size(); ++i) {
      EXPECT_TRUE(std::ranges::equal(direct[i].bytes(), evaluated[i].bytes()));
      expect_few_ulps(compiled_out[i], direct[i], r.primitive);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(, Rules, ::testing::ValuesIn(primitives_with_rows()), [](const auto& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});
