// Rules of random numbers: the threefry hash in 32-bit operations, and what is derived from it. Keys are u32[…, 2].
#include "tf2jax/ops/random.h"

#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/internal/threefry.h"
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax::jax2tf {
namespace {

// Whether numbers of this count can be drawn.
void check_count(std::string_view name, Dim n, bool partitionable) {
  if (!n.is_constant()) {
    if (!partitionable)
      refuse(name, "without threefry_partitionable the numbers depend on their count, which is symbolic");
    return;
  }
  if (n.value() >= std::int64_t{1} << 31) refuse(name, "it draws more numbers than 32-bit counters tell apart");
}

Tensors bits_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals&) {
  const auto& p = params.get<RandomBits>();
  check_count("random_bits", num_elements(p.shape), p.partitionable);
  return c.call([&](const Arrays& v) -> Arrays { return {threefry::bits(v[0], p)}; }, x);
}
Tensors split_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals&) {
  const auto& p = params.get<RandomSplit>();
  check_count("random_split", num_elements(p.shape), p.partitionable);
  return c.call([&](const Arrays& v) -> Arrays { return {threefry::split(v[0], p)}; }, x);
}
Tensors fold_in_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return c.call([](const Arrays& v) -> Arrays { return {threefry::fold_in(v[0], v[1])}; }, x);
}
Tensors seed_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals&) {
  return c.call([](const Arrays& v) -> Arrays { return {threefry::seed(v[0])}; }, x);
}
Tensors hash_rule(Lowering& c, const Tensors& x, const EquationParams&, const Avals& out) {
  return c.call(
      [&](const Arrays& v) -> Arrays {
        const threefry::Words h = threefry::hash({v[0], v[1]}, v[2], v[3]);
        return {rules::broadcast_like(h.first, out[0].shape), rules::broadcast_like(h.second, out[0].shape)};
      },
      x);
}
// TensorFlow's state is u64[n]: two words of u32 are one, the lower first. It counts the algorithms from 3 down.
Tensors rng_bit_generator_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  need_xla(c, "rng_bit_generator");
  const auto& p = params.get<RngBitGenerator>();
  const bool in_words = x[0].dtype == DType::u32;
  const Tensor state = in_words ? c.node("Bitcast", {c.reshape(x[0], {Dim(2), Dim(2)})}, {u64, {Dim(2)}}) : x[0];
  const DType drawn = p.dtype == DType::u64 ? DType::u64 : DType::u32;
  Tensors y =
      c.writer().nodes("XlaRngBitGenerator", {c.index(3 - static_cast<int>(p.algorithm)), state, c.sizes(p.shape)},
                       {{state.dtype, state.shape}, {drawn, p.shape}}, {{"dtype", drawn}});
  if (in_words) y[0] = c.reshape(c.node("Bitcast", {y[0]}, {u32, {Dim(2), Dim(2)}}), {Dim(4)});
  if (p.dtype != drawn) y[1] = c.cast(y[1], out[1].dtype);
  return y;
}
Tensors same(Lowering&, const Tensors& x, const EquationParams&, const Avals&) { return x; }

}  // namespace

void add_random_rules(Rules& rules) {
  rules.set(threefry2x32_p(), hash_rule).set(random_seed_p(), seed_rule).set(random_fold_in_p(), fold_in_rule);
  rules.set(random_bits_p(), bits_rule).set(random_split_p(), split_rule);
  rules.set(rng_bit_generator_p(), rng_bit_generator_rule);
  rules.set(random_wrap_p(), same).set(random_unwrap_p(), same);
}

}  // namespace tf2jax::jax2tf
