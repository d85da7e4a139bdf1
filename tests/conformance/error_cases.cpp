// Cases whose program raises: the recorded Python program is run as it stands.
#include "expected_error.h"
#include "expression.h"
#include "runners.h"
#include "tf2jax/base/config.h"

namespace conformance {

using namespace tf2jax;

void run_error_case(const Golden& golden, const json& c, CaseResult& result) {
  const auto scope = override_config(&Config::enable_x64, c.value("x64", false));
  Value program;
  result.part("program", [&] { program = run_program(c.at("source").get<std::string>(), program_module); });
  if (is_none(program)) return;
  Arguments inputs;
  for (const Array& x : golden.arrays(c.at("inputs"), !c.value("x64", false))) inputs.positional.push_back({x});
  result.part("error", [&] { expect_error(c.at("error"), "error", result, [&] { function_of(program)(inputs); }); });
}

}  // namespace conformance
