// Random choices from one seed, the same on every machine.
#pragma once
#include <cstdint>
#include <vector>

namespace tf2jax::fuzz {

/// A stream of choices (splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// In [0, n).
  std::int64_t below(std::int64_t n) {
    return n <= 1 ? 0 : static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(n));
  }
  std::int64_t between(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
  double real(double low, double high) { return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53; }
  bool chance(double p) { return real(0, 1) < p; }
  template <class T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(static_cast<std::int64_t>(choices.size()))];
  }
  /// k different numbers below n, in random order.
  std::vector<std::int64_t> some(std::int64_t k, std::int64_t n) {
    std::vector<std::int64_t> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(i);
    for (std::int64_t i = 0; i < k; ++i) std::swap(all[i], all[between(i, n - 1)]);
    all.resize(k);
    return all;
  }

 private:
  std::uint64_t state_;
};

}  // namespace tf2jax::fuzz
