// Copies between strided views.
#include "tf2jax/backends/cpu/strided.h"

#include <algorithm>
#include <complex>
#include <cstring>

#include "tf2jax/base/thread_pool.h"

namespace tf2jax::cpu {

namespace {

template <class T>
void copy_row(std::int64_t n, std::byte* target, std::int64_t ts, const std::byte* source, std::int64_t ss) {
  T* out = reinterpret_cast<T*>(target);
  const T* in = reinterpret_cast<const T*>(source);
  if (ts == 1 && ss == 1) std::memcpy(out, in, n * sizeof(T));
  else if (ts == 1 && ss == 0) std::fill(out, out + n, *in);
  else
    for (std::int64_t i = 0; i < n; ++i) out[i * ts] = in[i * ss];
}

template <class T>
void copy_all(const Dims& dims, const View& target, const View& source, std::int64_t first, std::int64_t last) {
  // Rows [first, last) in the order of the outer axes.
  const std::size_t outer = dims.size() - 1;
  const std::int64_t n = dims[outer];
  Dims index(outer, 0);
  std::int64_t rest = first, to = 0, from = 0;
  for (std::size_t a = outer; a-- > 0;) {
    index[a] = rest % dims[a];
    rest /= dims[a];
    to += index[a] * target.strides[a];
    from += index[a] * source.strides[a];
  }
  for (std::int64_t row = first; row < last; ++row) {
    copy_row<T>(n, target.data + to * static_cast<std::int64_t>(sizeof(T)), target.strides[outer],
                source.data + from * static_cast<std::int64_t>(sizeof(T)), source.strides[outer]);
    for (std::size_t a = outer; a-- > 0;) {
      to += target.strides[a];
      from += source.strides[a];
      if (++index[a] < dims[a]) break;
      to -= dims[a] * target.strides[a];
      from -= dims[a] * source.strides[a];
      index[a] = 0;
    }
  }
}

}  // namespace

void copy_strided(const Dims& full_dims, View target, View source, int width) {
  // Drop axes of size 1 and merge axes that are contiguous on both sides.
  Dims dims, ts, ss;
  for (std::size_t i = 0; i < full_dims.size(); ++i) {
    if (full_dims[i] == 0) return;
    if (full_dims[i] == 1) continue;
    if (!dims.empty() && ts.back() == full_dims[i] * target.strides[i] &&
        ss.back() == full_dims[i] * source.strides[i]) {
      dims.back() *= full_dims[i];
      ts.back() = target.strides[i];
      ss.back() = source.strides[i];
      continue;
    }
    dims.push_back(full_dims[i]);
    ts.push_back(target.strides[i]);
    ss.push_back(source.strides[i]);
  }
  if (dims.empty()) {
    std::memcpy(target.data, source.data, width);
    return;
  }
  const View to{target.data, ts}, from{source.data, ss};
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < dims.size(); ++i) rows *= dims[i];
  const std::int64_t grain = std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(dims.back(), 1));
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    switch (width) {
      case 1: copy_all<std::uint8_t>(dims, to, from, begin, end); break;
      case 2: copy_all<std::uint16_t>(dims, to, from, begin, end); break;
      case 4: copy_all<std::uint32_t>(dims, to, from, begin, end); break;
      case 8: copy_all<std::uint64_t>(dims, to, from, begin, end); break;
      case 16: copy_all<std::complex<double>>(dims, to, from, begin, end); break;
      default: break;
    }
  };
  if (rows <= grain) run(0, rows);
  else parallel_for(rows, grain, run);
}

}  // namespace tf2jax::cpu
