// Samplers that reject: how many blocks of the generator a number takes is random. They take the numbers of a block
// from the last to the first, and round as TensorFlow does, so that nothing may be simplified here.
#include "tf2jax/tf_import/converters/random/internal/philox_samples.h"

#include <cmath>
#include <compare>
#include <numeric>
#include <optional>

#include "tf2jax/base/error.h"
#include "tf2jax/tf_import/converters/random/internal/philox_draws.h"

namespace tf2jax::tf_import {

void Blocks::expect_an_end() const {
  check(taken_ < 1 << 22,
        "no number is found in {} attempts. Got parameters whose distribution lies outside the type; "
        "expected others.",
        taken_);
}

namespace {

// What `kMake` makes of blocks, the last number of each first.
template <auto kMake>
class LastFirst {
 public:
  explicit LastFirst(Blocks& blocks) : blocks_(blocks) {}
  double operator()() {
    if (left_ == 0) {
      blocks_.expect_an_end();
      drawn_ = kMake(blocks_.next());
      left_ = drawn_.size();
    }
    return drawn_[--left_];
  }

 private:
  Blocks& blocks_;
  Drawn<double> drawn_{};
  std::size_t left_ = 0;
};
using Uniforms = LastFirst<uniform<double>>;
using Normals = LastFirst<normal<double>>;

// What Stirling's formula for log k! leaves out.
double stirling_rest(double k) {
  constexpr double kFirst[] = {0.0810614667953272,  0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
                               0.0166446911898211,  0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
                               0.00925546218271273, 0.00833056343336287};
  if (k <= 9) return kFirst[static_cast<int>(k)];
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

}  // namespace

double gamma_number(const Philox& generator, double alpha) {
  if (alpha == 1.0) return -std::log1p(-uniform<double>(generator.block(0)).back());
  Blocks blocks(generator);
  Uniforms uniforms(blocks);
  Normals normals(blocks);
  const bool small = alpha < 1;
  const double d = alpha + (small ? 2.0 / 3 : -1.0 / 3), c = 1.0 / 3 / std::sqrt(d);
  while (true) {
    const double x = normals();
    double v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    const double u = uniforms();
    if (u < 1 - 0.0331 * (x * x) * (x * x) || std::log(u) < 0.5 * x * x + d * (1 - v + std::log(v))) {
      const double y = d * v;
      return small ? y * std::pow(uniforms(), 1 / alpha) : y;
    }
  }
}

double poisson_number(const Philox& generator, double rate, double highest) {
  Blocks blocks(generator);
  Uniforms uniforms(blocks);
  if (rate < 10) {
    const double limit = std::exp(-rate);
    double product = 1;
    for (double events = 0;; events += 1) {
      product = product * uniforms();
      if (product <= limit && events <= highest) return events;
    }
  }
  const double log_rate = std::log(rate), b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  while (true) {
    const double u = uniforms() - 0.5, v = uniforms();
    const double us = 0.5 - std::abs(u), k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (k > highest) continue;
    if (us >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const double s = std::log(v * inverse_alpha / (a / (us * us) + b));
    const double t = -rate + k * log_rate - std::lgamma(k + 1);
    if (s <= t) return k;
  }
}

double binomial_by_gaps(const Philox& generator, double count, double p) {
  Blocks blocks(generator);
  Uniforms uniforms(blocks);
  double trials = 0;
  for (int successes = 0;; ++successes) {
    trials += std::ceil(std::log(uniforms()) / std::log1p(-p));
    if (trials > count) return successes;
  }
}

double binomial_by_rejection(const Philox& generator, double count, double p) {
  const double deviation = std::sqrt(count * p * (1 - p));
  const double b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * p, c = count * p + 0.5;
  const double v_r = 0.92 - 4.2 / b, r = p / (1 - p);
  const double alpha = (2.83 + 5.1 / b) * deviation, m = std::floor((count + 1) * p);
  Blocks blocks(generator);
  Uniforms uniforms(blocks);
  while (true) {
    double u = uniforms(), v = uniforms();
    u = u - 0.5;
    const double us = 0.5 - std::abs(u), k = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || k > count) continue;
    v = std::log(v * alpha / (a / (us * us) + b));
    const double bound = (m + 0.5) * std::log((m + 1) / (r * (count - m + 1))) +
                         (count + 1) * std::log((count - m + 1) / (count - k + 1)) +
                         (k + 0.5) * std::log(r * (count - k + 1) / (k + 1)) + stirling_rest(m) +
                         stirling_rest(count - m) - stirling_rest(k) - stirling_rest(count - k);
    if (v <= bound) return k;
  }
}

std::vector<std::int64_t> multinomial_numbers(const Philox& generator, std::span<const double> logits,
                                              std::int64_t classes, std::int64_t count) {
  std::vector<std::int64_t> out;
  std::vector<double> sums(classes);
  std::uint64_t drawn = 0;
  for (; !logits.empty(); logits = logits.subspan(classes)) {
    double highest = std::numeric_limits<double>::lowest(), total = 0;
    for (const double x : logits.first(classes))
      if (std::isfinite(x)) highest = std::max(highest, x);
    for (std::int64_t i = 0; i < classes; ++i) {
      if (std::isfinite(logits[i])) total += std::exp(logits[i] - highest);
      sums[i] = total;
    }
    for (std::int64_t i = 0; i < count; ++i, ++drawn) {
      const double at = uniform<double>(generator.block(drawn / 2))[drawn % 2] * total;
      out.push_back(std::ranges::upper_bound(sums, at) - sums.begin());
    }
  }
  return out;
}

std::vector<std::int64_t> shuffled(const Philox& generator, std::int64_t size) {
  std::vector<std::int64_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = 0; i + 1 < size; ++i)
    std::swap(order[i], order[i + generator.block(i / 4)[i % 4] % static_cast<std::uint32_t>(size - i)]);
  return order;
}

namespace {

// Numbers whose operations are rounded to T each.
template <class T>
struct Rounded {
  T value{};
  using Wide = std::conditional_t<kIsWide<T>, double, float>;
  Rounded(Wide x) : value(static_cast<T>(x)) {}  // NOLINT: constants of formulas
  Wide wide() const { return value; }
  friend Rounded operator+(Rounded a, Rounded b) { return a.wide() + b.wide(); }
  friend Rounded operator-(Rounded a, Rounded b) { return a.wide() - b.wide(); }
  friend Rounded operator*(Rounded a, Rounded b) { return a.wide() * b.wide(); }
  friend Rounded operator/(Rounded a, Rounded b) { return a.wide() / b.wide(); }
  friend Rounded operator-(Rounded a) { return -a.wide(); }
  friend std::partial_ordering operator<=>(Rounded a, Rounded b) { return a.wide() <=> b.wide(); }
  friend Rounded exp(Rounded a) { return std::exp(a.wide()); }
  friend Rounded log(Rounded a) { return std::log(a.wide()); }
  friend Rounded sqrt(Rounded a) { return std::sqrt(a.wide()); }
};

// The standard normal distribution between two bounds, the first of which is not infinite.
template <class T>
class StandardBetween {
 public:
  using R = Rounded<T>;
  using Tries = std::vector<std::optional<R>>;  // nothing: rejected

