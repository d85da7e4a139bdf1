// Random numbers: JAX's for the same key, not TensorFlow's.
#include "tf2jax/tf_import/converters/random/internal/exact_random.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/control/random_counts.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::tf_import {
namespace {

DType sample_type(const Node& n, DType fallback = f32) {
  n.ignore({"seed", "seed2"});
  return canonical_dtype(n.attr_or<DType>("dtype", fallback));
}

// Input `i` as the two words of a key; or the one word of a generator's, with the counter behind it.
Array key_words(const Node& n, std::size_t i) {
  const Array key = n.array(i, 1, 1);
  check<DtypeError>(is_integer(key.dtype()), "the key must be integers. Got {}.", key.aval());
  if (key.dtype() == u64 && identical(key.shape()[0], Dim(1))) return key_of_generator(key, n.array(i + 1, 1, 1));
  check<ShapeError>(identical(key.shape()[0], Dim(2)), "the key must be two integers. Got {}.", key.aval());
  return astype(key, u32);
}

Values standard_normal(Node& n) {
  const DType type = sample_type(n);
  return {random::normal(n.interpreter().next_key(), n.sizes(0), type)};
}
Values uniform(Node& n) {
  const DType type = sample_type(n);
  return {random::uniform(n.interpreter().next_key(), n.sizes(0), type)};
}
Values uniform_int(Node& n) {
  n.ignore({"seed", "seed2", "Tout"});
  const Array low = n.scalar(1), high = n.scalar(2);
  return {random::randint(n.interpreter().next_key(), n.sizes(0), low, high, low.dtype())};
}
Values truncated(Node& n) {
  const DType type = sample_type(n);
  return {random::truncated_normal(n.interpreter().next_key(), -2.f, 2.f, n.sizes(0), type)};
}
Values shuffle(Node& n) {
  n.ignore({"seed", "seed2"});
  return {random::permutation(n.interpreter().next_key(), n.array(0, 1))};
}

// Row i holds `count` classes drawn by the logits of row i.
Array multinomial(const Array& key, const Array& logits, std::int64_t count, DType type) {
  check<ShapeError>(logits.rank() == 2, "logits must have rank 2. Got {}.", logits.aval());
  check_sizes(Shape{Dim(count), logits.shape()[0], logits.shape()[1]}, "Multinomial");
  const Array drawn = random::categorical(key, logits, -1, Shape{Dim(count), logits.shape()[0]});
  return astype(transpose(drawn), type);
}
Values multinomial_node(Node& n) {
  n.ignore({"seed", "seed2"});
  const DType type = canonical_dtype(n.attr_or<DType>("output_dtype", i64));
  return {multinomial(n.interpreter().next_key(), n.array(0), n.integer(1, 0), type)};
}
Values stateless_multinomial(Node& n) {
  const DType type = canonical_dtype(n.attr_or<DType>("output_dtype", i64));
  return {multinomial(key_words(n, 2), n.array(0), n.integer(1, 0), type)};
}

// The key of a seed of two numbers: that of their sum, as the Python library has it.
Array seed_key(const Node& n, std::size_t i) {
  n.ignore({"Tseed"});
  const Array seed = n.indices(i);
  check<ShapeError>(seed.rank() == 1 && identical(seed.shape()[0], Dim(2)), "the seed must be two numbers. Got {}.",
                    seed.aval());
  return random::key_data(random::key(reduce_sum(seed, {0})));
}

Values key_counter(Node& n) {
  return {seed_key(n, 0),
          Value(Array::from_bytes(i32, {}, std::vector<std::byte>(4)), true)};  // the counter is not used
}

Values key_counter_algorithm(Node& n) {
  const Values first = key_counter(n);
  return {first[0], first[1], Value(Array(3), true)};  // AUTO_SELECT
}

Values stateless_normal(Node& n) { return {random::normal(key_words(n, 1), n.sizes(0), sample_type(n))}; }
Values stateless_uniform(Node& n) { return {random::uniform(key_words(n, 1), n.sizes(0), sample_type(n))}; }
Values stateless_uniform_int(Node& n) {
  const Array low = n.scalar(4), high = n.scalar(5);
  return {random::randint(key_words(n, 1), n.sizes(0), low, high, low.dtype())};
}
Values stateless_truncated(Node& n) {
  return {random::truncated_normal(key_words(n, 1), -2.f, 2.f, n.sizes(0), sample_type(n))};
}

Values stateless_full_int(Node& n) {
  const DType type = sample_type(n, u64);
  return visit_dtype(type, [&]<class T>(std::type_identity<T>) -> Values {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
      const auto scalar = [&](T v) { return Array::from_bytes(type, {}, std::as_bytes(std::span(&v, 1))); };
      return {random::randint(key_words(n, 1), n.sizes(0), scalar(low), scalar(high), type)};
    } else {
      raise<DtypeError>("the dtype must be an integer type. Got {}.", type);
    }
  });
}

