// Lookup tables: known keys by hashing, traced ones by search.
#include "tf2jax/tf_import/internal/lookup_table.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/text_budget.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

namespace {

std::vector<std::int64_t> integers(const Array& x) {
  check<TypeError>(is_integer(x.dtype()), "lookup table: keys must be integers or strings. Got {}.", x.aval());
  return astype(x, DType::i64).to_vector<std::int64_t>();
}

std::vector<std::string> texts(const TensorData& keys) {
  if (const auto* strings = std::get_if<StringTensor>(&keys)) return strings->values;
  std::vector<std::string> out;
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const std::int64_t k : integers(std::get<Array>(keys))) out.push_back(fmt::format("{}", k));
  return out;
}

}  // namespace

void LookupTable::insert(const TensorData& keys, const TensorData& values) {
  check<NotImplementedError>(
      !sealed_, "lookup table: changes while a model runs are not implemented. Got a table that is in use.");
  const TraceScope eval(eval_trace());
  const auto x64 = override_config(&Config::enable_x64, true);
  const auto names = texts(keys);
  const auto* strings = std::get_if<StringTensor>(&values);
  const auto count = strings ? static_cast<std::int64_t>(strings->values.size()) : std::get<Array>(values).size();
  check(count == static_cast<std::int64_t>(names.size()),
        "lookup table: each key needs one value. Got {} keys and {} values.", names.size(), count);
  const bool text_keys = std::holds_alternative<StringTensor>(keys);
  const bool same_kind = size() == 0 || (text_keys == has_text_keys() && (strings != nullptr) == has_text_values());
  check<TypeError>(same_kind, "lookup table: keys and values must keep their types. Got others than before.");
  const auto numeric_keys = text_keys ? std::vector<std::int64_t>() : integers(std::get<Array>(keys));
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!slots_.try_emplace(names[i], size()).second) continue;
    kept.push_back(static_cast<std::int64_t>(i));
    if (text_keys) text_keys_.push_back(names[i]);
    else number_keys_.push_back(numeric_keys[i]);
    if (strings) text_values_.push_back(strings->values[i]);
  }
  if (strings) return;
  const Array index = tf_import::known_integers(kept, {static_cast<std::int64_t>(kept.size())}, DType::i32);
  const Array fresh = take(reshape(std::get<Array>(values), {Dim(count)}), index, 0);
  number_values_ = number_values_.has_value() ? concatenate({number_values_, fresh}, 0) : fresh;
}

Value LookupTable::found(const std::vector<std::int64_t>& slots, const Dims& dims, const Value& fallback) const {
  if (const auto* otherwise = fallback.get_if<StringTensor>()) {
    check<TypeError>(size() == 0 || has_text_values(), "lookup table: it holds numbers. Got a string for a default.");
    StringTensor out{dims, {}};
    tf_import::TextBudget budget;
    for (const std::int64_t s : slots) {
      out.values.push_back(s < 0 ? otherwise->values.at(0) : text_values_[s]);
      budget.spend(out.values.back());
    }
    return out;
  }
  const auto* number = fallback.get_if<Array>();
  check<TypeError>(number && !has_text_values(), "lookup table: it holds strings. Got a number for a default.");
  std::vector<std::int64_t> from;
  for (const std::int64_t s : slots) from.push_back(s < 0 ? size() : s);
  const TraceScope eval(eval_trace());
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array last = reshape(*number, {1});
  const Array all =
      number_values_.has_value() ? concatenate({number_values_, astype(last, number_values_.dtype())}, 0) : last;
  const Array index = tf_import::known_integers(from, {static_cast<std::int64_t>(from.size())}, DType::i32);
  return {reshape(take(all, index, 0), symbolic(dims)), true};
}

// By bisection among the sorted keys.
Value LookupTable::find_traced(const Array& keys, const Value& fallback) const {
  check<ConcretizationError>(
      !has_text_values(), "lookup table: which strings are found depends on traced values. Got {}. Call without jit.",
      keys.aval());
  const auto* number = fallback.get_if<Array>();
  check<TypeError>(number != nullptr, "lookup table: it holds numbers. Got a string for a default.");
  const Array otherwise = in_canonical_type(*number);
  // Keys that the dtype cannot hold are nobody's.
  const bool narrow = itemsize(keys.dtype()) < 8;
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < number_keys_.size(); ++i) {
    const std::int64_t k = number_keys_[i];
    if (!narrow || (k >= std::numeric_limits<std::int32_t>::min() && k <= std::numeric_limits<std::int32_t>::max()))
      order.push_back(static_cast<std::int64_t>(i));
  }
  if (order.empty()) return broadcast_to(otherwise, keys.shape());
  std::ranges::sort(order, {}, [&](std::int64_t i) { return number_keys_[i]; });
  std::vector<std::int64_t> sorted;
  for (const std::int64_t i : order) sorted.push_back(number_keys_[i]);
  const auto count = static_cast<std::int64_t>(order.size());
  const DType type = narrow ? DType::i32 : DType::i64;
  const Array rows = tf_import::known_integers(sorted, {1, count}, type);
  const Array flat = reshape(astype(keys, type), {Dim(1), num_elements(keys.shape())});
  const Array place = maximum(sub(tf_import::upper_bounds(rows, flat), 1), 0);
  const Array at = reshape(place, keys.shape());
  const Array in_order =
      in_canonical_type(take(number_values_, tf_import::known_integers(order, {count}, DType::i32), 0));
  const Array hit = equal(take(reshape(rows, {Dim(count)}), at, 0), astype(keys, type));
  return where(hit, take(in_order, at, 0), astype(otherwise, in_order.dtype()));
}

Value LookupTable::find(const Value& keys, const Value& fallback) const {
  const auto slots_of = [&](const std::vector<std::string>& names) {
    std::vector<std::int64_t> slots;
    for (const auto& name : names) {
      const auto it = slots_.find(name);
      slots.push_back(it == slots_.end() ? -1 : it->second);
    }
    return slots;
  };
  if (const auto* strings = keys.get_if<StringTensor>()) {
    check<TypeError>(size() == 0 || has_text_keys(), "lookup table: its keys are numbers. Got strings.");
    return found(slots_of(strings->values), strings->dims, fallback);
  }
  const auto* x = keys.get_if<Array>();
  check<TypeError>(x != nullptr, "lookup table: it looks up tensors. Got {}.", keys.kind());
  check<TypeError>(size() == 0 || !has_text_keys(), "lookup table: its keys are strings. Got {}.", x->aval());
  if (x->is_concrete() && (keys.is_host() || has_text_values())) return found(slots_of(texts(*x)), x->dims(), fallback);
  return find_traced(*x, fallback);
}

}  // namespace tf2jax
