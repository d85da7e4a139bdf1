// Kernels of sort and top_k. Keys are mapped to unsigned integers that compare alike, so one sort serves every dtype.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/ops/sort.h"

namespace tf2jax::cpu {
namespace {

// Order-preserving image of a float, as wide as the float. `joined`: -0 equals 0 and every NaN is above everything;
// otherwise the total order of IEEE 754, where negative NaN is below everything.
template <class T>
std::uint64_t float_key(T v, bool joined) {
  using Bits = std::conditional_t<std::same_as<T, double>, std::uint64_t, std::uint32_t>;
  if (joined && v != v) return std::numeric_limits<Bits>::max();
  if (joined && v == 0) v = 0;
  const auto bits = std::bit_cast<Bits>(v);
  constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
  return bits & kSign ? static_cast<Bits>(~bits) : bits | kSign;
}
template <class T>
std::uint64_t key_of(T v, bool joined) {
  if constexpr (std::same_as<T, bool>) return v;
  else if constexpr (std::signed_integral<T>)
    return static_cast<std::make_unsigned_t<T>>(v) ^ (std::uint64_t{1} << (8 * sizeof(T) - 1));
  else if constexpr (std::unsigned_integral<T>) return v;
  else if constexpr (std::same_as<T, double>) return float_key(v, joined);
  else return float_key(static_cast<float>(v), joined);
}

// Keys of every element, two per complex one (real part first).
std::vector<std::vector<std::uint64_t>> keys_of(const Array& x, bool joined) {
  return visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* p = reinterpret_cast<const T*>(x.bytes().data());
    const std::size_t n = x.size();
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
    for (std::size_t i = 0; i < dims.size(); ++i)
      (static_cast<std::int64_t>(i) < axis ? outer : static_cast<std::int64_t>(i) > axis ? inner : n) *= dims[i];
  }
};

// An element of a line and the key it is sorted by at the moment.
template <class K>
struct Item {
  K key;
  std::uint32_t at;
};

constexpr std::int64_t kShortLine = 192;  // below it comparing is faster than counting

// Stable. Least significant digit first; digits that all keys share cost only their counting.
template <class K>
void sort_items(std::vector<Item<K>>& line, std::vector<Item<K>>& spare) {
  if (static_cast<std::int64_t>(line.size()) <= kShortLine) {
    std::ranges::stable_sort(line, {}, &Item<K>::key);
    return;
  }
  std::array<std::array<std::uint32_t, 256>, sizeof(K)> counts{};
  for (const Item<K>& x : line)
    for (std::size_t d = 0; d < sizeof(K); ++d) ++counts[d][x.key >> (8 * d) & 255];
  for (std::size_t d = 0; d < sizeof(K); ++d) {
    if (counts[d][line[0].key >> (8 * d) & 255] == line.size()) continue;
    std::uint32_t before = 0;
    for (std::uint32_t& c : counts[d]) before += std::exchange(c, before);
    for (const Item<K>& x : line) spare[counts[d][x.key >> (8 * d) & 255]++] = x;
    line.swap(spare);
  }
}

// The order of each line's elements, as positions in the line: key by key, the last one first, each sort being stable.
template <class K>
std::vector<std::uint32_t> order_of(const Lines& lines, const std::vector<std::vector<std::uint64_t>>& keys) {
  std::vector<std::uint32_t> order(lines.outer * lines.n * lines.inner);
  parallel_for(lines.outer * lines.inner, std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(1, lines.n)),
               [&](std::int64_t begin, std::int64_t end) {
                 std::vector<Item<K>> line(lines.n), spare(line.size());
                 for (std::int64_t l = begin; l < end; ++l) {
                   const std::int64_t base = (l / lines.inner) * lines.n * lines.inner + l % lines.inner;
                   const auto element = [&](std::uint32_t at) {
                     return static_cast<std::size_t>(base + static_cast<std::int64_t>(at) * lines.inner);
                   };
                   for (std::uint32_t i = 0; i < line.size(); ++i) line[i].at = i;
                   for (std::size_t k = keys.size(); k-- > 0;) {
                     for (Item<K>& x : line) x.key = static_cast<K>(keys[k][element(x.at)]);
                     sort_items(line, spare);
                   }
                   for (std::uint32_t i = 0; i < line.size(); ++i) order[element(i)] = line[i].at;
                 }
               });
  return order;
}

