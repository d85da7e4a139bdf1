// Operations come out of a list as they were put in: names, values, attributes, regions.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <random>

#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/module.h"

namespace tf2jax {
namespace {

using stablehlo::Attr;
using stablehlo::AttrPtr;
using stablehlo::Op;
using stablehlo::OpList;
using stablehlo::Region;
using stablehlo::ValueId;

void expect_same(const AttrPtr& a, const AttrPtr& b) {
  ASSERT_EQ(a == nullptr, b == nullptr);
  if (!a) return;
  EXPECT_EQ(a->kind, b->kind);
  EXPECT_EQ(a->integer, b->integer);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(a->real), std::bit_cast<std::uint64_t>(b->real));
  EXPECT_EQ(a->text, b->text);
  EXPECT_EQ(a->type ? a->type->to_string() : "", b->type ? b->type->to_string() : "");
  ASSERT_EQ(a->items.size(), b->items.size());
  for (std::size_t i = 0; i < a->items.size(); ++i) expect_same(a->items[i], b->items[i]);
}

void expect_same(const Op& a, const Op& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.offset, b.offset);
  EXPECT_EQ(a.operands, b.operands);
  EXPECT_EQ(a.results, b.results);
  ASSERT_EQ(a.attributes.size(), b.attributes.size());
  for (std::size_t i = 0; i < a.attributes.size(); ++i) {
    EXPECT_EQ(a.attributes[i].first, b.attributes[i].first);
    expect_same(a.attributes[i].second, b.attributes[i].second);
  }
  ASSERT_EQ(a.regions.size(), b.regions.size());
  for (std::size_t i = 0; i < a.regions.size(); ++i) {
    EXPECT_EQ(a.regions[i].arguments, b.regions[i].arguments);
    ASSERT_EQ(a.regions[i].ops.size(), b.regions[i].ops.size());
    auto other = b.regions[i].ops.begin();
    for (const Op& op : a.regions[i].ops) {
      expect_same(op, *other);
      ++other;
    }
  }
}

class Random {
 public:
  explicit Random(unsigned seed) : bits_(seed) {}

  Op op(const stablehlo::PoolPtr& pool, int depth = 0) {
    Op out;
    out.name = std::string(number(40), static_cast<char>('a' + number(3)));
    out.offset = bits_();
    out.operands = values(number(4) == 0 ? 40 : 4);
    out.results = values(number(4) == 0 ? 20 : 2);
    for (auto n = number(4); n > 0; --n) out.attributes.emplace_back(std::string(number(20), 'k'), attribute());
    if (depth < 3)
      for (auto n = number(3); n > 0; --n) {
        Region r;
        r.arguments = values(4);
        if (number(3) != 0) r.ops = OpList(number(2) == 0 ? pool : stablehlo::make_pool());
        for (auto k = number(4); k > 0; --k) r.ops.push_back(op(pool, depth + 1));
        out.regions.push_back(std::move(r));
      }
    return out;
  }
  AttrPtr attribute(int depth = 0) {
    if (number(8) == 0) return nullptr;
    Attr a;
    a.kind = static_cast<Attr::Kind>(number(11));
    if (number(2) == 0) a.integer = static_cast<std::int64_t>(static_cast<std::uint64_t>(bits_()) << 32 | bits_());
    constexpr std::array<double, 6> kReals{
        0.0, -0.0, 1e-300, -2.5, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
    a.real = kReals[number(kReals.size())];
    constexpr std::array<std::size_t, 5> kSizes{0, 1, 511, 512, 5000};  // around what counts as short
    if (number(2) == 0) a.text = std::string(kSizes[number(kSizes.size())], '\0') + static_cast<char>(number(3));
    if (number(2) == 0) a.type = stablehlo::tensor_type("f32", {static_cast<std::int64_t>(number(3))});
    if (number(4) == 0 && depth < 3) a.items = {attribute(depth + 1), attribute(depth + 1)};
    return std::make_shared<const Attr>(std::move(a));
  }

 private:
  std::size_t number(std::size_t limit) { return bits_() % limit; }
  std::vector<ValueId> values(std::size_t most) {
    std::vector<ValueId> out(number(most + 1));
    for (ValueId& v : out) v = static_cast<ValueId>(bits_() % (number(2) == 0 ? 100 : 0x7FFFFFFF));
    return out;
  }
  std::mt19937 bits_;
};

TEST(OpList, OperationsComeOutAsTheyWentIn) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto pool = stablehlo::make_pool();
    std::vector<Op> ops;
    OpList list(pool);
    for (int i = 0; i < 12; ++i) {
      ops.push_back(random.op(pool));
      list.push_back(ops.back());
    }
    ASSERT_EQ(list.size(), ops.size());
    std::size_t i = 0;
    for (const Op& op : list) expect_same(op, ops.at(i++));
    EXPECT_EQ(i, ops.size());
    expect_same(list.back(), ops.back());
    expect_same(list[5], ops[5]);
  }
}

TEST(OpList, CopiesAreListsOfTheirOwn) {
  Random random(1);
  const auto pool = stablehlo::make_pool();
  const Op a = random.op(pool), b = random.op(pool), c = random.op(pool);
  OpList first(pool, std::array{a});
  OpList second = first;
  second.push_back(b);
  first.push_back(c);
  ASSERT_EQ(first.size(), 2u);
  ASSERT_EQ(second.size(), 2u);
  expect_same(first[0], second[0]);
  expect_same(first.back(), c);
  expect_same(second.back(), b);
}

TEST(OpList, RegionsOutliveTheirOperation) {
  const auto pool = stablehlo::make_pool();
  Op inner;
  inner.name = "add";
  inner.operands = {3, 4};
  inner.results = {5};
  Op outer;
  outer.name = "while";
  outer.regions.resize(1);
  outer.regions[0].ops.push_back(inner);  // a list with a pool of its own
  Region region;
  {
    OpList list(pool);
    list.push_back(outer);
    region = list[0].regions[0];
  }
  expect_same(region.ops.back(), inner);
  region.ops.push_back(inner);
  EXPECT_EQ(region.ops.size(), 2u);
  expect_same(region.ops[1], inner);
}

TEST(OpList, APositionIsNoneUntilItIsSet) {
  EXPECT_FALSE(OpList::Iterator());
  EXPECT_TRUE(OpList().empty());
  EXPECT_EQ(OpList().begin(), OpList().end());
  const OpList list(stablehlo::make_pool(), std::array{Op{}});
  EXPECT_TRUE(list.begin());
  EXPECT_EQ(std::ranges::distance(list), 1);
}

TEST(TypeList, TypesOfValues) {
  stablehlo::TypeList types;
  EXPECT_FALSE(types.has_open_sizes());
  types.push_back(stablehlo::tensor_type("f32", {2, 3}));
  types.push_back(stablehlo::tensor_type("i1", {}));
  types.push_back(stablehlo::tensor_type("f32", {2, 3}));
  ASSERT_EQ(types.size(), 3u);
  EXPECT_EQ(types[1]->to_string(), "tensor<i1>");
  EXPECT_EQ(types[0], types[2]) << "the same type is kept once";
  EXPECT_FALSE(types.has_open_sizes());
  types.push_back(stablehlo::tensor_type("f32", {stablehlo::kDynamic}));
  EXPECT_TRUE(types.has_open_sizes());
}

}  // namespace
}  // namespace tf2jax
