// A transform of your own: interval bounds. One table of rules, one Tracer, one Trace; no file of the library changes.
#include <tf2jax/tf2jax.h>

#include <iostream>

using namespace tf2jax;

struct Interval {
  Array lo, hi;
};
const auto interval_rules = [] {
  RuleTable<std::function<Interval(const std::vector<Interval>&)>> rules;
  rules.set(add_p(), [](auto& x) { return Interval{x[0].lo + x[1].lo, x[0].hi + x[1].hi}; });
  rules.set(sub_p(), [](auto& x) { return Interval{x[0].lo - x[1].hi, x[0].hi - x[1].lo}; });
  rules.set(exp_p(), [](auto& x) { return Interval{exp(x[0].lo), exp(x[0].hi)}; });
  rules.set(mul_p(), [](auto& x) {
    const Array a = x[0].lo * x[1].lo, b = x[0].lo * x[1].hi, c = x[0].hi * x[1].lo, d = x[0].hi * x[1].hi;
    return Interval{minimum(minimum(a, b), minimum(c, d)), maximum(maximum(a, b), maximum(c, d))};
  });
  return rules;
}();
struct IntervalTracer final : Tracer {
  IntervalTracer(TracePtr t, Interval i) : Tracer(std::move(t), i.lo.aval()), bounds(std::move(i)) {}
  Interval bounds;
};
struct IntervalTrace final : TransformTrace {
  Interval bounds(const Array& x) const { return owns(x) ? mine<IntervalTracer>(x)->bounds : Interval{x, x}; }
  Arrays apply(const Primitive& p, std::span<const Array> args, const EquationParams&) const override {
    std::vector<Interval> x;
    for (const Array& a : args) x.push_back(bounds(a));
    return {make<IntervalTracer>(interval_rules.require(p, "Interval rule")(x))};
  }
};
Interval bound(const auto& f, const Interval& x) {
  const auto trace = std::make_shared<const IntervalTrace>();
  return trace->bounds(trace->run(f, trace->make<IntervalTracer>(x)));
}

int main() {
  auto f = [](const Array& x) { return x * x - exp(x); };
  Interval y = bound(f, {-1.f, 2.f});
  std::cout << y.lo << " " << y.hi << "\n";
  // The transform is differentiable by grad, and jit and vmap apply to it: it only calls public operations.
  auto width = [&](const Array& r) {
    Interval v = bound(f, {1.f - r, 1.f + r});
    return v.hi - v.lo;
  };
  std::cout << grad(width)(0.5f) << "\n";  // d/dr [(1+r)^2 - e^(1-r) - (1-r)^2 + e^(1+r)] = 4 + e^0.5 + e^1.5
  std::cout << jit(vmap(width))(array<float>({0.f, 0.5f})).aval() << "\n";
  try {
    bound([](const Array& x) { return sin(x); }, {0.f, 1.f});
  } catch (const MissingRule& e) {
    std::cout << e.what() << "\n";
  }
}
