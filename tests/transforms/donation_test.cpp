// Donated arguments: whose memory results take, what is deleted, and what must not change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <map>

#include "../support.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const void* memory(const Array& x) { return x.bytes().data(); }
Array ramp(std::int64_t n, float start = 0) { return astype(arange(n), f32) + start; }
// What is warned of while it lives.
class Warnings {
 public:
  Warnings() : before_(set_warning_handler([this](std::string_view m) { messages.emplace_back(m); })) {}
  ~Warnings() { set_warning_handler(before_); }
  std::vector<std::string> messages;

 private:
  WarningHandler before_;
};

void expect_deleted(const Array& x) {
  EXPECT_TRUE(x.is_deleted());
  try {
    x.to_vector<float>();
    FAIL() << "no error";
  } catch (const DeletedArrayError& e) {
    EXPECT_THAT(e.what(), HasSubstr("Array has been deleted"));
    EXPECT_THAT(e.what(), HasSubstr("donate_argnums"));
  }
  EXPECT_THROW(x + 1.f, DeletedArrayError);
}

TEST(Donation, AResultTakesTheMemoryOfItsArgument) {
  const auto step = jit([](const Array& p, const Array& g) { return p - 0.5f * g; }, {.donate_argnums = {0}});
  Array p = ramp(1000);
  const Array g = full({1000}, 2.f);
  const void* before = memory(p);
  const Array q = step(p, g);
  EXPECT_EQ(q.item<float>(999), 998.f);
  if (is_compiled()) {
    EXPECT_EQ(memory(q), before);
  }
  expect_deleted(p);
  EXPECT_EQ(p.dims(), Dims{1000});
  EXPECT_EQ(g.item<float>(0), 2.f);
}

TEST(Donation, TrainingAllocatesNoNewParameters) {
  if (!is_compiled()) GTEST_SKIP();
  struct Layer {
    Array w, b;
  };
  using Parameters = std::map<std::string, Layer>;
  const auto loss = [](const Parameters& p, const Array& x) {
    return mean(square(tanh(matmul(x, p.at("a").w) + p.at("a").b) - 1.f)) + sum(square(p.at("z").w)) * 0.f;
  };
  const auto update = [&](const Parameters& p, const Array& x) {
    const Parameters g = grad(loss)(p, x);
    Parameters out;
    for (const auto& [name, layer] : p) out[name] = {layer.w - 0.1f * g.at(name).w, layer.b - 0.1f * g.at(name).b};
    return out;
  };
  const auto step = jit(update, {.donate_argnums = {0}});
  const Array x = reshape(ramp(64 * 50), {64, 50}) * 1e-3f;
  const auto start = [] {
    return Parameters{{"a", {ones({50, 40}) * 0.1f, zeros({40}) + 0.f}},
                      {"z", {ones({50, 40}) * 0.2f, zeros({40}) + 1.f}}};
  };
  Parameters p = start(), want = start();
  std::vector<const void*> before;
  tree::for_each_leaf(p, [&](const Array& a) { before.push_back(memory(a)); });
  for (int i = 0; i < 3; ++i) {
    p = step(p, x);
    want = jit(update)(want, x);
  }
  std::vector<const void*> after;
  tree::for_each_leaf(p, [&](const Array& a) { after.push_back(memory(a)); });
  EXPECT_EQ(after, before);
  EXPECT_EQ(p.at("a").w.to_vector<float>(), want.at("a").w.to_vector<float>());
  EXPECT_EQ(p.at("a").b.to_vector<float>(), want.at("a").b.to_vector<float>());
  EXPECT_EQ(step.lower(p, x).compile().memory().aliased, 2 * (50 * 40 + 40) * 4);
}

TEST(Donation, AStepInPlaceFreesAndTakesNoMemory) {
  if (!is_compiled()) GTEST_SKIP();
  const auto step = jit([](const Array& p, const Array& g) { return p - 0.5f * g; }, {.donate_argnums = {0}});
  Array p = ramp(1 << 20);
  const Array g = ones({1 << 20});
  p = step(p, g);
  release_pooled_memory();
  for (int i = 0; i < 3; ++i) p = step(p, g);
  EXPECT_EQ(pooled_bytes(), 0u);  // a buffer that was replaced would be kept here
  EXPECT_EQ(step.lower(p, g).compile().memory().temporaries, 0);
}

