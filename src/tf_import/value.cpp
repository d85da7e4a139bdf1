// Values of imported graphs.
#include "tf2jax/tf_import/value.h"

namespace tf2jax {

std::string Value::kind() const {
  static constexpr const char* kNames[] = {"nothing", "a tensor", "strings", "a variable", "symbolic sizes", "a tensor list"};
  return kNames[data_.index()];
}

Array canonical_array(const Array& x) {
  const DType to = canonical_dtype(x.dtype());
  if (to == x.dtype()) return x;
  const auto narrow = [&]<class To, class From>(std::type_identity<To>, std::type_identity<From>) {
    return Array::build({to, x.shape(), x.weak_type()}, [&](std::byte* out) {
      auto* p = reinterpret_cast<To*>(out);
      for (const From v : x.data<From>()) *p++ = static_cast<To>(v);
    });
  };
  switch (x.dtype()) {
    case i64: return narrow(std::type_identity<std::int32_t>{}, std::type_identity<std::int64_t>{});
    case u64: return narrow(std::type_identity<std::uint32_t>{}, std::type_identity<std::uint64_t>{});
    case f64: return narrow(std::type_identity<float>{}, std::type_identity<double>{});
    default: return narrow(std::type_identity<complex64>{}, std::type_identity<complex128>{});
  }
}

}  // namespace tf2jax
