// scan: a loop over the leading axis with a carry, differentiable in both modes.
#pragma once
#include "tf2jax/trace/staging.h"

namespace tf2jax {

struct ScanParams {
  Jaxpr jaxpr;              // (consts…, carry…, slices of xs…) -> (carry…, ys…)
  std::int64_t length = 0;
  std::vector<bool> linear;   // one per operand: printed as JAX did, not used
  std::int64_t num_carry = 0, num_consts = 0;
  bool reverse = false;
  std::int64_t unroll = 1;
  bool operator==(const ScanParams& o) const {
    return jaxpr == o.jaxpr && length == o.length && num_carry == o.num_carry && num_consts == o.num_consts && reverse == o.reverse && unroll == o.unroll;
  }
  template <class V>
  void visit_fields(V&& v) {
    v.field("jaxpr", jaxpr);
    v.field("length", length);
    if constexpr (requires { v.take("ft_in"); }) {
      v.ignore("_split_transpose");
      if (v.has("ft_in")) {
        read_groups(v.take("ft_in"));
        v.ignore("ft_out");
      } else {
        v.ignore("linear");
        v.field("num_carry", num_carry);
        v.field("num_consts", num_consts);
      }
    } else {
      v.fixed("linear", linear_text());
      v.field("num_carry", num_carry);
      v.field("num_consts", num_consts);
    }
    v.field("reverse", reverse);
    v.field("unroll", unroll);
  }

 private:
  void read_groups(const ParsedValue& ft_in);
  std::string linear_text() const;
};
/// Operands: constants, initial carry, stacked xs.
const Primitive& scan_p();

/// Carries `init` through body(carry…, slice of xs…) -> (carry…, y…) over the leading axis of xs (or `length` steps)
/// and returns the last carry followed by the stacked ys. `num_carry` leading outputs of the body are the carry.
/// Throws: TypeError when the carry changes type; ValueError when lengths differ.
Arrays scan_flat(const FlatFn& body, const Arrays& init, const Arrays& xs, std::optional<std::int64_t> length = {}, bool reverse = false, std::int64_t unroll = 1);

}  // namespace tf2jax
