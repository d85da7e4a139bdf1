// Lookup tables: known and traced keys, and tables that a graph fills.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/tf_import/internal/lookup_table.h"

namespace tf2jax {
namespace {

LookupTable numbers() {
  LookupTable t;
  t.insert(array<std::int64_t>({7, -2, 40}), array<float>({0.5f, 1.5f, 2.5f}));
  return t;
}

TEST(LookupTable, FindsKnownNumbers) {
  const LookupTable t = numbers();
  const Value found = t.find(Value(array<std::int32_t>({{40, 7}, {0, -2}}), true), Value(Array(9.f), true));
  ASSERT_NE(found.get_if<Array>(), nullptr);
  EXPECT_EQ(found.get_if<Array>()->to_vector<float>(), (std::vector<float>{2.5f, 0.5f, 9, 1.5f}));
  EXPECT_EQ(found.get_if<Array>()->dims(), (Dims{2, 2}));
  EXPECT_EQ(t.size(), 3);
}

TEST(LookupTable, FindsTracedNumbers) {
  const LookupTable t = numbers();
  const auto look = [&](const Array& keys) { return *t.find(Value(keys), Value(Array(9.f), true)).get_if<Array>(); };
  const Array keys = array<std::int32_t>({40, 41, -2, -3, 7});
  const std::vector<float> expected{2.5f, 9, 1.5f, 9, 0.5f};
  EXPECT_EQ(look(keys).to_vector<float>(), expected);
  EXPECT_EQ(jit(look)(keys).to_vector<float>(), expected);
  EXPECT_EQ(vmap(look)(keys).to_vector<float>(), expected);
}

TEST(LookupTable, KeysThatADtypeCannotHoldAreNobodys) {
  LookupTable t;
  {
    const auto x64 = override_config(&Config::enable_x64, true);
    t.insert(array<std::int64_t>({(std::int64_t{1} << 32) + 5, 3}), array<float>({1, 2}));
  }
  const Value found = t.find(Value(array<std::int32_t>({5, 3})), Value(Array(0.f), true));
  EXPECT_EQ(found.get_if<Array>()->to_vector<float>(), (std::vector<float>{0, 2}));
}

TEST(LookupTable, FindsStrings) {
  LookupTable t;
  t.insert(StringTensor{{2}, {"cat", "dog"}}, array<std::int64_t>({1, 2}));
  const Value found = t.find(Value(StringTensor{{3}, {"dog", "cow", "cat"}}), Value(Array(-1), true));
  EXPECT_EQ(astype(*found.get_if<Array>(), i32).to_vector<std::int32_t>(), (std::vector<std::int32_t>{2, -1, 1}));
  LookupTable names;
  names.insert(array<std::int64_t>({1, 2}), StringTensor{{2}, {"one", "two"}});
  const Value text = names.find(Value(array<std::int32_t>({2, 5}), true), Value(StringTensor{{}, {"many"}}));
  EXPECT_EQ(text.get_if<StringTensor>()->values, (std::vector<std::string>{"two", "many"}));
}

TEST(LookupTable, TheFirstValueOfAKeyStays) {
  LookupTable t;
  t.insert(array<std::int64_t>({1, 1}), array<float>({3, 4}));
  t.insert(array<std::int64_t>({1, 2}), array<float>({5, 6}));
  const Value found = t.find(Value(array<std::int32_t>({1, 2}), true), Value(Array(0.f), true));
  EXPECT_EQ(found.get_if<Array>()->to_vector<float>(), (std::vector<float>{3, 6}));
}

TEST(LookupTable, RefusesWhatDoesNotFit) {
  LookupTable t = numbers();
  EXPECT_THROW(t.insert(array<std::int64_t>({1}), array<float>({1, 2})), ValueError);
  EXPECT_THROW(t.insert(StringTensor{{1}, {"a"}}, array<float>({1})), TypeError);
  EXPECT_THROW(t.insert(array<float>({1}), array<float>({1})), TypeError);
  EXPECT_THROW(t.find(Value(StringTensor{{1}, {"a"}}), Value(Array(0.f), true)), TypeError);
  t.seal();
  EXPECT_THROW(t.insert(array<std::int64_t>({1}), array<float>({1})), NotImplementedError);
}

std::string vector_of(const std::string& name, const std::string& type, int count, const std::string& values) {
  return fmt::format(
      "node {{ name: \"{}\" op: \"Const\" attr {{ key: \"dtype\" value {{ type: DT_{} }} }} attr {{ key: \"value\" "
      "value {{ "
      "tensor {{ dtype: DT_{} tensor_shape {{ dim {{ size: {} }} }} {} }} }} }} }}\n",
      name, type, type, count, values);
}

TEST(GraphTables, AreFilledWhenTheModelIsOpened) {
  const std::string text =
      "node { name: \"x\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_INT64 } } }\n" +
      vector_of("keys", "INT64", 2, "int64_val: 4 int64_val: 9") +
      vector_of("values", "FLOAT", 2, "float_val: 0.25 float_val: 0.75") +
      vector_of("other", "FLOAT", 1, "float_val: -1") +
      "node { name: \"default\" op: \"Reshape\" input: \"other\" input: \"shape\" attr { key: \"T\" value { type: "
      "DT_FLOAT } } }\n"
      "node { name: \"shape\" op: \"Const\" attr { key: \"dtype\" value { type: DT_INT32 } } attr { key: \"value\" "
      "value { "
      "tensor { dtype: DT_INT32 tensor_shape { dim { size: 0 } } } } } }\n"
      "node { name: \"table\" op: \"HashTableV2\" }\n"
      "node { name: \"fill\" op: \"InitializeTableV2\" input: \"table\" input: \"keys\" input: \"values\" }\n"
      "node { name: \"y\" op: \"LookupTableFindV2\" input: \"table\" input: \"x\" input: \"default\" }\n";
  const auto f = convert(Graph::parse_text(text), {.inputs = {"x"}, .outputs = {"y"}});
  EXPECT_EQ(Array(f(array<std::int32_t>({9, 5, 4}))).to_vector<float>(), (std::vector<float>{0.75f, -1, 0.25f}));
}

}  // namespace
}  // namespace tf2jax
