// Bytes are compared only where dtype and shape agree.
#include "tf2jax/trace/same_bytes.h"

#include <cstring>

namespace tf2jax {

bool same_bytes(const Array& a, const Array& b) {
  if (!a.is_concrete() || !b.is_concrete() || !a.aval().matches(b.aval())) return false;
  const auto x = a.bytes(), y = b.bytes();
  return x.empty() || x.data() == y.data() || std::memcmp(x.data(), y.data(), x.size()) == 0;
}

}  // namespace tf2jax
