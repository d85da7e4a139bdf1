// Numbers of distributions with parameters, as TensorFlow's CPU kernels draw them from Philox.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "tf2jax/ops/internal/philox.h"

namespace tf2jax::tf_import {

/// The blocks of a generator, one after the other.
class Blocks {
 public:
  explicit Blocks(const Philox& generator) : generator_(generator) {}
  Philox::Block next() { return generator_.block(taken_++); }
  /// Throws: ValueError when so many were taken that the sampler, which asks before it tries, will not end.
  void expect_an_end() const;

 private:
  Philox generator_;
  std::uint64_t taken_ = 0;
};

/// One number each; every result of an operation has a generator of its own.
/// Source: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
double gamma_number(const Philox& generator, double alpha);
/// At most `highest`. Source: Knuth, "The art of computer programming", volume 2, for rates below 10; Hormann, "The
/// transformed rejection method for generating Poisson random variables" (1993).
double poisson_number(const Philox& generator, double rate, double highest);
/// Of `count` trials with the probability 0 < p <= 1/2, by the gaps between successes; for few of these.
double binomial_by_gaps(const Philox& generator, double count, double p);
/// For count * p >= 10. Source: Hormann, "The generation of binomial random variates" (1993).
double binomial_by_rejection(const Philox& generator, double count, double p);

/// Row i of the result holds `count` classes drawn by the logits of row i.
std::vector<std::int64_t> multinomial_numbers(const Philox& generator, std::span<const double> logits,
                                              std::int64_t classes, std::int64_t count);

/// 0, 1, …, size - 1 in a random order.
std::vector<std::int64_t> shuffled(const Philox& generator, std::int64_t size);

/// A normal distribution cut off outside [low, high].
template <class T>
struct TruncatedNormal {
  T mean, deviation, low, high;
};
/// Gives `write` `count` numbers; blocks are taken where the last call stopped. T is float16, float or double.
/// Throws: ValueError for parameters that are none, or where TensorFlow too gives up.
/// Source: Robert, "Simulation of truncated normal variables" (1995).
template <class T>
void truncated_numbers(Blocks& blocks, TruncatedNormal<T> of, std::int64_t count, const std::function<void(T)>& write);

}  // namespace tf2jax::tf_import
