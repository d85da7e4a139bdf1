// A deviation from the records: convolutions with negative padding. XLA's CPU back end reads behind the end of its
// operand there; the definition (lax.conv_general_dilated: negative padding removes elements) gives other values.
#pragma once
#include <optional>

#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/trace/staging.h"

namespace conformance {

/// The program with what negative padding removes cut off by slices before each convolution; nothing where no
/// convolution of it has negative padding.
std::optional<tf2jax::FlatFn> without_negative_padding(const tf2jax::Jaxpr& program);

}  // namespace conformance
