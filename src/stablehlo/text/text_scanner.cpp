// The words of MLIR texts.
#include "tf2jax/stablehlo/internal/text_scanner.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tf2jax::stablehlo {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

void TextScanner::skip() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '/' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      return;
    }
  }
}

bool TextScanner::at_end() {
  skip();
  return at_ == text_.size();
}

char TextScanner::peek() {
  skip();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool TextScanner::looking_at(std::string_view sign) {
  skip();
  return text_.substr(at_).starts_with(sign);
}

bool TextScanner::accept(std::string_view sign) {
  if (!looking_at(sign)) return false;
  at_ += sign.size();
  return true;
}

void TextScanner::expect(std::string_view sign) {
  if (accept(sign)) return;
  const auto rest = text_.substr(at_, std::min<std::size_t>(text_.find('\n', at_) - at_, 30));
  fail(fmt::format("a sign is missing. Got '{}'; expected '{}'.", rest, sign));
}

std::string_view TextScanner::word() {
  skip();
  std::size_t end = at_;
  while (end < text_.size()) {
    const char c = text_[end];
    const bool inside = end > at_ && c == '-' && end + 1 < text_.size() && is_letter(text_[end + 1]);
    if (!is_letter(c) && !is_digit(c) && c != '.' && !inside) break;
    ++end;
  }
  const auto out = text_.substr(at_, end - at_);
  at_ = end;
  return out;
}

std::string_view TextScanner::need_word(std::string_view what) {
  const auto w = word();
  if (w.empty()) fail(fmt::format("{} is missing.", what));
  return w;
}

bool TextScanner::accept_word(std::string_view wanted) {
  skip();
  const std::size_t before = at_;
  if (word() == wanted) return true;
  at_ = before;
  return false;
}

std::string_view TextScanner::number() {
  skip();
  std::size_t end = at_;
  if (end < text_.size() && (text_[end] == '-' || text_[end] == '+')) ++end;
  const std::size_t digits = end;
  if (text_.substr(end).starts_with("0x")) {
    end += 2;
    while (end < text_.size() && is_hex(text_[end])) ++end;
  } else {
    while (end < text_.size() && (is_digit(text_[end]) || text_[end] == '.')) ++end;
    if (end > digits && end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      ++end;
      if (end < text_.size() && (text_[end] == '-' || text_[end] == '+')) ++end;
      while (end < text_.size() && is_digit(text_[end])) ++end;
    }
  }
  if (end == digits) fail("a number is missing.");
  const auto out = text_.substr(at_, end - at_);
  at_ = end;
  return out;
}

std::int64_t TextScanner::integer(std::string_view number) const {
  std::string_view digits = number;
  const bool negative = digits.starts_with("-");
  if (negative || digits.starts_with("+")) digits.remove_prefix(1);
  const bool hex = digits.starts_with("0x");
  if (hex) digits.remove_prefix(2);
  std::uint64_t v = 0;
  const auto end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, v, hex ? 16 : 10);
  const bool fits = error == std::errc() && stop == end && (!negative || v <= std::uint64_t{1} << 63);
  if (!fits) fail(fmt::format("this is no integer of 64 bits. Got '{}'.", number));
  return static_cast<std::int64_t>(negative ? ~v + 1 : v);
}

std::string TextScanner::quoted() {
  expect("\"");
  std::string out;
  while (at_ < text_.size() && text_[at_] != '"') {
    char c = text_[at_++];
    if (c == '\\' && at_ < text_.size()) {
      const char escaped = text_[at_];
      if (at_ + 1 < text_.size() && is_hex(escaped) && is_hex(text_[at_ + 1])) {
        const auto value = [](char h) { return is_digit(h) ? h - '0' : (h | 0x20) - 'a' + 10; };
        c = static_cast<char>(16 * value(escaped) + value(text_[at_ + 1]));
        at_ += 2;
      } else {
        c = escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
        ++at_;
      }
    }
    out += c;
  }
  if (at_ == text_.size()) fail("a text in quotes does not end.");
  ++at_;
  return out;
}

std::string_view TextScanner::balanced(char open, char close) {
  const std::size_t begin = at_;
  int depth = 1;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      (void)quoted();
      continue;
    }
    const bool arrow = c == '>' && at_ > 0 && text_[at_ - 1] == '-';
    if (c == open) ++depth;
    if (c == close && !arrow && --depth == 0) {
      ++at_;
      return text_.substr(begin, at_ - 1 - begin);
    }
    ++at_;
  }
  fail(fmt::format("a bracket is not closed. Expected '{}'.", close));
}

std::string TextScanner::name() {
  if (at_ < text_.size() && text_[at_] == '"') return quoted();
  std::size_t end = at_;
  while (end < text_.size() &&
         (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '.' || text_[end] == '-'))
    ++end;
  if (end == at_) fail("a name is missing.");
  std::string out(text_.substr(at_, end - at_));
  at_ = end;
  return out;
}

std::uint64_t TextScanner::line() const {
  line_ += static_cast<std::uint64_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(std::min(counted_, at_)),
                                                 text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
  if (counted_ > at_)
    line_ = 1 + static_cast<std::uint64_t>(
                    std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
  counted_ = at_;
  return line_;
}

void TextScanner::fail(const std::string& message) const {
  const auto before = text_.substr(0, at_);
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  raise<ParseError>("stablehlo text: {}:{}: {}", 1 + std::count(before.begin(), before.end(), '\n'), at_ - start + 1,
                    message);
}

}  // namespace tf2jax::stablehlo
