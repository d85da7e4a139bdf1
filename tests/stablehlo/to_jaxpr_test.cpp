// Modules as programs: sizes, assertions, unknown operations, loops with derivatives.
#include "programs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

// mean over an axis whose size is open, at least 2.
constexpr const char* kMean = R"(module @m {
  func.func public @main(%x: tensor<?x2xf32>) -> (tensor<2xf32>) {
    %two = stablehlo.constant dense<2> : tensor<i32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x2xf32>) -> tensor<i32>
    %ok = stablehlo.compare GE, %n, %two, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.custom_call @shape_assertion(%ok, %n) {api_version = 2 : i32, error_message = "Too small: {0}.", has_side_effect = true} : (tensor<i1>, tensor<i32>) -> ()
    %s = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<?x2xf32>, tensor<f32>) -> tensor<2xf32>
    %f = stablehlo.convert %n : (tensor<i32>) -> tensor<f32>
    %d = stablehlo.broadcast_in_dim %f, dims = [] : (tensor<f32>) -> tensor<2xf32>
    %y = stablehlo.divide %s, %d : tensor<2xf32>
    return %y : tensor<2xf32>
  }
})";

constexpr const char* kPower = R"(module @m {
  func.func public @main(%x: tensor<f32>) -> (tensor<f32>) {
    %i = stablehlo.constant dense<0> : tensor<i32>
    %n = stablehlo.constant dense<4> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %y:2 = stablehlo.while(%k = %i, %p = %x) : tensor<i32>, tensor<f32>
    cond {
      %0 = stablehlo.compare LT, %k, %n, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %0 : tensor<i1>
    } do {
      %0 = stablehlo.add %k, %one : tensor<i32>
      %1 = stablehlo.multiply %p, %x : tensor<f32>
      stablehlo.return %0, %1 : tensor<i32>, tensor<f32>
    }
    return %y#1 : tensor<f32>
  }
})";

}  // namespace

TEST(ToJaxpr, OpenSizesAreThoseOfTheInputs) {
  for (const std::int64_t n : {2, 5}) {
    const Array x = astype(reshape(arange(2 * n), {n, 2}), f32);
    const auto y = run_text(kMean, {x})[0].to_vector<float>();
    EXPECT_FLOAT_EQ(y[0], static_cast<float>(n - 1));
    EXPECT_FLOAT_EQ(y[1], static_cast<float>(n));
  }
}

TEST(ToJaxpr, AnAssertionThatFailsHasItsOwnText) {
  try {
    (void)run_text(kMean, {ones({1, 2})});
    FAIL() << "no error";
  } catch (const ValueError& e) {
    EXPECT_STREQ(e.what(), "Too small: 1.");
  }
  stablehlo::TranslateOptions unchecked;
  unchecked.check_shapes = false;
  EXPECT_NO_THROW(run_text(kMean, {ones({1, 2})}, unchecked));
}

TEST(ToJaxpr, CountedLoopsHaveGradients) {
  const auto module = stablehlo::parse_module(kPower);
  const Jaxpr program = stablehlo::to_jaxpr(module, {spec(f32)});
  const auto f = [&](const Array& x) { return eval_jaxpr(program, std::vector<Array>{x})[0]; };
  EXPECT_FLOAT_EQ(f(1.5f).item<float>(), std::pow(1.5f, 5));
  EXPECT_FLOAT_EQ(grad(f)(array(1.5f)).item<float>(), 5 * std::pow(1.5f, 4));
  EXPECT_FLOAT_EQ(grad(grad(f))(array(1.5f)).item<float>(), 20 * std::pow(1.5f, 3));
}

TEST(ToJaxpr, UnknownOperationsAreListedTogether) {
  const std::string text = unary_text(
      "%0 = \"stablehlo.frobnicate\"(%x) : (tensor<3xf32>) -> tensor<3xf32>\n"
      "%1 = stablehlo.custom_call @nobody_knows(%0) {api_version = 2 : i32} : (tensor<3xf32>) -> tensor<3xf32>\n"
      "%y = \"stablehlo.frobnicate\"(%1) : (tensor<3xf32>) -> tensor<3xf32>");
  try {
    (void)run_text(text, {three()});
    FAIL() << "no error";
  } catch (const NotImplementedError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("'frobnicate' (2)"));
    EXPECT_THAT(e.what(), ::testing::HasSubstr("'custom_call @nobody_knows' (1)"));
  }
}

TEST(ToJaxpr, CustomCallsCanBeGiven) {
  const std::string text =
      unary_text("%y = stablehlo.custom_call @mine(%x) {api_version = 2 : i32} : (tensor<3xf32>) -> tensor<3xf32>");
  stablehlo::TranslateOptions options;
  options.custom_calls["mine"] = [](const std::string&, const stablehlo::Attr*, const Arrays& xs, const Avals&) {
    return Arrays{mul(xs[0], 10.f)};
  };
  EXPECT_EQ(run_text(text, {three()}, options)[0].to_vector<float>(), (std::vector<float>{10.f, 20.f, 30.f}));
}