// `shape` samples for each element of the parameters, whose axes come last.
Shape samples_for(const Node& n, std::size_t sizes, const Shape& parameters) {
  Shape shape = n.sizes(sizes);
  shape.insert(shape.end(), parameters.begin(), parameters.end());
  check_sizes(shape, n.op());
  return shape;
}

// Halves are drawn as floats.
DType drawn_type(DType type) { return itemsize(type) < 4 ? f32 : type; }

Array gammas(const Array& key, const Array& alpha, const Shape& shape) {
  const DType type = drawn_type(alpha.dtype());
  return astype(random::gamma(key, broadcast_to(astype(alpha, type), shape), shape, type), alpha.dtype());
}
Values random_gamma_node(Node& n) {
  n.ignore({"seed", "seed2", "S"});
  const Array alpha = n.array(1);
  return {gammas(n.interpreter().next_key(), alpha, samples_for(n, 0, alpha.shape()))};
}
// Inputs: shape, seed, alpha; or shape, key, counter, algorithm, alpha. The shape has the axes of alpha at its end.
Values stateless_gamma(Node& n) {
  const bool v3 = n.op() == "StatelessRandomGammaV3";
  if (v3) n.ignore({"shape_dtype"});
  return {gammas(v3 ? key_words(n, 1) : seed_key(n, 1), n.array(v3 ? 4 : 2), n.sizes(0))};
}

Array poissons(const Array& key, const Array& rate, const Shape& shape, DType type) {
  const Array drawn = random::poisson(key, broadcast_to(astype(rate, drawn_type(rate.dtype())), shape), shape);
  return astype(drawn, type);
}
Values random_poisson_node(Node& n) {
  n.ignore({"seed", "seed2", "S", "R"});
  const Array rate = n.array(1);
  const DType type = canonical_dtype(n.attr_or<DType>("dtype", i64));
  return {poissons(n.interpreter().next_key(), rate, samples_for(n, 0, rate.shape()), type)};
}
Values stateless_poisson(Node& n) {
  n.ignore({"Rtype"});
  const DType type = canonical_dtype(n.attr<DType>("dtype"));
  return {poissons(seed_key(n, 1), n.array(2), n.sizes(0), type)};
}

// Inputs: shape, seed, counts, probabilities.
Values stateless_binomial(Node& n) {
  n.ignore({"S", "T"});
  const DType type = canonical_dtype(n.attr<DType>("dtype"));
  const Shape shape = n.sizes(0);
  const auto wide = [&](std::size_t i) { return broadcast_to(astype(n.array(i), f32), shape); };
  return {astype(random::binomial(seed_key(n, 1), wide(2), wide(3), shape), type)};
}

Values stateless_shuffle(Node& n) { return {random::permutation(key_words(n, 1), n.array(0, 1))}; }

