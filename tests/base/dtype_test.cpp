#include "tf2jax/base/dtype.h"

#include "tf2jax/base/config.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace tf2jax {
namespace {

// Rows and columns: b1 u1 u2 u4 u8 i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i* f* c*.
// Source: JAX documentation, "Type promotion semantics", the table of jnp.promote_types with 64-bit types enabled.
const std::vector<std::string> kNames = {"b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8",
                                         "bf", "f2", "f4", "f8", "c4", "c8", "i*", "f*", "c*"};
const std::vector<PromotedType> kTypes = {{bool_, false}, {u8, false},  {u16, false}, {u32, false}, {u64, false},
                                          {i8, false},    {i16, false}, {i32, false}, {i64, false}, {bf16, false},
                                          {f16, false},   {f32, false}, {f64, false}, {c64, false}, {c128, false},
                                          {i64, true},    {f64, true},  {c128, true}};
const char* const kTable[] = {
    "b1 u1 u2 u4 u8 i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i* f* c*", "u1 u1 u2 u4 u8 i2 i2 i4 i8 bf f2 f4 f8 c4 c8 u1 f* c*",
    "u2 u2 u2 u4 u8 i4 i4 i4 i8 bf f2 f4 f8 c4 c8 u2 f* c*", "u4 u4 u4 u4 u8 i8 i8 i8 i8 bf f2 f4 f8 c4 c8 u4 f* c*",
    "u8 u8 u8 u8 u8 f* f* f* f* bf f2 f4 f8 c4 c8 u8 f* c*", "i1 i2 i4 i8 f* i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i1 f* c*",
    "i2 i2 i4 i8 f* i2 i2 i4 i8 bf f2 f4 f8 c4 c8 i2 f* c*", "i4 i4 i4 i8 f* i4 i4 i4 i8 bf f2 f4 f8 c4 c8 i4 f* c*",
    "i8 i8 i8 i8 f* i8 i8 i8 i8 bf f2 f4 f8 c4 c8 i8 f* c*", "bf bf bf bf bf bf bf bf bf bf f4 f4 f8 c4 c8 bf bf c4",
    "f2 f2 f2 f2 f2 f2 f2 f2 f2 f4 f2 f4 f8 c4 c8 f2 f2 c4", "f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f8 c4 c8 f4 f4 c4",
    "f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c8 c8 f8 f8 c8", "c4 c4 c4 c4 c4 c4 c4 c4 c4 c4 c4 c4 c8 c4 c8 c4 c4 c4",
    "c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8", "i* u1 u2 u4 u8 i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i* f* c*",
    "f* f* f* f* f* f* f* f* f* bf f2 f4 f8 c4 c8 f* f* c*", "c* c* c* c* c* c* c* c* c* c4 c4 c4 c8 c4 c8 c* c* c*"};

std::string name_of(PromotedType t) {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == t) return kNames[i];
  }
  return "?";
}

TEST(PromoteTypes, MatchesTheDocumentedTable) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    for (std::size_t j = 0; j < kTypes.size(); ++j) {
      EXPECT_EQ(name_of(promote_types(kTypes[i], kTypes[j])), std::string(kTable[i]).substr(3 * j, 2))
          << kNames[i] << " " << kNames[j];
    }
  }
}

TEST(PromoteTypes, WeakKindsNarrowWithout64Bits) {
  EXPECT_EQ(promote_types({u32, false}, {i32, true}), (PromotedType{u32, false}));
  EXPECT_EQ(promote_types({bool_, false}, {i32, true}), (PromotedType{i32, true}));
  EXPECT_EQ(promote_types({i32, false}, {f32, true}), (PromotedType{f32, true}));
}

TEST(PromoteTypes, RejectsKeys) { EXPECT_THROW(promote_types({DType::key, false}, {f32, false}), DtypeError); }

TEST(CanonicalDtype, NarrowsUnlessX64) {
  EXPECT_EQ(canonical_dtype(f64), f32);
  EXPECT_EQ(canonical_dtype(i64), i32);
  const auto x64 = override_config("enable_x64", true);
  EXPECT_EQ(canonical_dtype(f64), f64);
}

TEST(Dtype, NamesReadBack) {
  for (int i = 0; i <= static_cast<int>(DType::key); ++i) {
    const auto d = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(short_name(d)), d);
    EXPECT_EQ(parse_dtype(numpy_name(d)), d);
  }
  EXPECT_EQ(parse_dtype("float33"), std::nullopt);
}

TEST(Config, OverridesNestAndRestore) {
  EXPECT_TRUE(get_config("strict_shape_check"));
  {
    const auto outer = override_config(&Config::strict_shape_check, false);
    EXPECT_FALSE(config().strict_shape_check);
    {
      const auto inner = override_config("strict_dtype_check", true);
      EXPECT_FALSE(config().strict_shape_check);
      EXPECT_TRUE(config().strict_dtype_check);
    }
    EXPECT_FALSE(config().strict_dtype_check);
  }
  EXPECT_TRUE(config().strict_shape_check);
}

TEST(Config, UnknownNameIsAValueError) {
  try {
    update_config("no_such_option", true);
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("Parameter named no_such_option not found in config="), std::string::npos);
  }
}

TEST(Saturated, KeepsWhatFitsAndClampsTheRest) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(saturated<int>(-3.9), -3);
  EXPECT_EQ(saturated<int>(2147483647.0), 2147483647);
  EXPECT_EQ(saturated<int>(2147483648.0), 2147483647);
  EXPECT_EQ(saturated<std::int64_t>(0x1p63f), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(saturated<std::int64_t>(-kInf), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(saturated<std::uint64_t>(kInf), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(saturated<std::uint8_t>(-1.5f), 0);
  EXPECT_EQ(saturated<std::int8_t>(-129.0), -128);
  EXPECT_EQ(saturated<std::int16_t>(std::numeric_limits<float>::quiet_NaN()), 0);
}

TEST(Epsilon, IsThatOfTheParts) {
  EXPECT_EQ(epsilon(f32), std::numeric_limits<float>::epsilon());
  EXPECT_EQ(epsilon(c128), std::numeric_limits<double>::epsilon());
  EXPECT_THROW(epsilon(i32), DtypeError);
}

}  // namespace
}  // namespace tf2jax
