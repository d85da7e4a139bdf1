// Checked access to a node's inputs and attributes.
#include "tf2jax/tf_import/node.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include <algorithm>

namespace tf2jax {

namespace tf = tensorflow;
using Case = tf::AttrValue::ValueCase;

namespace {

// Attributes that repeat the types of inputs and outputs, which the values themselves carry: TensorFlow names them
// alike in all its operations.
constexpr std::string_view kTypeAttributes[] = {"T",
                                                "U",
                                                "N",
                                                "Tidx",
                                                "Tshape",
                                                "Tdim",
                                                "Tperm",
                                                "Tin",
                                                "Tout",
                                                "TI",
                                                "Tindices",
                                                "Tparams",
                                                "Taxis",
                                                "Tlen",
                                                "Tmultiples",
                                                "Tpaddings",
                                                "Tblock_shape",
                                                "Tcrops",
                                                "Index",
                                                "Tk",
                                                "Tcond",
                                                "index_type",
                                                "Tlabels",
                                                "Tshift",
                                                "Tnumsegments",
                                                "Tvalues",
                                                "Tsegmentids",
                                                "SrcT",
                                                "dtype",
                                                "Tcomplex",
                                                "Treal",
                                                "Tfft",
                                                "Tseed"};

// More integers than any shape, permutation or list of pieces has.
constexpr std::int64_t kMaxIntegers = std::int64_t{1} << 24;

std::string attribute_text(const tf::AttrValue& value) {
  if (const auto bytes = value.ByteSizeLong(); bytes > 10000) return fmt::format("{} bytes", bytes);
  std::string text = value.ShortDebugString();
  if (text.size() > 200) text = text.substr(0, 200) + "...";
  return text;
}

}  // namespace

namespace {

// Sizes as numbers of the program.
Array array_of(const SymbolicInts& ints) {
  Arrays values;
  for (const Dim d : ints.values) values.push_back(convert_element_type(dim_as_value(d), DType::i32));
  return ints.scalar ? values.at(0) : stack(values, 0);
}

}  // namespace

Node::Node(tf_import::Interpreter& interpreter, const tf::NodeDef& proto, const tf_import::PlanStep& step,
           Values inputs)
    : interpreter_(interpreter), proto_(proto), step_(step), inputs_(std::move(inputs)) {
  on_host_ = std::ranges::all_of(inputs_, [](const Value& v) { return v.is_host() && !v.get_if<SymbolicInts>(); });
}

const std::string& Node::name() const { return proto_.name(); }
const std::string& Node::op() const { return proto_.op(); }

void Node::fail(const std::string& message) const {
  throw ImportError(name(), op(), fmt::format("import '{}' ({}): {}", name(), op(), message));
}

const Value& Node::input(std::size_t i) const {
  if (i >= inputs_.size()) fail(fmt::format("input {} is missing; the node has {} inputs.", i, inputs_.size()));
  return inputs_[i];
}

Array Node::array(std::size_t i) const {
  const Value& v = input(i);
  if (const auto* variable = v.get_if<VariableRef>()) return interpreter_.read(*variable);
  if (const auto* x = v.get_if<Array>()) return v.is_host() && !on_host_ ? in_canonical_type(*x) : *x;
  if (const auto* ints = v.get_if<SymbolicInts>()) return array_of(*ints);
  fail(fmt::format("input {} is {}; expected a tensor.", i, v.kind()));
}

Array Node::array(std::size_t i, std::int64_t lowest, std::int64_t highest) const {
  const Array x = array(i);
  if (x.rank() >= lowest && x.rank() <= highest) return x;
  fail(fmt::format("input {} is {}; expected rank {}{}.", i, x.aval(), lowest,
                   highest == lowest     ? ""
                   : highest == kMaxRank ? " or more"
                                         : fmt::format(" to {}", highest)));
}

Array Node::indices(std::size_t i) const {
  const Array x = array(i);
  if (!is_integer(x.dtype())) fail(fmt::format("input {} is {}; expected integers.", i, x.aval()));
  return itemsize(x.dtype()) < 4 ? astype(x, i32) : x;
}

Arrays Node::arrays(std::size_t first, std::size_t count) const {
  Arrays result;
  for (std::size_t i = first; i < first + count; ++i) result.push_back(array(i));
  return result;
}

const StringTensor& Node::strings(std::size_t i) const {
  if (const auto* s = input(i).get_if<StringTensor>()) return *s;
  fail(fmt::format("input {} is {}; expected strings.", i, input(i).kind()));
}

const VariableRef& Node::variable(std::size_t i) const {
  if (const auto* v = input(i).get_if<VariableRef>()) return *v;
  fail(fmt::format("input {} is {}; expected a variable.", i, input(i).kind()));
}

std::vector<std::int64_t> Node::integers(std::size_t i) const {
  const Shape dims = shape(i);
  std::vector<std::int64_t> values;
  for (const Dim d : dims) values.push_back(d.value());
  return values;
}

std::int64_t Node::integer(std::size_t i) const {
  const auto values = integers(i);
  if (values.size() != 1) fail(fmt::format("input {} has {} elements; expected one integer.", i, values.size()));
  return values[0];
}

std::vector<std::int64_t> Node::integers(std::size_t i, std::size_t count, std::int64_t lowest,
                                         std::int64_t highest) const {
  const auto values = integers(i);
  if (values.size() != count) fail(fmt::format("input {} has {} elements; expected {}.", i, values.size(), count));
  check_range(fmt::format("input {}", i), values, lowest, highest);
  return values;
}

std::int64_t Node::integer(std::size_t i, std::int64_t lowest, std::int64_t highest) const {
  return integers(i, 1, lowest, highest)[0];
}

void Node::check_range(const std::string& what, std::span<const std::int64_t> values, std::int64_t lowest,
                       std::int64_t highest) const {
  const auto bad = std::ranges::find_if(values, [&](auto v) { return v < lowest || v > highest; });
  if (bad != values.end())
    fail(fmt::format("{} holds {}; expected integers from {} to {}.", what, *bad, lowest, highest));
}

std::int64_t Node::axis(std::size_t i, std::int64_t rank) const { return normalize_axis(integer(i), rank, op()); }
Axes Node::axes(std::size_t i, std::int64_t rank) const { return normalize_axes(integers(i), rank, op()); }

double Node::real(std::size_t i) const {
  const Array x = scalar(i);
  if (!x.is_concrete()) {
    raise<ConcretizationError>(
        "import '{}' ({}): input {} depends on traced values. Expected a constant. Pass it as one, or call without "
        "jit.",
        name(), op(), i);
  }
  return x.item<double>();
}

Shape Node::shape(std::size_t i) const {
  const Value& v = input(i);
  if (const auto* ints = v.get_if<SymbolicInts>()) return ints->values;
  const auto* x = v.get_if<Array>();
  if (!x) fail(fmt::format("input {} is {}; expected integers.", i, v.kind()));
  if (!x->is_concrete()) {
    raise<ConcretizationError>(
        "import '{}' ({}): input {} depends on traced values. Shapes must be 1D sequences of concrete values of "
        "integer type, got {}. Pass the value as a constant, or call without jit.",
        name(), op(), i, x->aval());
  }
  if (!is_integer(x->dtype()) && !is_bool(x->dtype()))
    fail(fmt::format("input {} is {}; expected integers.", i, x->aval()));
  checked_count(x->size(), kMaxIntegers, "integers that must be known");
  const auto values = x->to_vector<std::int64_t>();
  return Shape(values.begin(), values.end());
}

Shape Node::sizes(std::size_t i) const {
  Shape result = shape(i);
  check_sizes(result, fmt::format("input {}", i));
  return result;
}

const Shape& Node::shape_of(std::size_t i) const {
  const Value& v = input(i);
  if (const auto* x = v.get_if<Array>()) return x->shape();
  if (const auto* variable = v.get_if<VariableRef>()) return interpreter_.variables().at(variable->index).shape();
  fail(fmt::format("input {} is {}; expected a tensor.", i, v.kind()));
}

Values Node::call(const FunctionRef& function, const Values& arguments) const {
  return interpreter_.call(function.name, arguments);
}

const tf::AttrValue* Node::find(std::string_view key) const {
  read_.emplace(key);
  const auto it = proto_.attr().find(std::string(key));
  if (it != proto_.attr().end()) return &it->second;
  return interpreter_.model().library.attr_default(op(), key);
}

bool Node::has_attr(std::string_view key) const { return find(key) != nullptr; }

void Node::ignore(std::initializer_list<std::string_view> names) const {
  for (const auto n : names) read_.emplace(n);
}

void Node::check_attributes(std::span<const std::string> allowed) const {
  std::string unexpected, names;
  for (const auto& [key, value] : proto_.attr()) {
    if (key.starts_with('_') || read_.contains(key) || std::ranges::find(allowed, key) != allowed.end()) continue;
    if (std::ranges::find(kTypeAttributes, key) != std::end(kTypeAttributes)) continue;
    unexpected += fmt::format("\n  `{}={}`", key, attribute_text(value));
  }
  if (unexpected.empty()) return;
  for (const auto& known : read_) names += (names.empty() ? "" : ", ") + known;
  fail(fmt::format(
      "Unexpected attr(s) when parsing {}: {}{}\n  Known: {}. Re-export the model without it, or register a converter.",
      op(), name(), unexpected, names.empty() ? "none" : names));
}

const tf::AttrValue& Node::need(std::string_view key, int kind, const char* kind_name) const {
  const auto* value = find(key);
  if (!value) fail(fmt::format("attribute '{}' is missing and has no default.", key));
  if (value->value_case() != kind)
    fail(fmt::format("attribute '{}' is `{}`; expected {}.", key, attribute_text(*value), kind_name));
  return *value;
}

std::int64_t Node::attr_integer(std::string_view key, std::int64_t lowest, std::int64_t highest) const {
  const auto value = attr<std::int64_t>(key);
  check_range(fmt::format("attribute '{}'", key), {&value, 1}, lowest, highest);
  return value;
}

std::vector<std::int64_t> Node::attr_integers(std::string_view key, std::size_t count, std::int64_t lowest,
                                              std::int64_t highest) const {
  const auto values = attr<std::vector<std::int64_t>>(key);
  if (values.size() != count)
    fail(fmt::format("attribute '{}' has {} entries; expected {}.", key, values.size(), count));
  check_range(fmt::format("attribute '{}'", key), values, lowest, highest);
  return values;
}

template <>
bool Node::attr(std::string_view key) const {
  return need(key, Case::kB, "a bool").b();
}
template <>
std::int64_t Node::attr(std::string_view key) const {
  return need(key, Case::kI, "an integer").i();
}
template <>
int Node::attr(std::string_view key) const {
  const auto v = attr<std::int64_t>(key);
  if (v != static_cast<int>(v)) fail(fmt::format("attribute '{}' is {}; expected a 32-bit integer.", key, v));
  return static_cast<int>(v);
}
template <>
float Node::attr(std::string_view key) const {
  return need(key, Case::kF, "a float").f();
}
template <>
std::string Node::attr(std::string_view key) const {
  return need(key, Case::kS, "a string").s();
}
template <>
DType Node::attr(std::string_view key) const {
  const auto type = need(key, Case::kType, "a type").type();
  if (const auto dtype = detail::dtype_from_proto(type)) return *dtype;
  fail(fmt::format("attribute '{}' is {}; no numeric type of this library.", key, detail::type_name(type)));
}
template <>
FunctionRef Node::attr(std::string_view key) const {
  return {need(key, Case::kFunc, "a function").func().name()};
}
template <>
std::optional<Dims> Node::attr(std::string_view key) const {
  return detail::shape_from_proto(need(key, Case::kShape, "a shape").shape(), name());
}
template <>
TensorData Node::attr(std::string_view key) const {
  // The graph, which the model keeps, keeps what its constants borrow.
  return detail::tensor_from_proto(need(key, Case::kTensor, "a tensor").tensor(), fmt::format("attribute '{}'", key),
                                   interpreter_.model().library.graph().shared_proto());
}

// Which of the lists an empty list is cannot be told from the file.
template <>
std::vector<bool> Node::attr(std::string_view key) const {
  const auto& list = need(key, Case::kList, "a list").list();
  return {list.b().begin(), list.b().end()};
}
template <>
std::vector<std::int64_t> Node::attr(std::string_view key) const {
  const auto& list = need(key, Case::kList, "a list").list();
  return {list.i().begin(), list.i().end()};
}
template <>
std::vector<float> Node::attr(std::string_view key) const {
  const auto& list = need(key, Case::kList, "a list").list();
  return {list.f().begin(), list.f().end()};
}
template <>
std::vector<std::string> Node::attr(std::string_view key) const {
  const auto& list = need(key, Case::kList, "a list").list();
  return {list.s().begin(), list.s().end()};
}
template <>
std::vector<DType> Node::attr(std::string_view key) const {
  std::vector<DType> types;
  for (const int t : need(key, Case::kList, "a list").list().type()) {
    const auto dtype = detail::dtype_from_proto(static_cast<tf::DataType>(t));
    if (!dtype)
      fail(fmt::format("attribute '{}' holds {}; no numeric type of this library.", key,
                       detail::type_name(static_cast<tf::DataType>(t))));
    types.push_back(*dtype);
  }
  return types;
}
template <>
std::vector<FunctionRef> Node::attr(std::string_view key) const {
  std::vector<FunctionRef> functions;
  for (const auto& f : need(key, Case::kList, "a list").list().func()) functions.push_back({f.name()});
  return functions;
}

}  // namespace tf2jax
