// Rules of random numbers: the threefry hash in 32-bit operations, and what is derived from it. Keys are u32[…, 2].
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include "tf2jax/ops/random.h"

#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::jax2tf {
namespace {

using Words = std::pair<Array, Array>;

Array word(std::uint32_t v) {
  return rules::scalar_of(u32, detail::exact_array({u32, {}}, std::as_bytes(std::span(&v, 1))));
}
Array rotated(const Array& x, std::uint32_t places) {
  return bitwise_or(shift_left(x, word(places)), shift_right_logical(x, word(32 - places)));
}
Words threefry(const Words& key, Array x0, Array x1) {
  constexpr std::uint32_t kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const Array third = bitwise_xor(bitwise_xor(key.first, key.second), word(0x1BD11BDA));
  const Array keys[] = {key.first, key.second, third};
  x0 = add(x0, keys[0]);
  x1 = add(x1, keys[1]);
  for (std::uint32_t group = 0; group < 5; ++group) {
    for (const std::uint32_t places : kRotations[group % 2]) {
      x0 = add(x0, x1);
      x1 = bitwise_xor(rotated(x1, places), x0);
    }
    x0 = add(x0, keys[(group + 1) % 3]);
    x1 = add(add(x1, keys[(group + 2) % 3]), word(group + 1));
  }
  return {x0, x1};
}

// The two words of each key, with an axis of size 1 behind.
Words words_of(const Array& keys) {
  const std::int64_t axis = keys.rank() - 1;
  return {slice_in_dim(keys, 0, 1, 1, axis), slice_in_dim(keys, 1, 2, 1, axis)};
}
Array pair_up(const Words& w) { return stack({w.first, w.second}, w.first.rank()); }

void check_count(std::string_view name, Dim n) {
  if (!n.is_constant()) return;
  if (n.value() >= std::int64_t{1} << 31) refuse(name, "it draws more numbers than 32-bit counters tell apart");
}
// Hashes of the counters 0 … n-1 for each key: [keys…, n].
Words counted(const Array& keys, Dim n) {
  const Array low = iota(u32, {n}, 0);
  return threefry(words_of(keys), zeros_like(low), low);
}
// The older way: counters in two halves, the second padded by one zero.
Array original_words(const Array& keys, std::int64_t n) {
  const std::int64_t half = (n + 1) / 2;
  const Array first = iota(u32, {Dim(half)}, 0);
  Array second = add(first, word(static_cast<std::uint32_t>(half)));
  if (2 * half > n) second = where(equal(second, word(static_cast<std::uint32_t>(n))), word(0), second);
  const Words h = threefry(words_of(keys), first, second);
  const Array both = concatenate({h.first, h.second}, keys.rank() - 1);
  return slice_in_dim(both, 0, n, 1, keys.rank() - 1);
}

Array original_bits(const Array& keys, std::int64_t n, std::int64_t width, DType dtype) {
  const std::int64_t axis = keys.rank() - 1;
  const Array all_words = original_words(keys, (width * n + 31) / 32);
  if (width == 32) return all_words;
  if (width == 64) {
    const Array high = rules::converted(slice_in_dim(all_words, 0, n, 1, axis), dtype);
    const Array low = rules::converted(slice_in_dim(all_words, n, 2 * n, 1, axis), dtype);
    return bitwise_or(shift_left(high, rules::scalar_of(dtype, Array(32))), low);
  }
  Arrays parts;
  for (std::int64_t at = 0; at < 32; at += width)
    parts.push_back(shift_right_logical(all_words, word(static_cast<std::uint32_t>(at))));
  Shape flat(keys.shape().begin(), keys.shape().end() - 1);
  flat.push_back(all_words.shape().back() * Dim(32 / width));
  const Array joined = reshape(stack(parts, all_words.rank()), flat);
  return rules::converted(slice_in_dim(joined, 0, n, 1, axis), dtype);
}
Array partitioned_bits(const Array& keys, Dim n, std::int64_t width, DType dtype) {
  const Words h = counted(keys, n);
  if (width < 64) return rules::converted(bitwise_xor(h.first, h.second), dtype);
  const Array high = rules::converted(h.first, dtype);
  return bitwise_or(shift_left(high, rules::scalar_of(dtype, Array(32))), rules::converted(h.second, dtype));
}

std::int64_t known(std::string_view name, Dim n) {
  if (!n.is_constant())
    refuse(name, "without threefry_partitionable the numbers depend on their count, which is symbolic");
  return n.value();
}

Tensors bits_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<RandomBits>();
  const Dim n = num_elements(p.shape);
  check_count("random_bits", n);
  if (n.is_constant() && n.value() == 0) return {c.zeros(out[0])};
  return c.call(
      [&](const Arrays& v) -> Arrays {
        const Array flat = p.partitionable ? partitioned_bits(v[0], n, p.bit_width, out[0].dtype)
                                           : original_bits(v[0], known("random_bits", n), p.bit_width, out[0].dtype);
        return {reshape(flat, out[0].shape)};
      },
      x);
}
Tensors split_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<RandomSplit>();
  const Dim n = num_elements(p.shape);
  check_count("random_split", n);
  return c.call(
      [&](const Arrays& v) -> Arrays {
        if (!p.partitionable) return {reshape(original_words(v[0], 2 * known("random_split", n)), out[0].shape)};
        return {reshape(pair_up(counted(v[0], n)), out[0].shape)};
      },
      x);
}
Tensors fold_in_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  return c.call(
      [&](const Arrays& v) -> Arrays {
        const Array data = expand_dims(v[1], {v[1].rank()});
        return {reshape(pair_up(threefry(words_of(v[0]), zeros_like(data), data)), out[0].shape)};
      },
      x);
}
Tensors seed_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return c.call(
      [](const Arrays& v) -> Arrays {
        const Array low = rules::converted(v[0], u32);
        if (itemsize(v[0].dtype()) < 8) return {pair_up({zeros_like(low), low})};
        const Array shift = rules::scalar_of(v[0].dtype(), Array(32));
        return {pair_up({rules::converted(shift_right_logical(v[0], shift), u32), low})};
      },
      x);
}
Tensors hash_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  return c.call(
      [&](const Arrays& v) -> Arrays {
        const Words h = threefry({v[0], v[1]}, v[2], v[3]);
        return {rules::broadcast_like(h.first, out[0].shape), rules::broadcast_like(h.second, out[0].shape)};
      },
      x);
}
Tensors same(Lowering&, const Tensors& x, const EquationParams&, const Avals&) { return x; }

}  // namespace

void add_random_rules(Rules& rules) {
  rules.set(threefry2x32_p(), hash_rule).set(random_seed_p(), seed_rule).set(random_fold_in_p(), fold_in_rule);
  rules.set(random_bits_p(), bits_rule).set(random_split_p(), split_rule);
  rules.set(random_wrap_p(), same).set(random_unwrap_p(), same);
}

}  // namespace tf2jax::jax2tf
