// Kernels of random numbers: the threefry2x32 hash and what is derived from it.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include <bit>
#include <cmath>
#include <cstring>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/special.h"
#include "tf2jax/backends/cpu/threefry.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/ops/random.h"

namespace tf2jax::cpu {
namespace {

using Key = PrngKeyData;

// Element i of the hash of the counters 0 … n-1, which are split in two halves (the second padded by one zero).
std::uint32_t original_word(Key key, std::int64_t i, std::int64_t n) {
  const std::int64_t half = (n + 1) / 2;
  const auto first = static_cast<std::uint32_t>(i % half);
  const std::int64_t other = i % half + half;
  const Key h = threefry(key, first, other < n ? static_cast<std::uint32_t>(other) : 0);
  return i < half ? h.k0 : h.k1;
}
Key counter(Key key, std::int64_t i) {
  return threefry(key, static_cast<std::uint32_t>(static_cast<std::uint64_t>(i) >> 32), static_cast<std::uint32_t>(i));
}

Key split_key(Key key, std::int64_t i, std::int64_t n, bool partitionable) {
  if (partitionable) return counter(key, i);
  return {original_word(key, 2 * i, 2 * n), original_word(key, 2 * i + 1, 2 * n)};
}

template <class U>
void fill_bits(Key key, U* out, std::int64_t n, bool partitionable) {
  constexpr std::int64_t kWidth = sizeof(U) * 8;
  if (partitionable) {
    for_range(n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Key h = counter(key, i);
        if constexpr (kWidth == 64) out[i] = (static_cast<std::uint64_t>(h.k0) << 32) | h.k1;
        else out[i] = static_cast<U>(h.k0 ^ h.k1);
      }
    });
    return;
  }
  const std::int64_t words = (kWidth * n + 31) / 32;
  if constexpr (kWidth == 64) {
    for (std::int64_t i = 0; i < n; ++i)
      out[i] = (static_cast<std::uint64_t>(original_word(key, i, words)) << 32) | original_word(key, n + i, words);
  } else {
    constexpr std::int64_t kPerWord = 32 / kWidth;
    for (std::int64_t i = 0; i < n; ++i)
      out[i] = static_cast<U>(original_word(key, i / kPerWord, words) >> (i % kPerWord * kWidth));
  }
}

Arrays bits_kernel(const KernelCall& c) {
  const auto& p = c.params.get<RandomBits>();
  const Key* keys = elements<Key>(c.args[0]);
  const std::int64_t count = c.args[0].size(), n = num_elements(concrete(p.shape));
  return {detail::exact_array(c.outputs[0], [&](std::byte* out) {
    visit_dtype(c.outputs[0].dtype, [&]<class U>(std::type_identity<U>) {
      if constexpr (std::unsigned_integral<U> && !std::same_as<U, bool>)
        for (std::int64_t k = 0; k < count; ++k)
          fill_bits(keys[k], reinterpret_cast<U*>(out) + k * n, n, p.partitionable);
    });
  })};
}

Arrays split_kernel(const KernelCall& c) {
  const auto& p = c.params.get<RandomSplit>();
  const Key* keys = elements<Key>(c.args[0]);
  const std::int64_t count = c.args[0].size(), n = num_elements(concrete(p.shape));
  return {make_array<Key>(c.outputs[0], [&](Key* out) {
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t i = 0; i < n; ++i) out[k * n + i] = split_key(keys[k], i, n, p.partitionable);
  })};
}

Arrays fold_in_kernel(const KernelCall& c) {
  const Dims dims = c.outputs[0].dims();
  const Array keys = materialize(c.args[0], dims), data = materialize(c.args[1], dims);
  return {make_array<Key>(c.outputs[0], [&](Key* out) {
    for (std::int64_t i = 0; i < num_elements(dims); ++i)
      out[i] = threefry(elements<Key>(keys)[i], 0, elements<std::uint32_t>(data)[i]);
  })};
}

Arrays seed_kernel(const KernelCall& c) {
  const Array& seeds = c.args[0];
  return {make_array<Key>(c.outputs[0], [&](Key* out) {
    visit_dtype(seeds.dtype(), [&]<class T>(std::type_identity<T>) {
      if constexpr (std::integral<T>)
        for (std::int64_t i = 0; i < seeds.size(); ++i) {
          const T v = elements<T>(seeds)[i];
          const auto wide = static_cast<std::uint64_t>(v);
          out[i] = {sizeof(T) == 8 ? static_cast<std::uint32_t>(wide >> 32) : 0, static_cast<std::uint32_t>(wide)};
        }
    });
  })};
}

Arrays same_bytes(const KernelCall& c) {
  return {detail::exact_array(c.outputs[0], [&](std::byte* out) {
    if (const auto b = c.args[0].bytes(); !b.empty()) std::memcpy(out, b.data(), b.size());
  })};
}

