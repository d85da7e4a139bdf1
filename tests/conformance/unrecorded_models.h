// Models without recorded values: they import, run on random input, and their derivatives agree with finite
// differences.
#pragma once
#include "report.h"

namespace conformance {

void run_unrecorded_model(const json& c, const std::string& folder, const std::string& model, const Options& options,
                          CaseResult& result);

}  // namespace conformance
