// Texts of lowered programs.
#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/write.h"
#include "tf2jax/transforms/lowered.h"

namespace tf2jax::detail {

std::string program_text(const Jaxpr& jaxpr, const std::string& name, std::string_view dialect) {
  if (dialect == "jaxpr") return to_string(jaxpr);
  check<ValueError>(dialect == "stablehlo",
                    "as_text: the dialect is not known. Got '{}'; expected 'jaxpr' or "
                    "'stablehlo'.",
                    dialect);
  return stablehlo::print_module(stablehlo::from_jaxpr(jaxpr, "jit_" + name));
}

}  // namespace tf2jax::detail
