// Rounding to, and reading of, narrow types. Formats: the OCP's "OFP8" specification (2023) for f8E4M3FN and f8E5M2,
// LLVM's APFloat for the others.
#include "tf2jax/stablehlo/internal/narrow_types.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/custom_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tf2jax::stablehlo {
namespace {

constexpr NarrowType kTypes[] = {
    {"f8E5M2", DType::f32, 0, 2, 0x1p-14, 57344, true, true},
    {"f8E4M3FN", DType::f32, 0, 3, 0x1p-6, 448, false, true},
    {"f8E4M3", DType::f32, 0, 3, 0x1p-6, 240, true, true},
    {"f8E3M4", DType::f32, 0, 4, 0x1p-2, 15.5, true, true},
    {"f8E5M2FNUZ", DType::f32, 0, 2, 0x1p-15, 57344, false, false},
    {"f8E4M3FNUZ", DType::f32, 0, 3, 0x1p-7, 240, false, false},
    {"f8E4M3B11FNUZ", DType::f32, 0, 3, 0x1p-10, 30, false, false},
    {"i4", DType::i8, 4},
    {"ui4", DType::u8, 4},
    {"i2", DType::i8, 2},
    {"ui2", DType::u8, 2},
};

Array number(const Array& like, double value) { return full_like(like, astype(Array(value), like.dtype())); }

Array narrowed_float(const Array& x, const NarrowType& t) {
  constexpr std::int64_t kExponentBits = 8, kHalfToEven = 1;
  const Array magnitude = abs(x), step = number(x, t.smallest_normal * std::exp2(-t.mantissa));
  const Array normal = reduce_precision_p().bind1({x}, ReducePrecision{kExponentBits, t.mantissa});
  const Array subnormal = round_p().bind1({x / step}, RoundParams{kHalfToEven}) * step;
  Array y = select(less(magnitude, number(x, t.smallest_normal)), subnormal, normal);
  const double beyond = t.has_infinity ? std::numeric_limits<double>::infinity() : std::nan("");
  const Array overflow = t.has_infinity ? number(x, beyond) * sign(x) : number(x, beyond);
  y = select(greater(abs(y), number(x, t.largest)), overflow, y);
  return t.has_negative_zero ? y : select(equal(y, zeros_like(y)), zeros_like(y), y);
}

// The low bits, with their sign.
Array narrowed_integer(const Array& x, const NarrowType& t) {
  const Array by = number(x, itemsize(x.dtype()) * 8 - t.bits);
  const Array high = shift_left(x, by);
  return t.held == DType::i8 ? shift_right_arithmetic(high, by) : shift_right_logical(high, by);
}

float float_of(std::uint8_t byte, const NarrowType& t) {
  const int exponent_bits = 7 - t.mantissa, bias = 1 - static_cast<int>(std::log2(t.smallest_normal));
  const int largest_exponent = (1 << exponent_bits) - 1, ones = (1 << t.mantissa) - 1;
  const int exponent = byte >> t.mantissa & largest_exponent, mantissa = byte & ones;
  const bool is_negative = byte >> 7 != 0;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  if (!t.has_negative_zero && byte == 0x80) return kNan;
  if (t.has_infinity && exponent == largest_exponent)
    return mantissa != 0 ? kNan
           : is_negative ? -std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::infinity();
  if (!t.has_infinity && t.has_negative_zero && exponent == largest_exponent && mantissa == ones) return kNan;
  const double fraction = exponent == 0 ? mantissa * std::exp2(1 - bias - t.mantissa)
                                        : (1 + mantissa * std::exp2(-t.mantissa)) * std::exp2(exponent - bias);
  return static_cast<float>(is_negative ? -fraction : fraction);
}

}  // namespace

const NarrowType* narrow_type(const Type& type) {
  const auto it = std::ranges::find(kTypes, std::string_view(type.element), &NarrowType::element);
  return it == std::end(kTypes) ? nullptr : &*it;
}

std::optional<DType> held_dtype(const Type& type) {
  if (const auto dtype = type.dtype()) return dtype;
  const NarrowType* narrow = narrow_type(type);
  return narrow ? std::optional(narrow->held) : std::nullopt;
}

Array narrowed(const Array& x, const NarrowType& type) {
  if (!is_floating(x.dtype())) return narrowed_integer(x, type);
  const auto straight = std::make_shared<const JvpRule>([&type](const Arrays& primals, const Arrays& tangents) {
    return Arrays{narrowed_float(primals[0], type), tangents[0]};
  });
  const FlatFn f = [&type](const Arrays& xs) { return Arrays{narrowed_float(xs[0], type)}; };
  return custom_jvp_flat(std::string(type.element), f, straight, Arrays{x})[0];
}

Array decoded(std::span<const std::byte> bytes, const NarrowType& type, const Dims& dims) {
  check_sizes(dims, "stablehlo constant");
  const std::int64_t n = num_elements(dims);
  const bool is_splat = bytes.size() == 1;
  check<DataLossError>(is_splat || std::cmp_equal(bytes.size(), n),
                       "stablehlo: a constant of type {} has another length. Got {} bytes; expected {}.", type.element,
                       bytes.size(), n);
  return detail::exact_array(Aval{type.held, symbolic(dims), false}, [&](std::byte* out) {
    for (std::int64_t i = 0; i < n; ++i) {
      const auto byte = std::to_integer<std::uint8_t>(bytes[is_splat ? 0 : i]);
      if (type.held == DType::f32) {
        reinterpret_cast<float*>(out)[i] = float_of(byte, type);
        continue;
      }
      const int low = byte & ((1 << type.bits) - 1), sign_bit = 1 << (type.bits - 1);
      out[i] = static_cast<std::byte>(type.held == DType::i8 ? (low ^ sign_bit) - sign_bit : low);
    }
  });
}

}  // namespace tf2jax::stablehlo
