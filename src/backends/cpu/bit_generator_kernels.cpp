// XLA's generators of random bits, ThreeFry and Philox, and how their counters are laid out.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include <algorithm>
#include <array>
#include <cstring>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/threefry.h"
#include "tf2jax/ops/internal/philox.h"
#include "tf2jax/ops/random.h"

namespace tf2jax::cpu {
namespace {

// ---- ThreeFry: each hash gives two words of 32 bits. The counter is its low word alone.

PrngKeyData hashed(const Philox& s, std::int64_t index) {
  const auto words = [](std::uint64_t x) {
    return PrngKeyData{static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(x >> 32)};
  };
  const PrngKeyData at = words(s.counter[0] + static_cast<std::uint64_t>(index));
  return threefry(words(s.key), at.k0, at.k1);
}
// The two words are neighbours along the first axis of even size, or else along the longest, whose last half is unused.
// Returns the number of hashes.
std::int64_t threefry_32(const Philox& s, Dims shape, std::uint32_t* out) {
  if (shape.empty()) shape = {1};
  auto axis = std::ranges::find_if(shape, [](std::int64_t d) { return d % 2 == 0; });
  if (axis == shape.end()) axis = std::ranges::max_element(shape);
  const std::int64_t size = *axis, pairs = (size + 1) / 2;
  const std::int64_t inner = num_elements(Dims(axis + 1, shape.end())), outer = num_elements(Dims(shape.begin(), axis));
  for_range(outer * pairs * inner, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const PrngKeyData words = hashed(s, i);
      const std::int64_t along = i / inner % pairs * 2;
      std::uint32_t* const to = out + (i / inner / pairs * size + along) * inner + i % inner;
      to[0] = words.k0;
      if (along + 1 < size) to[inner] = words.k1;
    }
  });
  return outer * pairs * inner;
}
std::int64_t threefry_64(const Philox& s, std::int64_t n, std::uint64_t* out) {
  for_range(n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const PrngKeyData words = hashed(s, i);
      out[i] = std::uint64_t{words.k1} << 32 | words.k0;
    }
  });
  return n;
}

// ---- Philox: four words for each counter, which are used in turn. The machine's order of bytes is that of the parts
// of a 64-bit word.

std::int64_t philox_bytes(const Philox& s, std::span<std::byte> out) {
  constexpr std::int64_t kBlock = sizeof(Philox::Block);
  const std::int64_t bytes = std::ssize(out), blocks = (bytes + kBlock - 1) / kBlock;
  for_range(blocks, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Philox::Block words = s.block(static_cast<std::uint64_t>(i));
      std::copy_n(std::as_bytes(std::span(words)).data(), std::min(kBlock, bytes - i * kBlock),
                  out.data() + i * kBlock);
    }
  });
  return blocks;
}

// Fills the words of that shape; the number of counters that were used.
template <class Word>
std::int64_t generate(const Philox& s, RngAlgorithm algorithm, const Dims& shape, Word* out) {
  const std::int64_t n = num_elements(shape);
  if (algorithm != RngAlgorithm::three_fry) return philox_bytes(s, std::as_writable_bytes(std::span(out, out + n)));
  if constexpr (sizeof(Word) == 8) return threefry_64(s, n, out);
  else return threefry_32(s, shape, out);
}

Arrays bit_generator_kernel(const KernelCall& c) {
  const auto& p = c.params.get<RngBitGenerator>();
  const Dims shape = concrete(p.shape);
  std::array<std::uint64_t, 3> words{};  // the key, and a counter of one word or two
  const auto given = c.args[0].bytes();
  std::memcpy(words.data(), given.data(), given.size());
  const bool is_wide = given.size() == sizeof words;
  const Philox state{words[0], {words[1], is_wide ? words[2] : words[0]}};  // filled up as XLA does
  std::int64_t used = 0;
  const Array bits = visit_dtype(p.dtype, [&]<class T>(std::type_identity<T>) {
    using Word = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    const Aval drawn{dtype_of<Word>, c.outputs[1].shape, false};
    Array all = make_array<Word>(drawn, [&](Word* out) { used = generate(state, p.algorithm, shape, out); });
    if constexpr (std::unsigned_integral<T> && sizeof(T) < 4 && !std::same_as<T, bool>)
      return map_unary<Word, T>(all, c.outputs[1], [](Word x) { return static_cast<T>(x); });
    else return all;
  });
  const Philox next = state.skipped(static_cast<std::uint64_t>(used));
  words = {next.key, next.counter[0], next.counter[1]};
  return {detail::exact_array(c.outputs[0], std::as_bytes(std::span(words)).first(given.size())), bits};
}

}  // namespace

void register_bit_generator_kernels(KernelTable& table) { table.add(rng_bit_generator_p(), bit_generator_kernel); }

}  // namespace tf2jax::cpu
