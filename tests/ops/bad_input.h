// A call with bad arguments and a part of the message that it is refused with. Files of tests list such calls, and
// bad_input_test.cpp makes each of them op by op and while tracing.
#pragma once
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <functional>
#include <limits>
#include <string>

namespace tf2jax {

struct BadCall {
  std::string call;
  std::function<void()> run;
  std::string message;  // a part of it
};
#define ROW(call, message)                           \
  BadCall {                                          \
    #call, [=] { static_cast<void>(call); }, message \
  }

inline void PrintTo(const BadCall& row, std::ostream* os) { *os << row.call; }

class BadInput : public ::testing::TestWithParam<BadCall> {};

namespace bad_input {

constexpr std::int64_t kHuge = std::int64_t{1} << 62, kLarge = std::int64_t{1} << 40,
                       kLeast = std::numeric_limits<std::int64_t>::min(),
                       kMost = std::numeric_limits<std::int64_t>::max();

inline const Array v3 = ones({3}), m = ones({2, 3}), cube = ones({2, 3, 4}), i3 = astype(ones({3}), i32),
                   scalar = ones({}), nothing = ones({0}), flags = astype(v3, bool_);

}  // namespace bad_input
}  // namespace tf2jax