TEST(ToJaxpr, OperandsOfOtherTypesAreErrors) {
  EXPECT_THROW(run_text(unary_text("%y = stablehlo.negate %x : tensor<3xf32>"), {ones({4})}), ShapeError);
  EXPECT_THROW(run_text(unary_text("%y = stablehlo.negate %x : tensor<3xf32>"), {ones({3}, i32)}), DtypeError);
}

TEST(ToJaxpr, OperationsThatContradictTheirTypesAreErrors) {
  EXPECT_THROW(run_text(unary_text("%y = stablehlo.slice %x [0:2] : (tensor<3xf32>) -> tensor<3xf32>"), {three()}),
               ValueError);
}

TEST(ToJaxpr, FunctionsThatCallThemselvesAreErrors) {
  EXPECT_THROW(run_text("module @m {\n func.func public @main(%x: tensor<f32>) -> tensor<f32> {\n"
                        " %0 = call @main(%x) : (tensor<f32>) -> tensor<f32>\n return %0 : tensor<f32>\n }\n}",
                        {array(1.f)}),
               Error);
}

TEST(ToJaxpr, SortsDescendInTheTotalOrder) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto y =
      run_text(unary_text("%y = \"stablehlo.sort\"(%x) <{dimension = 0 : i64, is_stable = true}> ({\n"
                          "^bb0(%a: tensor<f32>, %b: tensor<f32>):\n"
                          " %0 = stablehlo.compare GT, %a, %b, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
                          " stablehlo.return %0 : tensor<i1>\n}) : (tensor<3xf32>) -> tensor<3xf32>"),
               {array<float>({-1.f, nan, 2.f})})[0]
          .to_vector<float>();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 2.f);
  EXPECT_EQ(y[2], -1.f);
}

// State (1, 2^32) and (2, 4): recorded from JAX 0.11 on CPUs.
TEST(ToJaxpr, PhiloxBitsAreXlas) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const auto y = run_text(
      "module @m {\n func.func public @main(%s: tensor<2xui64>) -> (tensor<2xui64>, tensor<ui32>) {\n"
      " %a, %b = stablehlo.rng_bit_generator %s, algorithm = PHILOX : (tensor<2xui64>) -> (tensor<2xui64>, "
      "tensor<ui32>)\n"
      " return %a, %b : tensor<2xui64>, tensor<ui32>\n }\n}",
      {array<std::uint64_t>({1u, std::uint64_t{1} << 32})});
  EXPECT_EQ(y[0].to_vector<std::uint64_t>(), (std::vector<std::uint64_t>{1u, (std::uint64_t{1} << 32) + 1}));
  EXPECT_EQ(y[1].item<std::uint32_t>(), 103692430u);
}

TEST(ToJaxpr, BranchesOutOfRangeAreTheLast) {
  const std::string text = R"(module @m {
  func.func public @main(%i: tensor<i32>) -> (tensor<i32>) {
    %y = "stablehlo.case"(%i) ({
      %0 = stablehlo.constant dense<10> : tensor<i32>
      stablehlo.return %0 : tensor<i32>
    }, {
      %0 = stablehlo.constant dense<11> : tensor<i32>
      stablehlo.return %0 : tensor<i32>
    }, {
      %0 = stablehlo.constant dense<12> : tensor<i32>
      stablehlo.return %0 : tensor<i32>
    }) : (tensor<i32>) -> tensor<i32>
    return %y : tensor<i32>
  }
})";
  for (const auto& [index, want] : {std::pair{0, 10}, {1, 11}, {2, 12}, {3, 12}, {-1, 12}})
    EXPECT_EQ(run_text(text, {array<std::int32_t>(index)})[0].item<int>(), want) << index;
}

TEST(ToJaxpr, ZerosOfBothSignsAreTiesOfADescendingSort) {
  const auto y = run_text(R"(module @m {
  func.func public @main(%x: tensor<4xf32>, %i: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xi32>) {
    %y:2 = "stablehlo.sort"(%x, %i) <{dimension = 0 : i64, is_stable = true}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<i32>, %d: tensor<i32>):
      %0 = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %0 : tensor<i1>
    }) : (tensor<4xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xi32>)
    return %y#0, %y#1 : tensor<4xf32>, tensor<4xi32>
  }
})",
                          {array<float>({-0.f, 0.f, 1.f, -0.f}), array<std::int32_t>({0, 1, 2, 3})});
  EXPECT_EQ(y[1].to_vector<std::int32_t>(), (std::vector<std::int32_t>{2, 0, 1, 3}));
}

