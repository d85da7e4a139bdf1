// Attributes and types in VHLO's encoding, and the sections that hold them.
#include "tf2jax/stablehlo/internal/bytecode_tables.h"
#include "tf2jax/stablehlo/internal/bytecode_file.h"
#include "tf2jax/stablehlo/internal/enumerators.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tf2jax::stablehlo {
namespace {

// Which enumeration the words of an attribute are of.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kWords{
    {{"comparison_direction", "comparison_direction"},
     {"compare_type", "comparison_type"},
     {"api_version", "custom_call_api_version"},
     {"fft_type", "fft_type"},
     {"precision_config", "precision"},
     {"rng_algorithm", "rng_algorithm"},
     {"rng_distribution", "rng_distribution"},
     {"transpose_a", "transpose"}}};

constexpr std::array<std::pair<std::string_view, int>, 24> kScalars{
    {{"i1", 0},    {"bf16", 2},  {"f16", 3},  {"f32", 4},   {"f64", 5},   {"f8E4M3FN", 6}, {"f8E5M2", 7}, {"index", 9},
     {"i4", 10},   {"i8", 11},   {"i16", 12}, {"i32", 13},  {"i64", 14},  {"ui4", 15},     {"ui8", 16},   {"ui16", 17},
     {"ui32", 18}, {"ui64", 19}, {"si8", 11}, {"si16", 12}, {"si32", 13}, {"si64", 14},    {"i2", 31},    {"ui2", 32}}};

int width_of(std::string_view element) {
  if (element == "index") return 64;
  const auto digits = element.find_first_of("0123456789");
  int width = 0;
  for (std::size_t i = digits; i < element.size(); ++i) width = 10 * width + (element[i] - '0');
  return width;
}

// Bools are packed into bits, or one byte where all are the same.
std::string packed(const Type& type, const std::string& bytes) {
  if (type.dtype() != DType::bool_) return bytes;
  const bool same = !bytes.empty() && std::ranges::all_of(bytes, [&](char c) { return c == bytes[0]; });
  if (same) return std::string(1, bytes[0] ? '\xFF' : '\0');
  std::string out((bytes.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i]) out[i / 8] = static_cast<char>(out[i / 8] | (1 << (i % 8)));
  return out;
}

// An element that fills a tensor is written once.
std::string without_repeats(const Type& type, const std::string& bytes) {
  const auto dtype = type.dtype();
  if (!dtype || *dtype == DType::bool_) return packed(type, bytes);
  const auto item = as_index(itemsize(*dtype));
  if (bytes.size() <= item) return bytes;
  for (std::size_t i = item; i < bytes.size(); i += item)
    if (std::memcmp(bytes.data(), bytes.data() + i, item) != 0) return bytes;
  return bytes.substr(0, item);
}

}  // namespace

int bytecode_version(const Version& target) {
  if (target < Version{0, 10, 0}) return 0;
  if (target < Version{0, 12, 0}) return 1;
  if (target < Version{0, 14, 0}) return 3;
  return target < Version{0, 15, 0} ? 4 : 6;
}

std::uint64_t BytecodeTables::string(std::string_view text) {
  const auto [it, added] = known_strings_.emplace(std::string(text), strings_.size());
  if (added) strings_.emplace_back(text);
  return it->second;
}
std::uint64_t BytecodeTables::dialect(std::string_view name) {
  const auto [it, added] = known_dialects_.emplace(std::string(name), dialects_.size());
  if (added) {
    dialects_.emplace_back(name);
    (void)string(name);
  }
  return it->second;
}
std::uint64_t BytecodeTables::op_name(std::string_view d, std::string_view name) {
  const auto [it, added] = known_ops_.emplace(std::pair(std::string(d), std::string(name)), ops_.size());
  if (added) ops_.emplace_back(dialect(d), string(name));
  return it->second;
}
std::uint64_t BytecodeTables::property(const std::string& bytes) {
  const auto [it, added] = known_properties_.emplace(bytes, properties_.size());
  if (added) properties_.push_back(bytes);
  return it->second;
}

std::uint64_t BytecodeTables::add(Entries& entries, std::string_view d, const ByteSink& sink) {
  const std::uint64_t of = dialect(d);
  const auto [it, added] = entries.known.emplace(std::pair(of, sink.str()), entries.list.size());
  if (added) entries.list.push_back({of, sink.str()});
  return it->second;
}

std::uint64_t BytecodeTables::unknown_location() {
  ByteSink s;
  s.varint(15);
  return add(attributes_, "builtin", s);
}
std::uint64_t BytecodeTables::builtin_string(std::string_view text) {
  ByteSink s;
  s.varint(2);
  s.varint(string(text));
  return add(attributes_, "builtin", s);
}
std::uint64_t BytecodeTables::builtin_integer(std::int64_t value, int width) {
  ByteSink t;
  t.varint(0);
  t.varint(static_cast<std::uint64_t>(width) << 2);
  const std::uint64_t type = add(types_, "builtin", t);
  ByteSink s;
  s.varint(8);
  s.varint(type);
  s.integer(value, width);
  return add(attributes_, "builtin", s);
}
std::uint64_t BytecodeTables::builtin_dictionary(const std::vector<std::pair<std::string, std::uint64_t>>& entries) {
  ByteSink s;
  s.varint(1);
  s.varint(entries.size());
  for (const auto& [name, value] : entries) {
    s.varint(builtin_string(name));
    s.varint(value);
  }
  return add(attributes_, "builtin", s);
}

