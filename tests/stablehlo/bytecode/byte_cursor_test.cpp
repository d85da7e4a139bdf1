// Numbers of MLIR bytecode, and what is wrong with them.
#include "tf2jax/stablehlo/internal/byte_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tf2jax/base/error.h"

using namespace tf2jax;
using namespace tf2jax::stablehlo;

namespace {

ByteCursor over(std::string_view bytes) { return {bytes, 0, bytes.size(), "IR"}; }

}  // namespace

TEST(ByteCursor, OneByteHoldsSevenBits) {
  EXPECT_EQ(over(std::string_view("\x01", 1)).varint(), 0u);
  EXPECT_EQ(over(std::string_view("\xFF", 1)).varint(), 127u);
}

TEST(ByteCursor, TrailingZerosCountTheBytesThatFollow) {
  EXPECT_EQ(over(std::string_view("\x02\x02", 2)).varint(), 128u);
  EXPECT_EQ(over(std::string_view("\x04\x00\x02", 3)).varint(), std::uint64_t{1} << 14);
  EXPECT_EQ(over(std::string_view("\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9)).varint(), ~std::uint64_t{0});
}

TEST(ByteCursor, SignedNumbersAlternate) {
  EXPECT_EQ(over(std::string_view("\x03", 1)).signed_varint(), -1);
  EXPECT_EQ(over(std::string_view("\x05", 1)).signed_varint(), 1);
  EXPECT_EQ(over(std::string_view("\x07", 1)).signed_varint(), -2);
}

TEST(ByteCursor, ErrorsNameSectionAndOffset) {
  ByteCursor in = over(std::string_view("\x01\x02", 2));
  (void)in.varint();
  try {
    (void)in.varint();
    FAIL() << "no error";
  } catch (const DataLossError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("at byte 2 of section 'IR'"));
  }
}

TEST(ByteCursor, CountsMustFitIntoWhatIsLeft) {
  EXPECT_THROW((void)over(std::string_view("\xFF\x00\x00", 3)).count("values"), DataLossError);
}

TEST(ByteCursor, PaddingIsChecked) {
  ByteCursor good = over(std::string_view("\x01\xCB\xCB\xCB\x05", 5));
  (void)good.byte();
  good.align(4);
  EXPECT_EQ(good.offset(), 4u);
  ByteCursor bad = over(std::string_view("\x01\xCB\x00\xCB\x05", 5));
  (void)bad.byte();
  EXPECT_THROW(bad.align(4), DataLossError);
}
