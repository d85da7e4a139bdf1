// Taking arrays from the caller, and giving them back when nothing ran.
#include "tf2jax/transforms/donation.h"

#include <algorithm>

#include "tf2jax/base/warning.h"

namespace tf2jax::detail {

namespace {

ConcreteValue& value_of(const Array& x) {
  return const_cast<ConcreteValue&>(*static_cast<const ConcreteValue*>(x.get()));
}
Array with_value(ConcreteValue* value) { return Array(Ref<const Value>(value)); }

Array deleted(const Aval& aval) {
  auto* value = new ConcreteValue(aval, nullptr, {});
  value->release = {};
  return with_value(value);
}

class Donation {
 public:
  Donation(Arrays& leaves, std::span<Array* const> handles) : leaves_(leaves), handles_(handles) {}
  ~Donation() {
    if (!done_)
      for (const auto& [i, before] : given_) give_back(i, before);
  }
  Donation(const Donation&) = delete;
  Donation& operator=(const Donation&) = delete;

  void give(std::span<const std::int32_t> donated) {
    given_.reserve(donated.size());
    for (const std::int32_t d : donated) {
      const std::size_t i = d;
      Array& leaf = leaves_[i];
      if (leaf.get()->references.load(std::memory_order_acquire) == 2) {  // the caller's and ours
        Array mine = with_value(new ConcreteValue(leaf.aval(), value_of(leaf)));
        given_.push_back({i, std::exchange(leaf, std::move(mine))});
      } else if (handles_[i]) {
        Array gone = deleted(leaf.aval());
        given_.push_back({i, std::exchange(*handles_[i], std::move(gone))});
      }
    }
  }
  void done() { done_ = true; }

 private:
  void give_back(std::size_t i, const Array& before) {
    if (!leaves_[i].has_value()) return;  // overwritten by then
    if (leaves_[i].same_as(before)) {
      *handles_[i] = before;
      return;
    }
    ConcreteValue &to = value_of(before), &from = value_of(leaves_[i]);
    to.data = from.data == from.storage ? to.storage : from.data;  // the contents of its own storage never left
    to.release = std::exchange(from.release, {});
    from.data = nullptr;
  }

  Arrays& leaves_;
  const std::span<Array* const> handles_;
  std::vector<std::pair<std::size_t, Array>> given_;  // a leaf, and what the caller's handle was
  bool done_ = false;
};

void check_donated_once(const Arrays& leaves, std::span<const std::int32_t> donated) {
  std::vector<std::pair<const Value*, std::size_t>> given;
  for (const std::int32_t d : donated) {
    const std::size_t i = d;
    static_cast<void>(leaves[i].bytes());  // throws where it is deleted
    given.emplace_back(leaves[i].get(), i);
  }
  std::ranges::sort(given);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    for (auto it = std::ranges::lower_bound(given, std::pair(leaves[i].get(), std::size_t{0}));
         it != given.end() && it->first == leaves[i].get(); ++it)
      check(it->second == i,
            "jit: one buffer is donated twice. Got {} as array {} and array {} of the arguments; expected different "
            "arrays. Pass a copy, or leave one of them out of donate_argnums.",
            leaves[i].aval(), std::min(i, it->second), std::max(i, it->second));
}

}  // namespace

std::vector<std::int32_t> donated_leaves(std::span<const int> argnums,
                                         std::span<const std::size_t> leaves_per_argument) {
  const auto count = static_cast<int>(leaves_per_argument.size());
  std::vector<bool> donated(leaves_per_argument.size(), false);
  for (const int n : argnums) {
    check(n >= -count && n < count,
          "jit: donate_argnums is out of range. Got {} for a call with {} arguments; expected {} to {}.", n, count,
          -count, count - 1);
    const std::size_t i = n < 0 ? n + count : n;
    check(!donated[i], "jit: donate_argnums names an argument twice. Got {}. Name it once.", i);
    donated[i] = true;
  }
  std::vector<std::int32_t> out;
  std::int32_t leaf = 0;
  for (std::size_t i = 0; i < donated.size(); ++i)
    for (std::size_t k = 0; k < leaves_per_argument[i]; ++k, ++leaf)
      if (donated[i]) out.push_back(leaf);
  return out;
}

void warn_of_unusable(const Jaxpr& jaxpr, std::span<const std::int32_t> donated, std::string_view name) {
  Avals free = jaxpr.output_avals();
  std::string unusable;
  for (const std::int32_t i : donated) {
    const Aval& aval = jaxpr.input(i);
    const auto place = std::ranges::find_if(free, [&](const Aval& a) { return aval.matches(a); });
    if (place != free.end()) free.erase(place);
    else unusable += (unusable.empty() ? "" : ", ") + fmt::format("{}", aval);
  }
  if (!unusable.empty())
    warn(
        fmt::format("jit '{}': Some donated buffers were not usable: {}. No result is left that has their shape and "
                    "dtype. Leave them out of donate_argnums.",
                    name, unusable));
}

Arrays run_donated(const Executable& executable, std::span<const std::int32_t> donated, Arrays leaves,
                   std::span<Array* const> handles) {
  check_donated_once(leaves, donated);
  Donation donation(leaves, handles);
  donation.give(donated);
  Arrays results = executable.run_donated(leaves);
  donation.done();
  return results;
}

}  // namespace tf2jax::detail
