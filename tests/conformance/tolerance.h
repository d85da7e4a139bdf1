// How far results of JAX's cases may be from the recorded ones.
#pragma once
#include "compare.h"
#include "golden.h"

namespace conformance {

/// For the values of a case; derivatives get five times as much, second derivatives 25 times.
Tolerance tolerance_of_values(const Golden& golden, const json& c);
Tolerance times(Tolerance tolerance, double factor);

}  // namespace conformance
