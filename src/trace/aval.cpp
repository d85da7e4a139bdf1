// Printing and hashing of avals.
#include "tf2jax/trace/aval.h"

#include <optional>
#include <ostream>

#include "tf2jax/base/config.h"

namespace tf2jax {

std::string Aval::to_string() const {
  std::string out(short_name(dtype));
  out += '[';
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i) out += ',';
    out += shape[i].to_string();
  }
  return out + ']';
}

namespace {

constexpr std::int64_t kAlwaysAllowed = 4096;  // asking for the limit costs as much as a small array

// The number of elements of an array that nothing need be asked about: known sizes of 1 and more, and few elements.
std::optional<std::int64_t> few_elements(const Aval& aval) {
  std::int64_t n = 1;
  for (const Dim d : aval.shape) {
    if (!d.is_constant() || d.value() < 1 || d.value() > kAlwaysAllowed) return std::nullopt;
    n *= d.value();
    if (n > kAlwaysAllowed) return std::nullopt;
  }
  return n;
}

// The number of elements; nullopt when a size is symbolic. Out of line, or small arrays pay for the messages.
[[gnu::noinline]] std::optional<std::int64_t> checked_elements(const Aval& aval, std::string_view where) {
  std::int64_t n = 1, nonzero = 1;
  bool concrete = true, fits = true;
  for (const Dim d : aval.shape) {
    if (!d.is_constant()) {
      concrete = false;
      continue;
    }
    const std::int64_t size = d.value();
    if (size < 0) [[unlikely]]
      raise<ShapeError>("{}: a size is negative. Got {}; expected sizes of 0 or more.", where, aval);
    fits = !__builtin_mul_overflow(nonzero, size ? size : 1, &nonzero) && fits;
    if (size == 0) n = 0;
  }
  // Strides are products of sizes, and loops run over them, those beside a size of 0 too.
  if (!fits) [[unlikely]]
    raise<ResourceExhaustedError>("{}: the sizes of {} multiply to more than 2^63. Use smaller sizes.", where, aval);
  if (nonzero > kAlwaysAllowed && nonzero > config().max_array_elements) [[unlikely]]
    raise<ResourceExhaustedError>(
        "{}: the sizes of {} multiply to {}. Arrays have at most {} elements; raise Config::max_array_elements if this "
        "is meant.",
        where, aval, nonzero, config().max_array_elements);
  if (!concrete) return std::nullopt;
  return n * nonzero;
}

}  // namespace

void check_size(const Aval& aval, std::string_view where) {
  if (!few_elements(aval)) checked_elements(aval, where);
}

std::size_t byte_size(const Aval& aval, std::string_view where) {
  if (const auto n = few_elements(aval)) return *n * itemsize(aval.dtype);
  const auto n = checked_elements(aval, where);
  const std::int64_t elements = n ? *n : num_elements(aval.shape).value();  // throws
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(elements, static_cast<std::int64_t>(itemsize(aval.dtype)), &bytes)) [[unlikely]]
    raise<ResourceExhaustedError>("{}: {} has {} elements, whose bytes do not fit 63 bits. Use smaller sizes.", where,
                                  aval, elements);
  return bytes;
}

std::size_t hash_value(const Aval& aval) {
  std::size_t h = static_cast<std::size_t>(aval.dtype) * 2 + aval.weak_type;
  for (Dim d : aval.shape) h = h * 1000003 + hash_value(d);
  return h;
}

std::ostream& operator<<(std::ostream& os, const Aval& aval) { return os << aval.to_string(); }

std::string to_string(std::span<const Aval> avals) {
  std::string out;
  for (const Aval& a : avals) out += (out.empty() ? "" : ", ") + a.to_string();
  return out;
}

}  // namespace tf2jax
