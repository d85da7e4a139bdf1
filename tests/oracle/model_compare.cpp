// How far named arrays are from TensorFlow's.
#include "model_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"

namespace conformance {

using namespace tf2jax;

Difference difference(const std::string& name, const Array& got, const Array& want, double floor) {
  if (!identical(got.shape(), want.shape()))
    return {INFINITY,
            fmt::format("{}: got {}, TensorFlow has {}", name, got.aval().to_string(), want.aval().to_string())};
  if (is_complex(got.dtype()) || is_complex(want.dtype())) {
    const Difference re = difference(name, real(got), real(want), floor),
                     im = difference(name, imag(got), imag(want), floor);
    return re.error > im.error ? re : im;
  }
  const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  double scale = floor, worst = 0;
  std::size_t at = 0;
  for (const double v : b)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double e = std::isfinite(a[i]) && std::isfinite(b[i]) ? std::abs(a[i] - b[i]) : INFINITY;
    if (e > worst) worst = e, at = i;
  }
  if (worst == 0) return {};
  const double relative = is_inexact(want.dtype()) ? worst / std::max(scale, 1e-30) : INFINITY;
  return {relative, fmt::format("{}[{}]: {}, TensorFlow has {} (largest {:.3g})", name, at, a[at], b[at], scale)};
}

Difference difference(const NamedArrays& got, const NamedArrays& want, const DifferenceOptions& options) {
  double floor = 0;
  if (options.common_scale)
    for (const auto& [name, v] : want)
      if (v.size() && is_inexact(v.dtype())) floor = std::max(floor, 1e-3 * tf2jax::max(abs(v)).item<double>());
  Difference worst;
  for (const auto& [name, v] : want) {
    const auto it = got.find(name);
    Difference d;
    if (it == got.end()) d = {INFINITY, name + " is missing"};
    else if (!options.only_shapes) d = difference(name, it->second, v, floor);
    else if (!identical(it->second.shape(), v.shape()))
      d = {INFINITY,
           fmt::format("{}: got {}, TensorFlow has {}", name, it->second.aval().to_string(), v.aval().to_string())};
    if (d.error > worst.error) worst = d;
  }
  return worst;
}

}  // namespace conformance
