// Calls of single operations beside TensorFlow's own values, bit for bit. tests/oracle/tf_text.py and tf_random.py
// record them.
#pragma once
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text_graph.h"

namespace tf2jax {

namespace detail {

using nlohmann::json;

// Bytes are recorded as characters up to 255.
inline std::string bytes_of(const std::string& utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    out += static_cast<char>(c < 128 ? c : c << 6 | (static_cast<unsigned char>(utf8[++i]) & 63));
  }
  return out;
}

template <class T>
Tree numbers_of(const json& values, const Dims& dims) {
  return from_span<T>(values.get<std::vector<T>>(), dims);
}

inline Tree tree_of(const json& x) {
  const Dims dims = x.at("shape");
  const std::string type = x.at("dtype");
  const json& values = x.at("values");
  if (type == "string") {
    StringTensor out{dims, {}};
    for (const std::string s : values) out.values.push_back(bytes_of(s));
    return out;
  }
  if (type == "float32") return numbers_of<float>(values, dims);
  if (type == "float64") return numbers_of<double>(values, dims);
  if (type == "float16") return astype(numbers_of<float>(values, dims), f16);
  if (type == "bfloat16") return astype(numbers_of<float>(values, dims), bf16);
  if (type == "int64") return numbers_of<std::int64_t>(values, dims);
  if (type == "uint64") return numbers_of<std::uint64_t>(values, dims);
  if (type == "uint32") return numbers_of<std::uint32_t>(values, dims);
  if (type == "int32") return numbers_of<std::int32_t>(values, dims);
  const auto flags = values.get<std::vector<bool>>();
  return astype(from_span<std::int32_t>(std::vector<std::int32_t>(flags.begin(), flags.end()), dims), bool_);
}

inline std::string proto_type(const Tree& x) {
  if (!x.is_leaf()) return "DT_STRING";
  const DType t = x.array().dtype();
  return t == f32 ? "DT_FLOAT" : t == i64 ? "DT_INT64" : t == i32 ? "DT_INT32" : t == u64 ? "DT_UINT64" : "DT_BOOL";
}

inline void check_case(const json& c) {
  std::string text;
  std::vector<std::string> inputs, outputs;
  CallArguments arguments;
  for (const auto& x : c.at("inputs")) {
    inputs.push_back(fmt::format("x{}", inputs.size()));
    arguments.positional.push_back(tree_of(x));
    std::string dims;
    for (const std::int64_t d : x.at("shape")) dims += fmt::format("dim {{ size: {} }} ", d);
    text += placeholder(inputs.back(), dims, proto_type(arguments.positional.back()));
  }
  for (const std::string node : c.at("nodes")) text += "node { " + node + " }\n";
  for (std::size_t i = 0; i < c.at("outputs").size(); ++i) outputs.push_back(fmt::format("y:{}", i));
  const Tree all = import(text, outputs, inputs).call(arguments);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tree &got = outputs.size() == 1 ? all : all[outputs[i]], wanted = tree_of(c.at("outputs")[i]);
    if (wanted.is_leaf()) {
      ASSERT_TRUE(got.is_leaf()) << c.dump();
      EXPECT_EQ(to_npy(got), to_npy(wanted)) << c.dump();
    } else {
      ASSERT_EQ(got.kind(), Tree::Kind::strings) << c.dump();
      EXPECT_EQ(got.strings(), wanted.strings()) << c.dump();
    }
  }
}

}  // namespace detail

/// Checks every case of a file below tests/golden, of which there are more than `at_least`.
inline void check_recorded(const std::string& file, std::size_t at_least) {
  std::ifstream in(TF2JAX_SOURCE_DIR "/tests/golden/" + file);
  const auto all = nlohmann::json::parse(in).at("cases");
  ASSERT_GT(all.size(), at_least);
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const auto& c : all) {
    try {
      detail::check_case(c);
    } catch (const Error& e) {
      ADD_FAILURE() << e.what() << "\n" << c.dump();
    }
  }
}

}  // namespace tf2jax