std::uint64_t BytecodeTables::scalar_type(const std::string& element) {
  ByteSink s;
  if (element.starts_with("complex<")) {
    const std::uint64_t part = scalar_type(element.substr(8, element.size() - 9));
    s.varint(1);
    s.varint(part);
  } else {
    const auto it = std::ranges::find(kScalars, std::string_view(element), &decltype(kScalars)::value_type::first);
    check<NotImplementedError>(it != kScalars.end(), "stablehlo: a type has no portable form. Got {}.", element);
    s.varint(static_cast<std::uint64_t>(it->second));
  }
  return add(types_, "vhlo", s);
}

std::uint64_t BytecodeTables::type(const Type& t) {
  ByteSink s;
  switch (t.kind) {
    case Type::Kind::scalar: return scalar_type(t.element);
    case Type::Kind::token: s.varint(22); break;
    case Type::Kind::none: s.varint(33); break;
    case Type::Kind::tensor: {
      const std::uint64_t element = scalar_type(t.element);
      s.varint(20);
      s.varint(t.dims.size());
      for (const auto d : t.dims) s.signed_varint(d);
      s.varint(element);
      break;
    }
    case Type::Kind::function: {
      std::vector<std::uint64_t> parts;
      for (const auto* list : {&t.inputs, &t.outputs})
        for (const TypePtr& p : *list) parts.push_back(type(*p));
      s.varint(8);
      std::size_t next = 0;
      for (const auto* list : {&t.inputs, &t.outputs}) {
        s.varint(list->size());
        for (std::size_t i = 0; i < list->size(); ++i) s.varint(parts[next++]);
      }
      break;
    }
    default: raise<NotImplementedError>("stablehlo: a type has no portable form. Got {}.", t.to_string());
  }
  return add(types_, "vhlo", s);
}

std::uint64_t BytecodeTables::list_attribute(std::uint64_t code, const std::vector<std::uint64_t>& items) {
  ByteSink s;
  s.varint(code);
  s.varint(code == 6 ? items.size() / 2 : items.size());
  for (const auto i : items) s.varint(i);
  return add(attributes_, "vhlo", s);
}

std::uint64_t BytecodeTables::type_attribute(std::uint64_t type_number) {
  ByteSink s;
  s.varint(17);
  s.varint(type_number);
  return add(attributes_, "vhlo", s);
}

std::uint64_t BytecodeTables::number_attribute(const Attr& a, std::string_view name) {
  ByteSink s;
  if (a.kind == Attr::Kind::integer) {
    const bool narrow = name == "exponent_bits" || name == "mantissa_bits" || name == "version";
    const std::string element = a.type ? a.type->element : narrow ? "i32" : "i64";
    const std::uint64_t t = scalar_type(element);
    s.varint(9);
    s.varint(t);
    s.integer(a.integer, width_of(element));
    return add(attributes_, "vhlo", s);
  }
  const std::string element = a.type ? a.type->element : "f32";
  check<NotImplementedError>(element == "f32" || element == "f64",
                             "stablehlo: a number has no portable form. Got one of type {}.", element);
  const std::uint64_t t = scalar_type(element);
  s.varint(8);
  s.varint(t);
  if (element == "f64") s.integer(std::bit_cast<std::int64_t>(a.real), 64);
  else s.integer(std::bit_cast<std::int32_t>(static_cast<float>(a.real)), 32);
  return add(attributes_, "vhlo", s);
}

std::uint64_t BytecodeTables::word_attribute(const std::string& text, std::string_view name) {
  ByteSink s;
  const auto word = std::ranges::find(kWords, name, &decltype(kWords)::value_type::first);
  if (word == kWords.end()) {
    s.varint(14);
    s.varint(string(text));
  } else {
    const Enumeration* e = find_enumeration(word->second);
    const auto value = e->value(text);
    check<ValueError>(value.has_value(), "stablehlo: a word of attribute '{}' is not known. Got '{}'.", name, text);
    s.varint(e->code);
    s.varint(*value);
  }
  return add(attributes_, "vhlo", s);
}

std::uint64_t BytecodeTables::tensor_attribute_number(const Attr& a) {
  const std::uint64_t t = type(*a.type);
  const std::string bytes = without_repeats(*a.type, a.text);
  ByteSink s;
  s.varint(15);
  s.varint(t);
  s.varint(bytes.size());
  s.bytes(bytes);
  return add(attributes_, "vhlo", s);
}

