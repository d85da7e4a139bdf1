// Element types, their names, and JAX's promotion lattice.
#pragma once
#include <complex>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "tf2jax/base/error.h"
#include "tf2jax/base/float16.h"

namespace tf2jax {

using complex64 = std::complex<float>;
using complex128 = std::complex<double>;

/// Element type of an array. `float0` is the tangent type of integers and bools and holds no data.
/// `key` is one threefry key (two 32-bit words), printed `key<fry>`.
enum class DType : std::uint8_t {
  bool_,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  f16,
  bf16,
  f32,
  f64,
  c64,
  c128,
  float0,
  key
};

inline constexpr DType bool_ = DType::bool_, i8 = DType::i8, i16 = DType::i16, i32 = DType::i32, i64 = DType::i64,
                       u8 = DType::u8, u16 = DType::u16, u32 = DType::u32, u64 = DType::u64, f16 = DType::f16,
                       bf16 = DType::bf16, f32 = DType::f32, f64 = DType::f64, c64 = DType::c64, c128 = DType::c128,
                       float0 = DType::float0;

/// Raw storage of one threefry key.
struct PrngKeyData {
  std::uint32_t k0 = 0, k1 = 0;
  bool operator==(const PrngKeyData&) const = default;
};

/// Bytes per element (float0: 0).
int itemsize(DType dtype);
/// JAX's short name: "f32", "bool", "key<fry>".
std::string_view short_name(DType dtype);
/// NumPy's name: "float32", "bool".
std::string_view numpy_name(DType dtype);
/// Reads a short or a NumPy name; nullopt when unknown.
std::optional<DType> parse_dtype(std::string_view name);

constexpr bool is_bool(DType d) { return d == DType::bool_; }
constexpr bool is_signed_integer(DType d) { return d >= DType::i8 && d <= DType::i64; }
constexpr bool is_unsigned_integer(DType d) { return d >= DType::u8 && d <= DType::u64; }
constexpr bool is_integer(DType d) { return d >= DType::i8 && d <= DType::u64; }
constexpr bool is_floating(DType d) { return d >= DType::f16 && d <= DType::f64; }
constexpr bool is_complex(DType d) { return d == DType::c64 || d == DType::c128; }
constexpr bool is_inexact(DType d) { return is_floating(d) || is_complex(d); }
constexpr bool is_numeric(DType d) { return is_integer(d) || is_inexact(d); }

/// Distance from 1 to the next number of a floating dtype, or of a complex one's parts (NumPy's finfo.eps).
double epsilon(DType dtype);

/// A float as an integer, as JAX's conversion has it: truncated; numbers out of range saturate, NaN becomes 0.
template <std::integral To, std::floating_point From>
constexpr To saturated(From x) {
  constexpr From kLow = static_cast<From>(std::numeric_limits<To>::min());
  constexpr From kTooLarge = 2 * static_cast<From>(std::uint64_t{1} << (std::numeric_limits<To>::digits - 1));
  if (x != x) return 0;
  if (x >= kTooLarge) return std::numeric_limits<To>::max();
  if (x <= kLow) return std::numeric_limits<To>::min();
  return static_cast<To>(x);
}

/// float32 of complex64, float64 of complex128, otherwise the dtype itself.
DType real_dtype(DType dtype);
/// complex64 of float32 and smaller, complex128 of float64.
DType complex_dtype(DType dtype);
/// The tangent type: the dtype itself when inexact, else float0.
constexpr DType tangent_dtype(DType d) { return is_inexact(d) ? d : DType::float0; }
/// True of the types that Config::enable_x64 enables: i64, u64, f64, c128.
constexpr bool is_64_bit(DType d) { return d == DType::i64 || d == DType::u64 || d == DType::f64 || d == DType::c128; }
/// Narrows 64-bit types to 32 bits unless 64-bit types are enabled (Config::enable_x64).
DType canonical_dtype(DType dtype);
/// Likewise, for a dtype that the caller of `where` named: narrowing it warns, once.
DType requested_dtype(std::string_view where, DType dtype);

struct PromotedType {
  DType dtype;
  bool weak_type;
  bool operator==(const PromotedType&) const = default;
};
/// JAX's binary promotion of two (possibly weakly typed) operands.
/// Source: the type promotion lattice of JAX's documentation, "Type promotion semantics".
PromotedType promote_types(PromotedType a, PromotedType b);

namespace detail {
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::bool_;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::i16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<long long> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<std::uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<std::uint64_t> {
  static constexpr DType value = DType::u64;
};
template <>
struct DTypeOf<unsigned long long> {
  static constexpr DType value = DType::u64;
};
template <>
struct DTypeOf<float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<bfloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<complex64> {
  static constexpr DType value = DType::c64;
};
template <>
struct DTypeOf<complex128> {
  static constexpr DType value = DType::c128;
};
template <>
struct DTypeOf<PrngKeyData> {
  static constexpr DType value = DType::key;
};
}  // namespace detail

/// The dtype that stores C++ type `T`.
template <class T>
inline constexpr DType dtype_of = detail::DTypeOf<std::remove_cv_t<T>>::value;

/// Calls `f(std::type_identity<T>{})` with the C++ type that stores `dtype` (not float0, not key).
/// Throws: DtypeError for float0 and key.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::bool_: return f(std::type_identity<bool>{});
    case DType::i8: return f(std::type_identity<std::int8_t>{});
    case DType::i16: return f(std::type_identity<std::int16_t>{});
    case DType::i32: return f(std::type_identity<std::int32_t>{});
    case DType::i64: return f(std::type_identity<std::int64_t>{});
    case DType::u8: return f(std::type_identity<std::uint8_t>{});
    case DType::u16: return f(std::type_identity<std::uint16_t>{});
    case DType::u32: return f(std::type_identity<std::uint32_t>{});
    case DType::u64: return f(std::type_identity<std::uint64_t>{});
    case DType::f16: return f(std::type_identity<float16>{});
    case DType::bf16: return f(std::type_identity<bfloat16>{});
    case DType::f32: return f(std::type_identity<float>{});
    case DType::f64: return f(std::type_identity<double>{});
    case DType::c64: return f(std::type_identity<complex64>{});
    case DType::c128: return f(std::type_identity<complex128>{});
    default: break;
  }
  raise<DtypeError>("dtype: it has no arithmetic. Got {}; expected a bool, an integer, a real or a complex dtype.",
                    short_name(dtype));
}

}  // namespace tf2jax

template <>
struct fmt::formatter<tf2jax::DType> : tf2jax::detail::TextFormatter {
  template <class Context>
  auto format(tf2jax::DType d, Context& ctx) const {
    return write(tf2jax::short_name(d), ctx);
  }
};
