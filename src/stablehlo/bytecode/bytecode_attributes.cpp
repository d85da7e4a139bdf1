// Attributes of a bytecode file: MLIR's own and VHLO's; plain_attributes.cpp has StableHLO's.
#include "tf2jax/stablehlo/internal/bytecode_entries.h"
#include "tf2jax/stablehlo/internal/enumerators.h"
#include "tf2jax/stablehlo/internal/pool.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace tf2jax::stablehlo {
namespace {

using Kind = Attr::Kind;

constexpr std::size_t kMaxHeight = 64, kMaxWeight = 1 << 24;
constexpr std::size_t kLight = 16;  // of an attribute that is quickly decoded again

Attr of(Kind kind, std::string text = {}) {
  Attr a;
  a.kind = kind;
  a.text = std::move(text);
  return a;
}

// The width in bits of a scalar type; 0 where it is no number.
int width_of(const std::string& element) {
  if (element == "index") return 64;
  if (element == "bf16") return 16;
  if (element.starts_with("f8")) return 8;
  if (element == "tf32") return 19;
  const auto digits = element.find_first_of("0123456789");
  if (digits == std::string::npos) return 0;
  int width = 0;
  for (std::size_t i = digits; i < element.size() && element[i] >= '0' && element[i] <= '9' && width < 10000; ++i)
    width = 10 * width + (element[i] - '0');
  return width;
}

// An integer of known width: a byte up to 8 bits, else a signed varint.
std::int64_t read_bits(ByteCursor& in, int width) {
  if (width <= 8) return in.byte();
  if (width <= 64) return in.signed_varint();
  in.fail(fmt::format("integers of this width are not supported. Got {} bits; expected at most 64.", width));
}

double real_of(std::int64_t bits, const std::string& element, const ByteCursor& in) {
  const auto raw = static_cast<std::uint64_t>(bits);
  if (element == "f64") return std::bit_cast<double>(raw);
  if (element == "f32") return std::bit_cast<float>(static_cast<std::uint32_t>(raw));
  if (element == "bf16") return std::bit_cast<float>(static_cast<std::uint32_t>(raw << 16));
  if (element == "f16") {
    return static_cast<float>(std::bit_cast<float16>(static_cast<std::uint16_t>(raw)));
  }
  in.fail(fmt::format("there are no numbers of this type. Got {}.", element));
}

}  // namespace

Attr text_attribute(std::string text) { return of(Kind::text, std::move(text)); }

BytecodeEntries::BytecodeEntries(const BytecodeFile& file) : file_(file), types_(file.types.size()) {}

void BytecodeEntries::count_in(std::size_t height, std::size_t weight) {
  height_ = std::max(height_, height);
  weight_ = std::min(weight_ + weight, kMaxWeight + 1);
}

template <class T, class Decode>
BytecodeEntries::Entry<T> BytecodeEntries::decoded(const EntryPlace& place, const Decode& decode) {
  if (++depth_ > kMaxHeight) file_.entry(place).fail("types or attributes are nested too deep.");
  const std::size_t outer_height = std::exchange(height_, 0), outer_weight = std::exchange(weight_, 0);
  T value = decode(place);
  --depth_;
  Entry<T> out{nullptr, height_ + 1, weight_ + 1};
  if (out.height > kMaxHeight) file_.entry(place).fail("types or attributes are nested too deep.");
  if (out.weight > kMaxWeight) file_.entry(place).fail("types or attributes hold too many others.");
  out.value = std::make_shared<const T>(std::move(value));
  height_ = outer_height;
  weight_ = outer_weight;
  return out;
}

