// The bytes of scalar constants.
#include "tf2jax/compiler/loops/scalar_bits.h"

#include <cstring>
#include <limits>

namespace tf2jax::compiler {

namespace {

using loops::Op;

template <class T>
std::uint64_t bits_of(T v) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &v, sizeof v);
  return bits;
}

}  // namespace

std::uint64_t scalar_bits(const Array& a) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, a.bytes().data(), std::min<std::size_t>(sizeof bits, a.bytes().size()));
  return bits;
}

std::uint64_t number_bits(DType dtype, double value) {
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> std::uint64_t {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
      return bits_of(detail::convert_scalar<T>(value));
    else return 0;
  });
}

std::uint64_t neutral(loops::Op op, DType dtype) {
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> std::uint64_t {
    if constexpr (std::is_same_v<T, bool>) return op == Op::bit_and || op == Op::min || op == Op::mul;
    else if constexpr (std::is_floating_point_v<T>) {
      const T inf = std::numeric_limits<T>::infinity();
      return bits_of(op == Op::add ? T(0) : op == Op::mul ? T(1) : op == Op::max || op == Op::log_add_exp ? -inf : inf);
    } else if constexpr (std::is_integral_v<T>) {
      switch (op) {
        case Op::mul: return bits_of(T(1));
        case Op::max: return bits_of(std::numeric_limits<T>::lowest());
        case Op::min: return bits_of(std::numeric_limits<T>::max());
        case Op::bit_and: return bits_of(static_cast<T>(~T(0)));
        default: return bits_of(T(0));
      }
    } else {
      return 0;
    }
  });
}

// jax.lax.gather: NaN for inexact types, the lowest integer, the largest unsigned, true.
std::uint64_t fill_bits(const GatherParams& p, DType dtype) {
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> std::uint64_t {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
      if (const auto v = p.fill_value.value()) return bits_of(detail::convert_scalar<T>(*v));
      if constexpr (std::is_same_v<T, bool>) return 1;
      else if constexpr (std::is_integral_v<T>)
        return bits_of(std::is_signed_v<T> ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max());
      else return bits_of(detail::convert_scalar<T>(std::numeric_limits<double>::quiet_NaN()));
    } else {
      return 0;
    }
  });
}

}  // namespace tf2jax::compiler
