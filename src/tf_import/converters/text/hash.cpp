// Hashes of texts and buckets by them; texts in base 64.
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "tf2jax/tf_import/converters/text/internal/text_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/text_budget.h"

namespace tf2jax::tf_import {
namespace {

using Word = std::uint64_t;

// ---- FarmHash; a few primes, rotations and multiplications

constexpr Word kPrime0 = 0xc3a5c85c97cb3127, kPrime1 = 0xb492b66fbe98f273, kPrime2 = 0x9ae16a3b2f90404f;

template <class T>
T read(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}
Word word(const char* p) { return read<Word>(p); }
Word half(const char* p) { return read<std::uint32_t>(p); }

Word shift_mix(Word x) { return x ^ (x >> 47); }

Word mix(Word u, Word v, Word factor) {
  const Word a = shift_mix((u ^ v) * factor);
  return shift_mix((v ^ a) * factor) * factor;
}

Word hash_to_16(const char* s, Word n) {
  const Word factor = kPrime2 + n * 2;
  if (n >= 8) {
    const Word a = word(s) + kPrime2, b = word(s + n - 8);
    return mix(std::rotr(b, 37) * factor + a, (std::rotr(a, 25) + b) * factor, factor);
  }
  if (n >= 4) return mix(n + (half(s) << 3), half(s + n - 4), factor);
  if (n == 0) return kPrime2;
  const auto byte = [&](Word i) -> Word { return static_cast<unsigned char>(s[i]); };
  const Word y = byte(0) + (byte(n >> 1) << 8), z = n + (byte(n - 1) << 2);
  return shift_mix((y * kPrime2) ^ (z * kPrime0)) * kPrime2;
}

Word hash_to_32(const char* s, Word n) {
  const Word factor = kPrime2 + n * 2;
  const Word a = word(s) * kPrime1, b = word(s + 8), c = word(s + n - 8) * factor, d = word(s + n - 16) * kPrime2;
  return mix(std::rotr(a + b, 43) + std::rotr(c, 30) + d, a + std::rotr(b + kPrime2, 18) + c, factor);
}

Word hash_to_64(const char* s, Word n) {
  const Word factor = kPrime2 + n * 2;
  const Word a = word(s) * kPrime2, b = word(s + 8), c = word(s + n - 8) * factor, d = word(s + n - 16) * kPrime2;
  const Word y = std::rotr(a + b, 43) + std::rotr(c, 30) + d, z = mix(y, a + std::rotr(b + kPrime2, 18) + c, factor);
  const Word e = word(s + 16) * factor, f = word(s + 24);
  const Word g = (y + word(s + n - 32)) * factor, h = (z + word(s + n - 24)) * factor;
  return mix(std::rotr(e + f, 43) + std::rotr(g, 30) + h, e + std::rotr(f + a, 18) + g, factor);
}

using Pair = std::pair<Word, Word>;

// 32 bytes at `s` with two words of state.
Pair weak_mix(const char* s, Word a, Word b) {
  a += word(s);
  b = std::rotr(b + a + word(s + 24), 21);
  const Word start = a;
  a += word(s + 8) + word(s + 16);
  return {a + word(s + 24), b + std::rotr(a, 44) + start};
}

struct LongState {
  Word x, y, z;
  Pair v, w;

  // 64 bytes; `w` and `v` weigh more in the last ones.
  void take(const char* s, Word factor, Word weight) {
    x = std::rotr(x + y + v.first + word(s + 8), 37) * factor;
    y = std::rotr(y + v.second + word(s + 48), 42) * factor;
    x ^= w.second * weight;
    y += v.first * weight + word(s + 40);
    z = std::rotr(z + w.first, 33) * factor;
    v = weak_mix(s, v.second * factor, x + w.first);
    w = weak_mix(s + 32, z + w.second, y + word(s + 16));
    std::swap(z, x);
  }
};

Word hash_long(const char* s, Word n) {
  constexpr Word kSeed = 81;
  LongState state{};
  state.x = kSeed * kPrime2 + word(s);
  state.y = kSeed * kPrime1 + 113;
  state.z = shift_mix(state.y * kPrime2 + 113) * kPrime2;
  const char* const last = s + n - 64;
  for (const char* const end = s + (n - 1) / 64 * 64; s != end; s += 64) state.take(s, kPrime1, 1);
  const Word factor = kPrime1 + ((state.z & 0xff) << 1);
  state.w.first += (n - 1) & 63;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.take(last, factor, 9);
  const auto& [x, y, z, v, w] = state;
  return mix(mix(v.first, w.first, factor) + shift_mix(y) * kPrime0 + z, mix(v.second, w.second, factor) + x, factor);
}

// ---- buckets

template <class F>
Values buckets(Node& n, F hash) {
  const auto count = n.attr_integer("num_buckets", 1, std::numeric_limits<std::int64_t>::max());
  const StringTensor& x = n.strings(0);
  std::vector<std::int64_t> places;
  for (const auto& s : x.values) places.push_back(static_cast<std::int64_t>(hash(s) % static_cast<Word>(count)));
  return {Value(known_integers(places, x.dims, DType::i64), true)};
}

Values strong_buckets(Node& n) {
  const auto key = n.attr<std::vector<std::int64_t>>("key");
  check(key.size() == 2, "the key must have two words. Got {}.", key.size());
  return buckets(n,
                 [&](std::string_view s) { return siphash(s, static_cast<Word>(key[0]), static_cast<Word>(key[1])); });
}

// ---- base 64, in the alphabet for addresses

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encoded(std::string_view text, bool pad) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffff;
    for (count += 8; count >= 6; count -= 6) out += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
  while (pad && out.size() % 4 != 0) out += '=';
  return out;
}

std::string decoded(const Node& n, std::string_view text) {
  std::string_view digits = text;
  if (text.size() % 4 == 0)
    for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : digits) {
    const auto digit = kAlphabet.find(c);
    if (digit == kAlphabet.npos || digits.size() % 4 == 1) n.fail("a text is not in base 64 for addresses.");
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 255);
  }
  return out;
}

