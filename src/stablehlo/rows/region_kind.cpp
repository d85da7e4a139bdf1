// Recognises the functions of reductions, scatters and sorts.
#include "tf2jax/stablehlo/internal/region_kind.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <limits>
#include <unordered_map>

namespace tf2jax::stablehlo {
namespace {

// The body of the function that a region does nothing but call.
const Region& called_body(const Module& module, const Region& region) {
  const Region* r = &region;
  for (int depth = 0; depth < 8; ++depth) {
    if (r->ops.size() != 2) return *r;
    const Op call = r->ops[0];
    if (call.name != "call" || call.operands != r->arguments || r->ops.back().operands != call.results) return *r;
    const Attr* callee = call.find("callee");
    const auto it = callee ? module.by_name.find(callee->text) : module.by_name.end();
    if (it == module.by_name.end()) return *r;
    r = &module.functions[it->second].body;
  }
  return *r;
}

std::string name_of(const Op& op) {
  const Attr* direction = op.name == "compare" ? op.find("comparison_direction") : nullptr;
  if (!direction) return op.name;
  const Attr* type = op.find("compare_type");
  return fmt::format("compare.{}{}", direction->text, type && type->text == "TOTALORDER" ? ".total" : "");
}

// By signature, after the operands have been put in order: what JAX writes for maxima of complex numbers.
constexpr std::string_view kComplexOrder =
    "real(a0);real(a1);compare.EQ(r0,r1);compare.{0}(r0,r1);imag(a0);imag(a1);compare.{0}(r4,r5);select(r2,r6,r3);"
    "select(r7,a0,a1);return(r8)";

Combiner named(std::string_view op, bool is_bool) {
  if (op == "add") return is_bool ? Combiner::or_ : Combiner::add;
  if (op == "multiply") return is_bool ? Combiner::and_ : Combiner::multiply;
  if (op == "maximum") return is_bool ? Combiner::or_ : Combiner::maximum;
  if (op == "minimum") return is_bool ? Combiner::and_ : Combiner::minimum;
  if (op == "and") return Combiner::and_;
  if (op == "or") return Combiner::or_;
  if (op == "xor") return Combiner::xor_;
  return Combiner::none;
}

template <class T>
T lowest() {
  if constexpr (std::numeric_limits<T>::has_infinity) return -std::numeric_limits<T>::infinity();
  else return std::numeric_limits<T>::lowest();
}
template <class T>
T highest() {
  if constexpr (std::numeric_limits<T>::has_infinity) return std::numeric_limits<T>::infinity();
  else return std::numeric_limits<T>::max();
}

// Neutral elements in the arithmetic of `T`; 16-bit floats are judged as floats.
template <class T>
bool is_neutral(Combiner c, T v) {
  switch (c) {
    case Combiner::add:
    case Combiner::or_:
    case Combiner::xor_: return v == T(0);
    case Combiner::multiply: return v == T(1);
    case Combiner::and_:
      if constexpr (std::same_as<T, bool>) return v;
      else if constexpr (std::integral<T>) return v == static_cast<T>(~T(0));
      else return false;
    case Combiner::maximum:
      if constexpr (requires { v.real(); }) return v.real() == lowest<typename T::value_type>();
      else return v == lowest<T>();
    case Combiner::minimum:
      if constexpr (requires { v.real(); }) return v.real() == highest<typename T::value_type>();
      else return v == highest<T>();
    default: return false;
  }
}

}  // namespace

std::string signature(const Module& module, const Region& region) {
  const Region& r = called_body(module, region);
  std::unordered_map<ValueId, std::string> names;
  for (std::size_t i = 0; i < r.arguments.size(); ++i) names[r.arguments[i]] = fmt::format("a{}", i);
  std::string out;
  std::size_t results = 0;
  for (const Op& op : r.ops) {
    if (!op.regions.empty() || out.size() > 2000) return "?";
    out += name_of(op) + "(";
    for (std::size_t i = 0; i < op.operands.size(); ++i) {
      const auto it = names.find(op.operands[i]);
      out += (i ? "," : "") + (it == names.end() ? std::string("?") : it->second);
    }
    out += op.name == "return" ? ")" : ");";
    for (const ValueId v : op.results) names[v] = fmt::format("r{}", results++);
  }
  return out;
}

Combiner combiner_of(const Module& module, const Region& region, DType dtype) {
  const std::string s = signature(module, region);
  if (s == "return(a1)") return Combiner::second;
  if (s == "subtract(a0,a1);return(r0)") return Combiner::subtract;
  const auto open = s.find('(');
  const std::string name = s.substr(0, open);
  if (s == name + "(a0,a1);return(r0)" || s == name + "(a1,a0);return(r0)") return named(name, is_bool(dtype));
  if (s == fmt::format(kComplexOrder, "GT")) return Combiner::maximum;
  if (s == fmt::format(kComplexOrder, "LT")) return Combiner::minimum;
  return Combiner::none;
}

bool is_identity(Combiner combiner, const Array& scalar) {
  if (!scalar.is_concrete() || scalar.size() != 1 || scalar.dtype() == DType::key || scalar.dtype() == DType::float0)
    return false;
  if (scalar.dtype() == DType::f16 || scalar.dtype() == DType::bf16)
    return is_neutral(combiner, scalar.to_vector<float>()[0]);
  return visit_dtype(scalar.dtype(), [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, float16> || std::same_as<T, bfloat16>) return false;
    else return is_neutral(combiner, scalar.data<T>()[0]);
  });
}

Array combine(Combiner combiner, const Array& x, const Array& y) {
  switch (combiner) {
    case Combiner::add: return add(x, y);
    case Combiner::multiply: return mul(x, y);
    case Combiner::maximum: return maximum(x, y);
    case Combiner::minimum: return minimum(x, y);
    case Combiner::and_: return bitwise_and(x, y);
    case Combiner::or_: return bitwise_or(x, y);
    case Combiner::xor_: return bitwise_xor(x, y);
    case Combiner::subtract: return sub(x, y);
    default: return y;
  }
}

}  // namespace tf2jax::stablehlo
