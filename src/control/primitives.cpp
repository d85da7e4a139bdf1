// The list of the primitives of this folder.
#include "tf2jax/control/primitives.h"

#include "tf2jax/control/cond.h"
#include "tf2jax/control/reduce_program.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"

namespace tf2jax {

void append_control_primitives(std::vector<Primitive>& out) {
  for (const auto& p : {cond_p, while_p, scan_p, reduce_p, reduce_window_p}) out.push_back(p());
}

}  // namespace tf2jax
