// Errors that a record expects: the right type with the right message, and nothing else.
#pragma once
#include <exception>
#include <string>

#include "report.h"
#include "tf2jax/base/error.h"

namespace conformance {

/// What is wrong with `error` where the record has `recorded` ({type, message}); empty when it is the same error: its
/// type, and the first line of the recorded message, or the text that the table in expected_error.cpp gives for it.
std::string difference_of_errors(const tf2jax::Error& error, const json& recorded);

/// Runs `body`, which is recorded to fail with `recorded`.
template <class F>
void expect_error(const json& recorded, const std::string& what, CaseResult& result, F&& body) {
  try {
    body();
  } catch (const Unsupported& e) {
    return result.unsupported(what, e.what());
  } catch (const tf2jax::Error& e) {
    const std::string difference = difference_of_errors(e, recorded);
    if (difference.empty()) return result.passed_part();
    // What is missing is no more than missing: it never passes for the expected error.
    if (dynamic_cast<const tf2jax::NotImplementedError*>(&e)) return result.unsupported(what, e.what());
    return result.fail(what, difference);
  } catch (const std::exception& e) {
    return result.fail(what, e.what());
  }
  result.fail(what, "no error; expected " + recorded.at("type").get<std::string>() + ": " +
                        recorded.at("message").get<std::string>().substr(0, 150));
}

}  // namespace conformance
