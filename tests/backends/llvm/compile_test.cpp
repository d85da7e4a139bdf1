// Compiled programs against the interpreter, which runs the same jaxpr through the eager kernels.
#include <bit>
#include <cmath>
#include <random>

#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, ElementwiseChainsBecomeOneLoop) {
  const auto f = [](const Array& x) { return sin(cos(x)) * 2.f + exp(-square(x)); };
  check_function(f, values({1000003}));
  EXPECT_EQ(steps(make_jaxpr(f)(spec(f32, {1000}))), 1);
}

TEST(Compile, OddSizesAndScalars) {
  for (const std::int64_t n : {1, 2, 7, 15, 16, 17, 31, 33, 64, 65, 100})
    check_function([](const Array& x, const Array& s) { return tanh(x * s) - s; }, values({n}), Array(0.75f));
  check_function([](const Array& s) { return s * s + 1.f; }, Array(3.f));
}

TEST(Compile, Movements) {
  const Array x = values({4, 6, 10}), y = values({6, 4}, 1);
  check_function([](const Array& a) { return transpose(a, {2, 0, 1}) + 1.f; }, x);
  check_function([](const Array& a) { return reshape(exp(transpose(a, {1, 0, 2})), {12, 20}) * 2.f; }, x);
  check_function([](const Array& a) { return a(slice(1, {}), slice({}, {}, 2), slice(2, 9, 3)) * 2.f; }, x);
  check_function([](const Array& a) { return rev(a, {1, 2}) + a; }, x);
  check_function([](const Array& a, const Array& b) { return a + broadcast_in_dim(transpose(b), {4, 6, 10}, {0, 1}); }, x, y);
  check_function([](const Array& a) { return concatenate({a * 2.f, sin(a), a(all, slice(0, 1))}, 1); }, x);
  check_function([](const Array& a) { return pad(exp(a), Array(-1.f), {{1, 2, 0}, {0, -1, 0}, {-2, 3, 0}}) * 3.f; }, x);
  check_function([](const Array& a) { return stack({a(0), a(1) * 2.f}, 2); }, x);
}

TEST(Compile, LongPiecesOfConcatenationsAreLoopsOfTheirOwn) {
  const Array x = values({5, 40}), y = values({5, 64}, 1);
  const auto joined = [](const Array& a, const Array& b) { return tanh(concatenate({a, sin(b)}, 1)) * 2.f; };
  check_function(joined, x, y);
  EXPECT_EQ(steps(make_jaxpr(joined)(x, y)), 2);
  const auto gates = [](const Array& a) { return sum(sin(a(all, slice(0, 32)) * a(all, slice(32, 64))), 0); };
  check_function(gates, y);
  check_function(grad([&](const Array& a) { return sum(gates(a)); }), y);
  check_function([&](const Array& a) { const Array g = grad([&](const Array& v) { return sum(gates(v)); })(a); return std::pair{g, sum(g, 0)}; }, y);
}

TEST(Compile, Reductions) {
  for (const Shape& shape : {Shape{5, 7}, Shape{64, 100}, Shape{3, 5, 33}, Shape{1, 1000}, Shape{100000}, Shape{2, 70001}, Shape{17, 1, 4}}) {
    const Array x = values(shape);
    const auto rank = static_cast<std::int64_t>(shape.size());
    check_function([](const Array& a) { return sum(square(a)); }, x);
    check_function([](const Array& a) { return max(a, -1) + min(a, -1); }, x);
    check_function([](const Array& a) { return mean(exp(a), 0); }, x);
    check_function([](const Array& a) { return prod(a * 0.1f + 1.f, {0}); }, x);
    check_function([](const Array& a) { return std::pair{argmax(a, -1), argmin(a, 0)}; }, x);
    check_function([](const Array& a) { return any_true(greater(a, 2.f), 0); }, x);
    if (rank == 3) check_function([](const Array& a) { return sum(a, {0, 2}) * 2.f; }, x);
    if (rank == 3) check_function([](const Array& a) { return sum(transpose(a, {2, 1, 0}), 1); }, x);
  }
}

