// What became of the cases, by family.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compare.h"
#include "golden.h"

namespace conformance {

/// The parts of one case. A case passes when every part does.
class CaseResult {
 public:
  CaseResult() = default;
  /// `began` hears the name of each part before it runs.
  explicit CaseResult(std::function<void(const std::string&)> began) : began_(std::move(began)) {}
  void fail(const std::string& what, const std::string& message) { failures_.push_back({what, message}); }
  void unsupported(const std::string& what, const std::string& message) { unsupported_.push_back({what, message}); }
  void check(const std::string& what, const tf2jax::Array& got, const tf2jax::Array& want,
             const Tolerance& tolerance = {}, const std::string& where = "");
  void check_all(const std::string& what, const tf2jax::Arrays& got, const tf2jax::Arrays& want,
                 const Tolerance& tolerance = {});
  void passed_part() { ++parts_; }
  /// Runs one part: exceptions become failures, what is not there yet becomes unsupported.
  template <class F>
  void part(const std::string& what, F&& body) {
    names_.push_back(what);
    if (began_) began_(what);
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
  /// Of all parts that began, whatever became of them.
  const std::vector<std::string>& names() const { return names_; }

  json to_json() const;
  static CaseResult from_json(const json& j);

 private:
  void caught(const std::string& what);
  std::vector<Entry> failures_, unsupported_;
  std::vector<std::string> names_;
  std::function<void(const std::string&)> began_;
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
  std::map<std::string, int> reasons;  // of unsupported cases

  void add(const std::string& name, const CaseResult& result);
};

/// Cases in processes of their own.
struct Isolation {
  bool enabled = true;
  double limit = 120;             // seconds for one case
  std::size_t per_process = 200;  // cases; memory that they leave behind goes with the process
  int gigabytes = 0;              // of memory; 0: no limit
};

struct Options {
  std::string filter;            // regular expression on case names
  std::string backend = "both";  // cpu: everything through jit; interpret: nothing is compiled; both
  std::string write_to;       // where the mode "rewrite" leaves what it wrote, with inputs and results; empty: nowhere
  std::string mode = "run";   // "stablehlo", "mlir": exported modules run, from bytecode or text
  bool compositions = false;  // also vmap of vjp and jvp of vjp, which no record has, and the text
  Isolation isolation = {};
};

}  // namespace conformance