AttrPtr BytecodeEntries::attribute(std::uint64_t i) {
  const auto use = [&](const Entry<Attr>& entry) {
    count_in(entry.height, entry.weight);
    return entry.value;
  };
  if (const auto known = kept_.find(i); known != kept_.end()) return use(known->second);
  auto& [number, recent] = recent_[i % recent_.size()];
  if (recent.value && number == i) return use(recent);
  const auto entry =
      decoded<Attr>(file_.attributes.at(i), [&](const EntryPlace& place) { return decode_attribute(place); });
  if (is_leaf(*entry.value) && entry.weight <= kLight) {  // what it was made of may be more than is left of it
    number = i;
    recent = entry;
  } else {
    kept_.emplace(i, entry);
  }
  return use(entry);
}

const TypePtr& BytecodeEntries::type(std::uint64_t i) {
  Entry<Type>& known = types_.at(i);
  if (!known.value)
    known = decoded<Type>(file_.types.at(i), [&](const EntryPlace& place) { return decode_type(place); });
  count_in(known.height, known.weight);
  return known.value;
}

std::string BytecodeEntries::read_string(ByteCursor& in) {
  return std::string(file_.strings[in.index(file_.strings.size(), "a string")]);
}

std::vector<AttrPtr> BytecodeEntries::read_attributes(ByteCursor& in) {
  std::vector<AttrPtr> out(in.count("attributes"));
  for (auto& a : out) a = read_attribute(in);
  return out;
}

Attr BytecodeEntries::decode_attribute(const EntryPlace& place) {
  ByteCursor in = file_.entry(place);
  const std::string_view dialect = file_.dialects[place.dialect];
  if (place.is_text) return text_attribute(std::string(in.terminated()));
  if (dialect == "builtin") return decode_builtin(in);
  if (dialect == "vhlo") return decode_vhlo(in);
  if (dialect == "stablehlo") return decode_stablehlo(in);
  if (dialect == "chlo") return decode_chlo(in);
  return of(Kind::none, fmt::format("#{}", dialect));  // of a dialect that is not known, such as shardings
}

Attr BytecodeEntries::integer(ByteCursor& in) {
  Attr a = of(Kind::integer);
  a.type = read_type(in);
  const int width = width_of(a.type->element);
  if (width == 0) in.fail(fmt::format("there are no integers of this type. Got {}.", a.type->to_string()));
  a.integer = read_bits(in, width);
  if (width == 1) a.kind = Kind::boolean;
  if (width > 1 && width < 64) {  // as many bits as it has, with the sign in the last
    const int unused = 64 - width;
    const auto up = static_cast<std::uint64_t>(a.integer) << unused;
    a.integer =
        a.type->element[0] == 'u' ? static_cast<std::int64_t>(up >> unused) : static_cast<std::int64_t>(up) >> unused;
  }
  return a;
}

Attr BytecodeEntries::real(ByteCursor& in) {
  Attr a = of(Kind::real);
  a.type = read_type(in);
  a.real = real_of(read_bits(in, width_of(a.type->element)), a.type->element, in);
  return a;
}

std::string tensor_bytes(const Type& type, std::string_view data, bool packs_bools, const ByteCursor& in) {
  std::uint64_t n = 1;
  for (const auto d : type.dims) {
    if (d == kDynamic || (d != 0 && n > (std::uint64_t{1} << 50) / static_cast<std::uint64_t>(d)))
      in.fail(fmt::format("a constant has no size. Got {}.", type.to_string()));
    n *= static_cast<std::uint64_t>(d);
  }
  const auto dtype = type.dtype();
  const std::uint64_t item = dtype ? static_cast<std::uint64_t>(itemsize(*dtype)) : 1;
  const bool is_bool = dtype == DType::bool_;
  std::string out;
  if (is_bool && data.size() == 1 && (data[0] == '\xFF' || (n != 1 && !packs_bools))) {
    out.assign(1, data[0] ? 1 : 0);
  } else if (is_bool && packs_bools && data.size() == (n + 7) / 8 && data.size() != n) {
    out.resize(n);
    for (std::uint64_t i = 0; i < n; ++i)
      out[i] = static_cast<char>((static_cast<std::uint8_t>(data[i / 8]) >> (i % 8)) & 1u);
    if (data.size() == 1 && data[0] == 0) out.resize(1);
  } else {
    out = data;
    if (is_bool)
      for (char& c : out) c = c ? 1 : 0;
  }
  const bool fits = !dtype || out.size() == item || out.size() / item == n;
  if (!fits || out.size() % item != 0)
    in.fail(fmt::format("a constant has the wrong size. Got {} bytes for {}.", data.size(), type.to_string()));
  return out;
}

