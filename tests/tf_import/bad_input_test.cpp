// Damaged files and wrong calls: every failure is one of the library's errors and names what is wrong.
#include "tf2jax/base/config.h"
#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/tf_graph/graph_builder.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_import/convert.h"
#include "tf2jax/trace/parse.h"
#include "tf2jax/transforms/make_jaxpr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <sstream>

#include "../support.h"

namespace tf2jax {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class BadInput : public TestWithFolder {
 protected:
  void SetUp() override {
    GraphBuilder g;
    const auto x = g.placeholder("x", f32, {2, 3});
    const auto y = g.node("AddV2", "y", {x, g.variable("bias", array<float>({1, 2, 3}))}, f32);
    g.save(directory_, {{"serving_default", {.inputs = {{"x", x}}, .outputs = {{"y", y}}}}});
  }
  fs::path checkpoint(const char* suffix) const {
    return directory_ / "variables" / ("variables." + std::string(suffix));
  }
  fs::path data() const { return checkpoint("data-00000-of-00001"); }
};

TEST_F(BadInput, MissingFileIsNamed) {
  EXPECT_THAT(message_of<IoError>([] { convert("/nonexistent/model.pb"); }), HasSubstr("/nonexistent/model.pb"));
  fs::remove(directory_ / "saved_model.pb");
  EXPECT_THAT(message_of<IoError>([&] { convert(directory_); }), HasSubstr(directory_.string()));
}

TEST_F(BadInput, FileThatIsNoProtobufIsNamed) {
  detail::replace_file(directory_ / "saved_model.pb", "this is not a model");
  EXPECT_THAT(message_of<ParseError>([&] { convert(directory_); }), HasSubstr("saved_model.pb"));
  const auto graph = directory_ / "graph.pb";
  detail::replace_file(graph, "\xff\xff\xff\xff nor is this");
  EXPECT_THAT(message_of<ParseError>([&] { convert(graph, {.outputs = {"y"}}); }), HasSubstr("graph.pb"));
}

TEST_F(BadInput, TruncatedCheckpointNamesTheTensor) {
  const std::string good = detail::read_file(data());
  detail::replace_file(data(), good.substr(0, good.size() - 4));
  EXPECT_THAT(message_of<DataLossError>([&] { convert(directory_); }), HasSubstr("bias"));
}

TEST_F(BadInput, MissingCheckpointFileIsNamed) {
  fs::remove(data());
  EXPECT_THAT(message_of<IoError>([&] { convert(directory_); }), HasSubstr("variables.data-00000-of-00001"));
}

TEST_F(BadInput, FlippedByteInTheCheckpointNamesTheTensor) {
  std::string bytes = detail::read_file(data());
  bytes[5] = static_cast<char>(bytes[5] ^ 1);
  detail::replace_file(data(), bytes);
  EXPECT_THAT(message_of<DataLossError>([&] { convert(directory_); }), HasSubstr("bias"));
}

TEST(BadGraph, CycleNamesANodeOfIt) {
  const Graph g = Graph::parse_text("node { name: 'a' op: 'Neg' input: 'b' } node { name: 'b' op: 'Neg' input: 'a' }");
  EXPECT_THAT(message_of<ValueError>([&] { convert(g, {.outputs = {"b"}}); }),
              ::testing::ContainsRegex("cycle.*'[ab]'"));
}

TEST(BadGraph, UnknownOperationIsNamed) {
  const Graph g = Graph::parse_text("node { name: 'odd' op: 'SparseCross' }");
  const auto text = message_of<UnsupportedOpError>([&] { convert(g, {.outputs = {"odd"}}); });
  EXPECT_THAT(text, HasSubstr("SparseCross"));
  EXPECT_THAT(text, HasSubstr("odd"));
}

TEST_F(BadInput, WrongShapeNamesTheArgument) {
  const auto f = convert(directory_);
  EXPECT_THAT(message_of<ValueError>([&] { f(kw("x", ones({2, 4}))); }), HasSubstr("'x'"));
}

TEST_F(BadInput, WrongDtypeNamesTheArgumentWhenStrict) {
  const auto f = convert(directory_);
  const auto strict = override_config(&Config::strict_dtype_check, true);
  const auto text = message_of<ValueError>([&] { f(kw("x", ones({2, 3}, i32))); });
  EXPECT_THAT(text, HasSubstr("'x'"));
  EXPECT_THAT(text, HasSubstr("int32"));
}

TEST_F(BadInput, MissingInputIsNamed) {
  const auto f = convert(directory_);
  EXPECT_THAT(message_of<MissingInputError>([&] { f(); }), HasSubstr("x"));
}

// Unlike the library's writer, does not wait for the disk; neither does a new file, where one cut to nothing would.
void write(const fs::path& file, const std::string& bytes) {
  fs::remove(file);
  std::ofstream(file, std::ios::binary) << bytes;
}

// Mutations of good bytes: flips of one to four bytes, half of them cut short. Only the library's errors may come out.
template <class F>
void mutate(const std::string& good, int rounds, F read) {
  std::mt19937 engine(20240229);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(engine() % n); };
  for (int i = 0; i < rounds; ++i) {
    std::string bad = good;
    for (std::size_t flips = 1 + below(4); flips > 0; --flips) bad[below(bad.size())] = static_cast<char>(engine());
    if (below(2)) bad.resize(below(bad.size()));
    try {
      read(bad);
    } catch (const InternalError& e) {
      FAIL() << "round " << i << ": " << e.what();
    } catch (const Error&) {
    } catch (const std::exception& e) {
      FAIL() << "round " << i << ": not an error of the library: " << e.what();
    }
  }
}

