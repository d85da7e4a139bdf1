// Kernels of dtype conversions.
#include <cstring>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/ops/elementwise.h"

namespace tf2jax::cpu {

namespace {

template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, From>) return x;
  else if constexpr (kHalf<From>) return convert<To>(static_cast<float>(x));
  else if constexpr (std::is_same_v<To, bool>) return x != From(0);
  else if constexpr (kComplex<From>) {
    if constexpr (kComplex<To>) return To(x);
    else return convert<To>(x.real());
  } else if constexpr (kComplex<To>) return To(static_cast<typename To::value_type>(x));
  else if constexpr (kHalf<To>) {
    return To(static_cast<float>(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) return saturated<To>(x);
  else return static_cast<To>(x);
}

template <class From>
Array convert_from(const Array& x, const Aval& out) {
  return visit_dtype(out.dtype, [&]<class To>(std::type_identity<To>) -> Array {
    return map_unary<From, To>(x, out, [](From v) -> To { return convert<To>(v); });
  });
}

}  // namespace

void register_convert_kernels(KernelTable& table) {
  table.add(convert_element_type_p(), [](const KernelCall& c) -> Arrays {
    const Array& x = c.args[0];
    if (x.dtype() == c.outputs[0].dtype) {
      if (x.aval() == c.outputs[0]) return {x};
      return {make_array<std::byte>(c.outputs[0], [&](std::byte* out) {
        if (!x.bytes().empty()) std::memcpy(out, x.bytes().data(), x.bytes().size());
      })};
    }
    return {visit_dtype(x.dtype(),
                        [&]<class From>(std::type_identity<From>) { return convert_from<From>(x, c.outputs[0]); })};
  });
  table.add(bitcast_convert_type_p(), [](const KernelCall& c) -> Arrays {
    const auto bytes = c.args[0].bytes();
    return {make_array<std::byte>(c.outputs[0], [&](std::byte* out) {
      if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
    })};
  });
}

}  // namespace tf2jax::cpu
