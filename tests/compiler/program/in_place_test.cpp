// Values that share memory: results over dead operands, carries updated where they lie, outputs in their inputs'
// memory.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <cstring>
#include <random>

#include "check_program.h"
#include "tf2jax/compiler/compile.h"

namespace tf2jax::compiler {
namespace {

// Every pair of an input and an output of one type.
std::vector<SharedMemory> all_pairs(const Jaxpr& jaxpr) {
  std::vector<SharedMemory> pairs;
  const Avals in = jaxpr.input_avals(), out = jaxpr.output_avals();
  for (std::size_t i = 0; i < in.size(); ++i)
    for (std::size_t j = 0; j < out.size(); ++j)
      if (in[i].matches(out[j])) pairs.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j)});
  return pairs;
}

// Runs with outputs in the memory of their inputs; gives what was shared.
std::vector<std::int32_t> check_shared(const Jaxpr& jaxpr, const Arrays& args, double tolerance = 2e-5,
                                       bool checked = false) {
  const Arrays want = default_backend().compile(jaxpr, {.interpret = true})->run(args);
  const auto program = compile_program(jaxpr, {.check_bounds = checked, .may_share = all_pairs(jaxpr)});
  std::vector<std::vector<std::byte>> inputs, outputs;
  for (const Array& x : args) inputs.emplace_back(x.bytes().begin(), x.bytes().end());
  for (const Array& y : want) outputs.emplace_back(y.bytes().size());
  std::vector<void*> in, out;
  for (auto& x : inputs) in.push_back(x.data());
  for (std::size_t j = 0; j < outputs.size(); ++j)
    out.push_back(program->shared[j] >= 0 ? in[program->shared[j]] : outputs[j].data());
  const ArenaBlock arena(program->arena_bytes);
  program->run(in.data(), out.data(), arena.data());
  for (std::size_t j = 0; j < want.size(); ++j) {
    const auto x = Array::from_bytes(want[j].dtype(), want[j].dims(),
                                     {static_cast<const std::byte*>(out[j]), want[j].bytes().size()})
                       .to_vector<double>();
    const auto y = want[j].to_vector<double>();
    for (std::size_t k = 0; k < x.size(); ++k) {
      if (std::isnan(y[k]) ? std::isnan(x[k]) : std::abs(x[k] - y[k]) <= tolerance * (1 + std::abs(y[k]))) continue;
      ADD_FAILURE() << ::testing::PrintToString(program->shared) << " output " << j << " element " << k << ": got "
                    << x[k] << ", expected " << y[k] << "\n"
                    << to_string(jaxpr) << "\n"
                    << program->explanation();
      return program->shared;
    }
  }
  for (std::size_t i = 0; i < args.size(); ++i) {  // what is not an output's stays as it was
    if (std::ranges::find(program->shared, static_cast<std::int32_t>(i)) != program->shared.end()) continue;
    EXPECT_TRUE(inputs[i].empty() || std::memcmp(inputs[i].data(), args[i].bytes().data(), inputs[i].size()) == 0)
        << "input " << i << "\n"
        << to_string(jaxpr);
  }
  return program->shared;
}

template <class F, class... A>
std::vector<std::int32_t> shared(const F& f, const A&... args) {
  const Jaxpr jaxpr = make_jaxpr(f)(args...);
  check_shared(jaxpr, {args...}, 2e-5, true);
  return check_shared(jaxpr, {args...});
}

using Inputs = std::vector<std::int32_t>;

TEST(SharedMemory, ElementwiseResultsLieOverTheirOperands) {
  EXPECT_EQ(
      shared([](const Array& p, const Array& g) { return p - 0.1f * g; }, values({1000, 33}), values({1000, 33}, 1)),
      Inputs{0});
  EXPECT_EQ(shared([](const Array& s) { return s * s; }, values({})), Inputs{0});
  EXPECT_EQ(shared(
                [](const Array& p, const Array& m, const Array& g) {
                  const Array v = 0.9f * m + g;
                  return std::tuple{v, p - 0.1f * v};
                },
                values({70001}), values({70001}, 1), values({70001}, 2)),
            (Inputs{1, 0}));
}

