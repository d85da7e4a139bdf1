// Values of the small Python evaluator.
#include "python_value.h"

#include <cstring>

#include "golden.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"

namespace conformance {

using namespace tf2jax;

const Value* Arguments::find(std::size_t i, const std::string& name) const {
  if (i < positional.size()) return &positional[i];
  const auto it = named.find(name);
  return it == named.end() ? nullptr : &it->second;
}

const Value& Arguments::get(std::size_t i, const std::string& name) const {
  const Value* v = find(i, name);
  if (!v) throw Unsupported("missing argument " + name);
  return *v;
}

Value make_tuple(Tuple items) { return {std::make_shared<const Tuple>(std::move(items))}; }
Value make_function(Function f) { return {std::make_shared<const Function>(std::move(f))}; }

Value make_dim(Dim d) {
  if (d.is_constant()) return {d.value()};
  return {d};
}

bool is_none(const Value& v) { return std::holds_alternative<None>(v.is); }

std::int64_t integer(const Value& v) {
  if (const auto* i = std::get_if<std::int64_t>(&v.is)) return *i;
  throw Unsupported("an integer is expected");
}

namespace {
// Weakly typed, and wide under x64, where an int of C++ is narrow.
Array integer_array(std::int64_t v) {
  if (config().enable_x64)
    return Array::build(Aval{DType::i64, {}, true}, [&](std::byte* p) { std::memcpy(p, &v, 8); });
  const auto narrow = static_cast<std::int32_t>(v);
  return Array::build(Aval{DType::i32, {}, true}, [&](std::byte* p) { std::memcpy(p, &narrow, 4); });
}
}  // namespace

Dim dim_of(const Value& v) {
  const Dim* d = std::get_if<Dim>(&v.is);
  return d ? *d : Dim(integer(v));
}

Array array_of(const Value& v) {
  if (const auto* a = std::get_if<Array>(&v.is)) return *a;
  if (const auto* b = std::get_if<bool>(&v.is)) return Array(*b);
  if (const auto* i = std::get_if<std::int64_t>(&v.is)) return integer_array(*i);
  if (const auto* d = std::get_if<double>(&v.is)) return Array(*d);
  throw Unsupported("an array is expected");
}

DType dtype_of(const Value& v) {
  const auto* s = std::get_if<std::string>(&v.is);
  const auto d = s ? parse_dtype(*s) : std::nullopt;
  if (!d) throw Unsupported("a dtype is expected");
  return *d;
}

Shape shape_of(const Value& v) {
  if (std::holds_alternative<std::int64_t>(v.is)) return {Dim(integer(v))};
  const auto* t = std::get_if<std::shared_ptr<const Tuple>>(&v.is);
  if (!t) throw Unsupported("a shape is expected");
  Shape out;
  for (const Value& item : **t) out.push_back(integer(item));
  return out;
}

const Function& function_of(const Value& v) {
  const auto* f = std::get_if<std::shared_ptr<const Function>>(&v.is);
  if (!f) throw Unsupported("a function is expected");
  return **f;
}

Arrays leaves_of(const Value& v) {
  const auto* t = std::get_if<std::shared_ptr<const Tuple>>(&v.is);
  if (!t) return {array_of(v)};
  Arrays out;
  for (const Value& item : **t)
    for (const Array& a : leaves_of(item)) out.push_back(a);
  return out;
}

Value with_leaves(const Value& like, const Arrays& leaves, std::size_t& next) {
  const auto* t = std::get_if<std::shared_ptr<const Tuple>>(&like.is);
  if (!t) return {leaves.at(next++)};
  Tuple out;
  for (const Value& item : **t) out.push_back(with_leaves(item, leaves, next));
  return make_tuple(std::move(out));
}

}  // namespace conformance