Arrays hash_kernel(const KernelCall& c) {
  Arrays in;
  const Dims dims = c.outputs[0].dims();
  for (const Array& a : c.args) in.push_back(materialize(a, dims));
  const auto word = [&](std::size_t i) { return elements<std::uint32_t>(in[i]); };
  const std::int64_t n = num_elements(dims);
  std::vector<Key> hashes(n);
  for (std::int64_t i = 0; i < n; ++i) hashes[i] = threefry({word(0)[i], word(1)[i]}, word(2)[i], word(3)[i]);
  Arrays out;
  for (int half = 0; half < 2; ++half)
    out.push_back(make_array<std::uint32_t>(c.outputs[half], [&](std::uint32_t* p) {
      for (std::int64_t i = 0; i < n; ++i) p[i] = half ? hashes[i].k1 : hashes[i].k0;
    }));
  return out;
}

// ---- gamma: Marsaglia and Tsang, "A simple method for generating gamma variables", one element at a time.

template <class T>
T unit_uniform(Key key, bool partitionable) {
  if constexpr (std::same_as<T, double>) {
    std::uint64_t b;
    fill_bits(key, &b, 1, partitionable);
    return std::bit_cast<double>((b >> 12) | 0x3ff0000000000000u) - 1.0;
  } else {
    std::uint32_t b;
    fill_bits(key, &b, 1, partitionable);
    return std::bit_cast<float>((b >> 9) | 0x3f800000u) - 1.0f;
  }
}
template <class T>
T unit_normal(Key key, bool partitionable) {
  const T lo = std::nextafter(T(-1), T(0)), u = unit_uniform<T>(key, partitionable);
  return T(1.4142135623730951) * erf_inv_value(std::max(lo, u * (T(1) - lo) + lo));
}

template <class T>
T gamma_sample(Key key, T alpha_in, bool log_space, bool partitionable) {
  const bool large = alpha_in >= 1;
  const T alpha = large ? alpha_in : alpha_in + 1, third = T(1.0 / 3);
  const T d = alpha - third, c = third / std::sqrt(d);
  const auto part = [&](Key k, std::int64_t i, std::int64_t n) { return split_key(k, i, n, partitionable); };
  const Key boost_key = part(key, 1, 2);
  key = part(key, 0, 2);
  T x2 = 0, v3 = 1, u = 2;
  while (u >= 1 - T(0.0331) * (x2 * x2) && std::log(u) >= x2 * T(0.5) + d * ((1 - v3) + std::log(v3))) {
    Key x_key = part(key, 1, 3);
    const Key u_key = part(key, 2, 3);
    key = part(key, 0, 3);
    T x = 0, v = -1;
    while (v <= 0) {
      const Key now = part(x_key, 1, 2);
      x_key = part(x_key, 0, 2);
      x = unit_normal<T>(now, partitionable);
      v = 1 + x * c;
    }
    x2 = x * x;
    v3 = v * v * v;
    u = unit_uniform<T>(u_key, partitionable);
  }
  const T boost = unit_uniform<T>(boost_key, partitionable);
  if (!log_space) return d * v3 * (large ? T(1) : std::pow(1 - boost, 1 / alpha_in));
  const T log_samples = std::log1p(-boost);
  return std::log(d) + std::log(v3) + (large || log_samples == 0 ? T(0) : log_samples * (1 / alpha_in));
}

Arrays gamma_kernel(const KernelCall& c) {
  const auto& p = c.params.get<RandomGamma>();
  const Array &keys = c.args[0], &alphas = c.args[1];
  const std::int64_t count = std::max<std::int64_t>(1, keys.size()), total = alphas.size(), n = total / count;
  return {detail::exact_array(c.outputs[0], [&](std::byte* out) {
    visit_dtype(alphas.dtype(), [&]<class T>(std::type_identity<T>) {
      if constexpr (!std::integral<T> && !requires(T t) { t.real(); }) {
        using A = std::conditional_t<std::same_as<T, double>, double, float>;
        parallel_for(total, 256, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i)
            reinterpret_cast<T*>(out)[i] =
                static_cast<T>(gamma_sample<A>(split_key(elements<Key>(keys)[i / n], i % n, n, p.partitionable),
                                               static_cast<A>(elements<T>(alphas)[i]), p.log_space, p.partitionable));
        });
      }
    });
  })};
}

}  // namespace

void register_random_kernels(KernelTable& table) {
  table.add(threefry2x32_p(), hash_kernel);
  table.add(random_seed_p(), seed_kernel);
  table.add(random_wrap_p(), same_bytes);
  table.add(random_unwrap_p(), same_bytes);
  table.add(random_bits_p(), bits_kernel);
  table.add(random_split_p(), split_kernel);
  table.add(random_fold_in_p(), fold_in_kernel);
  table.add(random_gamma_p(), gamma_kernel);
}

}  // namespace tf2jax::cpu
