// Kernels of sort and top_k. Keys are mapped to unsigned integers that compare alike, so one sort serves every dtype.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/ops/sort.h"

namespace tf2jax::cpu {
namespace {

// Order-preserving image of a float. `joined`: -0 equals 0 and every NaN is above everything; otherwise the total order
// of IEEE 754, where negative NaN is below everything.
std::uint64_t float_key(double v, bool joined) {
  if (joined && v != v) return std::numeric_limits<std::uint64_t>::max();
  if (joined && v == 0) v = 0;
  const auto bits = std::bit_cast<std::uint64_t>(v);
  return bits >> 63 ? ~bits : bits | (std::uint64_t{1} << 63);
}
template <class T>
std::uint64_t key_of(T v, bool joined) {
  if constexpr (std::same_as<T, bool>) return v;
  else if constexpr (std::signed_integral<T>) return static_cast<std::uint64_t>(static_cast<std::int64_t>(v)) ^ (std::uint64_t{1} << 63);
  else if constexpr (std::unsigned_integral<T>) return v;
  else return float_key(static_cast<double>(v), joined);
}

// Keys of every element, two per complex one (real part first).
std::vector<std::vector<std::uint64_t>> keys_of(const Array& x, bool joined) {
  return visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* p = reinterpret_cast<const T*>(x.bytes().data());
    const auto n = static_cast<std::size_t>(x.size());
    std::vector<std::vector<std::uint64_t>> keys(is_complex(x.dtype()) ? 2 : 1, std::vector<std::uint64_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
      if constexpr (requires(T t) { t.real(); }) {
        keys[0][i] = float_key(p[i].real(), joined);
        keys[1][i] = float_key(p[i].imag(), joined);
      } else {
        keys[0][i] = key_of(p[i], joined);
      }
    }
    return keys;
  });
}

struct Lines {
  std::int64_t outer = 1, n = 1, inner = 1;
  Lines(const Dims& dims, std::int64_t axis) {
    for (std::size_t i = 0; i < dims.size(); ++i) (static_cast<std::int64_t>(i) < axis ? outer : static_cast<std::int64_t>(i) > axis ? inner : n) *= dims[i];
  }
};

Arrays sort_kernel(const KernelCall& call) {
  const auto& s = call.params.get<SortParams>();
  const Dims dims = call.args[0].dims();
  const Lines lines(dims, s.dimension);
  std::vector<std::vector<std::uint64_t>> keys;
  for (std::int64_t k = 0; k < s.num_keys; ++k)
    for (auto& v : keys_of(call.args[static_cast<std::size_t>(k)], true)) keys.push_back(std::move(v));
  // order[line element] = offset of the source element.
  std::vector<std::int64_t> order(static_cast<std::size_t>(num_elements(dims)));
  parallel_for(lines.outer * lines.inner, std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(1, lines.n)), [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::pair<std::uint64_t, std::int64_t>> line(static_cast<std::size_t>(lines.n));
    for (std::int64_t l = begin; l < end; ++l) {
      const std::int64_t base = (l / lines.inner) * lines.n * lines.inner + l % lines.inner;
      for (std::int64_t i = 0; i < lines.n; ++i) {
        const std::int64_t at = base + i * lines.inner;
        line[static_cast<std::size_t>(i)] = {keys[0][static_cast<std::size_t>(at)], at};
      }
      std::sort(line.begin(), line.end(), [&](const auto& a, const auto& b) {
        if (a.first != b.first) return a.first < b.first;
        for (std::size_t k = 1; k < keys.size(); ++k) {
          const std::uint64_t x = keys[k][static_cast<std::size_t>(a.second)], y = keys[k][static_cast<std::size_t>(b.second)];
          if (x != y) return x < y;
        }
        return a.second < b.second;   // stable
      });
      for (std::int64_t i = 0; i < lines.n; ++i) order[static_cast<std::size_t>(base + i * lines.inner)] = line[static_cast<std::size_t>(i)].second;
    }
  });
  Arrays out;
  for (std::size_t k = 0; k < call.args.size(); ++k) {
    const auto size = static_cast<std::size_t>(itemsize(call.args[k].dtype()));
    const std::byte* in = call.args[k].bytes().data();
    out.push_back(Array::build(call.outputs[k], [&](std::byte* to) {
      for (std::size_t i = 0; i < order.size(); ++i) std::memcpy(to + i * size, in + static_cast<std::size_t>(order[i]) * size, size);
    }));
  }
  return out;
}

struct Selection {
  std::int64_t k, axis;
};
Arrays select_kernel(const KernelCall& call, const Selection& s, bool largest) {
  const Array& x = call.args[0];
  const Lines lines(x.dims(), s.axis);
  std::vector<std::uint64_t> keys = keys_of(x, false)[0];
  if (!largest)
    for (std::uint64_t& key : keys) key = ~key;
  const auto size = static_cast<std::size_t>(itemsize(x.dtype()));
  const std::byte* in = x.bytes().data();
  Array indices = Array::build(call.outputs[1], [&](std::byte* bytes) {
    auto* out = reinterpret_cast<std::int32_t*>(bytes);
    std::vector<std::int32_t> line(static_cast<std::size_t>(lines.n));
    for (std::int64_t l = 0; l < lines.outer * lines.inner; ++l) {
      const std::int64_t base = (l / lines.inner) * lines.n * lines.inner + l % lines.inner;
      std::iota(line.begin(), line.end(), 0);
      std::partial_sort(line.begin(), line.begin() + s.k, line.end(), [&](std::int32_t a, std::int32_t b) {
        const std::uint64_t u = keys[static_cast<std::size_t>(base + a * lines.inner)], v = keys[static_cast<std::size_t>(base + b * lines.inner)];
        return u != v ? u > v : a < b;
      });
      for (std::int64_t i = 0; i < s.k; ++i) out[((l / lines.inner) * s.k + i) * lines.inner + l % lines.inner] = line[static_cast<std::size_t>(i)];
    }
  });
  Array values = Array::build(call.outputs[0], [&](std::byte* out) {
    const auto* chosen = reinterpret_cast<const std::int32_t*>(indices.bytes().data());
    for (std::int64_t o = 0; o < lines.outer; ++o)
      for (std::int64_t i = 0; i < s.k; ++i)
        for (std::int64_t c = 0; c < lines.inner; ++c) {
          const std::int64_t at = (o * s.k + i) * lines.inner + c;
          std::memcpy(out + static_cast<std::size_t>(at) * size, in + static_cast<std::size_t>((o * lines.n + chosen[at]) * lines.inner + c) * size, size);
        }
  });
  return {std::move(values), std::move(indices)};
}

Arrays top_k_kernel(const KernelCall& call) {
  const auto& s = call.params.get<TopK>();
  return select_kernel(call, {s.k, s.axis}, true);
}
Arrays approx_top_k_kernel(const KernelCall& call) {
  const auto& s = call.params.get<ApproxTopK>();
  return select_kernel(call, {s.k, normalize_axis(s.reduction_dimension, call.args[0].rank(), "approx_top_k")}, s.is_max_k);
}

}  // namespace

void register_sort_kernels(KernelTable& table) {
  table.add(approx_top_k_p(), approx_top_k_kernel);
  table.add(sort_p(), sort_kernel);
  table.add(top_k_p(), top_k_kernel);
}

}  // namespace tf2jax::cpu
