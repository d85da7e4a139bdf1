// Damaged files: errors with section and offset, never anything else.
#include "tf2jax/stablehlo/internal/bytecode_tables.h"

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

// Each has its own copy, of what is in the file once.
TEST(BytecodeReader, LongNamesOfManyOperationsAreAnError) {
  stablehlo::BytecodeTables tables({1, 5, 0});
  const auto place = tables.unknown_location(), module = tables.op_name("builtin", "module"),
             op = tables.op_name("stablehlo", std::string(1 << 20, 'a'));
  constexpr std::uint64_t kCount = 100000, kHasRegions = 0x10;
  stablehlo::ByteSink body, out;
  for (const std::uint64_t v : {std::uint64_t{1}, std::uint64_t{0}, kCount << 1}) body.varint(v);
  for (std::uint64_t i = 0; i < kCount; ++i) {
    body.varint(op);
    body.byte(0);
    body.varint(place);
  }
  out.varint(1u << 1);
  out.varint(module);
  out.byte(kHasRegions);
  out.varint(place);
  out.varint(1u << 1 | 1);
  out.section(4, body.str());
  try {
    (void)stablehlo::read_module(tables.file(out.str()));
    FAIL() << "no error";
  } catch (const DataLossError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("too many names and attributes"));
  }
}
