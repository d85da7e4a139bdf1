// StructuredValue to and from its message.
#pragma once
#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/tf_graph/structured_value.h"

namespace tf2jax::detail {

/// Throws: ValueError naming `where` when nested too deeply.
StructuredValue structured_from_proto(const tensorflow::StructuredValue& proto, std::string_view where, int depth = 0);
tensorflow::StructuredValue structured_to_proto(const StructuredValue& value);

}  // namespace tf2jax::detail
