// What is written is read as it was.
#include "tf2jax/stablehlo/internal/byte_sink.h"

#include <gtest/gtest.h>

#include <limits>

#include "tf2jax/stablehlo/internal/byte_cursor.h"

using namespace tf2jax::stablehlo;

TEST(ByteSink, VarintsOfEveryLength) {
  for (int bit = 0; bit < 64; ++bit)
    for (const std::uint64_t v : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1}) {
      ByteSink out;
      out.varint(v);
      EXPECT_EQ(ByteCursor(out.str(), 0, out.str().size(), "x").varint(), v);
      EXPECT_EQ(out.str().size(),
                bit < 56 ? static_cast<std::size_t>(std::max(bit + (v >> bit ? 1 : 0), 1) + 6) / 7 : out.str().size());
    }
}

TEST(ByteSink, SignedVarints) {
  for (const std::int64_t v : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{-64},
                               std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    ByteSink out;
    out.signed_varint(v);
    EXPECT_EQ(ByteCursor(out.str(), 0, out.str().size(), "x").signed_varint(), v);
  }
}
