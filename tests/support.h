// What tests of several folders use.
#pragma once
#include <gtest/gtest.h>
#include <tf2jax/base/dtype.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <source_location>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

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
      std::filesystem::temp_directory_path() / ("tf2jax-test-" + std::to_string(::getpid()) + "-" +
                                                ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

/// Programs become native loops here. Without the compiler they run op by op: nothing is inlined, no memory is reused.
inline bool is_compiled() {
#ifdef TF2JAX_WITHOUT_COMPILER
  return false;
#else
  return !std::getenv("TF2JAX_BACKEND");
#endif
}

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

/// The elements of an array are near these numbers, relatively to those above 1.
template <class A>
void expect_close(const A& got, const std::vector<double>& want, double tolerance = 1e-5,
                  std::source_location at = std::source_location::current()) {
  const ::testing::ScopedTrace trace(at.file_name(), static_cast<int>(at.line()), "expected to be close");
  const auto v = got.template to_vector<double>();
  ASSERT_EQ(v.size(), want.size());
  for (std::size_t i = 0; i < v.size(); ++i) EXPECT_NEAR(v[i], want[i], tolerance * (1 + std::abs(want[i])));
}

/// f throws an E, not a kind of E and no other error, and its message contains `text`.
template <class E, class F>
void expect_error(F f, std::string_view text, std::source_location at = std::source_location::current()) {
  std::string found = "no error was thrown";
  try {
    f();
  } catch (const E& e) {
    if (typeid(e) == typeid(E) && std::string_view(e.what()).find(text) != std::string_view::npos) return;
    found = std::string(typeid(e).name()) + ": " + e.what();
  } catch (const std::exception& e) {
    found = std::string(typeid(e).name()) + ": " + e.what();
  }
  ADD_FAILURE_AT(at.file_name(), static_cast<int>(at.line()))
      << found << "\nExpected: " << typeid(E).name() << " with \"" << text << "\"";
}

}  // namespace tf2jax
