// Counting what became of the cases.
#include "report.h"

#include <fmt/format.h>

#include <cstring>

#include "tf2jax/base/error.h"

namespace conformance {

void CaseResult::check(const std::string& what, const tf2jax::Array& got, const tf2jax::Array& want,
                       const Tolerance& tolerance, const std::string& where) {
  const Comparison c = compare(got, want, tolerance);
  worst_ = std::max(worst_, c.worst);
  if (c.message) fail(what, where.empty() ? *c.message : where + ": " + *c.message);
}

void CaseResult::check_all(const std::string& what, const tf2jax::Arrays& got, const tf2jax::Arrays& want,
                           const Tolerance& tolerance) {
  if (got.size() != want.size()) {
    fail(what, fmt::format("got {} arrays, expected {}", got.size(), want.size()));
    return;
  }
  for (std::size_t i = 0; i < got.size(); ++i) check(what, got[i], want[i], tolerance, fmt::format("result {}", i));
}

namespace {
json to_json(const std::vector<CaseResult::Entry>& entries) {
  json out = json::array();
  for (const auto& e : entries) out.push_back({e.what, e.message});
  return out;
}
std::vector<CaseResult::Entry> entries_of(const json& j) {
  std::vector<CaseResult::Entry> out;
  for (const json& e : j) out.push_back({e.at(0).get<std::string>(), e.at(1).get<std::string>()});
  return out;
}
}  // namespace

json CaseResult::to_json() const {
  // JSON has no infinity.
  return {{"failures", conformance::to_json(failures_)},
          {"unsupported", conformance::to_json(unsupported_)},
          {"worst", std::min(worst_, 1e300)},
          {"parts", parts_},
          {"names", names_}};
}

CaseResult CaseResult::from_json(const json& j) {
  CaseResult out;
  out.failures_ = entries_of(j.at("failures"));
  out.unsupported_ = entries_of(j.at("unsupported"));
  out.worst_ = j.at("worst").get<double>();
  out.parts_ = j.at("parts").get<int>();
  out.names_ = j.at("names").get<std::vector<std::string>>();
  return out;
}

void CaseResult::caught(const std::string& what) {
  try {
    throw;
  } catch (const Unsupported& e) {
    unsupported(what, e.what());
  } catch (const tf2jax::NotImplementedError& e) {
    unsupported(what, e.what());
  } catch (const tf2jax::ParseError& e) {
    if (std::strstr(e.what(), "unknown dtype")) unsupported(what, e.what());
    else fail(what, e.what());
  } catch (const std::exception& e) {
    fail(what, e.what());
  }
}

void FamilyReport::add(const std::string& name, const CaseResult& r) {
  if (r.worst() > worst && r.failures().empty()) {
    worst = r.worst();
    worst_case = name;
  }
  if (!r.failures().empty()) {
    ++failed;
    for (const auto& f : r.failures()) failures.push_back({name, f.what, f.message});
  } else if (!r.unsupported_parts().empty() || r.parts() == 0) {
    ++unsupported;
    std::string why = r.unsupported_parts().empty()
                          ? "nothing to run"
                          : r.unsupported_parts()[0].what + ": " + r.unsupported_parts()[0].message;
    // One line per missing operation, whichever graph it was met in.
    if (const std::size_t at = why.find("not supported: '"); at != std::string::npos)
      why = "operation " + why.substr(at + 15, why.find('\'', at + 16) - at - 14);
    ++reasons[why.substr(0, 110)];
  } else {
    ++passed;
  }
}

}  // namespace conformance
