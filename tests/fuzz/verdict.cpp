// Tolerances follow the coarsest type that a program computes with. What differs by more is put to a second test: the
// judge repeats the program with errors of a rounding or two after each operation, and where its own results then
// change about as much, nothing is wrong (stochastic arithmetic: Vignes, "A stochastic arithmetic for reliable
// scientific computation", 1993).
#include "verdict.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "noise.h"

namespace tf2jax::fuzz {

namespace {

double coarsest(const Jaxpr& program) {
  double p = 0x1p-52;
  for (const Aval& a : program->vars)
    if (is_inexact(a.dtype)) p = std::max(p, epsilon(a.dtype));
  for (const Equation& e : program->eqns)
    for (const Jaxpr& inner : nested_jaxprs(e.params)) p = std::max(p, coarsest(inner));
  return p;
}

std::vector<double> numbers(const Array& x) {
  if (!is_complex(x.dtype())) return x.to_vector<double>();
  auto out = real(x).to_vector<double>();
  auto im = imag(x).to_vector<double>();
  for (std::size_t i = 0; i < im.size();
       ++i)  // which parts of a product are infinite and which are no number is not defined
    if (!std::isfinite(out[i]) || !std::isfinite(im[i])) out[i] = im[i] = std::nan("");
  out.insert(out.end(), im.begin(), im.end());
  return out;
}

bool same(double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); }

// How far got is from want, in units of what is allowed; infinite where one is no number.
double worst(const std::vector<double>& got, const std::vector<double>& want, double tolerance) {
  double scale = 0, most = 0;
  for (const double w : want)
    if (std::isfinite(w)) scale = std::max(scale, std::abs(w));
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (same(got[i], want[i])) continue;
    const double allowed = tolerance * (std::abs(want[i]) + 0.1 * scale + 1e-3);
    const double off = std::abs(got[i] - want[i]) / allowed;
    most = std::max(most, std::isfinite(got[i]) && std::isfinite(want[i]) ? off : HUGE_VAL);
  }
  return most;
}

struct Difference {
  std::size_t output = 0;
  double size = 0;
};

std::optional<Difference> difference(const Arrays& got, const Arrays& want, double tolerance) {
  std::optional<Difference> out;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double d = worst(numbers(got[i]), numbers(want[i]), is_inexact(want[i].dtype()) ? tolerance : 0x1p-60);
    if (d > 1 && (!out || d > out->size)) out = {i, d};
  }
  return out;
}

// Whether products of some of the elements leave the range of their type.
bool product_may_overflow(const Array& x) {
  if (!is_inexact(x.dtype())) return false;
  double up = 0, down = 0;
  for (const double v : numbers(x))
    if (v != 0 && std::isfinite(v)) (std::abs(v) > 1 ? up : down) += std::log(std::abs(v));
  const double most = real_dtype(x.dtype()) == DType::f64 ? 700 : real_dtype(x.dtype()) == DType::f16 ? 10 : 85;
  return up > most || down < -most;
}

// Sums with infinite or all but infinite terms, and such products: their order decides between an infinity, 0 and no
// number.
bool order_decides(const Jaxpr& program, const Arrays& inputs) {
  bool found = false;
  evaluate(program, inputs, [&](const Primitive& p, const Arrays& operands, Arrays& results) {
    if (p.name() == "reduce_prod" || p.name() == "cumprod") found = found || product_may_overflow(operands[0]);
    if (!is_sum(p)) return;
    for (const Array& x : results) {
      if (!is_inexact(x.dtype())) continue;
      const double largest = real_dtype(x.dtype()) == DType::f64   ? 1e300
                             : real_dtype(x.dtype()) == DType::f16 ? 6e4
                                                                   : 1e37;
      for (const double v : numbers(x)) found = found || !(std::abs(v) < largest);
    }
  });
  return found;
}

// Whether numbers on the way leave the narrow range of f16: loops that keep them in f32 do not lose them.
bool leaves_half_range(const Jaxpr& program, const Arrays& inputs) {
  bool found = false;
  evaluate(program, inputs, [&](const Primitive&, const Arrays&, Arrays& results) {
    for (const Array& x : results)
      if (x.dtype() == DType::f16)
        for (const double v : x.to_vector<double>())
          found = found || std::isinf(v) || (v != 0 && std::abs(v) < 0x1p-14);
  });
  return found;
}

// Rounding errors of the numbers on the way, where they cancel: a fused multiply and add rounds one of two equal terms
// only.
bool is_cancellation(const Jaxpr& program, const Arrays& inputs, const Arrays& got, const Arrays& want,
                     std::size_t output) {
  constexpr double kLargest = 1e4;  // beyond, a wrong value would pass for rounding
  double most = 0;
  evaluate(program, inputs, [&](const Primitive&, const Arrays&, Arrays& results) {
    for (const Array& x : results)
      if (is_inexact(x.dtype()))
        for (const double v : numbers(x)) most = std::isfinite(v) ? std::max(most, std::abs(v)) : HUGE_VAL;
  });
  if (most > kLargest) return false;
  const auto x = numbers(got[output]), y = numbers(want[output]);
  for (std::size_t i = 0; i < y.size(); ++i)
    if (!same(x[i], y[i]) && !(std::abs(x[i] - y[i]) <= 16 * coarsest(program) * most)) return false;
  return true;
}

