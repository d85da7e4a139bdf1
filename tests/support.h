// What tests of several folders use.
#pragma once
#include <gtest/gtest.h>
#include <tf2jax/base/dtype.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace tf2jax {

/// A test with a path of its own, where nothing is at first and at the end.
class TestWithFolder : public ::testing::Test {
 protected:
  TestWithFolder() { std::filesystem::remove_all(directory_); }
  ~TestWithFolder() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("tf2jax-test-" + std::to_string(::getpid()) + "-" + ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

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