namespace {

// The largest of %x and its position, beginning with these; ties take the smaller position, as in jax.numpy.argmax.
std::string argmax_text(const std::string& value, const std::string& position) {
  return "module @m {\n func.func public @main(%x: tensor<3xf32>) -> (tensor<f32>, tensor<i32>) {\n"
         " %v = stablehlo.constant dense<" +
         value + "> : tensor<f32>\n %p = stablehlo.constant dense<" + position +
         R"(> : tensor<i32>
    %i = stablehlo.iota dim = 0 : tensor<3xi32>
    %y:2 = stablehlo.reduce(%x init: %v), (%i init: %p) across dimensions = [0] : (tensor<3xf32>, tensor<3xi32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<i32>)
     reducer(%a: tensor<f32>, %b: tensor<f32>) (%c: tensor<i32>, %d: tensor<i32>) {
      %0 = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %1 = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %2 = stablehlo.or %0, %1 : tensor<i1>
      %3 = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
      %4 = stablehlo.compare LT, %c, %d, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %5 = stablehlo.and %3, %4 : tensor<i1>
      %6 = stablehlo.or %2, %5 : tensor<i1>
      %7 = stablehlo.select %2, %a, %b : tensor<i1>, tensor<f32>
      %8 = stablehlo.select %6, %c, %d : tensor<i1>, tensor<i32>
      stablehlo.return %7, %8 : tensor<f32>, tensor<i32>
    }
    return %y#0, %y#1 : tensor<f32>, tensor<i32>
  }
})";
}

}  // namespace

TEST(ToJaxpr, ReductionsToAPlaceBeginWithTheirInitialValues) {
  const auto found = [](const std::string& value, const std::string& position) {
    const auto y = run_text(argmax_text(value, position), {array<float>({1.f, 3.f, 3.f})});
    return std::pair(y[0].item<float>(), y[1].item<int>());
  };
  EXPECT_EQ(found("0xFF800000", "0"), std::pair(3.f, 1));
  EXPECT_EQ(found("7.0", "-4"), std::pair(7.f, -4));
}

TEST(ToJaxpr, CountersOfNarrowTypesWrapAround) {
  // 120, 123, 126, -127: at 4 the loop has gone around, as i8 does.
  const std::string text = R"(module @m {
  func.func public @main(%x: tensor<i32>) -> (tensor<i32>) {
    %i = stablehlo.constant dense<120> : tensor<i8>
    %n = stablehlo.constant dense<126> : tensor<i8>
    %three = stablehlo.constant dense<3> : tensor<i8>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %y:2 = stablehlo.while(%k = %i, %p = %x) : tensor<i8>, tensor<i32>
    cond {
      %0 = stablehlo.compare LE, %k, %n, SIGNED : (tensor<i8>, tensor<i8>) -> tensor<i1>
      %1 = stablehlo.constant dense<100> : tensor<i32>
      %2 = stablehlo.compare LT, %p, %1, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %3 = stablehlo.and %0, %2 : tensor<i1>
      stablehlo.return %3 : tensor<i1>
    } do {
      %0 = stablehlo.add %k, %three : tensor<i8>
      %1 = stablehlo.add %p, %one : tensor<i32>
      stablehlo.return %0, %1 : tensor<i8>, tensor<i32>
    }
    return %y#1 : tensor<i32>
  }
})";
  int k = 120, p = 0;
  for (; k <= 126 && p < 100; ++p) k = static_cast<std::int8_t>(k + 3);
  EXPECT_EQ(run_text(text, {array<std::int32_t>(0)})[0].item<int>(), p);
}

TEST(ToJaxpr, PredicatesAddAsOrAndMultiplyAsAnd) {
  const auto run = [](const std::string& op) {
    return run_text(
               "module @m {\n func.func public @main(%x: tensor<4xi1>, %z: tensor<4xi1>) -> tensor<4xi1> {\n"
               " %y = stablehlo." +
                   op + " %x, %z : tensor<4xi1>\n return %y : tensor<4xi1>\n }\n}",
               {array<bool>({false, false, true, true}), array<bool>({false, true, false, true})})[0]
        .to_vector<bool>();
  };
  EXPECT_EQ(run("add"), (std::vector<bool>{false, true, true, true}));
  EXPECT_EQ(run("multiply"), (std::vector<bool>{false, false, false, true}));
}

TEST(ToJaxpr, LongChainsOfFunctionsNeedNoStack) {
  std::string text =
      "module @m {\n func.func public @main(%x: tensor<f32>) -> tensor<f32> {\n"
      " %0 = call @f0(%x) : (tensor<f32>) -> tensor<f32>\n return %0 : tensor<f32>\n }\n";
  constexpr int kDepth = 20000;
  for (int i = 0; i < kDepth; ++i)
    text += fmt::format(
        " func.func private @f{}(%x: tensor<f32>) -> tensor<f32> {{\n {}\n return %0 : tensor<f32>\n }}\n", i,
        i + 1 < kDepth ? fmt::format("%0 = call @f{}(%x) : (tensor<f32>) -> tensor<f32>", i + 1)
                       : "%0 = stablehlo.negate %x : tensor<f32>");
  try {
    EXPECT_EQ(run_text(text + "}", {array(1.f)})[0].item<float>(), -1.f);
  } catch (const InternalError&) {
    throw;
  } catch (const Error&) {  // refusing the depth is as good
  }
}
