// The rule by which rounding decides.
#include "rounding.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../fuzz/evaluate.h"
#include "../fuzz/noise.h"
#include "execution.h"
#include "tf2jax/ops/elementwise.h"

namespace conformance {

using namespace tf2jax;

namespace {

// One number for each element, two for a complex one.
std::vector<double> numbers(const Array& x) {
  if (!is_complex(x.dtype())) return x.to_vector<double>();
  std::vector<double> out = real(x).to_vector<double>();
  const std::vector<double> im = imag(x).to_vector<double>();
  out.insert(out.end(), im.begin(), im.end());
  return out;
}

// How far results move from `plain`, by element.
std::vector<double> spread(const Jaxpr& program, const Arrays& args, std::size_t output,
                           const std::vector<double>& plain) {
  constexpr int kTrials = 8;
  std::vector<double> most(plain.size(), 0);
  fuzz::Draw draw(11);
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::vector<double> moved = numbers(fuzz::noisy(program, args, draw)[output]);
    for (std::size_t i = 0; i < most.size(); ++i)
      if (const double by = std::abs(moved[i] - plain[i]); by > most[i]) most[i] = by;  // not where one is NaN
  }
  return most;
}

Array with_elements(const Array& want, const Array& got, const std::vector<bool>& taken) {
  const std::size_t n = static_cast<std::size_t>(want.size());
  std::vector<std::uint8_t> mask(n);
  for (std::size_t i = 0; i < n; ++i) mask[i] = taken[i] && (!is_complex(want.dtype()) || taken[n + i]);
  return where(not_equal(Array::from_bytes(DType::u8, want.dims(), std::as_bytes(std::span(mask))), 0), got, want);
}

}  // namespace

Arrays allowing_roundings(const FlatFn& f, const Arrays& args, const Arrays& got, const Arrays& want) {
  constexpr double kFactor = 8;
  return under(Execution::uncompiled, [&]() -> Arrays {
    Avals avals;
    for (const Array& x : args) avals.push_back(x.aval());
    const Jaxpr program = stage(f, avals);
    const Arrays plain = fuzz::evaluate(program, args);
    Arrays out = want;
    if (plain.size() != want.size()) return out;
    for (std::size_t k = 0; k < want.size(); ++k) {
      if (!is_inexact(want[k].dtype()) || !got[k].aval().matches(want[k].aval()) ||
          !plain[k].aval().matches(want[k].aval()))
        continue;
      const std::vector<double> x = numbers(got[k]), y = numbers(want[k]),
                                by = spread(program, args, k, numbers(plain[k]));
      std::vector<bool> taken(x.size());
      for (std::size_t i = 0; i < x.size(); ++i)
        taken[i] = std::isfinite(x[i]) && std::isfinite(y[i]) && std::abs(x[i] - y[i]) <= kFactor * by[i];
      out[k] = with_elements(want[k], got[k], taken);
    }
    return out;
  });
}

}  // namespace conformance