TEST(SharedMemory, AnInputReadElsewhereIsKept) {
  EXPECT_EQ(shared([](const Array& x) { return rev(x, {0}) + x; }, values({1003})), Inputs{-1});
  EXPECT_EQ(shared([](const Array& x) { return transpose(x) + x; }, values({40, 40})), Inputs{-1});
  EXPECT_EQ(shared([](const Array& x) { return x + x(0); }, values({40, 40})), Inputs{-1});
  EXPECT_EQ(
      shared([](const Array& x) { return concatenate({x(slice(1, {})), x(slice(0, 1))}, 0) + x; }, values({100, 40})),
      Inputs{-1});
  EXPECT_EQ(shared([](const Array& x) { return std::tuple{sin(x), sort(x)}; }, values({100})), (Inputs{-1, -1}));
}

TEST(SharedMemory, RowsAreReducedBeforeTheyAreOverwritten) {
  EXPECT_EQ(shared([](const Array& x) { return softmax(x); }, values({300, 257})), Inputs{0});
  EXPECT_EQ(shared([](const Array& x) { return (x - mean(x, 1, keepdims)) / sqrt(var(x, 1, keepdims) + 1e-5f); },
                   values({64, 1000})),
            Inputs{0});
  shared([](const Array& x) { return x - mean(x, 0, keepdims); }, values({300, 257}));
  shared([](const Array& x) { return x / sum(x); }, values({300, 257}));
}

TEST(SharedMemory, OutputsTakeInputsThatAreDeadByThen) {
  EXPECT_EQ(shared([](const Array& x, const Array& w) { return tanh(matmul(sin(matmul(x, w)), w)); }, values({32, 32}),
                   values({32, 32}, 1)),
            Inputs{0});
  EXPECT_EQ(shared([](const Array& x) { return matmul(x, x); }, values({32, 32})), Inputs{-1});
}

TEST(SharedMemory, OutputsThatAreInputsStay) {
  EXPECT_EQ(
      shared([](const Array& x, const Array& y) { return std::tuple{x, y * 2.f}; }, values({50}), values({50}, 1)),
      (Inputs{0, 1}));
  EXPECT_EQ(shared([](const Array& x, const Array& y) { return std::tuple{y, x}; }, values({50}), values({50}, 1)),
            (Inputs{1, 0}));
  EXPECT_EQ(shared([](const Array& x) { return std::tuple{x, x, x + 1.f}; }, values({50})), (Inputs{0, -1, -1}));
}

TEST(SharedMemory, SliceUpdatesWriteTheirOperand) {
  const auto put = [](const Array& x, const Array& u, const Array& i) {
    return dynamic_update_slice(x, u, Arrays{i, Array(0)});
  };
  EXPECT_EQ(shared(put, values({100, 8}), values({1, 8}, 1), Array(41)), Inputs{0});
  EXPECT_EQ(shared(put, values({100, 8}), values({3, 8}, 1), Array(99)), Inputs{0});
  EXPECT_EQ(
      shared([&](const Array& x, const Array& u, const Array& i) { return put(put(x, u, i), 2.f * u, i + 1) * 2.f; },
             values({100, 8}), values({1, 8}, 1), Array(41)),
      Inputs{0});
  EXPECT_EQ(shared([&](const Array& x, const Array& u, const Array& i) { return std::tuple{put(x, u, i), sum(x)}; },
                   values({100, 8}), values({1, 8}, 1), Array(41)),
            (Inputs{0, -1}));  // the sum is taken first
  EXPECT_EQ(shared([](const Array& x) { return dynamic_update_slice(x, x, Arrays{Array(0)}); }, values({10})),
            Inputs{-1});
}

