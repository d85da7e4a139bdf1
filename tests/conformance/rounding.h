// What rounding decides: results that move as far as they are off when each operation is off by a rounding or two.
#pragma once
#include "tf2jax/trace/staging.h"

namespace conformance {

/// `want`, with those elements of `got` in it that f, run op by op with such errors, moves from its own results by an
/// eighth of their distance or more. Differences where a number is not finite stay.
tf2jax::Arrays allowing_roundings(const tf2jax::FlatFn& f, const tf2jax::Arrays& args, const tf2jax::Arrays& got,
                                  const tf2jax::Arrays& want);

}  // namespace conformance
