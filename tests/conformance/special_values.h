// Operations at special values: the functions, and where their values are not the recorded ones.
#pragma once
#include "golden.h"
#include "tf2jax/trace/staging.h"

namespace conformance {

/// The function of a case. Throws: Unsupported.
tf2jax::FlatFn special_function(const json& c);

/// The recorded results of an operation, its "outputs" or its "jvp" with unit tangents, with the elements replaced for
/// which a rule has another value, by its reason.
tf2jax::Arrays by_rule(tf2jax::Arrays recorded, const std::string& op, const std::string& what,
                       const tf2jax::Arrays& inputs);

}  // namespace conformance
