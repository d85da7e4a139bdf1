// A transform of your own: interval bounds. One Tracer, one Trace, one table of rules; no file of the library changes.
#include <tf2jax/tf2jax.h>

#include <iostream>
#include <unordered_map>

using namespace tf2jax;

struct Interval { Array lo, hi; };
using IntervalRule = std::function<Interval(std::span<const Interval>)>;

const std::unordered_map<const void*, IntervalRule>& interval_rules() {
  static const std::unordered_map<const void*, IntervalRule> table{
      {add_p().id(), [](auto x) { return Interval{x[0].lo + x[1].lo, x[0].hi + x[1].hi}; }},
      {sub_p().id(), [](auto x) { return Interval{x[0].lo - x[1].hi, x[0].hi - x[1].lo}; }},
      {neg_p().id(), [](auto x) { return Interval{-x[0].hi, -x[0].lo}; }},
      {exp_p().id(), [](auto x) { return Interval{exp(x[0].lo), exp(x[0].hi)}; }},
      {mul_p().id(), [](auto x) {
         const Array a = x[0].lo * x[1].lo, b = x[0].lo * x[1].hi, c = x[0].hi * x[1].lo, d = x[0].hi * x[1].hi;
         return Interval{minimum(minimum(a, b), minimum(c, d)), maximum(maximum(a, b), maximum(c, d))};
       }}};
  return table;
}
struct IntervalTracer final : Tracer {
  IntervalTracer(TracePtr t, Interval i) : Tracer(std::move(t), i.lo.aval()), bounds(std::move(i)) {}
  Interval bounds;
};
struct IntervalTrace final : Trace {
  explicit IntervalTrace(TracePtr p) : parent(std::move(p)) {}
  Array wrap(Interval i) const { return Array(detail::Ref<const detail::Value>(new IntervalTracer(shared_from_this(), std::move(i)))); }
  Interval unwrap(const Array& x) const { auto* t = mine<IntervalTracer>(x); return t ? t->bounds : Interval{x, x}; }
  Arrays process(const Primitive& p, std::span<const Array> args, const EquationParams&) const override {
    std::vector<Interval> in;
    for (const Array& a : args) in.push_back(unwrap(a));
    const TraceScope scope(parent);
    const auto rule = interval_rules().find(p.id());
    if (rule == interval_rules().end()) raise<MissingRule>("Interval rule for '{}' not implemented.", p.name());
    return {wrap(rule->second(in))};
  }
  TracePtr parent;
};
template <class F>
Interval bound(F f, Interval x) {
  auto trace = std::make_shared<const IntervalTrace>(current_trace());
  const Array y = [&] { const TraceScope scope(trace); return f(trace->wrap(x)); }();
  return trace->unwrap(y);
}

int main() {
  auto f = [](const Array& x) { return x * x - exp(x); };
  Interval y = bound(f, {-1.f, 2.f});
  std::cout << y.lo << " " << y.hi << "\n";
  // The transform is differentiable by grad, and jit and vmap apply to it: it only calls public operations.
  auto width = [&](const Array& r) { Interval v = bound(f, {1.f - r, 1.f + r}); return v.hi - v.lo; };
  std::cout << grad(width)(0.5f) << "\n";   // d/dr [(1+r)^2 - e^(1-r) - (1-r)^2 + e^(1+r)] = 4 + e^0.5 + e^1.5
  std::cout << jit(vmap(width))(array<float>({0.f, 0.5f})).aval() << "\n";
  try {
    bound([](const Array& x) { return sin(x); }, {0.f, 1.f});
  } catch (const MissingRule& e) {
    std::cout << e.what() << "\n";
  }
}
