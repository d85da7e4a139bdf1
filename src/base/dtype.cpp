// Element types: the table of names, and the promotion lattice.
#include "tf2jax/base/dtype.h"

#include "tf2jax/base/config.h"
#include "tf2jax/base/warning.h"

#include <array>
#include <bit>

namespace tf2jax {
namespace {

struct Row {
  std::string_view short_name, numpy_name;
  int itemsize;
};

constexpr std::array<Row, 17> kRows{{
    {"bool", "bool", 1},
    {"i8", "int8", 1},
    {"i16", "int16", 2},
    {"i32", "int32", 4},
    {"i64", "int64", 8},
    {"u8", "uint8", 1},
    {"u16", "uint16", 2},
    {"u32", "uint32", 4},
    {"u64", "uint64", 8},
    {"f16", "float16", 2},
    {"bf16", "bfloat16", 2},
    {"f32", "float32", 4},
    {"f64", "float64", 8},
    {"c64", "complex64", 8},
    {"c128", "complex128", 16},
    {"float0", "float0", 0},
    {"key<fry>", "key<fry>", 8},
}};

const Row& row(DType dtype) { return kRows[static_cast<std::size_t>(dtype)]; }

// Lattice nodes: the 15 arithmetic dtypes by their enum value, then the three weak kinds.
constexpr int kWeakInt = 15, kWeakFloat = 16, kWeakComplex = 17, kNodes = 18;
using Set = std::uint32_t;

constexpr int node(DType d) { return static_cast<int>(d); }

// Source: JAX documentation, "Type promotion semantics", the lattice figure.
constexpr std::array<Set, kNodes> upper_bounds() {
  std::array<Set, kNodes> upper{};
  const auto edge = [&](int from, int to) { upper[from] |= Set{1} << to; };
  const auto dedge = [&](DType from, DType to) { edge(node(from), node(to)); };
  edge(node(bool_), kWeakInt);
  edge(kWeakInt, node(u8));
  edge(kWeakInt, node(i8));
  dedge(u8, i16), dedge(u8, u16), dedge(u16, i32), dedge(u16, u32), dedge(u32, i64), dedge(u32, u64);
  dedge(i8, i16), dedge(i16, i32), dedge(i32, i64);
  edge(node(u64), kWeakFloat);
  edge(node(i64), kWeakFloat);
  edge(kWeakFloat, node(bf16));
  edge(kWeakFloat, node(f16));
  edge(kWeakFloat, kWeakComplex);
  dedge(bf16, f32), dedge(f16, f32), dedge(f32, f64), dedge(f32, c64), dedge(f64, c128);
  edge(kWeakComplex, node(c64));
  dedge(c64, c128);
  for (int i = 0; i < kNodes; ++i) edge(i, i);
  for (int round = 0; round < kNodes; ++round) {
    for (auto& set : upper) {
      for (std::size_t j = 0; j < kNodes; ++j) {
        if (set >> j & 1u) set |= upper[j];
      }
    }
  }
  return upper;
}
constexpr auto kUpper = upper_bounds();

int least_upper_bound(int a, int b) {
  const Set common = kUpper[a] & kUpper[b];
  for (int i = 0; i < kNodes; ++i) {
    if ((common >> i & 1u) && kUpper[i] == common) return i;
  }
  throw InternalError("promote_types: the lattice has no least upper bound.");
}

int lattice_node(PromotedType t) {
  if (!t.weak_type || is_bool(t.dtype)) return node(t.dtype);
  if (is_integer(t.dtype)) return kWeakInt;
  return is_floating(t.dtype) ? kWeakFloat : kWeakComplex;
}

PromotedType from_node(int n) {
  if (n == kWeakInt) return {canonical_dtype(i64), true};
  if (n == kWeakFloat) return {canonical_dtype(f64), true};
  if (n == kWeakComplex) return {canonical_dtype(c128), true};
  return {static_cast<DType>(n), false};
}

}  // namespace

int itemsize(DType dtype) { return row(dtype).itemsize; }
std::string_view short_name(DType dtype) { return row(dtype).short_name; }
std::string_view numpy_name(DType dtype) { return row(dtype).numpy_name; }

std::optional<DType> parse_dtype(std::string_view name) {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].short_name == name || kRows[i].numpy_name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

double epsilon(DType dtype) {
  switch (real_dtype(dtype)) {
    case DType::f16: return 0x1p-10;
    case DType::bf16: return 0x1p-7;
    case DType::f32: return 0x1p-23;
    case DType::f64: return 0x1p-52;
    default: break;
  }
  raise<DtypeError>("epsilon: the dtype has none. Got {}; expected a floating or a complex dtype.", dtype);
}

DType real_dtype(DType dtype) {
  if (dtype == c64) return f32;
  return dtype == c128 ? f64 : dtype;
}

DType complex_dtype(DType dtype) { return dtype == f64 || dtype == c128 ? c128 : c64; }

DType canonical_dtype(DType dtype) {
  if (config().enable_x64) return dtype;
  switch (dtype) {
    case i64: return i32;
    case u64: return u32;
    case f64: return f32;
    case c128: return c64;
    default: return dtype;
  }
}

DType requested_dtype(std::string_view where, DType dtype) {
  const DType canonical = canonical_dtype(dtype);
  if (canonical != dtype)
    warn_once("64-bit types", fmt::format("{}: Explicitly requested dtype {} is not available, and will be truncated "
                                          "to dtype {}. To enable 64-bit types, set "
                                          "Config::enable_x64 (update_config(\"enable_x64\", true)).",
                                          where, numpy_name(dtype), numpy_name(canonical)));
  return canonical;
}

PromotedType promote_types(PromotedType a, PromotedType b) {
  if (a.dtype == b.dtype) return {a.dtype, a.weak_type && b.weak_type && !is_bool(a.dtype)};
  const auto arithmetic = [](DType d) { return d <= c128; };
  check<DtypeError>(arithmetic(a.dtype) && arithmetic(b.dtype),
                    "promote_types: no common type. Got {} and {}; expected equal dtypes.", short_name(a.dtype),
                    short_name(b.dtype));
  if (a.weak_type && b.weak_type) {
    const auto strong = from_node(least_upper_bound(node(a.dtype), node(b.dtype)));
    return {strong.dtype, !is_bool(strong.dtype)};
  }
  return from_node(least_upper_bound(lattice_node(a), lattice_node(b)));
}

}  // namespace tf2jax
