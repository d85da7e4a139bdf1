// The current trace, traces of transforms, and what evaluation refuses.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/trace/name_scope.h"

#include <thread>

#include "../support.h"

namespace tf2jax {
namespace {

// Counts the operations that reach its tracers.
struct CountTracer final : Tracer {
  CountTracer(TracePtr t, Array v) : Tracer(std::move(t), v.aval()), value(std::move(v)) {}
  Array value;
};
struct CountTrace final : TransformTrace {
  Arrays apply(const Primitive& p, std::span<const Array> args, const EquationParams& params) const override {
    ++applied;
    Arrays in;
    for (const Array& x : args) in.push_back(owns(x) ? mine<CountTracer>(x)->value : x);
    Arrays out = p.bind(in, params);
    for (Array& y : out) y = make<CountTracer>(y);
    return out;
  }
  mutable int applied = 0;
};

TEST(TransformTrace, LeavesOperationsOnConstantsToItsParent) {
  const auto trace = std::make_shared<const CountTrace>();
  const Array y = trace->run([](const Array& x) { return sin(Array(1.f)) * 2.f + x; }, trace->make<CountTracer>(3.f));
  EXPECT_EQ(trace->applied, 1);
  EXPECT_TRUE(trace->owns(y));
}

TEST(TransformTrace, OwnsNothingOfAnotherTrace) {
  const auto one = std::make_shared<const CountTrace>(), other = std::make_shared<const CountTrace>();
  const Array x = one->make<CountTracer>(3.f);
  EXPECT_TRUE(one->owns(x));
  EXPECT_FALSE(other->owns(x));
  EXPECT_FALSE(one->owns(Array(3.f)));
}

TEST(TransformTrace, IsCurrentOnlyWhileItRuns) {
  const auto trace = std::make_shared<const CountTrace>();
  const Trace* inside = trace->run([] { return current_trace().get(); });
  EXPECT_EQ(inside, trace.get());
  EXPECT_TRUE(current_trace()->is_eval());
}

TEST(CurrentTrace, IsEvaluationOnEveryThread) {
  EXPECT_TRUE(current_trace()->is_eval());
  EXPECT_EQ(current_trace(), eval_trace());
  const auto trace = std::make_shared<const CountTrace>();
  const TraceScope scope(trace);
  bool evaluates = false;
  std::thread([&] { evaluates = current_trace()->is_eval(); }).join();
  EXPECT_TRUE(evaluates);
  EXPECT_FALSE(current_trace()->is_eval());
}

TEST(CurrentTrace, IsRestoredByExceptions) {
  EXPECT_THROW(make_jaxpr([](const Array& x) -> Array {
                 static_cast<void>(x);
                 throw std::runtime_error("stop");
               })(1.f),
               std::runtime_error);
  EXPECT_TRUE(current_trace()->is_eval());
}

TEST(EvalTrace, RefusesTracersThatEscaped) {
  const auto trace = std::make_shared<const CountTrace>();
  const Array x = trace->make<CountTracer>(Array(3.f));
  expect_error<UnexpectedTracerError>([&] { sin(x); }, "sin");
}

TEST(TransformTrace, NestsWithoutMixing) {
  const auto outer = std::make_shared<const CountTrace>();
  outer->run(
      [&](const Array& x) {
        const auto inner = std::make_shared<const CountTrace>();
        inner->run([&](const Array& y) { return x * y + x * x; }, inner->make<CountTracer>(Array(2.f)));
        EXPECT_EQ(inner->applied, 2);  // of the three, those with y in them
        return x;
      },
      outer->make<CountTracer>(Array(3.f)));
  EXPECT_EQ(outer->applied, 3);
}

TEST(NameScope, NestsAndEnds) {
  EXPECT_EQ(current_name_scope(), nullptr);
  {
    const NameScope a("a"), b("b");
    EXPECT_EQ(*current_name_scope(), "a/b");
  }
  EXPECT_EQ(current_name_scope(), nullptr);
}

}  // namespace
}  // namespace tf2jax