std::uint64_t BytecodeTables::attribute(const Attr& a, std::string_view name) {
  std::vector<std::uint64_t> items;
  switch (a.kind) {
    case Attr::Kind::boolean: {
      ByteSink s;
      s.varint(2);
      s.varint(a.integer ? 1 : 0);
      return add(attributes_, "vhlo", s);
    }
    case Attr::Kind::integer:
    case Attr::Kind::real: return number_attribute(a, name);
    case Attr::Kind::string:
    case Attr::Kind::symbol: return word_attribute(a.text, name);
    case Attr::Kind::array:
      for (const AttrPtr& i : a.items) items.push_back(attribute(*i, name));
      return list_attribute(1, items);
    case Attr::Kind::dictionary:
      for (const auto& [key, value] : a.entries) {
        items.push_back(word_attribute(key, ""));
        items.push_back(attribute(*value, ""));
      }
      return list_attribute(6, items);
    case Attr::Kind::tensor: return tensor_attribute_number(a);
    case Attr::Kind::type: return type_attribute(type(*a.type));
    case Attr::Kind::none: return type_attribute(type(Type{}));
    default: raise<NotImplementedError>("stablehlo: attribute '{}' has no portable form. Got {}.", name, a.text);
  }
}

std::uint64_t BytecodeTables::absent(std::string_view name) {
  const auto of = [&](Attr a) { return attribute(a, name); };
  Attr a;
  if (name == "result_accuracy") {
    ByteSink mode;
    mode.varint(19);
    mode.varint(0);
    const std::uint64_t m = add(attributes_, "vhlo", mode);
    ByteSink s;
    s.varint(20);
    for (int i = 0; i < 3; ++i) s.signed_varint(0);
    s.varint(m);
    return add(attributes_, "vhlo", s);
  }
  constexpr std::array kLists{"operand_layouts", "result_layouts",         "called_computations",
                              "result_tilings",  "output_operand_aliases", "precision_config"};
  if (std::ranges::find(kLists, name) != kLists.end()) {
    a.kind = Attr::Kind::array;
    return of(std::move(a));
  }
  if (name == "api_version" || name == "compare_type" || name == "backend_config") {
    a.kind = Attr::Kind::string;
    a.text = name == "api_version" ? "API_VERSION_ORIGINAL" : name == "compare_type" ? "NOTYPE" : "";
    return of(std::move(a));
  }
  if (name == "has_side_effect" || name == "indices_are_sorted" || name == "unique_indices") {
    a.kind = Attr::Kind::boolean;
    return of(std::move(a));
  }
  if (name.ends_with("_dimensions") || name.ends_with("batching_dims")) {
    a.kind = Attr::Kind::tensor;
    a.type = tensor_type("i64", {0});
    return of(std::move(a));
  }
  if (name == "composite_attributes") {
    a.kind = Attr::Kind::dictionary;
    return of(std::move(a));
  }
  if (name.ends_with("_type") || name.ends_with("_count") || name.ends_with("_operations") ||
      name.ends_with("_accumulation"))
    return of(std::move(a));
  raise<NotImplementedError>("stablehlo: attribute '{}' is missing.", name);
}

std::string BytecodeTables::file(const std::string& program) const {
  const auto id = [](Section s) { return static_cast<std::uint8_t>(s); };
  ByteSink dialects, offsets, entries, strings, properties;
  dialects.varint(dialects_.size());
  for (const std::string& d : dialects_) {
    const std::uint64_t name = known_strings_.at(d);
    dialects.varint(format_ >= 1 ? name << 1 : name);
  }
  if (format_ >= 4) dialects.varint(ops_.size());
  for (const auto& [d, name] : ops_) {
    dialects.varint(d);
    dialects.varint(1);
    dialects.varint(format_ >= 5 ? name << 1 | 1 : name);
  }
  offsets.varint(attributes_.list.size());
  offsets.varint(types_.list.size());
  for (const Entries* all : {&attributes_, &types_})
    for (std::size_t i = 0; i < all->list.size();) {
      std::size_t end = i;
      while (end < all->list.size() && all->list[end].dialect == all->list[i].dialect) ++end;
      offsets.varint(all->list[i].dialect);
      offsets.varint(end - i);
      for (; i < end; ++i) {
        offsets.varint(all->list[i].bytes.size() << 1 | 1);
        entries.bytes(all->list[i].bytes);
      }
    }
  strings.varint(strings_.size());
  for (auto s = strings_.rbegin(); s != strings_.rend(); ++s) strings.varint(s->size() + 1);
  for (const std::string& s : strings_) {
    strings.bytes(s);
    strings.byte(0);
  }
  properties.varint(properties_.size());
  for (const std::string& p : properties_) {
    properties.varint(p.size());
    properties.bytes(p);
  }
  ByteSink out;
  out.bytes(kBytecodeMagic);
  out.varint(static_cast<std::uint64_t>(format_));
  out.bytes("StableHLO_v" + target_.to_string());
  out.byte(0);
  out.section(id(Section::dialect), dialects.str());
  out.section(id(Section::attr_type_offset), offsets.str());
  out.section(id(Section::attr_type), entries.str());
  out.section(id(Section::ir), program);
  out.section(id(Section::string), strings.str());
  if (format_ >= 5) out.section(id(Section::properties), properties.str());
  return out.str();
}

}  // namespace tf2jax::stablehlo
