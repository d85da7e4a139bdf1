// Derivatives against what needs no record: each other, and finite differences.
#pragma once
#include "report.h"
#include "tf2jax/trace/staging.h"

namespace conformance {

/// <ct, J t> must be <J^T ct, t>: `ahead` is J t, `back` is J^T ct. `rtol` is relative to the sum of the magnitudes.
void check_products(const tf2jax::Arrays& cotangents, const tf2jax::Arrays& ahead, const tf2jax::Arrays& back,
                    const tf2jax::Arrays& tangents, double rtol, const std::string& part, CaseResult& result);
/// f's derivatives at `primals` (inexact ones) against central differences along a fixed direction.
void check_differences(const tf2jax::FlatFn& f, const tf2jax::Arrays& primals, bool reverse, const std::string& part,
                       CaseResult& result);

}  // namespace conformance
