// XLA's generators of random bits, ThreeFry and Philox, and how their counters are laid out.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include <algorithm>
#include <array>
#include <cstring>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/threefry.h"
#include "tf2jax/ops/random.h"

namespace tf2jax::cpu {
namespace {

constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }
constexpr std::uint64_t joined(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }

// A key and a counter of one word or two.
struct State {
  std::uint64_t key = 0, counter = 0, counter_high = 0;
  bool wide = false;
};

// ---- ThreeFry: each hash gives two words of 32 bits.

PrngKeyData hashed(const State& s, std::uint64_t index) {
  const std::uint64_t at = s.counter + index;
  return threefry({low(s.key), high(s.key)}, low(at), high(at));
}
// The two words are neighbours along the first axis of even size, or else along the longest, whose last half is unused.
void threefry_32(State& s, const Dims& shape, std::uint32_t* out) {
  if (shape.empty()) {
    out[0] = hashed(s, 0).k0;
    s.counter += 1;
    return;
  }
  auto axis = std::ranges::find_if(shape, [](std::int64_t d) { return d % 2 == 0; });
  if (axis == shape.end()) axis = std::ranges::max_element(shape);
  const std::int64_t size = *axis, pairs = (size + 1) / 2;
  const std::int64_t inner = num_elements(Dims(axis + 1, shape.end())), outer = num_elements(Dims(shape.begin(), axis));
  for_range(outer * size * inner, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t along = i / inner % size;
      const std::int64_t index = (i / inner / size * pairs + along / 2) * inner + i % inner;
      const PrngKeyData words = hashed(s, static_cast<std::uint64_t>(index));
      out[i] = along % 2 == 0 ? words.k0 : words.k1;
    }
  });
  s.counter += static_cast<std::uint64_t>(outer * pairs * inner);
}
void threefry_64(State& s, std::int64_t n, std::uint64_t* out) {
  for_range(n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const PrngKeyData words = hashed(s, static_cast<std::uint64_t>(i));
      out[i] = joined(words.k0, words.k1);
    }
  });
  s.counter += static_cast<std::uint64_t>(n);
}

// ---- Philox4x32 of ten rounds: each counter of 128 bits gives four words of 32, which are used in turn.

using Words = std::array<std::uint32_t, 4>;

State skipped(State s, std::uint64_t count) {
  s.counter += count;
  if (s.counter < count) ++s.counter_high;
  return s;
}
Words philox(const State& from, std::uint64_t index) {
  const State s = skipped(from, index);
  Words x{low(s.counter), high(s.counter), low(s.counter_high), high(s.counter_high)};
  std::uint32_t k0 = low(s.key), k1 = high(s.key);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * x[0], b = std::uint64_t{0xCD9E8D57} * x[2];
    x = {high(b) ^ x[1] ^ k0, low(b), high(a) ^ x[3] ^ k1, low(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return x;
}
// `bytes` of words; the machine's order of bytes is that of the parts of a 64-bit word.
void philox_bytes(State& s, std::span<std::byte> out) {
  constexpr auto kBlock = static_cast<std::int64_t>(sizeof(Words));
  const auto bytes = static_cast<std::int64_t>(out.size()), blocks = (bytes + kBlock - 1) / kBlock;
  for_range(blocks, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Words words = philox(s, static_cast<std::uint64_t>(i));
      std::copy_n(std::as_bytes(std::span(words)).data(), std::min(kBlock, bytes - i * kBlock),
                  out.data() + i * kBlock);
    }
  });
  s = skipped(s, static_cast<std::uint64_t>(blocks));
}

template <class Word>
void generate(State& s, RngAlgorithm algorithm, const Dims& shape, Word* out) {
  const std::int64_t n = num_elements(shape);
  const std::span<Word> all(out, out + n);
  if (algorithm != RngAlgorithm::three_fry) philox_bytes(s, std::as_writable_bytes(all));
  else if constexpr (sizeof(Word) == 8) threefry_64(s, n, out);
  else threefry_32(s, shape, out);
}

Arrays bit_generator_kernel(const KernelCall& c) {
  const auto& p = c.params.get<RngBitGenerator>();
  const Dims shape = concrete(p.shape);
  std::array<std::uint64_t, 3> words{};
  const auto given = c.args[0].bytes();
  std::memcpy(words.data(), given.data(), given.size());
  State s{words[0], words[1], words[2], given.size() == sizeof words};
  if (!s.wide) s.counter_high = s.key;  // as XLA fills it up
  const Array bits = visit_dtype(p.dtype, [&]<class T>(std::type_identity<T>) {
    using Word = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    const Aval drawn{dtype_of<Word>, c.outputs[1].shape, false};
    Array all = make_array<Word>(drawn, [&](Word* out) { generate(s, p.algorithm, shape, out); });
    if constexpr (std::unsigned_integral<T> && sizeof(T) < 4 && !std::same_as<T, bool>)
      return map_unary<Word, T>(all, c.outputs[1], [](Word x) { return static_cast<T>(x); });
    else return all;
  });
  words = {s.key, s.counter, s.counter_high};
  const auto next = std::as_bytes(std::span(words)).first(given.size());
  return {detail::exact_array(c.outputs[0], next), bits};
}

}  // namespace

void register_bit_generator_kernels(KernelTable& table) { table.add(rng_bit_generator_p(), bit_generator_kernel); }

}  // namespace tf2jax::cpu
