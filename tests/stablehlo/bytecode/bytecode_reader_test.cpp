// Damaged files: errors with section and offset, never anything else.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

// Everything but an Error ends the test program.
bool is_read(const std::string& bytes) {
  try {
    const auto module = stablehlo::read_module(bytes);
    (void)stablehlo::to_jaxpr(module, stablehlo::input_avals(module));
    return true;
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

TEST(BytecodeReader, EveryPrefixIsAnError) {
  const std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(some_program()));
  for (std::size_t n = 4; n < bytes.size(); ++n)
    EXPECT_THROW(stablehlo::read_module(std::string_view(bytes).substr(0, n)), Error) << n;
}

TEST(BytecodeReader, AFileThatEndsEarlyNamesThePlace) {
  const std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(some_program()));
  try {
    (void)stablehlo::read_module(std::string_view(bytes).substr(0, bytes.size() / 2));
    FAIL() << "no error";
  } catch (const DataLossError& e) {
    EXPECT_THAT(e.what(), ::testing::ContainsRegex("damaged at byte [0-9]+ of section '"));
  }
}

TEST(BytecodeReader, ChangedBytesAreErrorsOrOtherPrograms) {
  for (const char* target : {"0.9.0", "1.5.0"}) {
    const std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(some_program()), target);
    std::mt19937 random(7);
    for (int i = 0; i < 400; ++i) {
      std::string changed = bytes;
      for (int k = 0; k < 1 + i % 3; ++k) changed[random() % changed.size()] = static_cast<char>(random());
      (void)is_read(changed);
    }
  }
}

TEST(BytecodeReader, UnknownVersionsAreNamed) {
  std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(some_program()));
  bytes[4] = static_cast<char>(9 << 1 | 1);
  EXPECT_THROW(stablehlo::read_module(bytes), NotImplementedError);
}