TEST(Compile, RowsOfSoftmaxAndLayerNormAreOneLoopNest) {
  const auto normalised = [](const Array& x) {
    const Array c = x - mean(x, -1, keepdims);
    return c * rsqrt(mean(square(c), -1, keepdims) + 1e-5f);
  };
  for (const Shape& shape : {Shape{3, 10}, Shape{64, 128}, Shape{4, 6, 50}}) {
    check_function([](const Array& x) { return softmax(x); }, values(shape));
    check_function([](const Array& x) { return log_softmax(x, 0); }, values(shape));
    check_function(normalised, values(shape));
    check_function(grad([&](const Array& x) { return sum(sin(normalised(x))); }), values(shape));
    check_function(grad([&](const Array& x) { return sum(square(softmax(x, 0))); }), values(shape));
  }
  EXPECT_EQ(steps(make_jaxpr([](const Array& x) { return softmax(x); })(spec(f32, {64, 128}))), 1);
  EXPECT_EQ(steps(make_jaxpr(normalised)(spec(f32, {64, 128}))), 1);
}

TEST(Compile, ProductsReadTheirOperandsInPlace) {
  check_function([](const Array& a, const Array& b) { return matmul(a, b) + 1.f; }, values({5, 7}), values({7, 3}, 1));
  check_function([](const Array& a, const Array& b) { return matmul(transpose(a), b); }, values({7, 5}), values({7, 3}, 1));
  check_function([](const Array& a, const Array& b) { return transpose(matmul(a, transpose(b))); }, values({5, 7}), values({3, 7}, 1));
  check_function([](const Array& a, const Array& b) { return einsum("bshd,bthd->bhst", {a, b}); }, values({2, 5, 3, 4}), values({2, 6, 3, 4}, 1));
  check_function([](const Array& a, const Array& b) { return einsum("abcd,cbe->dea", {a, b}); }, values({2, 5, 3, 4}), values({3, 5, 6}, 1));
  const auto attention = [](const Array& qkv) {
    const Array h = transpose(reshape(qkv, {2, 8, 3, 4, 16}), {2, 0, 3, 1, 4});
    const Array w = softmax(matmul(h(0), swapaxes(h(1), -1, -2)) * 0.25f);
    return reshape(transpose(matmul(w, h(2)), {0, 2, 1, 3}), {2, 8, 64});
  };
  check_function(attention, values({2, 8, 192}));
  check_function(grad([&](const Array& x) { return sum(square(attention(x))); }), values({2, 8, 192}));
}

TEST(Compile, MovingSignsAndPowersOfTwoChangesNoBit) {
  const float inf = INFINITY, tiny = 1e-45f, huge = 3e38f;
  const Array x = array({1.5f, -0.f, 0.f, inf, -inf, tiny, -tiny, huge, 0.3f, -7.7f, 1e-39f}), y = array({0.1f, 3.f, -0.f, -2.f, 1e-3f, 0.7f, huge, -huge, tiny, 1.1f, -0.6f});
  const auto f = [](const Array& a, const Array& b) {
    return std::tuple{-((-2.f * a) * (-b)), 100.f * (2.f * -a), 3.f * (0.5f * a), (-a) * b, -(3.f * -b), 0.1f * (4.f * a), (-a) * (-3.f), -(-a), 1.f * (a * -1.f)};
  };
  const Jaxpr program = make_jaxpr(f)(x, y);
  const Arrays got = default_backend().compile(program, {})->run({{x, y}}), want = default_backend().compile(program, {.interpret = true})->run({{x, y}});
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto a = got[i].data<float>(), b = want[i].data<float>();
    for (std::size_t k = 0; k < a.size(); ++k) EXPECT_EQ(std::bit_cast<std::uint32_t>(a[k]), std::bit_cast<std::uint32_t>(b[k])) << i << ' ' << k << ": " << a[k] << ", " << b[k];
  }
}

TEST(Compile, SeedsOfJacobiansAreNotMultiplied) {
  const Array w1 = values({14, 14}), w2 = values({14, 14}, 1), x = values({14}, 2);
  const auto f = [=](const Array& v) { return tanh(matmul(tanh(matmul(v, w1)), w2)); };
  check_function(jacrev(f), x);
  check_function(jacfwd(f), x);
  check_function([](const Array& a) { return matmul(eye(14) * 3.f, a) + matmul(a, eye(14) * a(0)) + matmul(a, transpose(eye(14) * expand_dims(a(1), {1}))); }, w1);
  const std::string plan = default_backend().compile(make_jaxpr(jacrev(f))(x), {})->explain();
  std::size_t products = 0;
  for (std::size_t at = plan.find("14x14x14"); at != std::string::npos; at = plan.find("14x14x14", at + 1)) ++products;
  EXPECT_EQ(products, 1u) << plan;
}

