// The simplifications that need no backend, together.
#include "tf2jax/passes/simplify.h"

#include "tf2jax/passes/cse.h"
#include "tf2jax/passes/dce.h"
#include "tf2jax/passes/fold_constants.h"
#include "tf2jax/passes/identities.h"
#include "tf2jax/passes/inline_calls.h"

namespace tf2jax {

Jaxpr simplify(const Jaxpr& jaxpr) { return dce(cse(drop_identities(fold_constants(inline_calls(jaxpr))))); }

}  // namespace tf2jax
