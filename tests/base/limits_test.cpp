// Sizes of foreign origin, and foreign exceptions.
#include <gtest/gtest.h>
#include <tf2jax/base/config.h>
#include <tf2jax/base/limits.h>

#include <filesystem>
#include <new>
#include <stdexcept>

#include "../support.h"

namespace tf2jax {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 62;

TEST(CheckSizes, KnownAndSymbolicOnesPass) {
  check_sizes(Dims{}, "f");
  check_sizes(Dims{2, 3, 0}, "f");
  check_sizes(Shape{Dim::variable("b"), 2}, "f");
  check_sizes(Dims(254, 1), "f");
}

TEST(CheckSizes, SayWhatIsWrong) {
  expect_error<ShapeError>([] { check_sizes(Dims{2, -1}, "f"); }, "f: a size is negative. Got shape (2, -1)");
  expect_error<ShapeError>([] { check_sizes(Dims(255, 1), "f"); }, "f: there are too many axes. Got 255");
  expect_error<ResourceExhaustedError>([] { check_sizes(Dims{kHuge, kHuge}, "f"); }, "max_array_elements");
  expect_error<ResourceExhaustedError>([] { check_sizes(Dims{kHuge, 0}, "f"); }, "max_array_elements");
  const auto few = override_config(&Config::max_array_elements, 10);
  check_sizes(Dims{10}, "f");
  expect_error<ResourceExhaustedError>([] { check_sizes(Shape{11, Dim::variable("b")}, "f"); },
                                       "expected at most 10 elements");
}

TEST(CheckedCount, HasALimitAtBothEnds) {
  EXPECT_EQ(checked_count(0, 5, "f"), 0u);
  EXPECT_EQ(checked_count(5, 5, "f"), 5u);
  expect_error<ValueError>([] { checked_count(-1, 5, "f"); }, "f: a count is out of range. Got -1");
  expect_error<ResourceExhaustedError>([] { checked_count(6, 5, "f"); },
                                       "f: a count is too large. Got 6; expected at most 5");
}

TEST(WithErrors, TranslatesExceptionsOfTheStandardLibrary) {
  EXPECT_EQ(with_errors("f", [] { return 3; }), 3);
  expect_error<ResourceExhaustedError>([] { with_errors("f", [] { throw std::bad_alloc(); }); },
                                       "f: there is not enough memory");
  expect_error<ResourceExhaustedError>([] { with_errors("f", [] { throw std::length_error("long"); }); }, "long");
  expect_error<IoError>([] { with_errors("f", [] { (void)std::filesystem::file_size("/no/such/file"); }); }, "f: ");
  expect_error<InternalError>([] { with_errors("f", [] { throw std::out_of_range("at"); }); }, "f: at");
  expect_error<AxisError>([] { with_errors("f", [] { raise<AxisError>("axis"); }); }, "axis");
}

TEST(WithMemoryErrors, LeavesExceptionsOfTheUserAlone) {
  expect_error<ResourceExhaustedError>([] { with_memory_errors("f", [] { throw std::bad_alloc(); }); }, "f");
  EXPECT_THROW(with_memory_errors("f", [] { throw std::out_of_range("mine"); }), std::out_of_range);
}

}  // namespace
}  // namespace tf2jax
