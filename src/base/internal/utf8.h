// UTF-8, as The Unicode Standard defines it (chapter 3.9).
#pragma once
#include <cstdint>
#include <string>

namespace tf2jax::detail {

/// Appends a code point in UTF-8. Requires: it is one, at most 0x10FFFF and no surrogate.
inline void append_utf8(std::string& text, std::int32_t code_point) {
  const int more = code_point < 0x80 ? 0 : code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  constexpr int kLead[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(kLead[more] | code_point >> (6 * more));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | (code_point >> (6 * i) & 0x3F));
}

}  // namespace tf2jax::detail
