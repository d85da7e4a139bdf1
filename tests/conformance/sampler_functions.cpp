// The functions that random-number cases call, by their Python names.
#include <cmath>
#include <map>

#include "expression.h"
#include "golden.h"
#include "tf2jax/base/config.h"
#include "tf2jax/control/random_counts.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/batch.h"

namespace conformance {

using namespace tf2jax;

namespace {

std::optional<DType> maybe_dtype(const Value* v) { return v ? std::optional(dtype_of(*v)) : std::nullopt; }
Shape optional_shape(const Value* v) { return v ? shape_of(*v) : Shape{}; }
std::optional<Shape> maybe_shape(const Value* v) {
  return v && !is_none(*v) ? std::optional(shape_of(*v)) : std::nullopt;
}

// A list of numbers as jnp.array takes it.
void read_numbers(const Value& v, std::vector<double>& out, Dims& dims, std::size_t depth) {
  if (const auto* t = std::get_if<std::shared_ptr<const Tuple>>(&v.is)) {
    if (dims.size() == depth) dims.push_back(static_cast<std::int64_t>((*t)->size()));
    for (const Value& item : **t) read_numbers(item, out, dims, depth + 1);
  } else {
    out.push_back(array_of(v).item<double>());
  }
}

Value mapped(const Value& function) {
  return make_function([function](const Arguments& a) {
    const Array xs = array_of(a.get(0, "x"));
    const Axis axis[] = {0};
    const BatchResult r = vmap_flat(
        [&](const Arrays& x) { return leaves_of(function_of(function)({.positional = {Value{x[0]}}, .named = {}})); },
        Arrays{xs}, axis, xs.shape()[0]);
    return Value{r.axes[0] ? moveaxis(r.values[0], *r.axes[0], 0) : r.values[0]};
  });
}

std::optional<Value> call_sampler(const std::string& name, const Arguments& a) {
  const auto key = [&] { return array_of(a.get(0, "key")); };
  using Simple = Array (*)(const Array&, const Shape&, std::optional<DType>);
  static const std::map<std::string, Simple> simple = {
      {"random.normal", random::normal},        {"random.exponential", random::exponential},
      {"random.gumbel", random::gumbel},        {"random.laplace", random::laplace},
      {"random.logistic", random::logistic},    {"random.cauchy", random::cauchy},
      {"random.rademacher", random::rademacher}};
  if (const auto it = simple.find(name); it != simple.end())
    return Value{it->second(key(), optional_shape(a.find(1, "shape")), maybe_dtype(a.find(2, "dtype")))};
  if (name == "random.split") {
    const Value* n = a.find(1, "num");
    if (!n) return Value{random::split(key())};
    if (std::holds_alternative<std::int64_t>(n->is)) return Value{random::split(key(), integer(*n))};
    return Value{random::split(key(), shape_of(*n))};
  }
  if (name == "random.fold_in") {
    const Value& data = a.get(1, "data");
    if (const auto* i = std::get_if<std::int64_t>(&data.is)) {
      const auto word = static_cast<std::uint32_t>(*i);
      return Value{random::fold_in(key(), Array::from_bytes(DType::u32, {}, std::as_bytes(std::span(&word, 1))))};
    }
    return Value{random::fold_in(key(), array_of(data))};
  }
  if (name == "random.bits")
    return Value{random::bits(key(), optional_shape(a.find(1, "shape")), dtype_of(a.get(2, "dtype")))};
  if (name == "random.uniform") {
    const Value *lo = a.find(3, "minval"), *hi = a.find(4, "maxval");
    return Value{random::uniform(key(), optional_shape(a.find(1, "shape")), maybe_dtype(a.find(2, "dtype")),
                                 lo ? array_of(*lo) : Array(0.0), hi ? array_of(*hi) : Array(1.0))};
  }
  if (name == "random.randint")
    return Value{random::randint(key(), shape_of(a.get(1, "shape")), array_of(a.get(2, "minval")),
                                 array_of(a.get(3, "maxval")), maybe_dtype(a.find(4, "dtype")))};
  if (name == "random.truncated_normal")
    return Value{random::truncated_normal(key(), array_of(a.get(1, "lower")), array_of(a.get(2, "upper")),
                                          optional_shape(a.find(3, "shape")), maybe_dtype(a.find(4, "dtype")))};
  if (name == "random.bernoulli") {
    const Value* p = a.find(1, "p");
    return Value{random::bernoulli(key(), p ? array_of(*p) : Array(0.5), maybe_shape(a.find(2, "shape")))};
  }
  if (name == "random.categorical") {
    const Value* axis = a.find(2, "axis");
    return Value{random::categorical(key(), array_of(a.get(1, "logits")), axis ? integer(*axis) : -1,
                                     maybe_shape(a.find(3, "shape")))};
  }
  if (name == "random.gamma")
    return Value{random::gamma(key(), array_of(a.get(1, "a")), maybe_shape(a.find(2, "shape")),
                               maybe_dtype(a.find(3, "dtype")))};
  if (name == "random.poisson")
    return Value{random::poisson(key(), array_of(a.get(1, "lam")), maybe_shape(a.find(2, "shape")),
                                 maybe_dtype(a.find(3, "dtype")))};
  if (name == "random.binomial")
    return Value{
        random::binomial(key(), array_of(a.get(1, "n")), array_of(a.get(2, "p")), maybe_shape(a.find(3, "shape")))};
  if (name == "random.beta")
    return Value{random::beta(key(), array_of(a.get(1, "a")), array_of(a.get(2, "b")), maybe_shape(a.find(3, "shape")),
                              maybe_dtype(a.find(4, "dtype")))};
  if (name == "random.dirichlet")
    return Value{random::dirichlet(key(), array_of(a.get(1, "alpha")), maybe_shape(a.find(2, "shape")),
                                   maybe_dtype(a.find(3, "dtype")))};
  if (name == "random.permutation") {
    const Value& x = a.get(1, "x");
    if (std::holds_alternative<std::int64_t>(x.is)) return Value{random::permutation(key(), integer(x))};
    const Value *axis = a.find(2, "axis"), *independent = a.find(3, "independent");
    return Value{random::permutation(key(), array_of(x), axis ? integer(*axis) : 0,
                                     independent && std::get<bool>(independent->is))};
  }
  if (name == "random.choice") {
    const Value *replace = a.find(3, "replace"), *p = a.find(4, "p");
    const bool again = !replace || std::get<bool>(replace->is);
    const auto weights = p ? std::optional(array_of(*p)) : std::nullopt;
    const Value& from = a.get(1, "a");
    if (std::holds_alternative<std::int64_t>(from.is))
      return Value{random::choice(key(), integer(from), optional_shape(a.find(2, "shape")), again, weights)};
    return Value{random::choice(key(), array_of(from), optional_shape(a.find(2, "shape")), again, weights)};
  }
  if (name == "jnp.arange") {
    const Array x = iota(DType::i32, {Dim(integer(a.get(0, "stop")))}, 0);
    const Value* d = a.find(1, "dtype");
    return Value{convert_element_type(x, d ? dtype_of(*d) : canonical_dtype(DType::i64))};
  }
  if (name == "jnp.array") {
    std::vector<double> values;
    Dims dims;
    read_numbers(a.get(0, "object"), values, dims, 0);
    return Value{
        convert_element_type(from_span<double>(std::span<const double>(values), dims), dtype_of(a.get(1, "dtype")))};
  }
  if (name == "jnp.zeros") return Value{zeros(shape_of(a.get(0, "shape")), dtype_of(a.get(1, "dtype")))};
  if (name == "jnp.log") return Value{log(array_of(a.get(0, "x")))};
  if (name == "jax.vmap") return mapped(a.get(0, "fun"));
  return std::nullopt;
}

}  // namespace

std::optional<Value> sampler_module(const std::string& name) {
  return make_function([name](const Arguments& a) {
    auto v = call_sampler(name, a);
    if (!v) throw Unsupported("the call " + name);
    return *v;
  });
}

}  // namespace conformance