TEST(Compile, GathersAndDynamicSlices) {
  const Array table = values({20, 5}), index = from_span<std::int32_t>(std::vector<std::int32_t>{3, 19, 0, -1, 40, 7}, {6});
  check_function([](const Array& t, const Array& i) { return t(i) * 2.f; }, table, index);
  check_function([](const Array& t, const Array& i) { return take(t, i, 0); }, table, index);
  for (const int start : {-3, 0, 4, 18, 100})
    check_function([](const Array& t, const Array& s) { return dynamic_slice(sin(t), Arrays{s, Array(1)}, {4, 3}) + 1.f; }, table, Array(start));
  for (const int start : {-3, 0, 4, 18, 100})
    check_function([](const Array& t, const Array& s) { return dynamic_update_slice(t * 2.f, ones({2, 3}), Arrays{s, Array(1)}); }, table, Array(start));
  check_function(grad([](const Array& t) { return sum(square(t(slice(3, 9), 2))); }), table);
}

TEST(Compile, OtherDtypes) {
  for (const DType d : {i8, i16, i32, u8, u16, u32, f16, bf16, f32, bool_}) {
    const Array x = astype(values({3, 37}) * 20.f, d), y = astype(values({3, 37}, 1) * 9.f, d);
    if (d == bool_) {
      check_function([](const Array& a, const Array& b) { return logical_xor(a, !b); }, x, y);
      continue;
    }
    check_program(make_jaxpr([](const Array& a, const Array& b) { return maximum(a * b, a - b); })(x, y), {x, y}, 1e-6);
    check_program(make_jaxpr([](const Array& a, const Array& b) { return sum(where(less(a, b), a, b), 0); })(x, y), {x, y}, d == f16 || d == bf16 ? 0.02 : 1e-6);
    check_program(make_jaxpr([](const Array& a, const Array& b) { return astype(a, f32) + astype(b, i32); })(x, y), {x, y}, 1e-6);
  }
}

TEST(Compile, ControlFlow) {
  check_function([](const Array& x) { return scan([](const Array& c, const Array& v) { return std::pair{c * 0.5f + v, sin(c)}; }, zeros({4}), x); }, values({9, 4}));
  check_function(grad([](const Array& x) { return sum(scan([](const Array& c, const Array& v) { return std::pair{tanh(c + v), c}; }, zeros({4}), x).first); }), values({9, 4}));
  check_function([](const Array& x) { return while_loop([](const Array& v) { return less(sum(v), 100.f); }, [](const Array& v) { return v * 1.5f + 1.f; }, x); }, values({5}));
  for (const float s : {-1.f, 1.f})
    check_function([](const Array& x, const Array& p) { return cond(greater(p, 0.f), [](const Array& v) { return sin(v); }, [](const Array& v) { return v; }, x); }, values({5}), Array(s));
  check_function([](const Array& x) { return fori_loop(0, 7, [](const Array& i, const Array& v) { return v * 0.9f + astype(i, f32); }, x); }, values({3}));
}

struct Lstm { Array wi, wh, b; };
Array lstm_loss(const Lstm& p, const Array& xs) {
  const std::int64_t n = p.wh.shape()[0].value(), batch = xs.shape()[1].value();
  const auto cell = [&](const std::pair<Array, Array>& state, const Array& x) {
    const auto& [c, h] = state;
    const Array gates = matmul(x, p.wi) + matmul(h, p.wh) + p.b;
    const auto gate = [&](std::int64_t k) { return gates(all, slice(k * n, (k + 1) * n)); };
    const Array next = logistic(gate(1)) * c + logistic(gate(0)) * tanh(gate(2));
    const Array out = logistic(gate(3)) * tanh(next);
    return std::pair{std::pair{next, out}, out};
  };
  const auto [last, hs] = scan(cell, std::pair{zeros({batch, n}), zeros({batch, n})}, xs);
  return sum(square(hs)) + sum(last.first);
}

