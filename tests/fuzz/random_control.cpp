// Steps that call random functions: loops, branches, and transforms inside a program.
#include "random_program.h"

#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/transforms/custom.h"

namespace tf2jax::fuzz {

namespace {

constexpr int kDeepest = 3;

Avals avals_of(const Arrays& xs) {
  Avals out;
  for (const Array& x : xs) out.push_back(x.aval().strong());
  return out;
}
Array strong(const Array& x) { return x.weak_type() ? convert_element_type(x, x.dtype()) : x; }

Arrays some_values(Pool& pool, std::int64_t most) {
  Arrays out;
  const std::int64_t count = pool.draw.between(1, most);
  for (std::int64_t i = 0; i < count; ++i) out.push_back(strong(*pool.any()));
  return out;
}
void add_all(Pool& pool, const Arrays& xs) {
  for (const Array& x : xs) pool.add(x);
}
int few_steps(Pool& pool) { return static_cast<int>(pool.draw.between(0, 5 - pool.depth)); }

// A loop over the rows of values; the carry may be one of them, or read inside as a captured value.
void loop(Pool& pool) {
  if (pool.depth >= kDeepest) return;
  Draw& draw = pool.draw;
  Arrays init = some_values(pool, 2);
  Arrays xs;
  std::optional<std::int64_t> length;
  if (draw.chance(0.8))
    if (const auto x =
            pool.find([](const Array& v) { return v.rank() > 0 && v.dims()[0] <= 6 && v.dtype() != DType::key; })) {
      xs.push_back(strong(*x));
      if (const auto y = pool.find(
              [&](const Array& v) { return v.rank() > 0 && v.dims()[0] == x->dims()[0] && v.dtype() != DType::key; });
          y && draw.chance(0.5))
        xs.push_back(strong(*y));
    }
  // One value, or its rows, may be carried and walked over at once.
  if (!xs.empty() && draw.chance(0.4)) init[0] = xs[0];
  if (!xs.empty() && draw.chance(0.15) && xs[0].dims()[0] > 0) init[0] = squeeze(slice_in_dim(xs[0], 0, 1, 1, 0), {0});
  if (init.size() > 1 && draw.chance(0.2)) init[1] = init[0];
  if (xs.empty()) length = draw.chance(0.15) ? draw.below(2) : draw.between(1, 4);
  Avals outs = avals_of(init);
  const std::size_t carries = outs.size();
  const Arrays captured = draw.chance(0.4) ? some_values(pool, 1) : Arrays{};
  const bool brief = draw.chance(0.4);  // a body that becomes one native loop
  const FlatFn carry = random_function(draw, brief ? static_cast<int>(draw.between(1, 2)) : few_steps(pool),
                                       pool.depth + 1, &pool.is_smooth, outs);
  const FlatFn row = random_function(draw, brief ? 1 : few_steps(pool), pool.depth + 1, &pool.is_smooth);
  const FlatFn body = [=](const Arrays& args) {
    Arrays in = args;
    in.insert(in.end(), captured.begin(), captured.end());
    Arrays out = carry(in);
    for (std::size_t i = 0; i < carries; ++i) in.push_back(out[i]);
    for (const Array& y : row(in)) out.push_back(y);
    return out;
  };
  add_all(pool, scan_flat(body, init, xs, length, draw.chance(0.3)));
}

// A bounded number of turns, known only when it runs.
void repetition(Pool& pool) {
  if (pool.depth >= kDeepest) return;
  Draw& draw = pool.draw;
  const Arrays init = some_values(pool, 2);
  const FlatFn carry = random_function(draw, few_steps(pool), pool.depth + 1, &pool.is_smooth, avals_of(init));
  const Array turns =
      draw.chance(0.5)
          ? Array::from_bytes(DType::i32, {},
                              std::as_bytes(std::span<const std::int32_t>(
                                  std::vector<std::int32_t>{static_cast<std::int32_t>(draw.below(4))})))
          : clamp(Array(0),
                  pool.find([](const Array& v) { return v.dtype() == DType::i32 && v.rank() == 0; }).value_or(Array(2)),
                  Array(3));
  Arrays start{strong(convert_element_type(Array(0), DType::i32)), strong(convert_element_type(turns, DType::i32))};
  start.insert(start.end(), init.begin(), init.end());
  const Arrays out = while_flat([](const Arrays& c) { return Arrays{less(c[0], c[1])}; },
                                [=](const Arrays& c) {
                                  Arrays next{c[0] + 1, c[1]};
                                  for (const Array& x : carry(Arrays(c.begin() + 2, c.end()))) next.push_back(x);
                                  return next;
                                },
                                start);
  add_all(pool, Arrays(out.begin() + 2, out.end()));
}

void branches(Pool& pool) {
  if (pool.depth >= kDeepest) return;
  Draw& draw = pool.draw;
  const Arrays args = some_values(pool, 3);
  Avals outs;
  for (const Array& x : some_values(pool, 2)) outs.push_back(x.aval().strong());
  std::vector<FlatFn> functions;
  const std::int64_t count = draw.between(1, 3);
  for (std::int64_t i = 0; i < count; ++i)
    functions.push_back(random_function(draw, few_steps(pool), pool.depth + 1, &pool.is_smooth, outs));
  pool.is_smooth = false;
  if (count == 2) {
    const auto test = pool.find([](const Array& v) { return v.dtype() == DType::bool_ && v.rank() == 0; });
    const auto number = pool.find([](const Array& v) { return is_floating(v.dtype()) && v.rank() == 0; });
    return add_all(pool, cond_flat(test     ? *test
                                   : number ? greater(*number, zeros_like(*number))
                                            : Array(draw.chance(0.5)),
                                   functions[0], functions[1], args));
  }
  const auto index = pool.find([](const Array& v) { return v.dtype() == DType::i32 && v.rank() == 0; });
  add_all(pool, switch_flat(index.value_or(Array(static_cast<std::int32_t>(draw.between(-1, 3)))), functions, args));
}

void called(Pool& pool) {
  if (pool.depth >= kDeepest) return;
  const Arrays args = some_values(pool, 3);
  const FlatFn f = random_function(pool.draw, few_steps(pool) + 1, pool.depth + 1, &pool.is_smooth);
  if (pool.draw.chance(0.5)) return add_all(pool, checkpoint_flat(f, args));
  add_all(pool, call_jaxpr(stage(f, avals_of(args)), "inner", args));
}

// A function with a rule of its own, which is its derivative by the library: right in every mode.
void with_own_rule(Pool& pool) {
  if (pool.depth >= kDeepest) return;
  Draw& draw = pool.draw;
  const auto x = pool.real_float();
  if (!x) return;
  const Arrays args{strong(*x)};
  pool.is_smooth = false;  // nobody asks f: rules run after this pool is gone
  const FlatFn f = random_function(draw, few_steps(pool), pool.depth + 1, nullptr, {args[0].aval()});
  if (draw.chance(0.5)) {
    const auto rule = std::make_shared<const JvpRule>([f](const Arrays& primals, const Arrays& tangents) {
      const JvpResult r = jvp_flat(f, primals, Tangents{Tangent(tangents[0])});
      return Arrays{r.primals[0], r.tangents[0].is_zero() ? zeros_of(r.tangents[0].aval()) : r.tangents[0].value()};
    });
    return add_all(pool, custom_jvp_flat("ruled", f, rule, args));
  }
  const auto forward =
      std::make_shared<const FwdRule>([f](const Arrays& primals) { return Arrays{f(primals)[0], primals[0]}; });
  const auto backward = std::make_shared<const BwdRule>([f](const Arrays& residuals, const Arrays& cotangents) {
    return apply_pullback(linearize_flat(f, residuals), cotangents);
  });
  add_all(pool, custom_vjp_flat("ruled", f, forward, backward, args));
}

// A transform of a function of real values, in the middle of the program.
void transformed(Pool& pool) {
  if (pool.depth >= kDeepest) return;
  Draw& draw = pool.draw;
  const auto x = pool.real_float();
  if (!x) return;
  const Arrays args{strong(*x)};
  const FlatFn f = random_function(draw, few_steps(pool), pool.depth + 1, &pool.is_smooth, {args[0].aval()});
  const std::int64_t kind = draw.below(3);
  if (kind == 0) {
    const JvpResult r = jvp_flat(f, args, Tangents{Tangent(cos(args[0]))});
    pool.add(r.primals[0]);
    if (!r.tangents[0].is_zero()) pool.add(r.tangents[0].value());
  } else if (kind == 1) {
    pool.add(apply_pullback(linearize_flat(f, args), {args[0]})[0]);
  } else {
    if (x->rank() == 0 || x->dims()[0] == 0 || x->rank() > 3) return;
    const FlatFn g = random_function(draw, few_steps(pool), pool.depth + 1, &pool.is_smooth);
    const BatchResult r = vmap_flat(g, args, std::vector<Axis>{0}, Dim(x->dims()[0]));
    add_all(pool, r.values);
  }
}

}  // namespace

void append_control_steps(std::vector<Step>& steps) {
  steps.insert(
      steps.end(),
      {{2.5, loop}, {0.7, repetition}, {1, branches}, {1.2, called}, {1.2, transformed}, {0.5, with_own_rule}});
}

}  // namespace tf2jax::fuzz
