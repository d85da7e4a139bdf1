// What became of the cases, by family.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "compare.h"
#include "golden.h"

namespace conformance {

/// The parts of one case. A case passes when every part does.
class CaseResult {
 public:
  void fail(const std::string& what, const std::string& message) { failures_.push_back({what, message}); }
  void unsupported(const std::string& what, const std::string& message) { unsupported_.push_back({what, message}); }
  void check(const std::string& what, const tf2jax::Array& got, const tf2jax::Array& want, const Tolerance& tolerance = {}, const std::string& where = "");
  void check_all(const std::string& what, const tf2jax::Arrays& got, const tf2jax::Arrays& want, const Tolerance& tolerance = {});
  void passed_part() { ++parts_; }
  /// Runs one part: exceptions become failures, what is not there yet becomes unsupported.
  template <class F>
  void part(const std::string& what, F&& body) {
    try {
      body();
      ++parts_;
    } catch (...) {
      caught(what);
    }
  }

  struct Entry {
    std::string what, message;
  };
  const std::vector<Entry>& failures() const { return failures_; }
  const std::vector<Entry>& unsupported_parts() const { return unsupported_; }
  double worst() const { return worst_; }
  int parts() const { return parts_; }

 private:
  void caught(const std::string& what);
  std::vector<Entry> failures_, unsupported_;
  double worst_ = 0;
  int parts_ = 0;
};

struct FamilyReport {
  struct Failure {
    std::string name, what, message;
  };
  int passed = 0, failed = 0, unsupported = 0;
  double worst = 0;
  std::string worst_case;
  std::vector<Failure> failures;
  std::map<std::string, int> reasons;   // of unsupported cases

  void add(const std::string& name, const CaseResult& result);
};

struct Options {
  std::string filter;      // regular expression on case names
  std::string backend = "cpu";
  std::string mode = "run";
};

/// Runs every case of a golden file that matches the filter.
FamilyReport run_golden(const Golden& golden, const Options& options);
/// One family of TensorFlow graphs; the corpus folder.
FamilyReport run_graphs(const Golden& golden, const Options& options);
std::map<std::string, FamilyReport> run_corpus(const std::string& folder, const Options& options);
/// What the Python library recorded of whole models; the models are in the corpus under the same name.
FamilyReport run_saved_models(const std::string& folder, const std::string& corpus, const Options& options);

/// Runners of single cases.
void run_jaxpr_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_autodiff_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_prng_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_special_values_case(const Golden& golden, const json& c, const Options& options, CaseResult& result);
void run_text_case(const Golden& golden, const json& c, CaseResult& result);

}  // namespace conformance
