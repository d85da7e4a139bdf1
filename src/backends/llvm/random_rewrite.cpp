// Keys and random bits as arithmetic on words: what draws numbers becomes part of the loops that use them.
#include <algorithm>

#include "tf2jax/backends/llvm/graph_builder.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

using loops::Op;

// Null for what is not about keys, and for the original (not partitionable) order of bits.
std::optional<std::vector<ValueId>> GraphBuilder::rewrite_random(const Equation& e, const std::vector<ValueId>& in, const Avals& avals) {
  const Primitive& p = e.primitive;
  const bool draws = p == random_bits_p() || p == random_split_p(), derives = p == random_seed_p() || p == random_wrap_p() || p == random_fold_in_p();
  if (!draws && !derives && p != random_unwrap_p()) return std::nullopt;
  const Dims to = avals[0].dims();
  const std::int64_t elements = num_elements(to);
  if (elements == 0) return std::nullopt;
  const Aval word{DType::u32, symbolic(to), false};
  const auto converted = [&](ValueId v, DType d) { return dtype(v) == d ? v : scalar_op(Op::convert, {v}, word.with_dtype(d)); };
  const auto key_of = [&](ValueId first, ValueId second) { return std::vector{join({first, second}, DType::key)}; };
  const auto pair = [&](const Parts& key, ValueId counter) {
    return key_of(scalar_op(Op::hash_first, {key.real, key.imag, counter}, word), scalar_op(Op::hash_second, {key.real, key.imag, counter}, word));
  };

  if (p == random_seed_p()) {
    const ValueId seed = in[0];
    if (itemsize(dtype(seed)) < 8) return key_of(broadcast(number(DType::u32, 0), to, {}), converted(seed, DType::u32));
    const Aval wide = word.with_dtype(dtype(seed));
    const ValueId high = scalar_op(Op::shift_right_logical, {seed, broadcast(number(wide.dtype, 32), to, {})}, wide);
    return key_of(converted(high, DType::u32), converted(seed, DType::u32));
  }
  if (p == random_unwrap_p()) return std::vector{pairs(in[0])};
  if (p == random_wrap_p()) {
    const auto part = [&](std::int64_t k) {
      Dims start(to.size() + 1, 0), limit = dims(in[0]);
      start.back() = k, limit.back() = k + 1;
      return reshape(slice(in[0], start, limit, Dims(start.size(), 1)), to);
    };
    const ValueId first = part(0);
    return key_of(first, part(1));
  }
  if (p == random_fold_in_p()) {
    const auto whole = [&](ValueId v) { return dims(v).empty() ? broadcast(v, to, {}) : v; };
    if (std::ranges::any_of(in, [&](ValueId v) { return !dims(v).empty() && dims(v) != to; })) return std::nullopt;
    const Parts key = parts(in[0]);
    return pair({whole(key.real), whole(key.imag)}, whole(converted(in[1], DType::u32)));
  }

  // Element i of each key's numbers is the hash of i.
  const Dims keys = dims(in[0]);
  const std::int64_t count = num_elements(keys), each = elements / std::max<std::int64_t>(count, 1);
  const bool partitionable = p == random_bits_p() ? e.params.get<RandomBits>().partitionable : e.params.get<RandomSplit>().partitionable;
  if (!partitionable || each > std::int64_t{UINT32_MAX}) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(keys.size());
  const Dims shape(to.begin() + rank, to.end());
  const ValueId counters = append({iota_p(), IotaParams{DType::u32, symbolic(Dims{each}), 0}, OpKind::iota, Op::constant, {}, {}}, {{DType::u32, symbolic(Dims{each}), false}})[0];
  const ValueId counter = broadcast(reshape(counters, shape), to, iota_axes(static_cast<std::int64_t>(shape.size()), rank));
  const Parts own = parts(in[0]);
  const Parts key{broadcast(own.real, to, iota_axes(rank)), broadcast(own.imag, to, iota_axes(rank))};
  if (p == random_split_p()) return pair(key, counter);
  const auto hash = [&](Op op) { return scalar_op(op, {key.real, key.imag, counter}, word); };
  if (avals[0].dtype != DType::u64) return std::vector{converted(hash(Op::hash_both), avals[0].dtype)};
  const Aval wide = word.with_dtype(DType::u64);
  const ValueId high = scalar_op(Op::shift_left, {converted(hash(Op::hash_first), DType::u64), broadcast(number(DType::u64, 32), to, {})}, wide);
  return std::vector{scalar_op(Op::bit_or, {high, converted(hash(Op::hash_second), DType::u64)}, wide)};
}

}  // namespace tf2jax::compiler