// Elements of kBytes in the order of each line.
template <std::size_t kBytes>
void reorder(const Lines& lines, const std::vector<std::uint32_t>& order, const std::byte* from, std::byte* to) {
  const std::int64_t block = lines.n * lines.inner;
  parallel_for(lines.outer * lines.n, std::max<std::int64_t>(1, 65536 / std::max<std::int64_t>(1, lines.inner)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   const std::int64_t base = row / lines.n * block;
                   for (std::int64_t i = 0; i < lines.inner; ++i) {
                     const std::size_t at = row * lines.inner + i;
                     const auto source =
                         static_cast<std::size_t>(base + static_cast<std::int64_t>(order[at]) * lines.inner + i);
                     std::memcpy(to + at * kBytes, from + source * kBytes, kBytes);
                   }
                 }
               });
}

Arrays sort_kernel(const KernelCall& call) {
  const auto& s = call.params.get<SortParams>();
  const Lines lines(call.args[0].dims(), s.dimension);
  std::vector<std::vector<std::uint64_t>> keys;
  std::int64_t widest = 0;
  for (std::int64_t k = 0; k < s.num_keys; ++k) {
    const Array& x = call.args[k];
    for (auto& v : keys_of(x, true)) keys.push_back(std::move(v));
    widest = std::max<std::int64_t>(widest, itemsize(x.dtype()) / (is_complex(x.dtype()) ? 2 : 1));
  }
  check<NotImplementedError>(lines.n <= std::int64_t{UINT32_MAX},
                             "sort: a line is too long. Got {} elements; expected at most {}.", lines.n, UINT32_MAX);
  const std::vector<std::uint32_t> order =
      widest <= 4 ? order_of<std::uint32_t>(lines, keys) : order_of<std::uint64_t>(lines, keys);
  Arrays out;
  for (std::size_t k = 0; k < call.args.size(); ++k) {
    out.push_back(detail::exact_array(call.outputs[k], [&](std::byte* to) {
      const std::byte* from = call.args[k].bytes().data();
      switch (itemsize(call.args[k].dtype())) {
        case 1: return reorder<1>(lines, order, from, to);
        case 2: return reorder<2>(lines, order, from, to);
        case 4: return reorder<4>(lines, order, from, to);
        case 8: return reorder<8>(lines, order, from, to);
        default: return reorder<16>(lines, order, from, to);
      }
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
  const std::size_t size = itemsize(x.dtype());
  const std::byte* in = x.bytes().data();
  Array indices = detail::exact_array(call.outputs[1], [&](std::byte* bytes) {
    auto* out = reinterpret_cast<std::int32_t*>(bytes);
    std::vector<std::int32_t> line(lines.n);
    for (std::int64_t l = 0; l < lines.outer * lines.inner; ++l) {
      const std::int64_t base = (l / lines.inner) * lines.n * lines.inner + l % lines.inner;
      std::iota(line.begin(), line.end(), 0);
      std::partial_sort(line.begin(), line.begin() + s.k, line.end(), [&](std::int32_t a, std::int32_t b) {
        const std::uint64_t u = keys[base + a * lines.inner], v = keys[base + b * lines.inner];
        return u != v ? u > v : a < b;
      });
      for (std::int64_t i = 0; i < s.k; ++i)
        out[((l / lines.inner) * s.k + i) * lines.inner + l % lines.inner] = line[i];
    }
  });
  Array values = detail::exact_array(call.outputs[0], [&](std::byte* out) {
    const auto* chosen = reinterpret_cast<const std::int32_t*>(indices.bytes().data());
    for (std::int64_t o = 0; o < lines.outer; ++o)
      for (std::int64_t i = 0; i < s.k; ++i)
        for (std::int64_t c = 0; c < lines.inner; ++c) {
          const std::int64_t at = (o * s.k + i) * lines.inner + c;
          std::memcpy(out + at * size, in + ((o * lines.n + chosen[at]) * lines.inner + c) * size, size);
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
  return select_kernel(call, {s.k, normalize_axis(s.reduction_dimension, call.args[0].rank(), "approx_top_k")},
                       s.is_max_k);
}

}  // namespace

void register_sort_kernels(KernelTable& table) {
  table.add(approx_top_k_p(), approx_top_k_kernel);
  table.add(sort_p(), sort_kernel);
  table.add(top_k_p(), top_k_kernel);
}

}  // namespace tf2jax::cpu