TEST(Compile, ProductsLeaveScans) {
  const Lstm p{values({6, 20}) * 0.3f, values({5, 20}, 1) * 0.3f, values({20}, 2)};
  const auto f = [](const Array& wi, const Array& wh, const Array& b, const Array& xs) { return lstm_loss({wi, wh, b}, xs); };
  const Array xs = values({7, 3, 6}, 3);
  check_function(f, p.wi, p.wh, p.b, xs);
  check_function(grad<0, 1, 2, 3>(f), p.wi, p.wh, p.b, xs);
  // Inputs and gradients of weights are multiplied outside the loops, the 3 rows of all 7 steps at once.
  const std::string plan = default_backend().compile(make_jaxpr(grad<0, 1, 2>(f))(p.wi, p.wh, p.b, xs), {})->explain();
  for (const char* product : {"21x20x6", "20x6x21", "20x5x21"}) EXPECT_NE(plan.find(product), std::string::npos) << plan;
}

TEST(Compile, LoopsPrepareTheirWeightsOnce) {
  const auto f = [](const Array& w, const Array& h) {
    return scan([&](const Array& c, const Array&) { return std::pair{tanh(matmul(c, w)), matmul(c, transpose(w))}; }, h, zeros({6}));
  };
  const auto run = [&](const Array& w, const Array& h) { return f(w, h).first; };
  const auto until = [](const Array& w, const Array& h) {
    return while_loop([](const std::pair<Array, Array>& s) { return s.first < 5; }, [&](const std::pair<Array, Array>& s) { return std::pair{s.first + 1, tanh(matmul(s.second, w))}; },
                      std::pair{full(Shape{}, 0), h}).second;
  };
  const Array h = values({24, 96});
  const auto stays = default_backend().compile(make_jaxpr(run)(values({96, 96}), h), {});
  for (const int seed : {1, 2}) {   // prepared again for each run
    const Array w = 0.1f * values({96, 96}, seed);
    check_function(f, w, h);
    check_function(until, w, h);
    check_function(grad<0, 1>([&](const Array& a, const Array& b) { return sum(square(run(a, b))); }), w, h);
    expect_close(stays->run({{w, h}})[0], run(w, h), "with other weights", 2e-5);
  }
}

TEST(Compile, OutputsThatShareMemory) {
  check_function([](const Array& x) { return std::tuple{x, x * 2.f, reshape(x * 2.f, {6}), x * 2.f, ones({3})}; }, values({2, 3}));
  check_function([](const Array& x) { return std::tuple{reshape(x, {3, 2}), transpose(x)}; }, values({2, 3}));
}

TEST(Compile, EmptyArrays) {
  check_function([](const Array& x) { return sum(sin(x), 0); }, zeros({0, 3}));
  check_function([](const Array& x) { return concatenate({x, ones({2, 3})}, 0) + 1.f; }, zeros({0, 3}));
}

// The readers' condition on the row's position is none on the elements that are summed.
TEST(Compile, PartsOfNormalizedRowsAreJoined) {
  check_function([](const Array& x, const Array& y) {
    const Array z = x - mean(x, 0, keepdims);
    return concatenate({z(slice(3, {})), y(slice(0, 3))}, 0);
  }, values({17, 17}), values({17, 17}, 1));
  check_function([](const Array& x) { return pad(x / sum(exp(x), 1, keepdims), Array(0.f), {{1, 0, 0}, {2, -3, 0}}); }, values({9, 30}));
}

// A slice that turns out to be the whole reads its operand from memory, before a loop over the operand's elements ends.
TEST(Compile, OperandsOfIndexedReadsAreWrittenBefore) {
  const Array x = values({7}), at = array<int>({4, 2, 9, 0, 1, 6, 3});
  check_function([](const Array& a, const Array& i) { const Array y = a * 2.f + 1.f; return std::pair{dynamic_slice(y, Arrays{i(0)}, {7}), rev(y, {0})}; }, x, at);
  check_function([](const Array& a, const Array& i) { const Array y = maximum(a, 0.1f); return std::tuple{take(y, i, 0) + y, y, rev(y, {0})}; }, x, at);
  check_function([](const Array& a, const Array& i) { const Array y = reshape(tanh(a), {7, 1}); return std::tuple{dynamic_slice(y, Arrays{i(1), i(1)}, {7, 1}) - y, y}; }, x, at);
}

