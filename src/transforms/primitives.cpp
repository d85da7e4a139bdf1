// The list of the primitives of this folder.
#include "tf2jax/transforms/primitives.h"

#include "tf2jax/transforms/checkpoint.h"
#include "tf2jax/transforms/custom_rules.h"
#include "tf2jax/transforms/jit_primitive.h"

namespace tf2jax {

void append_transform_primitives(std::vector<Primitive>& out) {
  for (const auto& p : {jit_p, custom_jvp_call_p, custom_vjp_call_p, custom_lin_p, checkpoint_p}) out.push_back(p());
}

}  // namespace tf2jax
