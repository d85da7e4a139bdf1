// Random bits by the generators that StableHLO names. State: u64[2] or u64[3], a key and a counter.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011; how counters are laid out is XLA's.
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tf2jax::stablehlo {
namespace {

template <class T>
Array scalar(T v) {
  return detail::exact_array(Aval{dtype_of<T>, {}, false}, std::as_bytes(std::span(&v, 1)));
}
Array like(const Array& value, const Shape& shape) {
  return broadcast_in_dim_p().bind1({value}, BroadcastInDim{{}, shape});
}
Array plus(const Array& x, const Array& y) { return add_p().bind1({x, y}); }
Array times(const Array& x, const Array& y) { return mul_p().bind1({x, y}); }
Array convert_to(const Array& x, DType dtype) {
  return convert_element_type_p().bind1({x}, ConvertParams{dtype, false});
}
Array element(const Array& x, std::int64_t i) { return squeeze(slice_in_dim(x, i, i + 1, 1, 0), {0}); }
Array positions(const Shape& shape, std::int64_t axis) {
  return iota_p().bind({}, IotaParams{DType::u64, shape, axis})[0];
}

// A 64-bit word as its lower and its upper half, and back.
using Halves = std::array<Array, 2>;
Halves halves(const Array& x) {
  const Array shift = like(scalar<std::uint64_t>(32), x.shape());
  return {convert_to(x, DType::u32), convert_to(shift_right_logical_p().bind1({x, shift}), DType::u32)};
}
Array joined(const Array& low, const Array& high) {
  const Array up = shift_left_p().bind1({convert_to(high, DType::u64), like(scalar<std::uint64_t>(32), high.shape())});
  return or_p().bind1({convert_to(low, DType::u64), up});
}

struct Generated {
  Array bits, counter;  // counter: u64[n]
};

// Counters of the elements in row-major order, from `start` (u64[]) on.
Array counters(const Array& start, const Shape& shape) {
  Array out = like(start, shape);
  std::uint64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    const auto size = static_cast<std::uint64_t>(shape[i].value());
    if (size >= 2) {
      out = plus(out, times(positions(shape, static_cast<std::int64_t>(i)), like(scalar(stride), shape)));
      stride *= size;
    }
  }
  return out;
}

Halves hash(const Array& key, const Array& input) {
  const Halves k = halves(key), x = halves(input);
  const Arrays out = threefry2x32_p().bind({like(k[0], input.shape()), like(k[1], input.shape()), x[0], x[1]});
  return {out[0], out[1]};
}

Array advanced(const Array& counter, const Shape& shape) {
  const auto used = static_cast<std::uint64_t>(num_elements(shape).value());
  return plus(counter, like(scalar(used), counter.shape()));
}

// Each hash gives two words: neighbours along an axis of even size, or the longest.
Generated threefry_32(const Array& key, const Array& counter, const Shape& shape) {
  if (shape.empty()) {
    const Shape half{Dim(1)};
    return {reshape(hash(key, counters(element(counter, 0), half))[0], {}), advanced(counter, half)};
  }
  std::size_t axis = 0;
  const auto even = std::ranges::find_if(shape, [](const Dim& d) { return d.value() % 2 == 0; });
  if (even != shape.end()) {
    axis = as_index(even - shape.begin());
  } else {
    for (std::size_t i = 1; i < shape.size(); ++i)
      if (shape[i].value() > shape[axis].value()) axis = i;
  }
  Shape half = shape, doubled = shape;
  const std::int64_t pairs = (shape[axis].value() + 1) / 2;
  half[axis] = Dim(pairs);
  half.insert(half.begin() + static_cast<std::ptrdiff_t>(axis) + 1, Dim(1));
  doubled[axis] = Dim(2 * pairs);
  const Halves words = hash(key, counters(element(counter, 0), half));
  const Array both = reshape(concatenate({words[0], words[1]}, static_cast<std::int64_t>(axis) + 1), doubled);
  return {slice(both, Shape(shape.size(), Dim(0)), shape), advanced(counter, half)};
}

Generated threefry_64(const Array& key, const Array& counter, const Shape& shape) {
  const Halves words = hash(key, counters(element(counter, 0), shape));
  return {joined(words[0], words[1]), advanced(counter, shape)};
}

using Words = std::array<Array, 4>;

// Ten rounds of Philox4x32.
Words philox(Words x, Halves key) {
  const Shape shape = x[0].shape();
  for (int round = 0; round < 10; ++round) {
    const auto product = [&](const Array& word, std::uint64_t by) {
      return halves(times(convert_to(word, DType::u64), like(scalar(by), shape)));
    };
    const auto mixed = [](const Array& a, const Array& b, const Array& c) {
      return xor_p().bind1({xor_p().bind1({a, b}), c});
    };
    const auto [low0, high0] = product(x[0], 0xD2511F53u);
    const auto [low1, high1] = product(x[2], 0xCD9E8D57u);
    x = {mixed(high1, x[1], like(key[0], shape)), low1, mixed(high0, x[3], like(key[1], shape)), low0};
    key = {plus(key[0], scalar<std::uint32_t>(0x9E3779B9u)), plus(key[1], scalar<std::uint32_t>(0xBB67AE85u))};
  }
  return x;
}

// (low, high) + n with carry; of two words, or of one.
Halves add_wide(const Array& low, const Array& high, const Array& n) {
  const Array sum = plus(low, n);
  return {sum, plus(high, convert_to(lt_p().bind1({sum, n}), DType::u64))};
}

// Four words for each counter, used in turn.
Generated philox_words(const Array& key, const Array& counter, std::int64_t count) {
  const std::int64_t blocks = (count + 3) / 4;
  const Shape shape{Dim(blocks)};
  const bool wide = counter.shape()[0].value() > 1;
  const Array low = element(counter, 0), high = wide ? element(counter, 1) : key;  // as XLA fills it up
  const Halves at = add_wide(like(low, shape), like(high, shape), positions(shape, 0));
  const Halves a = halves(at[0]), b = halves(at[1]);
  const Words out = philox({a[0], a[1], b[0], b[1]}, halves(key));
  Arrays columns;
  for (const Array& x : out) columns.push_back(expand_dims(x, {1}));
  const Halves next = add_wide(low, high, scalar(static_cast<std::uint64_t>(blocks)));
  Arrays state{expand_dims(next[0], {0})};
  if (wide) state.push_back(expand_dims(next[1], {0}));
  return {reshape(concatenate(columns, 1), {Dim(4 * blocks)}), wide ? concatenate(state, 0) : state[0]};
}

Generated philox_bits(const Array& key, const Array& counter, const Shape& shape, bool wide) {
  const std::int64_t n = num_elements(shape).value();
  auto [words, next] = philox_words(key, counter, wide ? 2 * n : n);
  if (wide) {
    const std::int64_t pairs = words.shape()[0].value() / 2;
    const Array both = reshape(words, {Dim(pairs), Dim(2)});
    words = joined(squeeze(slice_in_dim(both, 0, 1, 1, 1), {1}), squeeze(slice_in_dim(both, 1, 2, 1, 1), {1}));
  }
  return {reshape(slice_in_dim(words, 0, n, 1, 0), shape), next};
}

Arrays rng_bit_generator(Call& c) {
  c.expect_operands(1, 1);
  const Array& state = c[0];
  const bool fits = state.dtype() == DType::u64 && state.rank() == 1 &&
                    (state.shape()[0].value() == 2 || state.shape()[0].value() == 3);
  if (!fits) c.fail(fmt::format("its state must be u64[2] or u64[3]. Got {}.", state.aval()));
  const DType dtype = c.result_dtype(1);
  const Shape shape = c.result_shape(1);
  const bool wide = dtype == DType::u64 || dtype == DType::i64;
  check<NotImplementedError>(wide || dtype == DType::u32 || dtype == DType::i32,
                             "stablehlo: operation 'rng_bit_generator' is supported for 32 and 64 bits. Got {}.",
                             dtype);
  const std::string& algorithm = c.text("rng_algorithm");
  const Array key = element(state, 0), counter = slice_in_dim(state, 1, state.shape()[0].value(), 1, 0);
  // The default is the compiler's choice; this is what XLA takes on CPUs.
  const bool threefry = algorithm == "THREE_FRY";
  if (threefry && counter.shape()[0].value() != 1) c.fail("the state of THREE_FRY must be u64[2].");
  const Generated out = threefry ? (wide ? threefry_64(key, counter, shape) : threefry_32(key, counter, shape))
                                 : philox_bits(key, counter, shape, wide);
  const Array bits = out.bits.dtype() == dtype ? out.bits : bitcast_convert_type_p().bind1({out.bits}, NewDtype{dtype});
  return {concatenate({expand_dims(key, {0}), out.counter}, 0), bits};
}

constexpr OpRow kRows[] = {
    {"rng_bit_generator", nullptr, rng_bit_generator},
};

}  // namespace

std::span<const OpRow> random_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