// Half of what is summed over became parallel, though the reshape that split it stayed outside.
TEST(Compile, ReshapesThatStayOutsideMaySplitWhatIsSummed) {
  check_function([](const Array& b, const Array& c) {
    const Array d = eye(8) * pad(reshape(c(slice(55, 56)), {2}), Array(0.f), {{3, 3, 0}});
    return tanh(dot_general(b, transpose(d), {{0}, {0}, {}, {}}));
  }, values({8}), values({100, 2}, 1));
}

// Random programs: every kind of operation in any order.
class RandomProgram {
 public:
  explicit RandomProgram(unsigned seed) : random_(seed) {}

  Array build(const Arrays& inputs, int length) {
    pool_ = inputs;
    for (int i = 0; i < length; ++i) pool_.push_back(step());
    Array total = Array(0.f);
    for (const Array& a : pool_) total = total + sum(a);
    return total;
  }
  Array last() const { return pool_.back(); }
  Array some() { return pool_[below(pool_.size())]; }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }

  Array step() {
    const Array x = some();
    const std::int64_t rank = x.rank();
    switch (below(13)) {
      case 0: return sin(x) * 0.5f;
      case 1: return maximum(x, 0.1f) + 0.25f * x;
      case 2: {
        for (int tries = 0; tries < 8; ++tries)
          if (const Array y = some(); y.dims() == x.dims()) return x * 0.5f - y;
        return tanh(x);
      }
      case 3: return rank ? mean(x, static_cast<std::int64_t>(below(static_cast<std::size_t>(rank))), keepdims) + x : x + 1.f;
      case 4: return rank ? sum(x, static_cast<std::int64_t>(below(static_cast<std::size_t>(rank)))) * 0.1f : x;
      case 5: {
        Axes p = iota_axes(rank);
        std::shuffle(p.begin(), p.end(), random_);
        return transpose(x, p);
      }
      case 6: return rank >= 2 ? reshape(x, {x.shape()[0].value() * x.shape()[1].value(), x.size() / (x.shape()[0].value() * x.shape()[1].value())}) : x * 2.f;
      case 7: {
        if (!rank || x.shape()[0].value() < 3) return broadcast_to(mean(x), {3, 2});
        return x(slice(1, {}));
      }
      case 8: return rank && x.size() < 4000 ? concatenate({x, x * 0.5f}, static_cast<std::int64_t>(below(static_cast<std::size_t>(rank)))) : cos(x);
      case 9: {
        if (!rank) return x;
        std::vector<PadAxis> config(static_cast<std::size_t>(rank), {0, 0, 0});
        config[below(static_cast<std::size_t>(rank))] = {1, static_cast<std::int64_t>(below(3)) - 1, 0};
        return x.size() < 4000 ? pad(x, Array(0.5f), config) : x;
      }
      case 10: return rank == 2 && x.shape()[0].value() < 60 ? matmul(x, transpose(x)) * 0.05f : rank ? softmax(x) : x;
      case 11: {
        if (rank < 2) return x;
        const Array y = some();
        return scatter_add(x, reshape(array<int>({0, 1, 0, 9}), {4, 1}), broadcast_to(mean(y), [&] { Dims d = x.dims(); d[0] = 4; return symbolic(d); }()) * x(slice(0, 1)), {iota_axes(rank - 1, 1), {0}, {0}, {}, {}});
      }
      default: return rank ? rev(x, {static_cast<std::int64_t>(below(static_cast<std::size_t>(rank)))}) : x;
    }
  }

  std::mt19937 random_;
  Arrays pool_;
};

TEST(Compile, RandomPrograms) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Arrays inputs{values({4, 6}, static_cast<int>(seed)), values({3, 4, 5}, static_cast<int>(seed) + 1), values({17}, 3)};
    const auto f = [&](const Array& a, const Array& b, const Array& c) {
      RandomProgram p(seed);
      const Array total = p.build({a, b, c}, 14);
      return std::tuple{total, p.last(), p.some()};
    };
    SCOPED_TRACE("seed " + std::to_string(seed));
    check_program(make_jaxpr(f)(inputs[0], inputs[1], inputs[2]), inputs, 2e-4);
    if (seed % 3 == 0) {
      const auto g = grad<0, 1>([&](const Array& a, const Array& b) {
        RandomProgram p(seed);
        return p.build({a, b}, 8);
      });
      check_program(make_jaxpr(g)(inputs[0], inputs[1]), {inputs[0], inputs[1]}, 2e-3);
    }
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

}  // namespace
}  // namespace tf2jax
