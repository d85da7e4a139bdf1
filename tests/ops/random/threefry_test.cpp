// Random bits and keys written out: those of the primitives, which are JAX's.
#include "tf2jax/ops/internal/threefry.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

using namespace tf2jax;

namespace {

using Words32 = std::vector<std::uint32_t>;

Array some_keys() { return random::split(random::raw_key(3), 2); }

}  // namespace

TEST(Threefry, KeysAreThoseOfJax) {
  const Array key = random::raw_key(3);
  EXPECT_EQ(threefry::split(key, {{Dim(2)}}).to_vector<std::uint32_t>(),
            (Words32{3716834203u, 3481239269u, 1946498123u, 2217676430u}));
  EXPECT_EQ(threefry::fold_in(key, array<std::uint32_t>(5u)).to_vector<std::uint32_t>(),
            (Words32{2464363587u, 131619366u}));
  EXPECT_EQ(threefry::seed(array<std::int32_t>(3)).to_vector<std::uint32_t>(), (Words32{0, 3}));
}

TEST(Threefry, BitsOfEveryWidthAreThoseOfThePrimitive) {
  for (const bool partitionable : {true, false})
    for (const std::int64_t width : {8, 16, 32, 64}) {
      const RandomBits p{width, {Dim(3), Dim(5)}, partitionable};
      const Array want = random_bits_p().bind1({random::wrap_key_data(some_keys())}, p);
      const Array got = threefry::bits(some_keys(), p);
      EXPECT_EQ(got.aval(), want.aval());
      EXPECT_EQ(got.to_vector<std::uint64_t>(), want.to_vector<std::uint64_t>()) << width << partitionable;
    }
}

TEST(Threefry, NoBitsAreNoBits) { EXPECT_EQ(threefry::bits(some_keys(), {32, {Dim(0)}}).size(), 0); }
