// scan: a loop over the leading axis with a carry, differentiable in both modes.
#pragma once
#include <limits>

#include "tf2jax/trace/staging.h"

namespace tf2jax {

struct ScanParams {
  Jaxpr jaxpr;  // (consts…, carry…, slices of xs…) -> (carry…, ys…)
  std::int64_t length = 0;
  std::int64_t num_carry = 0, num_consts = 0;
  bool reverse = false;
  std::int64_t unroll = 1;
  bool operator==(const ScanParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.ignored({"_split_transpose", "ft_out"});
    v.field("jaxpr", self.jaxpr);
    v.field("length", self.length);
    v.remark("linear", self.linear_text());
    v.field_or("num_carry", self.num_carry, kNotGiven);
    v.field_or("num_consts", self.num_consts, kNotGiven);
    v.field("reverse", self.reverse);
    v.field("unroll", self.unroll);
  }
  /// Newer texts give the numbers as groups of operands, `ft_in`.
  void after_read(ParamReader& reader);

 private:
  static constexpr std::int64_t kNotGiven = std::numeric_limits<std::int64_t>::min();
  std::string linear_text() const;
};
/// Operands: constants, initial carry, stacked xs.
const Primitive& scan_p();

/// Carries `init` through body(carry…, slice of xs…) -> (carry…, y…) over the leading axis of xs (or `length` steps)
/// and returns the last carry followed by the stacked ys. `num_carry` leading outputs of the body are the carry.
/// Throws: TypeError when the carry changes type; ValueError when lengths differ.
Arrays scan_flat(const FlatFn& body, const Arrays& init, const Arrays& xs, std::optional<std::int64_t> length = {},
                 bool reverse = false, std::int64_t unroll = 1);

}  // namespace tf2jax