  StandardBetween(R low, R high) : low_(low), high_(high) {
    const R root = sqrt(low * low + R(4));
    const R cutoff = R(2) * exp(R(0.5F) + (low * (low - root)) / R(4)) / (low + root);
    const R far(static_cast<T>(1.3));
    alpha_ = (low + root) / R(2);
    if ((low < -far && high >= R(0)) || (high > far && low <= R(0))) from_ = Proposal::normal;
    else if (high - low < cutoff) from_ = Proposal::uniform;
  }

  Tries tries(Blocks& blocks) const {
    if (from_ == Proposal::normal) return of_normal(blocks);
    return from_ == Proposal::uniform ? of_uniform(blocks) : of_exponential(blocks);
  }
  // So many in a row are too many.
  int attempts() const { return from_ == Proposal::normal ? 1001 : 1000; }

 private:
  Tries of_normal(Blocks& blocks) const {
    Tries out;
    for (const R z : rounded(normal<T>(blocks.next())))
      out.push_back(z >= low_ && z <= high_ ? std::optional(z) : std::nullopt);
    return out;
  }
  Tries of_uniform(Blocks& blocks) const {
    const R width = high_ - low_, nearest = low_ < R(0) ? R(0) : low_ * low_;
    Tries out;
    const auto at = rounded(uniform<T>(blocks.next())), u = rounded(uniform<T>(blocks.next()));
    for (std::size_t i = 0; i < at.size(); ++i) {
      const R z = at[i] * width + low_;
      out.push_back(u[i] <= exp((nearest - z * z) / R(2)) ? std::optional(z) : std::nullopt);
    }
    return out;
  }
  Tries of_exponential(Blocks& blocks) const {
    Tries out;
    const auto drawn = rounded(uniform<T>(blocks.next()));
    for (std::size_t i = 0; i < drawn.size(); i += 2) {
      const R z = -log(drawn[i]) / alpha_ + low_, x = low_ < alpha_ ? alpha_ - z : low_ - alpha_;
      const bool accepted = drawn[i + 1] <= exp(-x * x / R(2)) && z < high_;
      out.push_back(accepted ? std::optional(z) : std::nullopt);
    }
    return out;
  }
  static std::vector<R> rounded(const Drawn<T>& x) { return {x.begin(), x.end()}; }

  enum class Proposal : std::uint8_t { normal, uniform, exponential };

  R low_, high_, alpha_ = 0;
  Proposal from_ = Proposal::exponential;
};

}  // namespace

template <class T>
void truncated_numbers(Blocks& blocks, TruncatedNormal<T> of, std::int64_t count, const std::function<void(T)>& write) {
  using R = Rounded<T>;
  const R mean(of.mean);
  R low(of.low), high(of.high), deviation(of.deviation);
  check(deviation > R(0) && low < high && (std::isfinite(low.wide()) || std::isfinite(high.wide())),
        "a truncated normal distribution needs a positive deviation and a range. Got the deviation {} and {} to {}.",
        deviation.wide(), low.wide(), high.wide());
  if ((std::isinf(low.wide()) && low < R(0)) || high < mean) {  // mirrored, so that the first bound is the nearer one
    std::swap(low, high);
    deviation = -deviation;
  }
  const StandardBetween<T> standard((low - mean) / deviation, (high - mean) / deviation);
  for (int failed = 0; count > 0;) {
    for (const auto& z : standard.tries(blocks)) {
      check(z || ++failed < standard.attempts(), "no number between {} and {} is found in {} attempts.", of.low + 0.0F,
            of.high + 0.0F, failed);
      if (!z) continue;
      failed = 0;
      write((*z * deviation + mean).value);
      if (--count == 0) return;
    }
  }
}

template void truncated_numbers(Blocks&, TruncatedNormal<float16>, std::int64_t, const std::function<void(float16)>&);
template void truncated_numbers(Blocks&, TruncatedNormal<float>, std::int64_t, const std::function<void(float)>&);
template void truncated_numbers(Blocks&, TruncatedNormal<double>, std::int64_t, const std::function<void(double)>&);

}  // namespace tf2jax::tf_import
