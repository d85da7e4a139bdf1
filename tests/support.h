// What tests of several folders use.
#pragma once
#include <gtest/gtest.h>
#include <tf2jax/base/dtype.h>

#include <string>

namespace tf2jax {

/// The message of the E that f throws; a failure of the test where it throws none.
template <class E, class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  ADD_FAILURE() << "no such error was thrown";
  return "";
}

}  // namespace tf2jax
