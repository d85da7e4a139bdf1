// Cases whose program raises: the recorded Python program is run as it stands.
#include "expected_error.h"
#include "expression.h"
#include "runners.h"
#include "tf2jax/base/config.h"

namespace conformance {

using namespace tf2jax;

void run_error_case(const Golden& golden, const json& c, CaseResult& result) {
  Config options = config();
  options.enable_x64 = c.value("x64", false);
  // Reverse mode through while loops is an option here; a record of its refusal is one of JAX's.
  if (c.at("error").at("message").get<std::string>().starts_with("Reverse-mode differentiation does not work"))
    options.while_checkpoint_bytes = 0;
  const ConfigScope scope(options);
  Value program;
  result.part("program", [&] { program = run_program(c.at("source").get<std::string>(), program_module); });
  if (is_none(program)) return;
  Arguments inputs;
  for (const Array& x : golden.arrays(c.at("inputs"), !c.value("x64", false))) inputs.positional.push_back({x});
  result.part("error", [&] { expect_error(c.at("error"), "error", result, [&] { function_of(program)(inputs); }); });
}

}  // namespace conformance
