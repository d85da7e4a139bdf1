// What loops share.
#include "tf2jax/control/internal/carry.h"

#include "tf2jax/ops/elementwise.h"

namespace tf2jax {

void append_range(Order& order, std::size_t first, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) order.push_back(first + i);
}
Order all_of(std::size_t n) {
  Order out;
  append_range(out, 0, n);
  return out;
}

std::pair<Arrays, Jaxpr> stage_carry(std::string_view where, const FlatFn& body, const Arrays& init, const Avals& extra,
                                     std::size_t num_carry) {
  Arrays carry = init;
  for (int attempt = 0;; ++attempt) {
    Avals avals;
    for (const Array& x : carry) avals.push_back(x.aval());
    avals.insert(avals.end(), extra.begin(), extra.end());
    Jaxpr staged = stage(body, avals);
    const Avals outs = staged.output_avals();
    check<TypeError>(outs.size() >= num_carry,
                     "{}: the body returns too few values. Got {}; expected the {} of the carry.", where, outs.size(),
                     num_carry);
    bool promoted = false;
    for (std::size_t i = 0; i < num_carry; ++i) {
      if (outs[i].matches(avals[i])) continue;
      const bool weak = avals[i].weak_type && identical(outs[i].shape, avals[i].shape) && attempt < 2;
      check<TypeError>(weak,
                       "{} body function carry input and carry output must have equal types, but they differ: carry "
                       "leaf {} has type {} but the corresponding output "
                       "has type {}. Convert with astype, or change the initial value.",
                       where, i, avals[i], outs[i]);
      carry[i] = rules::as_dtype(carry[i], outs[i].dtype);
      promoted = true;
    }
    if (promoted) continue;
    return {std::move(carry), std::move(staged)};
  }
}

}  // namespace tf2jax