// `parameters`: means, deviations, lowest and highest values.
Array truncated_between(const Array& key, const Arrays& parameters, const Shape& shape) {
  const auto wide = [&](std::size_t i) { return broadcast_to(parameters[i], shape); };
  const Array mean = wide(0), deviation = wide(1);
  const auto standard = [&](std::size_t i) { return divide(sub(wide(i), mean), deviation); };
  const Array drawn = random::truncated_normal(key, standard(2), standard(3), shape, mean.dtype());
  return add(mean, mul(deviation, drawn));
}
Values stateless_truncated_between(Node& n) { return {truncated_between(seed_key(n, 1), n.arrays(2, 4), n.sizes(0))}; }
// The parameters are those of all rows, or of one each.
Values truncated_between_node(Node& n) {
  n.ignore({"seed", "seed2"});
  const Shape shape = n.sizes(0);
  Arrays parameters;
  for (std::size_t i = 1; i < 5; ++i) {
    const Array x = n.array(i, 0, 1);
    Shape rows = x.shape();
    if (x.rank() == 1) rows.resize(shape.size(), Dim(1));
    parameters.push_back(reshape(x, rows));
  }
  return {truncated_between(n.interpreter().next_key(), parameters, shape)};
}

// The first versions, which take a seed of two numbers. Inputs: shape, seed and, of integers, the range.
Values first_version(Node& n) {
  n.ignore({"Tseed"});
  const Array key = seed_key(n, 1);
  const DType type = canonical_dtype(n.attr<DType>("dtype"));
  const Shape shape = n.sizes(0);
  if (n.op() == "StatelessRandomNormal") return {random::normal(key, shape, type)};
  if (n.op() == "StatelessRandomUniform") return {random::uniform(key, shape, type)};
  if (n.op() == "StatelessTruncatedNormal") return {random::truncated_normal(key, -2.f, 2.f, shape, type)};
  return {random::randint(key, shape, n.scalar(2), n.scalar(3), type)};
}

}  // namespace

Arrays split_key(const Array& key, std::int64_t count) {
  const Array raw = key.dtype() == DType::key ? random::key_data(key) : key;
  Arrays keys;
  const Array all_keys = random::split(raw, count);
  for (std::int64_t i = 0; i < count; ++i) keys.push_back(reshape(slice_in_dim(all_keys, i, i + 1, 1, 0), {2}));
  return keys;
}

void add_random_operations(ConverterTable& table) {
  // Random numbers follow the configuration in force, so they are not drawn on the host.
  const OpTraits keyed{.is_random = true, .is_never_on_host = true}, stateless{.is_never_on_host = true};
  table.add("RandomStandardNormal", standard_normal, keyed);
  table.add("RandomUniform", uniform, keyed);
  table.add("RandomUniformInt", uniform_int, keyed);
  table.add("TruncatedNormal", truncated, keyed);
  table.add("RandomShuffle", shuffle, keyed);
  table.add("Multinomial", multinomial_node, keyed);
  table.add("RandomGamma", random_gamma_node, keyed);
  table.add("RandomPoissonV2", random_poisson_node, keyed);
  table.add("ParameterizedTruncatedNormal", truncated_between_node, keyed);
  for (const char* op : {"StatelessRandomGammaV2", "StatelessRandomGammaV3"}) table.add(op, stateless_gamma, stateless);
  table.add("StatelessRandomPoisson", stateless_poisson, stateless);
  table.add("StatelessRandomBinomial", stateless_binomial, stateless);
  table.add("StatelessShuffle", stateless_shuffle, stateless);
  table.add("StatelessParameterizedTruncatedNormal", stateless_truncated_between, stateless);
  for (const char* op :
       {"StatelessRandomNormal", "StatelessRandomUniform", "StatelessRandomUniformInt", "StatelessTruncatedNormal"})
    table.add(op, first_version, stateless);
  table.add("StatelessRandomGetKeyCounterAlg", key_counter_algorithm, stateless);
  table.add("StatelessMultinomial", stateless_multinomial, stateless);
  table.add("StatelessRandomGetAlg", [](Node&) { return Values{Value(Array(3), true)}; }, stateless);  // AUTO_SELECT
  table.add("StatelessRandomGetKeyCounter", key_counter, stateless);
  table.add("StatelessRandomNormalV2", stateless_normal, stateless);
  table.add("StatelessRandomUniformV2", stateless_uniform, stateless);
  table.add("StatelessRandomUniformIntV2", stateless_uniform_int, stateless);
  table.add("StatelessRandomUniformFullIntV2", stateless_full_int, stateless);
  table.add("StatelessTruncatedNormalV2", stateless_truncated, stateless);
}

}  // namespace tf2jax::tf_import
