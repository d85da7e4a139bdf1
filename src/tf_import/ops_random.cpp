// Random numbers: JAX's for the same key, not TensorFlow's.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

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

Values standard_normal(Node& n) {
  const DType type = sample_type(n);
  return {random::normal(n.interpreter().next_key(), n.shape(0), type)};
}
Values uniform(Node& n) {
  const DType type = sample_type(n);
  return {random::uniform(n.interpreter().next_key(), n.shape(0), type)};
}
Values uniform_int(Node& n) {
  n.ignore({"seed", "seed2", "Tout"});
  const Array low = n.array(1), high = n.array(2);
  return {random::randint(n.interpreter().next_key(), n.shape(0), low, high, low.dtype())};
}
Values truncated(Node& n) {
  const DType type = sample_type(n);
  return {random::truncated_normal(n.interpreter().next_key(), -2.f, 2.f, n.shape(0), type)};
}
Values shuffle(Node& n) {
  n.ignore({"seed", "seed2"});
  return {random::permutation(n.interpreter().next_key(), n.array(0))};
}

// Row i holds `count` classes drawn by the logits of row i.
Array multinomial(const Array& key, const Array& logits, std::int64_t count, DType type) {
  check<ShapeError>(logits.rank() == 2, "Multinomial: expected logits of rank 2, got {}", logits.aval());
  const Array drawn = random::categorical(key, logits, -1, Shape{Dim(count), logits.shape()[0]});
  return astype(transpose(drawn), type);
}
Values multinomial_node(Node& n) {
  n.ignore({"seed", "seed2"});
  const DType type = canonical_dtype(n.attr_or<DType>("output_dtype", i64));
  return {multinomial(n.interpreter().next_key(), n.array(0), n.integer(1), type)};
}
Values stateless_multinomial(Node& n) {
  const DType type = canonical_dtype(n.attr_or<DType>("output_dtype", i64));
  return {multinomial(astype(n.array(2), u32), n.array(0), n.integer(1), type)};
}

Values key_counter(Node& n) {
  const Array seed = n.array(0);
  check<ShapeError>(seed.rank() == 1 && identical(seed.shape()[0], Dim(2)), "StatelessRandomGetKeyCounter: expected a seed of shape (2,), got {}", seed.aval());
  const Array key = random::key_data(random::key(reduce_sum(seed, {0})));
  return {key, Value(Array::from_bytes(i32, {}, std::vector<std::byte>(4)), true)};   // the counter is not used
}

Values stateless_normal(Node& n) { return {random::normal(n.array(1), n.shape(0), sample_type(n))}; }
Values stateless_uniform(Node& n) { return {random::uniform(n.array(1), n.shape(0), sample_type(n))}; }
Values stateless_uniform_int(Node& n) {
  const Array low = n.array(4), high = n.array(5);
  return {random::randint(n.array(1), n.shape(0), low, high, low.dtype())};
}
Values stateless_truncated(Node& n) { return {random::truncated_normal(n.array(1), -2.f, 2.f, n.shape(0), sample_type(n))}; }

Values stateless_full_int(Node& n) {
  const DType type = sample_type(n, u64);
  return visit_dtype(type, [&]<class T>(std::type_identity<T>) -> Values {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
      const auto scalar = [&](T v) { return Array::from_bytes(type, {}, std::as_bytes(std::span(&v, 1))); };
      return {random::randint(n.array(1), n.shape(0), scalar(low), scalar(high), type)};
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