std::string small_graph() {
  return Graph::parse_text(R"(
    node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape { dim { size: 2 } dim { size: 3 } } } } }
    node { name: "w" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 3 } dim { size: 2 } } float_val: [1, 2, 3, 4, 5, 6] } } } }
    node { name: "p" op: "MatMul" input: "x" input: "w" attr { key: "T" value { type: DT_FLOAT } } attr { key: "transpose_b" value { b: false } } }
    node { name: "axes" op: "Const" attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1 } } } }
    node { name: "s" op: "Sum" input: "p" input: "axes" attr { key: "keep_dims" value { b: true } } }
    node { name: "y" op: "Sub" input: "p" input: "s" })")
      .serialize();
}

TEST(Mutations, OfAGraph) {
  mutate(small_graph(), 3000, [](const std::string& bytes) {
    const auto f = convert(Graph::parse(bytes), {.inputs = {"x"}, .outputs = {"y"}});
    (void)f(ones({2, 3}));
  });
}

TEST_F(BadInput, MutationsOfASavedModel) {
  const auto file = directory_ / "saved_model.pb";
  mutate(detail::read_file(file), 1000, [&](const std::string& bytes) {
    write(file, bytes);
    const auto f = convert(directory_);
    (void)f(ones({2, 3}));
  });
}

TEST_F(BadInput, MutationsOfACheckpoint) {
  for (const auto& file : {checkpoint("index"), data()}) {
    const std::string good = detail::read_file(file);
    mutate(good, 500, [&](const std::string& bytes) {
      write(file, bytes);
      (void)convert(directory_);
    });
    write(file, good);
  }
}

TEST(Mutations, OfArrayFiles) {
  const Array x = array<float>({{1, 2, 3}, {4, 5, 6}});
  mutate(to_npy(x), 3000, [](const std::string& bytes) { (void)parse_npy(bytes); });
  for (const bool compress : {false, true}) {
    mutate(to_npz({{"a", x}, {"b", x}}, {.compress = compress}), 3000,
           [](const std::string& bytes) { (void)parse_npz(bytes); });
  }
}

TEST(Mutations, OfAProgram) {
  std::ostringstream text;
  text << make_jaxpr([](const Array& x) { return sum(sin(x) * 2.0f + reshape(x, {3, 2}).size()); })(spec(f32, {2, 3}));
  mutate(text.str(), 3000, [](const std::string& bytes) {
    const Jaxpr program = parse_jaxpr(bytes);
    check_jaxpr(program);
  });
}

}  // namespace
}  // namespace tf2jax
