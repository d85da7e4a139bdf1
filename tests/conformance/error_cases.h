// Golden cases whose program raises.
#pragma once
#include "golden.h"
#include "report.h"

namespace conformance {

/// Runs the C++ counterpart of the case's program and compares type and message of the error.
void run_error_case(const Golden& golden, const json& c, CaseResult& result);

}  // namespace conformance