TEST(Donation, OtherHandlesKeepTheirValues) {
  const auto step = jit([](const Array& p) { return p * 2.f; }, {.donate_argnums = {0}});
  Array p = ramp(100), copy = p;
  const Array q = step(p);
  EXPECT_EQ(q.item<float>(99), 198.f);
  expect_deleted(p);
  EXPECT_EQ(copy.item<float>(99), 99.f);
  EXPECT_NE(memory(q), memory(copy));
}

TEST(Donation, ConstantHandlesAreDeletedWhereTheyAreTheOnlyOnes) {
  const auto step = jit([](const Array& p) { return p * 2.f; }, {.donate_argnums = {-1}});
  const Array p = ramp(100), shared = ramp(100), other = shared;
  EXPECT_EQ(step(p).item<float>(3), 6.f);
  expect_deleted(p);
  EXPECT_EQ(step(shared).item<float>(3), 6.f);
  EXPECT_EQ(shared.item<float>(3), 3.f);
}

TEST(Donation, MemoryThatIsNotOursIsNotWritten) {
  const auto step = jit([](const Array& p) { return p * 2.f; }, {.donate_argnums = {0}});
  const Floats mine{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  bool released = false;
  Array x = view_of(std::span<const float>(mine), {10}, [&] { released = true; });
  EXPECT_EQ(step(x).item<float>(9), 20.f);
  expect_deleted(x);
  EXPECT_TRUE(released);
  EXPECT_EQ(mine[9], 10.f);
  Array part = ramp(20), view = reshape(part, {4, 5});
  EXPECT_EQ(step(view).item<float>(3, 4), 38.f);
  EXPECT_EQ(part.item<float>(19), 19.f);
}

TEST(Donation, SmallArraysAndScalars) {
  const auto step =
      jit([](const Array& n, const Array& s) { return std::pair{n + 1.f, s * 2.f}; }, {.donate_argnums = {0, 1}});
  Array n = array<float>({1, 2});
  const auto [a, b] = step(n, 3.f);
  EXPECT_EQ(a.to_vector<float>(), (Floats{2, 3}));
  EXPECT_EQ(b.item<float>(), 6.f);
  expect_deleted(n);
}

TEST(Donation, ReturnedArgumentsKeepTheirMemory) {
  const auto f = jit([](const Array& x) { return std::tuple{x, x + 1.f, x}; }, {.donate_argnums = {0}});
  Array x = ramp(64);
  const void* before = memory(x);
  const auto [same, more, again] = f(x);
  EXPECT_EQ(memory(same), before);
  EXPECT_EQ(same.item<float>(63), 63.f);
  EXPECT_EQ(more.item<float>(63), 64.f);
  EXPECT_EQ(again.item<float>(63), 63.f);
  expect_deleted(x);
}

TEST(Donation, CompiledAheadOfTime) {
  const auto compiled = jit([](const Array& p, const Array& g) { return p - g; }, {.donate_argnums = {0}})
                            .lower(spec(f32, {50}), spec(f32, {50}))
                            .compile();
  Array p = ramp(50), copy = p, g = ones({50});
  EXPECT_EQ(compiled(p, g).item<float>(49), 48.f);
  expect_deleted(p);
  EXPECT_EQ(copy.item<float>(49), 49.f);
  Array q = ramp(50);
  const void* before = memory(q);
  q = compiled(q, g);
  if (is_compiled()) {
    EXPECT_EQ(memory(q), before);
    EXPECT_EQ(compiled.memory().aliased, 200);
    EXPECT_THAT(::testing::PrintToString(compiled.memory()), HasSubstr("aliased: 200 bytes"));
  }
  EXPECT_THROW(compiled(ramp(51), g), TypeError);
}

TEST(Donation, DonatingTwiceIsAnError) {
  const auto both = jit([](const Array& x, const Array& y) { return x + y; }, {.donate_argnums = {0, 1}});
  const auto one = jit([](const Array& x, const Array& y) { return x + y; }, {.donate_argnums = {1}});
  Array x = ramp(20);
  EXPECT_THROW(both(x, x), ValueError);
  try {
    one(x, x);
    FAIL() << "no error";
  } catch (const ValueError& e) {
    EXPECT_THAT(e.what(), HasSubstr("one buffer is donated twice"));
  }
  EXPECT_EQ(x.item<float>(19), 19.f);
  const Array y = ramp(20);
  EXPECT_EQ(one(x, ramp(20)).item<float>(19), 38.f);
  one(y, x);
  EXPECT_THROW(one(y, x), DeletedArrayError);
}

TEST(Donation, NothingIsLostWhenNothingRan) {
  const auto compiled = jit([](const Array& p, const Array& g) { return p - g; }, {.donate_argnums = {0}})
                            .lower(spec(f32, {50}), spec(f32, {50}))
                            .compile();
  Array p = ramp(50), shared = p, small = ramp(3);
  EXPECT_THROW(compiled(p, ones({51})), TypeError);
  EXPECT_EQ(p.item<float>(49), 49.f);
  shared = Array();
  EXPECT_THROW(compiled(p, ones({51})), TypeError);
  EXPECT_EQ(p.item<float>(49), 49.f);
  EXPECT_THROW(compiled(small, ones({50})), TypeError);
  EXPECT_EQ(small.to_vector<float>(), (Floats{0, 1, 2}));
  Array q = ramp(4);
  EXPECT_THROW(jit([](const Array& x) { return matmul(x, ones({5})); }, {.donate_argnums = {0}})(q), ShapeError);
  EXPECT_EQ(q.item<float>(3), 3.f);
}

TEST(Donation, ArgumentNumbersAreChecked) {
  const auto f = [](const Array& x) { return x; };
  EXPECT_THROW(jit(f, {.donate_argnums = {1}})(ones({2})), ValueError);
  EXPECT_THROW(jit(f, {.donate_argnums = {0, -1}})(ones({2})), ValueError);
  EXPECT_THROW(jit(f, {.donate_argnums = {-2}}).lower(spec(f32, {2})), ValueError);
}

TEST(Donation, WhatCannotBeUsedIsAWarning) {
  Warnings seen;
  Array x = ramp(30), y = ramp(40);
  const auto f =
      jit([](const Array& a, const Array& b) { return sum(a) + sum(b); }, {.name = "total", .donate_argnums = {0, 1}});
  EXPECT_EQ(f(x, y).item<float>(), 435.f + 780.f);
  ASSERT_EQ(seen.messages.size(), 1u);
  EXPECT_THAT(seen.messages[0], HasSubstr("Some donated buffers were not usable: f32[30], f32[40]"));
  EXPECT_THAT(seen.messages[0], HasSubstr("'total'"));
  expect_deleted(x);
  f(ramp(30), ramp(40));
  EXPECT_EQ(seen.messages.size(), 1u);  // once per program
}

TEST(Donation, UsableOnesAreNoWarning) {
  Warnings seen;
  jit([](const Array& a, const Array& b) { return std::pair{b, a * 2.f}; }, {.donate_argnums = {0, 1}})(ramp(9),
                                                                                                        ramp(9));
  EXPECT_THAT(seen.messages, IsEmpty());
}

TEST(Donation, TransformsIgnoreIt) {
  const auto f = jit([](const Array& x) { return x * x; }, {.donate_argnums = {0}});
  Array x = ramp(12);
  EXPECT_EQ(grad([&](const Array& v) { return sum(f(v)); })(x).item<float>(11), 22.f);
  EXPECT_EQ(vmap(f)(x).item<float>(11), 121.f);
  EXPECT_EQ(jit([&](const Array& v) { return f(v) + v; })(x).item<float>(11), 132.f);
  EXPECT_EQ(x.item<float>(11), 11.f);
  const auto off = override_config(&Config::disable_jit, true);
  f(x);
  EXPECT_FALSE(x.is_deleted());
}

TEST(Donation, SharedConstantsOfTheProgramStay) {
  Array w = ramp(100);
  const auto f = jit([w](const Array& x) { return x + w; }, {.donate_argnums = {0}});
  EXPECT_EQ(f(w).item<float>(99), 198.f);
  EXPECT_EQ(f(ramp(100)).item<float>(99), 198.f);
}

TEST(Donation, LoopsContinueInTheirArgument) {
  const auto fill = jit(
      [](const Array& cache, const Array& rows) {
        return scan(
                   [](const std::pair<Array, Array>& c, const Array& row) {
                     return std::pair{std::pair{c.first + 1, c.second.at(c.first).set(row)}, Array(0)};
                   },
                   std::pair{Array(2), cache}, rows)
            .first.second;
      },
      {.donate_argnums = {0}});
  Array cache = zeros({6, 100}) + 0.f;
  const void* before = memory(cache);
  cache = fill(cache, ones({3, 100}));
  if (is_compiled()) {
    EXPECT_EQ(memory(cache), before);
  }
  EXPECT_EQ(sum(cache, 1).to_vector<float>(), (Floats{0, 0, 100, 100, 100, 0}));
}

}  // namespace
}  // namespace tf2jax
