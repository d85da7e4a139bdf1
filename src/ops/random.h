// Random numbers: threefry keys, the primitives that derive keys and bits, and samplers that give JAX's numbers.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// Params of random_seed and random_wrap: threefry is the only generator.
struct KeyImpl {
  bool operator==(const KeyImpl&) const = default;
  static void visit_fields(auto&, auto& v) { v.fixed("impl", "fry"); }
};
/// `partitionable`: Config::threefry_partitionable when the equation was made.
struct RandomBits {
  std::int64_t bit_width = 32;
  Shape shape;
  bool partitionable = true;
  bool operator==(const RandomBits&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("bit_width", self.bit_width);
    v.field("shape", self.shape);
    v.hidden("partitionable", self.partitionable);
  }
  void after_read(ParamReader&);
};
/// Params of random_split.
struct RandomSplit {
  Shape shape;
  bool partitionable = true;
  bool operator==(const RandomSplit&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("shape", self.shape);
    v.hidden("partitionable", self.partitionable);
  }
  void after_read(ParamReader&);
};
/// Params of random_gamma.
struct RandomGamma {
  bool log_space = false;
  bool partitionable = true;
  bool operator==(const RandomGamma&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("log_space", self.log_space);
    v.hidden("partitionable", self.partitionable);
  }
  void after_read(ParamReader&);
};

/// Which generator: RNG_DEFAULT is what XLA takes on CPUs, Philox.
enum class RngAlgorithm : std::uint8_t { automatic, three_fry, philox };
/// JAX's text: "RNG_DEFAULT", "RNG_THREE_FRY", "RNG_PHILOX".
std::string param_text(RngAlgorithm v);
/// Reads it. Throws: ParseError.
void read_param(const ParsedValue& v, RngAlgorithm& out);
/// Params of rng_bit_generator.
struct RngBitGenerator {
  RngAlgorithm algorithm = RngAlgorithm::automatic;
  DType dtype = DType::u32;
  Shape shape;
  bool operator==(const RngBitGenerator&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("algorithm", self.algorithm);
    v.field("dtype", self.dtype);
    v.fixed("out_sharding", "None");
    v.field("shape", self.shape);
  }
};

const Primitive& threefry2x32_p();
const Primitive& random_seed_p();
const Primitive& random_wrap_p();
const Primitive& random_unwrap_p();
const Primitive& random_bits_p();
const Primitive& random_split_p();
const Primitive& random_fold_in_p();
const Primitive& random_gamma_p();
const Primitive& rng_bit_generator_p();
/// The primitives of random numbers.
void append_random_primitives(std::vector<Primitive>& out);

/// Bits of XLA's generators, and the state from which the next ones are drawn: lax.rng_bit_generator. The state is
/// u32[4] or u64[2], a key and a counter; for Philox also u64[3]. `dtype`: u8, u16 (the low bits of u32), u32 or u64.
/// Under vmap all examples draw one stream, from the first one's state, as in JAX.
/// Throws: DtypeError, ShapeError. Gradient: none. StableHLO: rng_bit_generator.  TF: XlaRngBitGenerator.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; how counters are laid out is XLA's.
std::pair<Array, Array> rng_bit_generator(const Array& state, const Shape& shape, DType dtype = DType::u32,
                                          RngAlgorithm algorithm = RngAlgorithm::automatic);