// Whether noise changes the output about as much as it was off.
bool noise_explains(const Jaxpr& program, const Arrays& inputs, const Arrays& want, const Difference& d,
                    double tolerance) {
  if (!std::isfinite(d.size) && order_decides(program, inputs)) return true;
  Draw draw(7);
  const bool counts = !is_inexact(want[d.output].dtype());
  for (int trial = 0; trial < 6; ++trial) {
    const Arrays other = noisy(program, inputs, draw);
    const double change = worst(numbers(other[d.output]), numbers(want[d.output]), counts ? 0x1p-60 : tolerance);
    if (counts ? change > 0 : change * 50 >= d.size) return true;
  }
  return false;
}

std::string describe(const Arrays& got, const Arrays& want, const Difference& d) {
  const auto x = numbers(got[d.output]), y = numbers(want[d.output]);
  for (std::size_t i = 0; i < y.size(); ++i)
    if (!same(x[i], y[i]) &&
        (!std::isfinite(x[i]) || !std::isfinite(y[i]) || std::abs(x[i] - y[i]) > 1e-12 * std::abs(y[i])))
      return fmt::format("wrong: output {} element {}: got {}, expected {} ({:.2g} times the tolerance)", d.output, i,
                         x[i], y[i], d.size);
  return "wrong";
}

// `repeat`: the program whose noise decides.
Verdict judge(const Arrays& got, const Arrays& want, const Jaxpr& repeat, const Arrays& inputs) {
  if (got.size() != want.size()) return {fmt::format("wrong: {} outputs instead of {}", got.size(), want.size())};
  for (std::size_t i = 0; i < got.size(); ++i)
    if (got[i].dtype() != want[i].dtype() || got[i].dims() != want[i].dims())
      return {fmt::format("wrong: output {} is {}, expected {}", i, got[i].aval(), want[i].aval())};
  const double p = coarsest(repeat), tolerance = p < 1e-10 ? 1e-9 : p < 1e-5 ? 2e-4 : p < 5e-3 ? 3e-2 : 0.2;
  const auto d = difference(got, want, tolerance);
  if (!d) return {};
  if (is_inexact(want[d->output].dtype()) && is_cancellation(repeat, inputs, got, want, d->output)) return {"", true};
  if (noise_explains(repeat, inputs, want, *d, tolerance) || leaves_half_range(repeat, inputs)) return {"", true};
  return {describe(got, want, *d)};
}

// Its derivative rounds tangents and cotangents as JAX's does, so that one is not the transpose of the other.
bool rounds(const Jaxpr& program) {
  return std::ranges::any_of(program->eqns, [](const Equation& e) {
    return e.primitive.name() == "reduce_precision" || std::ranges::any_of(nested_jaxprs(e.params), rounds);
  });
}

Avals avals_of(const Arrays& xs) {
  Avals out;
  for (const Array& x : xs) out.push_back(x.aval());
  return out;
}

}  // namespace

Verdict compare_compiled(const Jaxpr& program, const Arrays& inputs, const CompileOptions& how) {
  const Arrays want = evaluate(program, inputs);
  const auto executable = default_backend().compile(program, how);
  const auto run = [&] {
    if (how.donated.empty()) return executable->run(inputs);
    Arrays own;
    for (const Array& x : inputs) own.push_back(Array::from_bytes(x.dtype(), x.dims(), x.bytes()));
    return executable->run_donated(own);
  };
  const Verdict first = judge(run(), want, program, inputs);
  if (!first.ok() || first.is_sensitive) return first;
  return judge(run(), want, program, inputs);  // what the first run left behind
}

Verdict compare_batched(const Jaxpr& program, const Arrays& inputs, Draw& draw) {
  std::vector<Axis> axes;
  Arrays stacked, second;
  for (const Array& x : inputs) {
    second.push_back(draw.chance(0.8) ? random_array(draw, x.dtype(), x.dims()) : x);
    axes.push_back(draw.between(0, x.rank()));
    stacked.push_back(stack({x, second.back()}, *axes.back()));
  }
  const Jaxpr batched = stage(
      [&](const Arrays& xs) {
        const BatchResult r = vmap_flat([&](const Arrays& ys) { return eval_jaxpr(program, ys); }, xs, axes, Dim(2));
        Arrays out;
        for (std::size_t i = 0; i < r.values.size(); ++i)
          out.push_back(r.axes[i] ? moveaxis(r.values[i], *r.axes[i], 0) : stack({r.values[i], r.values[i]}));
        return out;
      },
      avals_of(stacked));
  const Arrays a = evaluate(program, inputs), b = evaluate(program, second);
  Arrays want;
  for (std::size_t i = 0; i < a.size(); ++i) want.push_back(stack({a[i], b[i]}));
  Verdict v = judge(evaluate(batched, stacked), want, batched, stacked);
  if (!v.ok()) v.failure = "vmap " + v.failure;
  return v;
}

