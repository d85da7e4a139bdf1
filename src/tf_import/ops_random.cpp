// Random numbers: JAX's for the same key, not TensorFlow's.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::tf_import {
namespace {

Arrays split_raw(const Array& key, std::int64_t count) {
  const Array raw = key.dtype() == DType::key ? random::key_data(key) : key;
  Arrays keys;
  const Array all_keys = random::split(raw, count);
  for (std::int64_t i = 0; i < count; ++i) keys.push_back(reshape(slice_in_dim(all_keys, i, i + 1, 1, 0), {2}));
  return keys;
}

DType sample_type(const Node& n, DType fallback = f32) {
  n.ignore({"seed", "seed2"});
  return canonical_dtype(n.attr_or<DType>("dtype", fallback));
}

// Input `i` as the two words of a key.
Array key_words(const Node& n, std::size_t i) {
  const Array key = n.array(i, 1, 1);
  check<ShapeError>(is_integer(key.dtype()) && identical(key.shape()[0], Dim(2)), "{}: the key is {}; expected two integers", n.op(), key.aval());
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
  check<ShapeError>(logits.rank() == 2, "Multinomial: expected logits of rank 2, got {}", logits.aval());
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

Values key_counter(Node& n) {
  const Array seed = n.indices(0);
  check<ShapeError>(seed.rank() == 1 && identical(seed.shape()[0], Dim(2)), "StatelessRandomGetKeyCounter: expected a seed of shape (2,), got {}", seed.aval());
  const Array key = random::key_data(random::key(reduce_sum(seed, {0})));
  return {key, Value(Array::from_bytes(i32, {}, std::vector<std::byte>(4)), true)};   // the counter is not used
}

Values stateless_normal(Node& n) { return {random::normal(key_words(n, 1), n.sizes(0), sample_type(n))}; }
Values stateless_uniform(Node& n) { return {random::uniform(key_words(n, 1), n.sizes(0), sample_type(n))}; }
Values stateless_uniform_int(Node& n) {
  const Array low = n.scalar(4), high = n.scalar(5);
  return {random::randint(key_words(n, 1), n.sizes(0), low, high, low.dtype())};
}
Values stateless_truncated(Node& n) { return {random::truncated_normal(key_words(n, 1), -2.f, 2.f, n.sizes(0), sample_type(n))}; }

Values stateless_full_int(Node& n) {
  const DType type = sample_type(n, u64);
  return visit_dtype(type, [&]<class T>(std::type_identity<T>) -> Values {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
      const auto scalar = [&](T v) { return Array::from_bytes(type, {}, std::as_bytes(std::span(&v, 1))); };
      return {random::randint(key_words(n, 1), n.sizes(0), scalar(low), scalar(high), type)};
    } else {
      raise<DtypeError>("StatelessRandomUniformFullIntV2: {} is no integer type", type);
    }
  });
}

}  // namespace

void add_random_operations(ConverterTable& table) {
  split_key = split_raw;
  table.add("RandomStandardNormal", standard_normal);
  table.add("RandomUniform", uniform);
  table.add("RandomUniformInt", uniform_int);
  table.add("TruncatedNormal", truncated);
  table.add("RandomShuffle", shuffle);
  table.add("Multinomial", multinomial_node);
  table.add("StatelessMultinomial", stateless_multinomial);
  table.add("StatelessRandomGetAlg", [](Node&) { return Values{Value(Array(3), true)}; });   // AUTO_SELECT
  table.add("StatelessRandomGetKeyCounter", key_counter);
  table.add("StatelessRandomNormalV2", stateless_normal);
  table.add("StatelessRandomUniformV2", stateless_uniform);
  table.add("StatelessRandomUniformIntV2", stateless_uniform_int);
  table.add("StatelessRandomUniformFullIntV2", stateless_full_int);
  table.add("StatelessTruncatedNormalV2", stateless_truncated);
}

}  // namespace tf2jax::tf_import
