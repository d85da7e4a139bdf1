// Discrete Fourier transforms.
#include "tf2jax/ops/fft.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

// The last axes of x with the given sizes: cut off at the end, or filled up with zeros.
Array with_last_sizes(const Array& x, const Dims& sizes) {
  const std::int64_t first = x.rank() - static_cast<std::int64_t>(sizes.size());
  Array y = x;
  std::vector<std::pair<std::int64_t, std::int64_t>> widths(x.rank(), {0, 0});
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::int64_t axis = first + static_cast<std::int64_t>(i), have = y.shape()[axis].value();
    if (have > sizes[i]) y = slice_in_dim(y, 0, sizes[i], 1, axis);
    widths[axis].second = std::max<std::int64_t>(sizes[i] - have, 0);
  }
  const bool grows = std::ranges::any_of(widths, [](const auto& w) { return w.second > 0; });
  return grows ? pad(y, widths, zeros({}, y.dtype())) : y;
}

Values complex_transform(Node& n, FftType type, std::int64_t axes) {
  const Array x = n.array(0, axes);
  Dims lengths;
  for (std::int64_t i = x.rank() - axes; i < x.rank(); ++i) lengths.push_back(x.shape()[i].value());
  return {fft(x, type, lengths)};
}

// The lengths, input 1, are those of the real side; the complex side has n/2 + 1 coefficients along the last axis.
Values real_transform(Node& n, FftType type, std::int64_t axes) {
  const Array x = n.array(0, axes);
  const Dims lengths = n.integers(1, static_cast<std::size_t>(axes), 1);
  Shape shape = x.shape();
  for (std::int64_t i = 0; i < axes; ++i) shape[x.rank() - axes + i] = lengths[i];
  check_sizes(shape, "input 1");
  Dims sizes = lengths;
  if (type == FftType::irfft) sizes.back() = lengths.back() / 2 + 1;
  return {fft(with_last_sizes(x, sizes), type, lengths)};
}

}  // namespace

void add_fft_operations(ConverterTable& table) {
  const auto add = [&](auto transform, FftType type, std::initializer_list<const char*> names) {
    std::int64_t axes = 0;
    for (const char* name : names) table.add(name, [=, axes = ++axes](Node& n) { return transform(n, type, axes); });
  };
  add(complex_transform, FftType::fft, {"FFT", "FFT2D", "FFT3D"});
  add(complex_transform, FftType::ifft, {"IFFT", "IFFT2D", "IFFT3D"});
  add(real_transform, FftType::rfft, {"RFFT", "RFFT2D", "RFFT3D"});
  add(real_transform, FftType::irfft, {"IRFFT", "IRFFT2D", "IRFFT3D"});
}

}  // namespace tf2jax::tf_import
