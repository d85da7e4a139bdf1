// Numerical verification of derivatives and of vectorisation.
#include "tf2jax/testing/check_grads.h"

#include <cmath>
#include <random>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/batch.h"

namespace tf2jax::testing {

namespace {

Array random_like(const Array& x, std::mt19937_64& generator) {
  std::normal_distribution<double> normal;
  const auto draw = [&](DType d) {
    std::vector<double> v(x.size());
    for (double& e : v) e = normal(generator);
    const auto scope = override_config(&Config::enable_x64, true);  // keep f64 as drawn
    return astype(from_span<double>(v, x.dims()), d);
  };
  if (is_complex(x.dtype())) return complex(draw(real_dtype(x.dtype())), draw(real_dtype(x.dtype())));
  return draw(x.dtype());
}

// Real inner product of values and (co)tangents: JAX pairs complex numbers without conjugation.
double inner(const Arrays& a, const Arrays& b) {
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!is_inexact(a[i].dtype())) continue;
    const auto p = a[i].to_vector<complex128>(), q = b[i].to_vector<complex128>();
    for (std::size_t k = 0; k < p.size(); ++k) out += (p[k] * q[k]).real();
  }
  return out;
}

Arrays moved(const Arrays& x, const Arrays& direction, double step) {
  Arrays out;
  for (std::size_t i = 0; i < x.size(); ++i)
    out.push_back(is_inexact(x[i].dtype()) ? x[i] + astype(direction[i] * step, x[i].dtype()) : x[i]);
  return out;
}

DType coarsest(const Arrays& xs) {
  DType d = DType::f64;
  for (const Array& x : xs)
    if (is_inexact(x.dtype()) && itemsize(real_dtype(x.dtype())) < itemsize(d)) d = real_dtype(x.dtype());
  return d;
}

Tangents as_tangents(const Arrays& primals, const Arrays& tangents) {
  Tangents out;
  for (std::size_t i = 0; i < primals.size(); ++i)
    out.push_back(is_inexact(primals[i].dtype()) ? Tangent(tangents[i]) : Tangent::zero(primals[i].aval()));
  return out;
}

Arrays directional(const FlatFn& f, const Arrays& x, const Arrays& direction) {
  return detail::tangents_or_zeros(jvp_flat(f, x, as_tangents(x, direction)));
}

Arrays inexact_only(const Arrays& cts, const Arrays& like) {
  Arrays out;
  for (std::size_t i = 0; i < cts.size(); ++i)
    if (is_inexact(like[i].dtype())) out.push_back(cts[i]);
  return out;
}

}  // namespace

void check_grads_flat(const FlatFn& f, const Arrays& args, const GradCheck& o) {
  const DType dtype = coarsest(args);
  const bool fine = dtype == DType::f64, single = dtype == DType::f32;
  const double eps = o.eps > 0 ? o.eps : fine ? 1e-5 : single ? 5e-3 : 5e-2;
  const double rtol = o.rtol > 0 ? o.rtol : fine ? 1e-5 : single ? 2e-2 : 1e-1;
  const double atol = o.atol > 0 ? o.atol : fine ? 1e-7 : single ? 5e-3 : 1e-1;
  std::mt19937_64 generator(o.seed);
  Arrays direction, cotangent;
  for (const Array& x : args)
    direction.push_back(is_inexact(x.dtype()) ? random_like(x, generator) : zeros_of(x.aval().tangent()));
  const JvpResult forward = jvp_flat(f, args, as_tangents(args, direction));
  for (const Array& y : forward.primals)
    cotangent.push_back(is_inexact(y.dtype()) ? random_like(y, generator) : zeros_of(y.aval().tangent()));
  const Arrays slopes = detail::tangents_or_zeros(forward);
  const double analytic = inner(cotangent, slopes);
  const auto close = [&](double a, double b) {
    return std::abs(a - b) <= atol + rtol * std::max(std::abs(a), std::abs(b)) || (std::isnan(a) && std::isnan(b));
  };
  if (o.forward) {
    const Arrays high = f(moved(args, direction, eps)), low = f(moved(args, direction, -eps));
    const double numeric = (inner(cotangent, high) - inner(cotangent, low)) / (2 * eps);
    if (!close(numeric, analytic))
      throw Error(
          fmt::format("check_grads: forward mode disagrees with finite differences (order {}). Directional derivative: "
                      "numeric {}, jvp {}; step {}.",
                      o.order, numeric, analytic, eps));
  }
  if (o.reverse) {
    const Linearized l = linearize_flat(f, args);
    const Arrays cts = apply_pullback(l, cotangent);
    const double reverse = inner(inexact_only(cts, args), inexact_only(direction, args));
    if (!close(reverse, analytic))
      throw Error(
          fmt::format("check_grads: reverse mode disagrees with forward mode (order {}). <ct, J t>: jvp {}, vjp {}.",
                      o.order, analytic, reverse));
  }
  if (o.order <= 1) return;
  GradCheck next = o;
  --next.order;
  ++next.seed;
  if (o.forward) check_grads_flat([&](const Arrays& x) { return directional(f, x, direction); }, args, next);
  if (o.reverse)
    check_grads_flat(
        [&](const Arrays& x) { return inexact_only(apply_pullback(linearize_flat(f, x), cotangent), args); }, args,
        next);
}

void check_vmap_flat(const FlatFn& f, const Arrays& args, double rtol, double atol, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  Arrays second, stacked;
  for (const Array& x : args) {
    second.push_back(is_inexact(x.dtype()) ? astype(random_like(x, generator), x.dtype()) : x);
    stacked.push_back(stack({x, second.back()}));
  }
  const std::vector<Axis> axes(args.size(), 0);
  const BatchResult batched = vmap_flat(f, stacked, axes, 2);
  const Arrays one = f(args), two = f(second);
  for (std::size_t i = 0; i < one.size(); ++i) {
    const Array got = rules::to_front(batched.values[i], batched.axes[i], 2), want = stack({one[i], two[i]});
    if (!got.aval().matches(want.aval()))
      throw Error(fmt::format("check_vmap: output {} is {}; the loop gives {}.", i, got.aval(), want.aval()));
    const auto p = got.to_vector<complex128>(), q = want.to_vector<complex128>();
    for (std::size_t k = 0; k < p.size(); ++k) {
      const bool nan = std::isnan(p[k].real()) && std::isnan(q[k].real());
      if (!nan && p[k] != q[k] && !(std::abs(p[k] - q[k]) <= atol + rtol * std::abs(q[k])))
        throw Error(fmt::format("check_vmap: output {} differs at element {}: vmap {}, loop {}.", i, k, p[k].real(),
                                q[k].real()));
    }
  }
}

}  // namespace tf2jax::testing