Attr BytecodeEntries::tensor(ByteCursor& in, bool packs_bools) {
  Attr a = of(Kind::tensor);
  a.type = read_type(in);
  if (a.type->kind != Type::Kind::tensor) in.fail(fmt::format("a constant is no tensor. Got {}.", a.type->to_string()));
  const auto data = in.bytes(in.varint());
  a.text = tensor_bytes(*a.type, data, packs_bools, in);
  return a;
}

Attr BytecodeEntries::dictionary(ByteCursor& in, bool names_are_attributes) {
  Attr a = of(Kind::dictionary);
  const std::uint64_t n = in.count("entries", 2);
  for (std::uint64_t i = 0; i < n; ++i) {
    std::string name = names_are_attributes ? read_attribute(in)->text : read_string(in);
    AttrPtr value = read_attribute(in);
    const bool is_unknown = value->kind == Kind::none && value->text.starts_with('#');
    if (!is_unknown) a.entries.emplace_back(std::move(name), std::move(value));
  }
  return a;
}

Attr BytecodeEntries::decode_builtin(ByteCursor& in) {
  const std::uint64_t code = in.varint();
  switch (code) {
    case 0: {
      Attr a = of(Kind::array);
      a.items = read_attributes(in);
      return a;
    }
    case 1: return dictionary(in, true);
    case 2: return of(Kind::string, read_string(in));
    case 3: return of(Kind::string, read_string(in));
    case 4: return of(Kind::symbol, read_attribute(in)->text);
    case 5: return of(Kind::symbol, read_attribute(in)->text);
    case 6: {
      Attr a = of(Kind::type);
      a.type = read_type(in);
      return a;
    }
    case 7: {
      Attr a = of(Kind::boolean);
      a.integer = 1;  // being there is what it says
      return a;
    }
    case 8: return integer(in);
    case 9: return real(in);
    case 17: {
      Attr a = of(Kind::tensor);
      const TypePtr element = read_type(in);
      const auto n = static_cast<std::int64_t>(in.varint());
      if (n < 0) in.fail("an array has no size.");
      a.type = tensor_type(element->element, {n});
      a.text = tensor_bytes(*a.type, in.bytes(in.varint()), false, in);
      return a;
    }
    case 18: return tensor(in, true);
    default: return text_attribute(fmt::format("builtin attribute {}", code));
  }
}

Attr BytecodeEntries::decode_vhlo(ByteCursor& in) {
  const std::uint64_t code = in.varint();
  if (const auto* enumeration = find_enumeration(code))
    return of(Kind::string, std::string(enumeration->name(in.varint(), in)));
  switch (code) {
    case 1: {
      Attr a = of(Kind::array);
      a.items = read_attributes(in);
      return a;
    }
    case 2: {
      Attr a = of(Kind::boolean);
      a.integer = in.varint() != 0;
      return a;
    }
    case 6: return dictionary(in, true);
    case 8: return real(in);
    case 9: return integer(in);
    case 14: return of(Kind::string, read_string(in));
    case 15: return tensor(in, true);
    case 17: {
      Attr a = of(Kind::type);
      a.type = read_type(in);
      if (a.type->kind == Type::Kind::none) a.kind = Kind::none;
      return a;
    }
    default: return text_attribute(fmt::format("vhlo attribute {}", code));
  }
}

}  // namespace tf2jax::stablehlo
