// Counted loops among the loops of a module.
#include "tf2jax/stablehlo/internal/loops.h"

#include <algorithm>
#include <limits>

namespace tf2jax::stablehlo {
namespace {

// An operation of a region by its result; nullopt when the region does not make it.
std::optional<Op> maker(const Region& region, ValueId v) {
  for (const Op& op : region.ops)
    if (std::ranges::find(op.results, v) != op.results.end()) return op;
  return std::nullopt;
}

std::optional<std::size_t> position(const std::vector<ValueId>& list, ValueId v) {
  const auto it = std::ranges::find(list, v);
  if (it == list.end()) return std::nullopt;
  return as_index(it - list.begin());
}

std::optional<std::int64_t> integer_of(const Array& x) {
  if (!x.has_value() || !x.is_concrete() || x.rank() != 0 || !is_integer(x.dtype())) return std::nullopt;
  return integer_values(x)[0];
}

std::int64_t largest(DType integers) {
  const int bits = 8 * itemsize(integers) - (is_unsigned_integer(integers) ? 0 : 1);
  return bits >= 63 ? std::numeric_limits<std::int64_t>::max() : (std::int64_t{1} << bits) - 1;
}

class Counter {
 public:
  explicit Counter(const Call& loop) : loop_(loop), condition_(loop.region(0)), body_(loop.region(1)) {}

  std::optional<std::int64_t> trips() const {
    if (condition_.ops.empty() || body_.ops.empty()) return std::nullopt;
    const Op& test = condition_.ops.back();
    const auto compare = test.operands.size() == 1 ? maker(condition_, test.operands[0]) : std::nullopt;
    if (!compare || compare->name != "compare" || compare->operands.size() != 2) return std::nullopt;
    const Attr* direction = compare->find("comparison_direction");
    if (!direction) return std::nullopt;
    if (const auto n = trips_of(compare->operands[0], direction->text, compare->operands[1])) return n;
    return std::nullopt;
  }

 private:
  // A number that every step sees: a constant of the region, one from outside, or a carried value that never changes.
  std::optional<std::int64_t> constant_of(const Region& region, ValueId v) const {
    if (const auto op = maker(region, v)) {
      const Attr* value = op->name == "constant" ? op->find("value") : nullptr;
      const auto all = value ? integers_of(*value) : std::nullopt;
      return all && all->size() == 1 ? std::optional((*all)[0]) : std::nullopt;
    }
    if (const auto at = position(region.arguments, v)) {
      const Op& end = body_.ops.back();
      const bool kept = *at < end.operands.size() && end.operands[*at] == body_.arguments[*at];
      return kept && *at < loop_.args.size() ? integer_of(loop_.args[*at]) : std::nullopt;
    }
    return integer_of(loop_.frame.values[as_index(v)]);
  }

  std::optional<std::int64_t> trips_of(ValueId counter, const std::string& direction, ValueId limit) const {
    const auto at = position(condition_.arguments, counter);
    const auto end = constant_of(condition_, limit);
    if (!at || !end || *at >= loop_.args.size()) return std::nullopt;
    const auto start = integer_of(loop_.args[*at]);
    const auto step = step_of(*at);
    if (!start || !step || *step <= 0 || (direction != "LT" && direction != "LE")) return std::nullopt;
    constexpr std::int64_t kFar = std::numeric_limits<std::int32_t>::max();
    const auto is_far = [](std::int64_t v) { return v < -kFar || v > kFar; };
    if (is_far(*start) || is_far(*end) || is_far(*step)) return std::nullopt;
    const std::int64_t distance = *end - *start + (direction == "LE" ? 1 : 0);
    const std::int64_t trips = distance <= 0 ? 0 : (distance + *step - 1) / *step;
    // A counter that wraps around goes on counting.
    return *start + trips * *step <= largest(loop_.args[*at].dtype()) ? std::optional(trips) : std::nullopt;
  }

  std::optional<std::int64_t> step_of(std::size_t at) const {
    const Op& end = body_.ops.back();
    const auto sum = at < end.operands.size() ? maker(body_, end.operands[at]) : std::nullopt;
    if (!sum || sum->name != "add" || sum->operands.size() != 2) return std::nullopt;
    for (std::size_t i = 0; i < 2; ++i)
      if (sum->operands[i] == body_.arguments[at]) return constant_of(body_, sum->operands[1 - i]);
    return std::nullopt;
  }

  const Call& loop_;
  const Region &condition_, &body_;
};

}  // namespace

std::optional<std::int64_t> trip_count(const Call& loop) {
  const Region &condition = loop.region(0), &body = loop.region(1);
  if (condition.arguments.size() != loop.args.size() || body.arguments.size() != loop.args.size()) return std::nullopt;
  // A condition with an effect, such as a print, is no counter's.
  const bool pure = std::ranges::none_of(condition.ops, [](const Op& op) { return op.name == "custom_call"; });
  return pure ? Counter(loop).trips() : std::nullopt;
}

}  // namespace tf2jax::stablehlo