TEST(SharedMemory, ScattersWriteTheirOperand) {
  const auto add = [](const Array& x, const Array& u, const Array& i) {
    return scatter_add(x, i, u, {{1}, {0}, {0}, {}, {}});
  };
  const Array x = values({100, 8}), u = values({5, 8}, 1), i = reshape(array<int>({7, 3, 7, 120, 0}), {5, 1});
  EXPECT_EQ(shared(add, x, u, i), Inputs{0});
  EXPECT_EQ(
      shared([&](const Array& a, const Array& b, const Array& at) { return add(add(a, sin(b), at), b, at + 1) * 2.f; },
             x, u, i),
      Inputs{0});
  EXPECT_EQ(shared([&](const Array& a, const Array& b, const Array& at) { return add(a, b * a(3), at); }, x, u, i),
            Inputs{0});  // read before
  EXPECT_EQ(shared([&](const Array& a, const Array& b, const Array& at) { return std::tuple{add(a, b, at), sum(a)}; },
                   x, u, i),
            (Inputs{0, -1}));
  EXPECT_EQ(shared(
                [&](const Array& a, const Array& b, const Array& at) {
                  const Array y = add(a, b, at);
                  return y + flip(a, {0});
                },
                x, u, i),
            Inputs{-1});
  EXPECT_EQ(shared([&](const Array& a, const Array& b,
                       const Array& at) { return add(matmul(a, b(slice(0, 1)) * transpose(b(slice(0, 1)))), b, at); },
                   x, values({8, 8}, 1), reshape(arange(8), {8, 1})),
            Inputs{-1});  // the product's
  const Jaxpr jaxpr = make_jaxpr(add)(x, u, i);
  EXPECT_EQ(compile_program(jaxpr, {.may_share = all_pairs(jaxpr)})->steps.size(), 1u);
  EXPECT_EQ(compile_program(jaxpr, {})->steps.size(), 2u);  // a copy first
}

std::int64_t temporaries(const Jaxpr& jaxpr) { return compile_program(jaxpr, {})->arena_bytes; }

TEST(SharedMemory, ScansUpdateTheirCarryInPlace) {
  constexpr std::int64_t n = 1 << 16;
  const auto fill = [](const Array& x, const Array& rows) {
    return scan(
               [](const std::pair<Array, Array>& carry, const Array& row) {
                 const auto& [i, buffer] = carry;
                 return std::pair{
                     std::pair{i + 1, dynamic_update_slice(buffer, expand_dims(row, {0}), Arrays{i, Array(0)})},
                     sum(row)};
               },
               std::pair{Array(0), x}, rows)
        .first.second;
  };
  const Array rows = values({7, 4});
  const auto got = jit(fill)(zeros({9, 4}), rows).to_vector<float>(), want = rows.to_vector<float>();
  for (std::size_t k = 0; k < 36; ++k) EXPECT_EQ(got[k], k < 28 ? want[k] : 0.f);
  EXPECT_LT(temporaries(make_jaxpr(fill)(spec(f32, {n, 4}), spec(f32, {100, 4}))), 4096);
}

TEST(SharedMemory, WhileLoopsUpdateTheirCarryInPlace) {
  constexpr std::int64_t n = 1 << 16;
  const auto fill = [](const Array& x) {
    return while_loop([](const std::pair<Array, Array>& s) { return less(s.first, 5); },
                      [](const std::pair<Array, Array>& s) {
                        const Array here = dynamic_slice(s.second, Arrays{s.first}, {1});
                        return std::pair{s.first + 1, dynamic_update_slice(s.second, here * 2.f, Arrays{s.first + 1})};
                      },
                      std::pair{Array(0), x})
        .second;
  };
  const auto got = jit(fill)(ones({8})).to_vector<float>();
  EXPECT_EQ(got, (std::vector<float>{1, 2, 4, 8, 16, 32, 1, 1}));
  EXPECT_LT(temporaries(make_jaxpr(fill)(spec(f32, {n}))), 4096);
}

TEST(SharedMemory, LoopsThatAreOneKernelUpdateTheirOperand) {
  const auto fill = [](const Array& x) {
    return while_loop(
               [](const std::pair<Array, Array>& s) { return less(s.first, 5); },
               [](const std::pair<Array, Array>& s) { return std::pair{s.first + 1, s.second.at(s.first).add(1.f)}; },
               std::pair{Array(0), x})
        .second;
  };
  EXPECT_EQ(shared(fill, values({400})), Inputs{0});
  EXPECT_EQ(shared([&](const Array& x) { return fill(x) + x(slice({}, {}, -1)); }, values({400})), Inputs{-1});
  EXPECT_EQ(shared([&](const Array& x) { return std::pair{fill(x), fill(x + 1.f)}; }, values({400})).size(), 2u);
}

TEST(SharedMemory, CarriesThatChangePlacesAreNotConfused) {
  const auto f = [](const Array& a, const Array& b, const Array& c) {
    return scan(
        [](const std::tuple<Array, Array, Array, Array>& s, const Array&) {
          const auto& [x, y, z, k] = s;
          return std::pair{std::tuple{y, x, z + x, k}, x(0) + k(1)};
        },
        std::tuple{a, b, c, c}, zeros({5}));
  };
  for (int n = 1; n < 4; ++n) {
    const Array a = values({6}, n), b = values({6}, n + 1), c = values({6}, n + 2);
    check_shared(make_jaxpr(f)(a, b, c), {a, b, c});
  }
}

