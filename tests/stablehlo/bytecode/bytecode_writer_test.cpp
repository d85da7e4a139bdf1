// What is written for any version is the same program when it is read.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

const char* const kTargets[] = {"0.9.0", "0.11.0", "0.13.0", "0.14.0", "1.0.0", "1.5.0", "1.8.0", "1.16.2", "1.20.0"};

Arrays read_and_run(const std::string& bytes, const Arrays& xs) {
  Avals avals;
  for (const Array& x : xs) avals.push_back(x.aval());
  return eval_jaxpr(stablehlo::to_jaxpr(stablehlo::read_module(bytes), avals), xs);
}

}  // namespace

TEST(BytecodeWriter, EveryVersionIsReadAgain) {
  const Jaxpr program = some_program();
  const Arrays want = eval_jaxpr(program, some_inputs());
  for (const char* target : kTargets) {
    const Arrays got = read_and_run(stablehlo::write_module(stablehlo::from_jaxpr(program), target), some_inputs());
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      EXPECT_THAT(got[i].to_vector<float>(),
                  ::testing::Pointwise(::testing::FloatNear(1e-6f), want[i].to_vector<float>()))
          << target;
  }
}

TEST(BytecodeWriter, RewritingGivesTheSameBytes) {
  for (const char* target : kTargets) {
    const std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(some_program()), target);
    EXPECT_EQ(stablehlo::write_module(stablehlo::read_module(bytes), target), bytes) << target;
  }
}

TEST(BytecodeWriter, TheProducerIsTheTarget) {
  const auto bytes = stablehlo::write_module(stablehlo::from_jaxpr(some_program()), "1.8.3");
  EXPECT_EQ(stablehlo::read_module(bytes).producer, "StableHLO_v1.8.3");
}

TEST(BytecodeWriter, ConstantsOfEveryType) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {bool_, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array c = astype(array<float>({0.f, 1.f, 3.f, 0.f, 1.f, 1.f, 0.f, 2.f, 1.f}), d);
    const Jaxpr program = stage([&](const Arrays&) { return Arrays{c, full({4}, c[1], d)}; }, {});
    const Arrays got = read_and_run(stablehlo::write_module(stablehlo::from_jaxpr(program)), {});
    EXPECT_EQ(got[0].dtype(), d);
    EXPECT_EQ(got[0].to_vector<complex128>(), c.to_vector<complex128>()) << short_name(d);
    EXPECT_EQ(got[1].to_vector<complex128>(), std::vector<complex128>(4, c.to_vector<complex128>()[1]))
        << short_name(d);
  }
}

TEST(BytecodeWriter, WhatAVersionCannotSayIsAnError) {
  const Jaxpr program = stage([](const Arrays& xs) { return Arrays{tan(xs[0])}; }, {spec(f32, {3})});
  EXPECT_THROW(stablehlo::write_module(stablehlo::from_jaxpr(program), "1.3.0"), NotImplementedError);
  EXPECT_NO_THROW(stablehlo::write_module(stablehlo::from_jaxpr(program), "1.4.0"));
  EXPECT_THROW(stablehlo::write_module(stablehlo::from_jaxpr(program), "2.0.0"), ValueError);
  EXPECT_THROW(stablehlo::write_module(stablehlo::from_jaxpr(program), "new"), ValueError);
}
