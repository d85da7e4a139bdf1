// Texts of analyses, and what an executable does unless it says otherwise.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <sstream>

namespace tf2jax {
namespace {

template <class T>
std::string text(const T& v) {
  std::ostringstream out;
  out << v;
  return out.str();
}

TEST(CostAnalysis, PrintsALineForEachFigure) {
  EXPECT_EQ(text(CostAnalysis{.flops = 12, .bytes_accessed = 2.5e6, .steps = 3}),
            "flops: 12\nbytes accessed: 2.5e+06\nsteps: 3\n");
}

TEST(MemoryAnalysis, PrintsALineForEachFigure) {
  EXPECT_EQ(text(MemoryAnalysis{.arguments = 1, .outputs = 2, .constants = 3, .temporaries = 4, .aliased = 5}),
            "arguments: 1 bytes\noutputs: 2 bytes\nconstants: 3 bytes\ntemporaries: 4 bytes\naliased: 5 bytes\n");
}

struct Twice final : Executable {
  Arrays run(std::span<const Array> args) const override { return {args[0] * 2.f}; }
  std::string explain() const override { return "twice"; }
  CostAnalysis cost() const override { return {}; }
  MemoryAnalysis memory() const override { return {}; }
};

TEST(Executable, RunsDonatedArgumentsAsOthers) {
  Arrays args{Array(3.f)};
  EXPECT_EQ(Twice().run_donated(args)[0].item<float>(), 6);
  EXPECT_EQ(args[0].item<float>(), 3);
}

TEST(CompileOptions, AreComparedByEveryField) {
  EXPECT_EQ(CompileOptions{}, CompileOptions{});
  EXPECT_NE(CompileOptions{}, CompileOptions{.flush_subnormals = true});
  EXPECT_NE(CompileOptions{.donated = {0}}, CompileOptions{.donated = {1}});
}

}  // namespace
}  // namespace tf2jax
