// The bytes of scalar constants, by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/compiler/loops/scalar_bits.h"

namespace tf2jax::compiler {
namespace {

using loops::Op;

TEST(ScalarBits, OfNumbers) {
  EXPECT_EQ(number_bits(f32, 1), 0x3f800000u);
  EXPECT_EQ(number_bits(f64, -2), 0xc000000000000000u);
  EXPECT_EQ(number_bits(f16, 1), 0x3c00u);
  EXPECT_EQ(number_bits(bf16, 1), 0x3f80u);
  EXPECT_EQ(number_bits(i8, -1), 0xffu);  // zero extended
  EXPECT_EQ(number_bits(i64, -1), 0xffffffffffffffffu);
  EXPECT_EQ(number_bits(bool_, 3), 1u);
}

TEST(ScalarBits, OfTheFirstElement) {
  EXPECT_EQ(scalar_bits(array<std::int16_t>({-2, 5, 6, 7, 8})) & 0xffff, 0xfffeu);
  EXPECT_EQ(scalar_bits(Array(1.f)), 0x3f800000u);
  EXPECT_EQ(scalar_bits(zeros({0})), 0u);
}

TEST(ScalarBits, NeutralElements) {
  EXPECT_EQ(neutral(Op::add, f32), 0u);
  EXPECT_EQ(neutral(Op::mul, f32), 0x3f800000u);
  EXPECT_EQ(neutral(Op::max, f32), 0xff800000u);  // -inf
  EXPECT_EQ(neutral(Op::log_add_exp, f32), 0xff800000u);
  EXPECT_EQ(neutral(Op::min, f64), 0x7ff0000000000000u);
  EXPECT_EQ(neutral(Op::max, i8), 0x80u);
  EXPECT_EQ(neutral(Op::min, i8), 0x7fu);
  EXPECT_EQ(neutral(Op::max, u32), 0u);
  EXPECT_EQ(neutral(Op::min, u32), 0xffffffffu);
  EXPECT_EQ(neutral(Op::bit_and, u8), 0xffu);
  EXPECT_EQ(neutral(Op::bit_or, u8), 0u);
  EXPECT_EQ(neutral(Op::bit_and, bool_), 1u);
  EXPECT_EQ(neutral(Op::max, bool_), 0u);
}

TEST(ScalarBits, WhatGathersReadOutside) {
  EXPECT_EQ(fill_bits({}, i16), 0x8000u);
  EXPECT_EQ(fill_bits({}, u16), 0xffffu);
  EXPECT_EQ(fill_bits({}, bool_), 1u);
  EXPECT_EQ(fill_bits({}, f32) & 0x7fffffff, 0x7fc00000u);
  EXPECT_EQ(fill_bits({}, f64) & 0x7fffffffffffffff, 0x7ff8000000000000u);
}

}  // namespace
}  // namespace tf2jax::compiler
