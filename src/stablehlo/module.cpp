// Types, attributes and functions of a module: names and look-ups.
#include "tf2jax/stablehlo/module.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tf2jax::stablehlo {
namespace {

struct Element {
  std::string_view name;
  DType dtype;
};
// The second column of names that mean the same: signed integers print without a sign.
constexpr std::array<Element, 20> kElements{{{"i1", DType::bool_},
                                             {"i8", DType::i8},
                                             {"i16", DType::i16},
                                             {"i32", DType::i32},
                                             {"i64", DType::i64},
                                             {"ui8", DType::u8},
                                             {"ui16", DType::u16},
                                             {"ui32", DType::u32},
                                             {"ui64", DType::u64},
                                             {"f16", DType::f16},
                                             {"bf16", DType::bf16},
                                             {"f32", DType::f32},
                                             {"f64", DType::f64},
                                             {"complex<f32>", DType::c64},
                                             {"complex<f64>", DType::c128},
                                             {"index", DType::i64},
                                             {"si8", DType::i8},
                                             {"si16", DType::i16},
                                             {"si32", DType::i32},
                                             {"si64", DType::i64}}};

std::string list(const std::vector<TypePtr>& types) {
  std::string out;
  for (const auto& t : types) out += (out.empty() ? "" : ", ") + (t ? t->to_string() : "none");
  return out;
}

}  // namespace

std::optional<DType> Type::dtype() const {
  const auto it = std::ranges::find(kElements, std::string_view(element), &Element::name);
  return it == kElements.end() ? std::nullopt : std::optional(it->dtype);
}

bool Type::is_dynamic() const { return std::ranges::find(dims, kDynamic) != dims.end(); }

std::string Type::to_string() const {
  switch (kind) {
    case Kind::none: return "none";
    case Kind::token: return "!stablehlo.token";
    case Kind::scalar: return element;
    case Kind::tuple: return fmt::format("tuple<{}>", list(inputs));
    case Kind::function: return fmt::format("({}) -> ({})", list(inputs), list(outputs));
    case Kind::other: return element;
    default: break;
  }
  std::string out = "tensor<";
  for (const auto d : dims) out += (d == kDynamic ? std::string("?") : fmt::format("{}", d)) + "x";
  return out + element + ">";
}

TypePtr tensor_type(std::string element, Dims dims) {
  Type t;
  t.kind = Type::Kind::tensor;
  t.element = std::move(element);
  t.dims = std::move(dims);
  return std::make_shared<const Type>(std::move(t));
}

std::string element_name(DType dtype) {
  const auto it = std::ranges::find(kElements, dtype, &Element::dtype);
  check<NotImplementedError>(it != kElements.end(), "stablehlo: there is no element type for {}.", dtype);
  return std::string(it->name);
}

const Attr* Attr::find(std::string_view name) const {
  for (const auto& [key, value] : entries)
    if (key == name) return value.get();
  return nullptr;
}

const Attr* Op::find(std::string_view attribute) const& {
  for (const auto& [key, value] : attributes)
    if (key == attribute) return value.get();
  return nullptr;
}

const Function& Module::function(std::string_view function_name) const {
  const auto it = by_name.find(function_name);
  check<LookupError>(it != by_name.end(), "stablehlo: the module has no function '{}'.", function_name);
  return functions[it->second];
}

const Function& Module::entry() const {
  if (by_name.contains("main")) return function("main");
  const Function* only = nullptr;
  for (const auto& f : functions) {
    if (!f.is_public) continue;
    check<LookupError>(!only, "stablehlo: the module has several public functions, and none is 'main'.");
    only = &f;
  }
  if (!only && functions.size() == 1) only = &functions[0];
  check<LookupError>(only, "stablehlo: the module has no function 'main'.");
  return *only;
}

void Module::index_functions() {
  by_name.clear();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    check(by_name.emplace(functions[i].name, i).second,
          "stablehlo: the module has two functions '{}'. Expected different names.", functions[i].name);
  }
}

}  // namespace tf2jax::stablehlo
