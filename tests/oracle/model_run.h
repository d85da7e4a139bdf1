// One model of the oracle: opened, run, differentiated, batched, against what TensorFlow recorded.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "isolate.h"

namespace conformance {

/// The columns of the table.
const std::vector<std::string>& model_columns();
/// Runs the model in `folder`; emits "column value" as it goes, and "stage column" before each.
void run_model(const std::filesystem::path& folder, const Emit& emit);
/// The cells of a row from what was emitted, with what became of a process that was lost.
std::map<std::string, std::string> cells_of(const Isolated& left);

}  // namespace conformance
