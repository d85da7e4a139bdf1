// docs/errors.md lists every exception, and the messages that it shows are those that are thrown.
#include <tf2jax/tf2jax.h>
#include <tf2jax/trace/backend.h>

#include <functional>
#include <regex>
#include <set>

#include "../support.h"
#include "pages.h"

namespace tf2jax {
namespace {

std::set<std::string> exceptions() {
  static const std::regex declared(R"(class (\w+) : public )");
  std::set<std::string> out;
  for (const char* header : {"src/base/error.h", "src/trace/backend.h"}) {
    const std::string text = text_of(header);
    for (std::sregex_iterator it(text.begin(), text.end(), declared), end; it != end; ++it)
      if (const std::string name = (*it)[1];
          name.ends_with("Error") || name.starts_with("Missing") || name.starts_with("Inconclusive"))
        out.insert(name);
  }
  return out;
}

TEST(ErrorsPage, ListsEveryException) {
  const std::string page = text_of("docs/errors.md");
  EXPECT_GT(exceptions().size(), 20u);
  for (const std::string& name : exceptions())
    EXPECT_NE(page.find("| `" + name + "` |"), std::string::npos) << "docs/errors.md does not list " << name;
}

// The first line of what `f` throws, which must be shown.
template <class E>
void expect_shown(const std::function<void()>& f) {
  const std::string message = message_of<E>(f);
  const std::size_t start = message.find_first_not_of('\n');
  ASSERT_NE(start, std::string::npos);
  const std::string line = message.substr(start, message.find('\n', start) - start);
  EXPECT_NE(text_of("docs/errors.md").find(line), std::string::npos) << "docs/errors.md lacks\n" << line;
}

const Array v3 = array<float>({1.f, 2.f, 3.f});
const Array m = ones({2, 3});

TEST(ErrorsPage, ShowsMessagesAboutArguments) {
  expect_shown<ValueError>([] { linspace(0, 1, -1); });
  expect_shown<ShapeError>([] { matmul(m, ones({4, 5})); });
  expect_shown<ShapeError>([] { add(v3, ones({4})); });
  expect_shown<AxisError>([] { sum(v3, {2}); });
  expect_shown<TypeError>([] { grad([](const Array& x) { return x; })(v3); });
  expect_shown<DtypeError>([] { bitwise_and(v3, v3); });
  expect_shown<TreeError>([] { jvp([](const Array& x) { return sin(x); }, {v3}, {v3, v3}); });
  expect_shown<LookupError>([] { Params().at("bias"); });
  expect_shown<ParseError>([] { parse_jaxpr("{ lambda ; a:f32[3] let"); });
  expect_shown<InconclusiveDimensionOperation>([] { (void)(Dim::variable("a") >= Dim::variable("b")); });
}

TEST(ErrorsPage, ShowsMessagesOfTracing) {
  expect_shown<ConcretizationError>([] { jit([](const Array& x) { return x > 0.f ? x : -x; })(1.f); });
  expect_shown<UnexpectedTracerError>([] {
    Array kept;
    jit([&](const Array& x) { return kept = x; })(v3);
    sin(kept);
  });
  expect_shown<DeletedArrayError>([] {
    Array x = ones({3});
    jit([](const Array& a) { return a + 1.f; }, {.donate_argnums = {0}})(x);
    x.item<float>(0);
  });
  expect_shown<NotImplementedError>(
      [] { parse_jaxpr("{ lambda ; a:f32[3]. let b:f32[3] = custom_linear_solve a in (b,) }"); });
  expect_shown<MissingRule>([] {
    const Primitive cube =
        make_primitive({.name = "cube", .operands = 1, .aval = rules::same_as_operand(kind::inexact)});
    jit(vmap([&](const Array& x) { return cube.bind1({x}); }))(m);
  });
  expect_shown<ResourceExhaustedError>([] { zeros({std::int64_t{1} << 40}); });
}

TEST(ErrorsPage, ShowsMessagesOfModels) {
  GraphBuilder g;
  const std::string x = g.placeholder("x", f32, {2});
  g.node("SparseCross", "features/cross", {x});
  g.node("MatrixBandPart", "mask", {x, g.constant("lower", Array(0)), g.constant("upper", Array(0))});
  const auto convert_to = [&](const char* output) {
    return convert_functional(g.graph(), {.inputs = {"x"}, .outputs = {output}});
  };
  expect_shown<UnsupportedOpError>([&] { convert_to("features/cross"); });
  expect_shown<ImportError>([&] { convert_to("mask")(ones({2})); });
  expect_shown<MissingInputError>([&] { convert_functional(g.graph(), {.inputs = {"x"}, .outputs = {"x"}})(); });
  expect_shown<IoError>([] { convert("no/such/model"); });
}

TEST(ErrorsPage, ShowsThatOurFaultAsksForAReport) {
  expect_shown<InternalError>(
      [] { raise<InternalError>("plan: two values that live at once share bytes of the arena."); });
}

}  // namespace
}  // namespace tf2jax
