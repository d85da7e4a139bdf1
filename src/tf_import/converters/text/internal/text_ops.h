// What the files of this folder share.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "tf2jax/tf_import/converter.h"

namespace tf2jax::tf_import {

void add_split_operations(ConverterTable& table);    // words, n-grams, joining along axes
void add_regex_operations(ConverterTable& table);    // regular expressions
void add_hash_operations(ConverterTable& table);     // buckets, base 64
void add_unicode_operations(ConverterTable& table);  // code points

/// FarmHash's Fingerprint64.
/// Source: https://github.com/google/farmhash
std::uint64_t fingerprint64(std::string_view text);
/// SipHash-2-4 with a key of 128 bits. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF".
std::uint64_t siphash(std::string_view text, std::uint64_t key0, std::uint64_t key1);
/// MurmurHash64A. Source: https://github.com/aappleby/smhasher
std::uint64_t murmur_hash64(std::string_view text, std::uint64_t seed);

/// Calls `f` with each code point of a text in UTF-8 and the byte where it begins. A sequence of bytes that is none, as
/// far as it could have been the beginning of one, is the code point kMalformed.
constexpr std::int32_t kMalformed = -1;
void for_each_code_point(std::string_view text, const std::function<void(std::int32_t, std::int64_t)>& f);
/// A byte that may only continue a character of UTF-8.
inline bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace tf2jax::tf_import
