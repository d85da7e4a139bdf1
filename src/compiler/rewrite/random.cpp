// Keys and random bits as arithmetic on words: what draws numbers becomes part of the loops that use them.
#include "tf2jax/ops/random.h"

#include <algorithm>

#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/elementwise.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

Aval words(const Dims& dims, DType type = DType::u32) { return {type, symbolic(dims), false}; }

ValueId converted(GraphBuilder& b, ValueId v, DType type) {
  return b.dtype(v) == type ? v : b.scalar_op(Op::convert, {v}, words(b.dims(v), type));
}
ValueId key_of(GraphBuilder& b, ValueId first, ValueId second) { return b.join({first, second}, DType::key); }

// One word of the hash of a counter under a key, or both.
ValueId hash(GraphBuilder& b, Op op, const ComplexParts& key, ValueId counter) {
  return b.scalar_op(op, {key.real, key.imag, counter}, words(b.dims(counter)));
}
ValueId hashed_key(GraphBuilder& b, const ComplexParts& key, ValueId counter) {
  const ValueId first = hash(b, Op::hash_first, key, counter);
  return key_of(b, first, hash(b, Op::hash_second, key, counter));
}

Rewritten seed(GraphBuilder& b, const GraphEquation& e) {
  const Dims to = e.out().dims();
  const ValueId number = e.in[0];
  const DType type = b.dtype(number);
  if (itemsize(type) < 8) {
    const ValueId high = b.broadcast(b.number(DType::u32, 0), to, {});
    return key_of(b, high, converted(b, number, DType::u32));
  }
  const ValueId half = b.broadcast(b.number(type, 32), to, {});
  const ValueId high = converted(b, b.scalar_op(Op::shift_right_logical, {number, half}, words(to, type)), DType::u32);
  return key_of(b, high, converted(b, number, DType::u32));
}

Rewritten wrap(GraphBuilder& b, const GraphEquation& e) {
  const Dims to = e.out().dims();
  const auto word = [&](std::int64_t k) {
    Dims start(to.size() + 1, 0), limit = b.dims(e.in[0]);
    start.back() = k, limit.back() = k + 1;
    return b.reshape(b.slice(e.in[0], start, limit, Dims(start.size(), 1)), to);
  };
  const ValueId first = word(0);
  return key_of(b, first, word(1));
}

Rewritten unwrap(GraphBuilder& b, const GraphEquation& e) { return b.pairs(e.in[0]); }

Rewritten fold_in(GraphBuilder& b, const GraphEquation& e) {
  const Dims to = e.out().dims();
  const auto whole = [&](ValueId v) { return b.dims(v).empty() ? b.broadcast(v, to, {}) : v; };
  if (std::ranges::any_of(e.in, [&](ValueId v) { return !b.dims(v).empty() && b.dims(v) != to; })) return std::nullopt;
  const ComplexParts key = b.parts(e.in[0]);
  const ComplexParts spread{whole(key.real), whole(key.imag)};
  return hashed_key(b, spread, whole(converted(b, e.in[1], DType::u32)));
}

/// The numbers that are drawn under each key: element i is the hash of i.
struct Drawn {
  ComplexParts key;
  ValueId counter;
};

// Null for the original (not partitionable) order of bits.
std::optional<Drawn> draw(GraphBuilder& b, const GraphEquation& e, bool partitionable) {
  const Dims to = e.out().dims(), keys = b.dims(e.in[0]);
  const std::int64_t count = num_elements(keys), each = num_elements(to) / std::max<std::int64_t>(count, 1);
  if (!partitionable || each > std::int64_t{UINT32_MAX}) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(keys.size());
  const Dims shape(to.begin() + rank, to.end());
  const ValueId counters = b.iota(DType::u32, {each}, 0);
  const ValueId counter =
      b.broadcast(b.reshape(counters, shape), to, iota_axes(static_cast<std::int64_t>(shape.size()), rank));
  const ComplexParts own = b.parts(e.in[0]);
  return Drawn{{b.broadcast(own.real, to, iota_axes(rank)), b.broadcast(own.imag, to, iota_axes(rank))}, counter};
}

Rewritten split(GraphBuilder& b, const GraphEquation& e) {
  const auto drawn = draw(b, e, e.params.get<RandomSplit>().partitionable);
  if (!drawn) return std::nullopt;
  return hashed_key(b, drawn->key, drawn->counter);
}

Rewritten bits(GraphBuilder& b, const GraphEquation& e) {
  const auto drawn = draw(b, e, e.params.get<RandomBits>().partitionable);
  if (!drawn) return std::nullopt;
  const auto word = [&](Op op, DType type) { return converted(b, hash(b, op, drawn->key, drawn->counter), type); };
  const Aval& out = e.out();
  if (out.dtype != DType::u64) return word(Op::hash_both, out.dtype);
  const ValueId first = word(Op::hash_first, DType::u64);
  const ValueId half = b.broadcast(b.number(DType::u64, 32), out.dims(), {});
  const ValueId high = b.scalar_op(Op::shift_left, {first, half}, out);
  return b.scalar_op(Op::bit_or, {high, word(Op::hash_second, DType::u64)}, out);
}

}  // namespace

void append_random_rewrites(RewriteTable& t) {
  const std::pair<Primitive, Rewriter> rows[] = {{random_seed_p(), seed},     {random_wrap_p(), wrap},
                                                 {random_unwrap_p(), unwrap}, {random_fold_in_p(), fold_in},
                                                 {random_split_p(), split},   {random_bits_p(), bits}};
  for (const auto& [p, rewriter] : rows) t.set(Turn::pairs, p, rewriter);
}

}  // namespace tf2jax::compiler