Verdict compare_derivatives(const Jaxpr& program, const Arrays& inputs, bool is_smooth, Draw& draw) {
  const auto dot = [](const Arrays& a, const Arrays& b) {
    double total = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto x = numbers(a[i]), y = numbers(b[i]);
      // The pairing of complex cotangents and tangents is the real part of their product, without a conjugate.
      const std::size_t n = is_complex(a[i].dtype()) ? x.size() / 2 : x.size();
      for (std::size_t k = 0; k < x.size(); ++k) total += (k < n ? 1 : -1) * x[k] * y[k];
    }
    return total;
  };
  std::vector<std::size_t> in, out;
  const Avals outputs = program.output_avals();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].dtype() == DType::f64 || inputs[i].dtype() == DType::c128) in.push_back(i);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].dtype == DType::f64 || outputs[i].dtype == DType::c128) out.push_back(i);
  if (in.empty() || out.empty() || coarsest(program) > 1e-10 || rounds(program)) return {};
  const FlatFn f = [&](const Arrays& xs) {
    Arrays all = inputs;
    for (std::size_t i = 0; i < in.size(); ++i) all[in[i]] = xs[i];
    const Arrays r = eval_jaxpr(program, all);
    Arrays chosen;
    for (const std::size_t i : out) chosen.push_back(r[i]);
    return chosen;
  };
  Arrays x, t, ct;
  for (const std::size_t i : in)
    x.push_back(inputs[i]), t.push_back(random_array(draw, inputs[i].dtype(), inputs[i].dims()));
  for (const std::size_t i : out) ct.push_back(random_array(draw, outputs[i].dtype, outputs[i].dims()));
  Arrays both = x;
  both.insert(both.end(), t.begin(), t.end());
  const auto n = static_cast<std::ptrdiff_t>(x.size());
  const Jaxpr forward = stage(
      [&](const Arrays& xs) {
        Tangents tangents;
        for (std::size_t i = x.size(); i < xs.size(); ++i) tangents.emplace_back(xs[i]);
        Arrays r;
        for (const Tangent& y : jvp_flat(f, Arrays(xs.begin(), xs.begin() + n), tangents).tangents)
          r.push_back(y.is_zero() ? zeros_of(y.aval()) : y.value());
        return r;
      },
      avals_of(both));
  Arrays with_ct = x;
  with_ct.insert(with_ct.end(), ct.begin(), ct.end());
  const Jaxpr backward = stage(
      [&](const Arrays& xs) {
        return apply_pullback(linearize_flat(f, Arrays(xs.begin(), xs.begin() + n)), Arrays(xs.begin() + n, xs.end()));
      },
      avals_of(with_ct));
  const Arrays pushed = evaluate(forward, both), pulled = evaluate(backward, with_ct);
  const double forwards = dot(ct, pushed), backwards = dot(pulled, t);
  double size = 1;
  for (std::size_t i = 0; i < ct.size(); ++i)
    for (const double v : numbers(pushed[i])) size += std::abs(v);
  for (const Array& p : pulled)
    for (const double v : numbers(p)) size += std::abs(v);
  if (!std::isfinite(size) || size > 1e8) return {};
  if (std::abs(forwards - backwards) > 1e-8 * size) {
    Draw noise(3);
    for (int trial = 0; trial < 4; ++trial) {  // not where rounding errors decide
      if (std::abs(dot(ct, noisy(forward, both, noise)) - forwards) * 50 > std::abs(forwards - backwards))
        return {"", true};
      if (std::abs(dot(noisy(backward, with_ct, noise), t) - backwards) * 50 > std::abs(forwards - backwards))
        return {"", true};
    }
    return {fmt::format("derivatives: <ct, J t> is {}, <J' ct, t> is {}", forwards, backwards)};
  }
  if (!is_smooth) return {};
  const auto along = [&](double h) {
    Arrays ends[2];
    for (const int side : {0, 1}) {
      Arrays all = inputs;
      for (std::size_t i = 0; i < in.size(); ++i) {
        const Array step = convert_element_type(Array(static_cast<float>(side ? -h : h)), real_dtype(x[i].dtype()));
        all[in[i]] = x[i] + t[i] * (is_complex(x[i].dtype()) ? complex(step, zeros_like(step)) : step);
      }
      const Arrays r = evaluate(program, all);
      for (const std::size_t i : out) ends[side].push_back(r[i]);
    }
    double total = 0;
    total = (dot(ct, ends[0]) - dot(ct, ends[1])) / (2 * static_cast<double>(static_cast<float>(h)));
    return total;
  };
  const double coarse = along(1e-4), fine = along(2e-5);
  const double agree = std::abs(coarse - fine) + 1e-6 * size;
  if (std::isfinite(agree) && agree < 1e-3 * size && std::abs(fine - forwards) > 50 * agree)
    return {fmt::format("derivatives: <ct, J t> is {}, by differences {} and {}", forwards, coarse, fine)};
  return {};
}

}  // namespace tf2jax::fuzz
