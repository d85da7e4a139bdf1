// Random numbers as parts of loops, against the interpreter, whose bits are those of recorded ones.
#include "check_program.h"

namespace tf2jax {
namespace {

bool calls(const Jaxpr& jaxpr) {
  return default_backend().compile(jaxpr, {})->explain().find("call ") != std::string::npos;
}

TEST(CompiledRandom, HashesAsPublished) {
  // Random123's known answer for 20 rounds, key and counter 0, as the two words that splitting by one gives.
  const Array word = jit([](const Array& data) {
    return random::key_data(random::split(random::wrap_key_data(data), 1));
  })(zeros({2}, u32));
  EXPECT_EQ(word.to_vector<std::uint32_t>(), (std::vector<std::uint32_t>{0x6b200159, 0x99ba4efe}));
}

TEST(CompiledRandom, BitsOfEveryWidth) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {u8, u16, u32, u64})
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{3, 7}, Shape{1000}, Shape{40, 33}}) {
      const auto f = [=](const Array& seed) { return random::bits(random::key(seed), shape, d); };
      check_function(f, Array(17));
      EXPECT_FALSE(calls(make_jaxpr(f)(Array(17))));
    }
}

TEST(CompiledRandom, SeedsOfEveryType) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {i8, i32, i64, u8, u32, u64})
    check_function([](const Array& seed) { return random::key_data(random::key(seed)); }, astype(Array(100), d));
  check_function([](const Array& seed) { return random::key_data(random::key(seed)); }, Array(std::int64_t{-5}));
  check_function([](const Array& seed) { return random::key_data(random::key(seed)); },
                 Array(std::int64_t{0x123456789abcdef}));
}

TEST(CompiledRandom, KeysAreDerivedAndMoved) {
  const Array key = random::key(3);
  const auto f = [](const Array& k) {
    const Array keys = random::split(k, 6);
    const Array folded = random::fold_in(keys[2], Array(9));
    return std::tuple{random::key_data(keys), random::normal(keys[1], {20}), random::uniform(folded, {3, 4}),
                      random::key_data(reshape(keys, {2, 3})[1])};
  };
  check_function(f, key);
  EXPECT_FALSE(calls(make_jaxpr(f)(key)));
  const auto data = [](const Array& keys) { return random::key_data(keys).to_vector<std::uint32_t>(); };
  EXPECT_EQ(data(jit([](const Array& k) { return random::split(k, 4); })(key)), data(random::split(key, 4)));
  check_function(
      [](const Array& k, const Array& b) { return random::key_data(select(b, k, random::fold_in(k, Array(1)))); }, key,
      Array(false));
}

TEST(CompiledRandom, BatchesOfKeys) {
  const Array keys = random::split(random::key(5), 7);
  check_function(vmap([](const Array& k) { return random::normal(k, {33}); }), keys);
  check_function(vmap([](const Array& k) { return random::key_data(random::split(k)); }), keys);
  check_function(vmap([](const Array& k, const Array& i) { return random::bits(random::fold_in(k, i), {2}); }), keys,
                 arange(7));
}

TEST(CompiledRandom, TheOriginalOrder) {
  const auto original = override_config(&Config::threefry_partitionable, false);
  for (const Shape& shape : {Shape{6}, Shape{7}, Shape{3, 5}})
    check_function(
        [=](const Array& seed) {
          return std::pair{random::bits(random::key(seed), shape),
                           random::key_data(random::split(random::key(seed), 3))};
        },
        Array(2));
}

TEST(CompiledRandom, LoopsCarryKeys) {
  const auto walk = [](const Array& key) {
    return scan(
        [](const std::pair<Array, Array>& c, const Array&) {
          const Array keys = random::split(c.first);
          const Array x = c.second + random::normal(keys[1], {8});
          return std::pair{std::pair{keys[0], x}, sum(x)};
        },
        std::pair{key, zeros({8})}, arange(10));
  };
  check_function([=](const Array& seed) { return walk(random::key(seed)).second; }, Array(1));
}

TEST(CompiledRandom, SamplersAreOneLoop) {
  const Array x = values({64, 32});
  const auto dropout = [](const Array& a) {
    return where(random::bernoulli(random::key(1), 0.9f, Shape{64, 32}), a / 0.9f, 0.f);
  };
  EXPECT_EQ(steps(make_jaxpr(dropout)(x)), 1);
  check_function(dropout, x);
  check_function([](const Array& a) { return a + random::normal(random::key(1), {64, 32}); }, x);
  check_function(
      [](const Array& a) {
        return a * random::exponential(random::key(1), {64, 32}) + random::gumbel(random::key(2), {64, 32});
      },
      x);
  check_function([](const Array& a) { return astype(random::randint(random::key(4), {64, 32}, -5, 100), f32) + a; }, x);
  check_function(
      grad([](const Array& a) { return sum(sin(a * random::truncated_normal(random::key(8), -2.f, 2.f, {64, 32}))); }),
      x);
}

}  // namespace
}  // namespace tf2jax
