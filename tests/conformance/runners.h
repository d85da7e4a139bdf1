// Runners: of whole families, and of single cases of each kind.
#pragma once
#include "isolate.h"
#include "report.h"

namespace conformance {

/// Runs every case of a golden file that matches the filter.
FamilyReport run_golden(const Golden& golden, const Options& options);
/// One family of TensorFlow graphs; the corpus folder.
FamilyReport run_graphs(const Golden& golden, const Options& options);
std::map<std::string, FamilyReport> run_corpus(const std::string& folder, const Options& options);
/// What the Python library recorded of whole models; the models are in the corpus under the same name.
FamilyReport run_saved_models(const std::string& folder, const std::string& corpus, const Options& options);

/// Whether exported modules run in place of printed programs.
inline bool runs_modules(const Options& options) { return options.mode == "stablehlo" || options.mode == "mlir"; }

/// Runners of single cases.
void run_jaxpr_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_autodiff_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_prng_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_special_values_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
/// The call that the case's text is, by the library's public functions.
void run_call_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_text_case(const Golden& golden, const json& c, CaseResult& result);
void run_graph_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
/// A graph whose parameters have a structure.
void run_structured_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
/// One model of the corpus, in the file or folder `model` of `folder`.
void run_model_case(const json& c, const std::string& folder, const std::string& model, const Options& options,
                    CaseResult& result);
/// What the Python library recorded of a model of the corpus.
void run_saved_model_case(const json& c, const std::string& folder, const std::string& corpus, const Options& options,
                          CaseResult& result);
void run_symbolic_dims_case(const json& c, CaseResult& result);
void run_dtype_table_case(const json& c, CaseResult& result);
/// Modules that were exported.
void run_exports_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_poly_export_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_models_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
/// Runs the case's program and compares type and message of the error.
void run_error_case(const Golden& golden, const json& c, CaseResult& result);

}  // namespace conformance
