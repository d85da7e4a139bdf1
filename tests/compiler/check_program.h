// Runs compiled programs beside the interpreter.
#pragma once
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

namespace tf2jax {

inline void expect_close(const Array& got, const Array& want, const std::string& what, double tolerance) {
  ASSERT_EQ(got.dtype(), want.dtype()) << what;
  ASSERT_EQ(got.dims(), want.dims()) << what;
  if (is_complex(got.dtype())) {
    expect_close(real(got), real(want), what + ", real part", tolerance);
    expect_close(imag(got), imag(want), what + ", imaginary part", tolerance);
    return;
  }
  const auto x = got.to_vector<double>(), y = want.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(y[i])) {
      ASSERT_TRUE(std::isnan(x[i])) << what << " element " << i << ": got " << x[i];
      continue;
    }
    if (x[i] == y[i]) continue;
    ASSERT_LE(std::abs(x[i] - y[i]), tolerance * (1 + std::abs(y[i])))
        << what << " element " << i << ": got " << x[i] << ", expected " << y[i];
  }
}

inline void check_program(const Jaxpr& jaxpr, const Arrays& args, double tolerance = 2e-5) {
  const auto compiled = default_backend().compile(jaxpr, {});
  const Arrays want = default_backend().compile(jaxpr, {.interpret = true})->run(args);
  for (int repeat = 0; repeat < 2; ++repeat) {
    const Arrays got = compiled->run(args);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      expect_close(got[i], want[i], "output " + std::to_string(i), tolerance);
      if (::testing::Test::HasFatalFailure()) {
        ADD_FAILURE() << to_string(jaxpr) << "\n" << compiled->explain();
        return;
      }
    }
  }
}

template <class F, class... A>
inline void check_function(const F& f, const A&... args) {
  check_program(make_jaxpr(f)(args...), {args...});
}

inline bool is_native(const Jaxpr& jaxpr) {
  const std::string plan = default_backend().compile(jaxpr, {})->explain();
  return plan.find("scan of") == std::string::npos && plan.find("while:") == std::string::npos;
}

/// Checks the program and that its loops are kernels.
template <class F, class... A>
void check_native(const F& f, const A&... args) {
  const Jaxpr jaxpr = make_jaxpr(f)(args...);
  check_program(jaxpr, {args...});
  EXPECT_TRUE(is_native(jaxpr)) << to_string(jaxpr) << "\n" << default_backend().compile(jaxpr, {})->explain();
}

inline Array values(const Shape& shape, int seed = 0) {
  return random::normal(random::key(static_cast<std::uint32_t>(seed)), shape);
}

inline std::int64_t steps(const Jaxpr& jaxpr) { return default_backend().compile(jaxpr, {})->cost().steps; }

}  // namespace tf2jax