/// Where a `key` is asked for, a typed key (key<fry>[…]) or raw key data (u32[…, 2]) will do; functions that give keys
/// give the kind they were given. Numbers are those of JAX for the same key, config and dtype: bits exactly, samples
/// up to the rounding of log, erf_inv and the like. Dtypes: nullopt is f32 (f64 with Config::enable_x64). Samples are
/// constants for differentiation, except with respect to a sampler's own array arguments.
namespace random {

/// The key of a seed; seeds are narrowed to 32 bits unless Config::enable_x64.
Array key(std::int64_t seed);
/// The same for a seed that may be traced.
Array key(const Array& seed);
/// The same as u32[2], JAX's PRNGKey.
Array raw_key(std::int64_t seed);
/// A typed key around u32[…, 2], and back.
Array wrap_key_data(const Array& data);
/// The u32[…, 2] inside typed keys.
Array key_data(const Array& keys);

/// `count` (or `shape`) independent keys. Throws: ValueError when `key` is not one key.
Array split(const Array& key, std::int64_t count = 2);
/// `shape` independent keys.
Array split(const Array& key, const Shape& shape);
/// The key of (key, data); `data` is taken as u32.
Array fold_in(const Array& key, const Array& data);

/// Uniform bits: u8, u16, u32 or u64.
Array bits(const Array& key, const Shape& shape = {}, DType dtype = DType::u32);
/// Uniform on [minval, maxval). Throws: DtypeError unless floating.
Array uniform(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {}, const Array& minval = 0.f,
              const Array& maxval = 1.f);
/// Integers uniform on [minval, maxval).
Array randint(const Array& key, const Shape& shape, const Array& minval, const Array& maxval,
              std::optional<DType> dtype = {});
/// Standard normal; complex dtypes have unit variance.
Array normal(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {});
/// Standard normal conditioned on lower < x < upper.
Array truncated_normal(const Array& key, const Array& lower, const Array& upper, const Shape& shape = {},
                       std::optional<DType> dtype = {});
/// True with probability `p`. Without a shape, the shape of p.
Array bernoulli(const Array& key, const Array& p = 0.5f, const std::optional<Shape>& shape = {});
/// -1 or 1.
Array rademacher(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {});
/// Exponential with rate 1.
Array exponential(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {});
/// Gumbel with location 0 and scale 1.
Array gumbel(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {});
/// Laplace with location 0 and scale 1.
Array laplace(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {});
/// Logistic with location 0 and scale 1.
Array logistic(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {});
/// Cauchy with location 0 and scale 1.
Array cauchy(const Array& key, const Shape& shape = {}, std::optional<DType> dtype = {});
/// Indices drawn with probabilities softmax(logits) along `axis`. Without a shape, that of logits without the axis.
Array categorical(const Array& key, const Array& logits, std::int64_t axis = -1,
                  const std::optional<Shape>& shape = {});
/// Gamma(a, 1); loggamma gives its logarithm without underflow. The derivative in `a` is that of the draw, as JAX's.
Array gamma(const Array& key, const Array& a, const std::optional<Shape>& shape = {}, std::optional<DType> dtype = {});
/// The logarithm of a Gamma(a, 1) sample.
Array loggamma(const Array& key, const Array& a, const std::optional<Shape>& shape = {},
               std::optional<DType> dtype = {});
/// Beta(a, b).
Array beta(const Array& key, const Array& a, const Array& b, const std::optional<Shape>& shape = {},
           std::optional<DType> dtype = {});
/// Dirichlet with concentrations along the last axis of `alpha`.
Array dirichlet(const Array& key, const Array& alpha, const std::optional<Shape>& shape = {},
                std::optional<DType> dtype = {});

/// 0, …, n-1 in random order; or `x` with its slices along `axis` permuted (each line by itself when independent).
Array permutation(const Array& key, std::int64_t n);
/// `x` with its slices along `axis` in random order.
Array permutation(const Array& key, const Array& x, std::int64_t axis = 0, bool independent = false);
/// Draws from 0, …, n-1 or from the elements of the vector `a`, with probabilities `p` when given.
Array choice(const Array& key, std::int64_t n, const Shape& shape = {}, bool replace = true,
             const std::optional<Array>& p = {});
/// Draws from the elements of the vector `a`.
Array choice(const Array& key, const Array& a, const Shape& shape = {}, bool replace = true,
             const std::optional<Array>& p = {});

}  // namespace random
}  // namespace tf2jax
