// Types of a bytecode file: MLIR's own, VHLO's and StableHLO's.
#include "tf2jax/stablehlo/internal/bytecode_entries.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <array>

namespace tf2jax::stablehlo {
namespace {

using Kind = Type::Kind;

Type simple(Kind kind, std::string element = {}) {
  Type t;
  t.kind = kind;
  t.element = std::move(element);
  return t;
}

// VHLO's element types by code; empty where the code is something else.
constexpr std::array<std::string_view, 41> kVhloScalars{
    "i1", "",     "bf16",   "f16",    "f32",      "f64",        "f8E4M3FN",   "f8E5M2",        "",     "index", "i4",
    "i8", "i16",  "i32",    "i64",    "ui4",      "ui8",        "ui16",       "ui32",          "ui64", "",      "",
    "",   "",     "",       "",       "",         "f8E4M3FNUZ", "f8E5M2FNUZ", "f8E4M3B11FNUZ", "",     "i2",    "ui2",
    "",   "tf32", "f8E4M3", "f8E3M4", "f4E2M1FN", "f6E2M3FN",   "f6E3M2FN",   "f8E8M0FNU"};

}  // namespace

Dims BytecodeEntries::read_dims(ByteCursor& in) {
  Dims out(in.count("sizes"));
  for (auto& d : out) {
    d = in.signed_varint();
    if (d < 0 && d != kDynamic) in.fail(fmt::format("a size is negative. Got {}.", d));
  }
  return out;
}

std::string BytecodeEntries::element_of(ByteCursor& in) {
  const TypePtr t = read_type(in);
  if (t->kind != Kind::scalar && t->kind != Kind::other)
    in.fail(fmt::format("a type is no element type. Got {}.", t->to_string()));
  return t->element;
}

std::string BytecodeEntries::complex_of(ByteCursor& in) {
  const std::string part = element_of(in);
  if (part != "f32" && part != "f64") in.fail(fmt::format("complex numbers have no parts of this type. Got {}.", part));
  return fmt::format("complex<{}>", part);
}

std::vector<TypePtr> BytecodeEntries::read_types(ByteCursor& in) {
  std::vector<TypePtr> out(in.count("types"));
  for (auto& t : out) t = read_type(in);
  return out;
}

Type BytecodeEntries::decode_type(const EntryPlace& place) {
  ByteCursor in = file_.entry(place);
  const std::string_view dialect = file_.dialects[place.dialect];
  if (place.is_text) {
    const std::string text(in.terminated());
    return simple(text == "!stablehlo.token" ? Kind::token : Kind::other, text);
  }
  if (dialect == "builtin") return decode_builtin_type(in);
  if (dialect == "vhlo") return decode_vhlo_type(in);
  if (dialect == "stablehlo" && in.varint() == 0) return simple(Kind::token);
  return simple(Kind::other, fmt::format("!{}", dialect));
}

Type BytecodeEntries::decode_function(ByteCursor& in) {
  Type t = simple(Kind::function);
  t.inputs = read_types(in);
  t.outputs = read_types(in);
  return t;
}

Type BytecodeEntries::decode_builtin_type(ByteCursor& in) {
  const std::uint64_t code = in.varint();
  constexpr std::array<std::string_view, 6> kFloats{"bf16", "f16", "f32", "f64", "f80", "f128"};
  if (code >= 3 && code <= 8) return simple(Kind::scalar, std::string(kFloats[code - 3]));
  switch (code) {
    case 0: {
      const std::uint64_t v = in.varint();
      constexpr std::array<std::string_view, 4> kSigns{"i", "si", "ui", "i"};
      return simple(Kind::scalar, fmt::format("{}{}", kSigns[v & 3], v >> 2));
    }
    case 1: return simple(Kind::scalar, "index");
    case 2: return decode_function(in);
    case 9: return simple(Kind::scalar, complex_of(in));
    case 12: return simple(Kind::none);
    case 13:
    case 14: {
      if (code == 14) (void)in.index(file_.attributes.size(), "an attribute");  // what compilers know about it
      Type t = simple(Kind::tensor);
      t.dims = read_dims(in);
      t.element = element_of(in);
      return t;
    }
    case 15: {
      Type t = simple(Kind::tuple);
      t.inputs = read_types(in);
      return t;
    }
    default: return simple(Kind::other, fmt::format("builtin type {}", code));
  }
}

Type BytecodeEntries::decode_vhlo_type(ByteCursor& in) {
  const std::uint64_t code = in.varint();
  if (code < kVhloScalars.size() && !kVhloScalars[code].empty())
    return simple(Kind::scalar, std::string(kVhloScalars[code]));
  switch (code) {
    case 1: return simple(Kind::scalar, complex_of(in));
    case 8: return decode_function(in);
    case 20:
    case 21: {
      if (code == 21) (void)in.index(file_.attributes.size(), "an attribute");
      Type t = simple(Kind::tensor);
      t.dims = read_dims(in);
      t.element = element_of(in);
      return t;
    }
    case 22: return simple(Kind::token);
    case 23: {
      Type t = simple(Kind::tuple);
      t.inputs = read_types(in);
      return t;
    }
    case 33: return simple(Kind::none);
    default: return simple(Kind::other, fmt::format("vhlo type {}", code));
  }
}

}  // namespace tf2jax::stablehlo