Values encode(Node& n) {
  const bool pad = n.attr_or<bool>("pad", false);
  StringTensor out = n.strings(0);
  TextBudget budget;
  for (auto& s : out.values) {
    budget.spend(std::ssize(s) / 3 * 4 + 4);
    s = encoded(s, pad);
  }
  return {out};
}

Values decode(Node& n) {
  StringTensor out = n.strings(0);
  for (auto& s : out.values) s = decoded(n, s);
  return {out};
}

}  // namespace

std::uint64_t fingerprint64(std::string_view text) {
  const char* const s = text.data();
  const Word n = text.size();
  return n <= 16 ? hash_to_16(s, n) : n <= 32 ? hash_to_32(s, n) : n <= 64 ? hash_to_64(s, n) : hash_long(s, n);
}

std::uint64_t siphash(std::string_view text, std::uint64_t key0, std::uint64_t key1) {
  std::array<Word, 4> v{key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d, key0 ^ 0x6c7967656e657261,
                        key1 ^ 0x7465646279746573};
  const auto rounds = [&](int count) {
    for (; count > 0; --count) {
      v[0] += v[1];
      v[1] = std::rotl(v[1], 13) ^ v[0];
      v[0] = std::rotl(v[0], 32);
      v[2] += v[3];
      v[3] = std::rotl(v[3], 16) ^ v[2];
      v[0] += v[3];
      v[3] = std::rotl(v[3], 21) ^ v[0];
      v[2] += v[1];
      v[1] = std::rotl(v[1], 17) ^ v[2];
      v[2] = std::rotl(v[2], 32);
    }
  };
  const auto take = [&](Word m) {
    v[3] ^= m;
    rounds(2);
    v[0] ^= m;
  };
  std::string_view rest = text;
  for (; rest.size() >= 8; rest.remove_prefix(8)) take(word(rest.data()));
  Word last = Word{text.size()} << 56;
  for (std::size_t i = 0; i < rest.size(); ++i) last |= Word{static_cast<unsigned char>(rest[i])} << (8 * i);
  take(last);
  v[2] ^= 0xff;
  rounds(4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

std::uint64_t murmur_hash64(std::string_view text, std::uint64_t seed) {
  constexpr Word kFactor = 0xc6a4a7935bd1e995;
  const auto mixed = [](Word x) { return x ^ (x >> 47); };
  Word h = seed ^ (text.size() * kFactor);
  for (; text.size() >= 8; text.remove_prefix(8)) h = (h ^ (mixed(word(text.data()) * kFactor) * kFactor)) * kFactor;
  for (std::size_t i = 0; i < text.size(); ++i) h ^= Word{static_cast<unsigned char>(text[i])} << (8 * i);
  if (!text.empty()) h *= kFactor;
  return mixed(mixed(h) * kFactor);
}

void add_hash_operations(ConverterTable& table) {
  table.add("StringToHashBucketFast", [](Node& n) { return buckets(n, fingerprint64); });
  table.add("StringToHashBucketStrong", strong_buckets);
  table.add("StringToHashBucket",
            [](Node& n) { return buckets(n, [](std::string_view s) { return murmur_hash64(s, 0xDECAFCAFFE); }); });
  table.add("EncodeBase64", encode);
  table.add("DecodeBase64", decode);
}

}  // namespace tf2jax::tf_import
