// tf.random.Generator: random operations whose state is a variable of the model, a counter of 128 bits and a key of 64.
// They are JAX's numbers for a key made of the state, or TensorFlow's own for it where Config::tf_exact_random is set;
// what becomes of the state is TensorFlow's in both cases.
#include "tf2jax/base/config.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/control/random_counts.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/converters/random/internal/exact_random.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

namespace tf2jax::tf_import {
namespace {

Array word(const Array& words, std::int64_t i) { return reshape(slice_in_dim(words, i, i + 1, 1, 0), {}); }
Array low_half(const Array& x) { return astype(x, u32); }
Array high_half(const Array& x) { return astype(shift_right_logical(x, full_like(x, Array(32))), u32); }

// The state of input 0: three words of 64 bits.
Array state_of(const Node& n) {
  constexpr std::int64_t kPhilox = 1;
  const Array state = n.interpreter().read(n.variable(0));
  check<NotImplementedError>(state.dtype() == i64,
                             "the state of a generator is 64 bits wide. Got {}. Set Config::enable_x64 when the model "
                             "is converted and called.",
                             state.aval());
  check<ShapeError>(identical(state.shape(), Shape{Dim(3)}), "the state must be three integers. Got {}.", state.aval());
  const std::int64_t algorithm = n.integer(1);
  check<NotImplementedError>(algorithm == kPhilox, "generators are implemented for Philox. Got algorithm {}.",
                             algorithm);
  return bitcast_convert_type(state, u64);
}

// Moves the counter on by as much as TensorFlow keeps for `count` numbers.
void advance(const Node& n, const Array& state, const Array& count) {
  const Array low = word(state, 0), moved = add(low, mul(astype(count, u64), full_like(low, Array(256))));
  const Array carry = astype(less(moved, low), u64);
  n.interpreter().assign(n.variable(0),
                         bitcast_convert_type(stack({moved, add(word(state, 1), carry), word(state, 2)}, 0), i64));
}
void advance(const Node& n, const Array& state, std::int64_t count) {
  advance(n, state, full_like(word(state, 0), Array(count)));
}

// Input 2 is the shape.
Array numbers(Node& n, const Array& key, const Shape& shape) {
  const std::string& op = n.op();
  const DType usual = op == "StatefulUniformFullInt"                                 ? u64
                      : op == "StatefulUniformInt" || op == "StatefulRandomBinomial" ? i64
                                                                                     : f32;
  const DType type = canonical_dtype(n.attr_or<DType>("dtype", usual));
  if (op == "StatefulUniform") return random::uniform(key, shape, type);
  if (op == "StatefulStandardNormalV2") return random::normal(key, shape, type);
  if (op == "StatefulTruncatedNormal") return random::truncated_normal(key, -2.F, 2.F, shape, type);
  if (op == "StatefulUniformInt") return random::randint(key, shape, n.scalar(3), n.scalar(4), type);
  if (op == "StatefulUniformFullInt") return random::bits(key, shape, type);
  const auto wide = [&](std::size_t i) { return broadcast_to(astype(n.array(i), f32), shape); };
  return astype(random::binomial(key, wide(3), wide(4), shape), type);
}

Values stateful(Node& n) {
  n.ignore({"shape_dtype", "S", "T"});
  const Array state = state_of(n);
  const Shape shape = n.sizes(2);
  const std::int64_t count = num_elements(concrete(shape));
  Values out;
  if (config().tf_exact_random) out = exact_of_state(n, known_state(state));
  else out = {numbers(n, key_of_generator(slice_in_dim(state, 2, 3, 1, 0), slice_in_dim(state, 0, 2, 1, 0)), shape)};
  advance(n, state, n.op() == "StatefulRandomBinomial" ? blocks_of_binomial(n, concrete(shape)) : count);
  return out;
}

Values read_and_skip(Node& n) {
  const Array state = state_of(n);
  advance(n, state, n.scalar(2));
  return {bitcast_convert_type(state, i64)};
}
Values skip(Node& n) {
  advance(n, state_of(n), n.scalar(2));
  return {};
}

}  // namespace

Array key_of_generator(const Array& key, const Array& counter) {
  Array out = stack({high_half(word(key, 0)), low_half(word(key, 0))}, 0);
  for (const std::int64_t i : {0, 1})
    for (const Array& half : {low_half(word(counter, i)), high_half(word(counter, i))})
      out = random::fold_in(out, half);
  return out;
}

void add_generator_operations(ConverterTable& table) {
  const OpTraits traits{.has_effect = true, .is_never_on_host = true};
  for (const char* op : {"StatefulUniform", "StatefulStandardNormalV2", "StatefulTruncatedNormal", "StatefulUniformInt",
                         "StatefulUniformFullInt", "StatefulRandomBinomial"})
    table.add(op, stateful, traits);
  table.add("RngReadAndSkip", read_and_skip, traits);
  table.add("RngSkip", skip, traits);
}

}  // namespace tf2jax::tf_import
