// A function object whose registered gradient is not its derivative: it is 100 on purpose, where 3 x^2 would be right.
#pragma once
#include "report.h"

namespace conformance {

/// Where the corpus keeps the values of the gradient.
inline constexpr const char* kRegisteredGradient = "df/dx (registered gradient)";

/// The values of the corpus.
void run_registered_gradient(const json& c, const std::string& folder, const Options& options, CaseResult& result);
/// What the Python library recorded: also batched, without the registered gradient, and the error of the second
/// derivative, which is not registered.
void run_recorded_registered_gradient(const json& c, const std::string& folder, const std::string& model,
                                      const Options& options, CaseResult& result);

}  // namespace conformance
