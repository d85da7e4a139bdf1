// Random bits and keys, written out in 32-bit operations.
#include "tf2jax/ops/internal/threefry.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::threefry {
namespace {

Array word(std::uint32_t v) {
  return rules::scalar_of(u32, detail::exact_array({u32, {}}, std::as_bytes(std::span(&v, 1))));
}
Array rotated(const Array& x, std::uint32_t places) {
  return bitwise_or(shift_left(x, word(places)), shift_right_logical(x, word(32 - places)));
}

// The two words of each key, with an axis of size 1 behind.
Words words_of(const Array& keys) {
  const std::int64_t axis = keys.rank() - 1;
  return {slice_in_dim(keys, 0, 1, 1, axis), slice_in_dim(keys, 1, 2, 1, axis)};
}
Array pair_up(const Words& w) { return stack({w.first, w.second}, w.first.rank()); }

// The axes of the keys and those behind.
Shape joined(const Array& keys, const Shape& shape) {
  Shape out(keys.shape().begin(), keys.shape().end() - 1);
  out.insert(out.end(), shape.begin(), shape.end());
  return out;
}

std::int64_t known(std::string_view name, Dim n) {
  check<NotImplementedError>(n.is_constant(),
                             "{}: without threefry_partitionable the numbers depend on their count. Got the symbolic "
                             "size {}; expected a number.",
                             name, n);
  return n.value();
}

// Hashes of the counters 0 … n-1 for each key: [keys…, n].
Words counted(const Array& keys, Dim n) {
  const Array low = iota(u32, {n}, 0);
  return hash(words_of(keys), zeros_like(low), low);
}
// The older way: counters in two halves, the second padded by one zero.
Array original_words(const Array& keys, std::int64_t n) {
  const std::int64_t half = (n + 1) / 2;
  const Array first = iota(u32, {Dim(half)}, 0);
  Array second = add(first, word(static_cast<std::uint32_t>(half)));
  if (2 * half > n) second = where(equal(second, word(static_cast<std::uint32_t>(n))), word(0), second);
  const Words h = hash(words_of(keys), first, second);
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
  const Array flat =
      reshape(stack(parts, all_words.rank()), joined(keys, {all_words.shape().back() * Dim(32 / width)}));
  return rules::converted(slice_in_dim(flat, 0, n, 1, axis), dtype);
}
Array partitioned_bits(const Array& keys, Dim n, std::int64_t width, DType dtype) {
  const Words h = counted(keys, n);
  if (width < 64) return rules::converted(bitwise_xor(h.first, h.second), dtype);
  const Array high = rules::converted(h.first, dtype);
  return bitwise_or(shift_left(high, rules::scalar_of(dtype, Array(32))), rules::converted(h.second, dtype));
}

}  // namespace

Words hash(const Words& key, Array x0, Array x1) {
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

Array bits(const Array& keys, const RandomBits& p) {
  constexpr DType kTypes[] = {u8, u16, u32, u64};
  const DType dtype = kTypes[p.bit_width == 8 ? 0 : p.bit_width == 16 ? 1 : p.bit_width == 32 ? 2 : 3];
  const Dim n = num_elements(p.shape);
  if (n.is_constant() && n.value() == 0) return zeros_of({dtype, joined(keys, p.shape), false});
  const Array flat = p.partitionable ? partitioned_bits(keys, n, p.bit_width, dtype)
                                     : original_bits(keys, known("random_bits", n), p.bit_width, dtype);
  return reshape(flat, joined(keys, p.shape));
}

Array split(const Array& keys, const RandomSplit& p) {
  const Dim n = num_elements(p.shape);
  Shape out = joined(keys, p.shape);
  out.emplace_back(2);
  if (!p.partitionable) return reshape(original_words(keys, 2 * known("random_split", n)), out);
  return reshape(pair_up(counted(keys, n)), out);
}

Array fold_in(const Array& keys, const Array& data) {
  const Array x = expand_dims(data, {data.rank()});
  const Array both = pair_up(hash(words_of(keys), zeros_like(x), x));
  Shape out(both.shape().begin(), both.shape().end() - 2);
  out.emplace_back(2);
  return reshape(both, out);
}

Array seed(const Array& number) {
  const Array low = rules::converted(number, u32);
  if (itemsize(number.dtype()) < 8) return pair_up({zeros_like(low), low});
  const Array shift = rules::scalar_of(number.dtype(), Array(32));
  return pair_up({rules::converted(shift_right_logical(number, shift), u32), low});
}

}  // namespace tf2jax::threefry
