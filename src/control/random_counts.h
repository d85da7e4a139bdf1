// Random counts: samplers that draw until all of them accept, by loops.
#pragma once
#include "tf2jax/ops/random.h"

namespace tf2jax::random {

/// Poisson counts of the rates `lam` (not negative), as JAX draws them. Without a shape, that of lam, which broadcasts
/// to it otherwise. Samples are integers of `dtype` (i32, or i64 with Config::enable_x64); NaN rates give -1. Sources:
/// Knuth, The Art of Computer Programming 3.4.1, for rates below 10; Hormann, "The transformed rejection method for
/// generating Poisson random variables", 1993, above. Throws: DtypeError unless `dtype` is an integer type; ShapeError
/// when lam does not broadcast.
Array poisson(const Array& key, const Array& lam, const std::optional<Shape>& shape = {},
              std::optional<DType> dtype = {});

/// How many of `count` trials of probability `p` succeed, in the dtype of p. Without a shape, that to which both
/// broadcast. NaN where p is outside [0, 1] or count is negative.
/// Sources: sums of geometric numbers where fewer than 10 successes are expected; Hormann, "The generation of binomial
/// random variates", 1993, above.
/// Throws: ShapeError when the arguments do not broadcast.
Array binomial(const Array& key, const Array& count, const Array& p, const std::optional<Shape>& shape = {});

}  // namespace tf2jax::random
