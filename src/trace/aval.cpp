// Printing and hashing of avals.
#include "tf2jax/trace/aval.h"

#include <ostream>

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