TEST(SharedMemory, AnInitialCarryThatIsReadLaterIsCopied) {
  const auto f = [](const Array& x) {
    const Array start = sin(x);
    const Array end = scan(
                          [](const Array& c, const Array& i) {
                            return std::pair{dynamic_update_slice(c, full({1}, 9.f), Arrays{astype(i, i32)}), i};
                          },
                          start, arange(3))
                          .first;
    return end * 2.f + sum(start) + start;
  };
  check_shared(make_jaxpr(f)(values({100})), {values({100})});
}

// Two kernels write the parts of a complex value: the first must not write over what the second reads.
TEST(SharedMemory, ComplexOutputsTakeNoMemoryThatIsStillRead) {
  const auto f = [](const Array& z, const Array& w) {
    return std::pair{complex(cumsum(real(z), 0), sin(imag(z)) + real(w)), z * w + conj(z)};
  };
  const Array z = complex(values({700}), values({700}, 1)), w = complex(values({700}, 2), values({700}, 3));
  const Jaxpr jaxpr = make_jaxpr(f)(z, w);
  const Arrays want = default_backend().compile(jaxpr, {.interpret = true})->run(Arrays{z, w});
  const auto compiled = default_backend().compile(jaxpr, {.donated = {0, 1}});
  Arrays args{z + Array(0.f), w + Array(0.f)};
  const Arrays got = compiled->run_donated(args);
  for (std::size_t j = 0; j < 2; ++j) {
    const auto x = got[j].data<complex64>(), y = want[j].data<complex64>();
    for (std::size_t i = 0; i < y.size(); ++i)
      ASSERT_LE(std::abs(x[i] - y[i]), 1e-4f * (1 + std::abs(y[i]))) << "output " << j << " element " << i;
  }
}

// The shapes of the random programs that compile_test.cpp compares, here with sharing: operations that move, reduce,
// update and multiply, every input free to be overwritten by every output.
class RandomProgram {
 public:
  explicit RandomProgram(unsigned seed) : random_(seed) {}
  Arrays build(const Arrays& inputs, int steps) {
    pool_ = inputs;
    for (int i = 0; i < steps; ++i) pool_.push_back(step());
    Arrays out;
    for (std::size_t i = 0; i < 4; ++i) out.push_back(pool_[pool_.size() - 1 - below(pool_.size() / 2)]);
    return out;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  Array some() { return pool_[below(pool_.size())]; }
  Array step() {
    const Array x = some(), y = some();
    switch (below(10)) {
      case 0: return x * 0.5f - y;
      case 1: return maximum(x, y) + 0.25f * x;
      case 8:
        return scatter_add(x, reshape(array<int>({3, 1, 3, 200}), {4, 1}), y(slice(0, 4)) * 0.5f,
                           {{1}, {0}, {0}, {}, {}});
      case 2: return x - mean(x, static_cast<std::int64_t>(below(2)), keepdims);
      case 3: return transpose(y) + x;
      case 4: return rev(x, {static_cast<std::int64_t>(below(2))}) * y;
      case 5: return tanh(matmul(x, y));
      case 6: return concatenate({x(slice(3, {})), y(slice(0, 3))}, 0);
      case 7:
        return dynamic_update_slice(x, y(slice(0, 2), slice(0, 5)),
                                    Arrays{Array(4), Array(static_cast<int>(below(20)))});
      default: return softmax(x, static_cast<std::int64_t>(below(2)));
    }
  }
  std::mt19937 random_;
  Arrays pool_;
};

TEST(SharedMemory, RandomPrograms) {
  for (unsigned seed = 0; seed < 80 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Arrays inputs{values({17, 17}, static_cast<int>(seed)), values({17, 17}, 1), values({17, 17}, 2)};
    const Jaxpr jaxpr = make_jaxpr([&](const Array& a, const Array& b, const Array& c) {
      return RandomProgram(seed).build({a, b, c}, 10);
    })(inputs[0], inputs[1], inputs[2]);
    check_shared(jaxpr, inputs, 1e-3, seed % 4 == 0);
  }
}

}  // namespace
}  // namespace tf2jax::compiler
