// Compiled programs against the interpreter, which runs the same jaxpr through the eager kernels.
#include <bit>
#include <cmath>
#include <random>

#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, OutputsThatShareMemory) {
  check_function([](const Array& x) { return std::tuple{x, x * 2.f, reshape(x * 2.f, {6}), x * 2.f, ones({3})}; },
                 values({2, 3}));
  check_function([](const Array& x) { return std::tuple{reshape(x, {3, 2}), transpose(x)}; }, values({2, 3}));
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
      case 3: return rank ? mean(x, static_cast<std::int64_t>(below(rank)), keepdims) + x : x + 1.f;
      case 4: return rank ? sum(x, static_cast<std::int64_t>(below(rank))) * 0.1f : x;
      case 5: {
        Axes p = iota_axes(rank);
        std::shuffle(p.begin(), p.end(), random_);
        return transpose(x, p);
      }
      case 6:
        return rank >= 2 ? reshape(x, {x.shape()[0].value() * x.shape()[1].value(),
                                       x.size() / (x.shape()[0].value() * x.shape()[1].value())})
                         : x * 2.f;
      case 7: {
        if (!rank || x.shape()[0].value() < 3) return broadcast_to(mean(x), {3, 2});
        return x(slice(1, {}));
      }
      case 8:
        return rank && x.size() < 4000 ? concatenate({x, x * 0.5f}, static_cast<std::int64_t>(below(rank))) : cos(x);
      case 9: {
        if (!rank) return x;
        std::vector<PadAxis> config(rank, {0, 0, 0});
        config[below(rank)] = {1, static_cast<std::int64_t>(below(3)) - 1, 0};
        return x.size() < 4000 ? pad(x, Array(0.5f), config) : x;
      }
      case 10: return rank == 2 && x.shape()[0].value() < 60 ? matmul(x, transpose(x)) * 0.05f : rank ? softmax(x) : x;
      case 11: {
        if (rank < 2) return x;
        const Array y = some();
        return scatter_add(x, reshape(array<int>({0, 1, 0, 9}), {4, 1}),
                           broadcast_to(mean(y),
                                        [&] {
                                          Dims d = x.dims();
                                          d[0] = 4;
                                          return symbolic(d);
                                        }()) *
                               x(slice(0, 1)),
                           {iota_axes(rank - 1, 1), {0}, {0}, {}, {}});
      }
      default: return rank ? rev(x, {static_cast<std::int64_t>(below(rank))}) : x;
    }
  }

  std::mt19937 random_;
  Arrays pool_;
};

TEST(Compile, RandomPrograms) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Arrays inputs{values({4, 6}, static_cast<int>(seed)), values({3, 4, 5}, static_cast<int>(seed) + 1),
                        values({17}, 3)};
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
