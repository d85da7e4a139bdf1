// What a row sees of its operation: operands, attributes, types, regions.
#include "tf2jax/stablehlo/internal/narrow_types.h"
#include "tf2jax/stablehlo/internal/translator.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <cstring>

namespace tf2jax::stablehlo {

void Call::fail(const std::string& message) const {
  const std::string where = fmt::format("stablehlo: operation '{}' at {}: ", op.name, op.offset);
  throw ValueError(where + message);
}

const Array& Call::operator[](std::size_t i) const {
  if (i >= args.size()) fail(fmt::format("operands are missing. Got {}; expected more than {}.", args.size(), i));
  return args[i];
}

void Call::expect_operands(std::size_t least, std::size_t most) const {
  if (args.size() < least || args.size() > most)
    fail(fmt::format("it has the wrong number of operands. Got {}; expected {} to {}.", args.size(), least, most));
}

const Type& Call::result_type(std::size_t i) const {
  if (i >= op.results.size()) fail("results are missing.");
  return *frame.function.types[as_index(op.results[i])];
}

DType Call::result_dtype(std::size_t i) const {
  const Type& type = result_type(i);
  const auto dtype = held_dtype(type);
  check<NotImplementedError>(dtype.has_value(),
                             "stablehlo: operation '{}' at {} has a result of a type that arrays do not have. Got {}.",
                             op.name, op.offset, type.to_string());
  return *dtype;
}

Shape Call::result_shape(std::size_t i) const {
  const Type& type = result_type(i);
  if (type.is_dynamic()) fail(fmt::format("its result must have known sizes. Got {}.", type.to_string()));
  check_sizes(type.dims, op.name);
  return symbolic(type.dims);
}

bool Call::has(std::string_view name) const {
  const Attr* a = op.find(name);
  return a && a->kind != Attr::Kind::none;
}

Axes Call::integers(std::string_view name) const {
  const Attr* a = op.find(name);
  auto out = a ? integers_of(*a) : std::nullopt;
  if (!out) fail(fmt::format("attribute '{}' must be a list of integers.", name));
  return *std::move(out);
}

std::int64_t Call::integer(std::string_view name) const {
  const Axes all = integers(name);
  if (all.size() != 1) fail(fmt::format("attribute '{}' must be one integer.", name));
  return all[0];
}

bool Call::flag(std::string_view name, bool fallback) const {
  const Attr* a = op.find(name);
  if (!a || a->kind == Attr::Kind::none) return fallback;
  if (a->kind != Attr::Kind::boolean && a->kind != Attr::Kind::integer)
    fail(fmt::format("attribute '{}' must be true or false.", name));
  return a->integer != 0;
}

const std::string& Call::text(std::string_view name) const {
  const Attr* a = op.find(name);
  if (!a || (a->kind != Attr::Kind::string && a->kind != Attr::Kind::symbol))
    fail(fmt::format("attribute '{}' must be a text.", name));
  return a->text;
}

std::vector<std::pair<std::int64_t, std::int64_t>> Call::pairs(std::string_view name) const {
  const Axes flat = integers(name);
  if (flat.size() % 2 != 0) fail(fmt::format("attribute '{}' must be a list of pairs.", name));
  std::vector<std::pair<std::int64_t, std::int64_t>> out;
  for (std::size_t i = 0; i < flat.size(); i += 2) out.emplace_back(flat[i], flat[i + 1]);
  return out;
}

const Region& Call::region(std::size_t i) const {
  if (i >= op.regions.size()) fail(fmt::format("regions are missing. Got {}.", op.regions.size()));
  return op.regions[i];
}

FlatFn Call::body(std::size_t i) const {
  const Region& r = region(i);
  return [this_translator = &translator, &r, f = &frame](const Arrays& xs) { return this_translator->run(r, xs, *f); };
}

std::vector<std::int64_t> Call::known(std::size_t i) const {
  const Array& x = (*this)[i];
  check<NotImplementedError>(x.is_concrete() && (is_integer(x.dtype()) || is_bool(x.dtype())),
                             "stablehlo: operand {} of operation '{}' at {} must be known when the program is made. "
                             "Got {}.",
                             i, op.name, op.offset, x.aval());
  return integer_values(x);
}

std::int64_t Call::known_number(std::size_t i) const {
  const auto all = known(i);
  if (all.size() != 1) fail(fmt::format("operand {} must be one integer. Got {}.", i, (*this)[i].aval()));
  return all[0];
}

std::optional<Op> Call::producer(std::size_t i) const {
  return i < op.operands.size() ? producer_of(op.operands[i]) : std::nullopt;
}

std::optional<Op> Call::producer_of(ValueId v) const {
  const OpList::Iterator at = frame.producers[as_index(v)];
  return at ? std::optional(*at) : std::nullopt;
}

constexpr std::size_t kShared = 1 << 12;  // bytes; smaller constants are copied, which lets go of the module

std::vector<std::int64_t> integer_values(const Array& x) { return x.to_vector<std::int64_t>(); }

std::optional<Axes> integers_of(const Attr& a) {
  if (a.kind == Attr::Kind::integer || a.kind == Attr::Kind::boolean) return Axes{a.integer};
  if (a.kind == Attr::Kind::array) {
    Axes out;
    for (const AttrPtr& item : a.items) {
      if (!item || (item->kind != Attr::Kind::integer && item->kind != Attr::Kind::boolean)) return std::nullopt;
      out.push_back(item->integer);
    }
    return out;
  }
  if (a.kind != Attr::Kind::tensor) return std::nullopt;
  const auto dtype = a.type->dtype();
  if (!dtype || is_inexact(*dtype)) return std::nullopt;
  const std::int64_t n = num_elements(a.type->dims);
  const auto item = static_cast<std::int64_t>(itemsize(*dtype));
  const auto held = static_cast<std::int64_t>(a.text.size()) / item;
  if (n < 0 || (n > held && n > 65536))
    return std::nullopt;  // a list that one element fills, longer than any list of axes
  Axes out;
  out.reserve(as_index(n));
  visit_dtype(*dtype, [&]<class T>(std::type_identity<T>) {
    for (std::int64_t i = 0; i < n; ++i) {
      T v{};
      std::memcpy(&v, a.text.data() + (held == 1 ? 0 : i * item), sizeof(T));
      out.push_back(detail::convert_scalar<std::int64_t>(v));
    }
  });
  return out;
}

Array constant(const AttrPtr& attribute) {
  const Attr& a = *attribute;
  check<ValueError>(a.kind == Attr::Kind::tensor, "stablehlo: a constant has no value. Expected a tensor.");
  if (const NarrowType* narrow = narrow_type(*a.type))
    return decoded(std::as_bytes(std::span(a.text)), *narrow, a.type->dims);
  const auto dtype = a.type->dtype();
  check<NotImplementedError>(dtype.has_value(), "stablehlo: constants of this type are not supported. Got {}.",
                             a.type->to_string());
  const Dims& dims = a.type->dims;
  check_sizes(dims, "stablehlo constant");
  const auto bytes = std::as_bytes(std::span(a.text));
  const Aval aval{*dtype, symbolic(dims), false};
  const std::int64_t n = num_elements(dims);
  const auto item = as_index(itemsize(*dtype));
  if (bytes.size() == as_index(n) * item) {
    if (bytes.size() < kShared) return detail::exact_array(aval, bytes);
    return detail::exact_view(*dtype, dims, bytes.data(), [kept = attribute] {});
  }
  if (n <= 64 && !is_inexact(*dtype)) {  // sizes and positions, which may have to be known
    return detail::exact_array(aval, [&](std::byte* out) {
      for (std::int64_t i = 0; i < n; ++i) std::memcpy(out + as_index(i) * item, bytes.data(), item);
    });
  }
  const Array scalar = detail::exact_array(Aval{*dtype, {}, false}, bytes);
  return broadcast_in_dim_p().bind1({scalar}, BroadcastInDim{{}, symbolic(dims)});
}

}  // namespace tf2jax::stablehlo
