// Which primitives can be written to TensorFlow, of which dtypes, in which form: docs/limitations.md.
#pragma once
#include <map>
#include <set>
#include <string>

#include "golden.h"
#include "tf2jax/trace/jaxpr.h"

namespace conformance {

class ExportLimits {
 public:
  /// Tries the three forms on a program of one equation; others say nothing of one primitive.
  void add(const tf2jax::Jaxpr& program);
  /// Lines of a table: what is refused, with its reason.
  std::string table() const;

 private:
  struct Outcome {
    std::set<std::string> written, refused;  // dtypes
  };
  // By primitive and form; refusals also by their reason.
  std::map<std::string, std::map<std::string, Outcome>> outcomes_;
  std::map<std::string, std::map<std::string, std::set<std::string>>> reasons_;
};

}  // namespace conformance
