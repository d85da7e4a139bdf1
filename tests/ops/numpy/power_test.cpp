// Powers, quotients and remainders of bools and of mixed types, as NumPy and JAX define them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"

namespace tf2jax {
namespace {

const Array kBools = array<bool>({true, false}), kSmall = array<std::int16_t>({7, -7});

TEST(Power, OfBools) {
  EXPECT_EQ(pow(kBools, kBools).to_vector<int>(), (std::vector<int>{1, 1}));  // 0^0 is 1
  EXPECT_EQ(pow(kBools, kBools).dtype(), DType::i32);
  EXPECT_EQ(pow(kBools, 2).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ(pow(kBools, array<std::int8_t>({3, 2})).dtype(), DType::i8);
}

TEST(Power, OfAnIntegerExponentIsNotWeak) {
  const Array y = pow(Array(2.0), array<int>({3, -1}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{8, 0.5f}));
  EXPECT_FALSE(y.weak_type());
}

TEST(FloorDivide, TakesBoolsAsNumbers) {
  EXPECT_EQ(floor_divide(kSmall, array<bool>({true, true})).to_vector<int>(), (std::vector<int>{7, -7}));
  EXPECT_EQ(floor_divide(kSmall, kBools).dtype(), DType::i16);
  EXPECT_EQ(floor_divide(array<bool>({true}), array<bool>({true})).dtype(), DType::i32);
}

TEST(Mod, TakesBoolsAsNumbers) {
  EXPECT_EQ(mod(kBools, array<std::int16_t>({2, 2})).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ(mod(kSmall, array<bool>({true, true})).dtype(), DType::i16);
}

}  // namespace
}  // namespace tf2jax
