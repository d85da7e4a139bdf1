// Rows that are alike but near one element: written twice, against the interpreter and closed forms.
#include "check_program.h"

namespace tf2jax {
namespace {

Array numbers(const Shape& shape, std::int64_t axis) { return iota(i32, shape, axis); }

bool splits(const Jaxpr& jaxpr) {
  const std::string text = default_backend().compile(jaxpr, {})->explain();
  const auto first = text.find("  lanes");
  return first != std::string::npos && text.find("  lanes", first + 1) != std::string::npos;
}

TEST(SparseRows, HessianOfAChainIsTridiagonal) {
  const auto f = [](const Array& x) {
    const Array head = x(slice({}, -1)), tail = x(slice(1, {}));
    return sum(100.f * square(tail - square(head)) + square(1.f - head));
  };
  const std::int64_t n = 75;
  const Array x = values({n});
  EXPECT_TRUE(splits(make_jaxpr(hessian(f))(x)));
  const auto got = jit(hessian(f))(x).to_vector<double>(), v = x.to_vector<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const auto at = [&](std::int64_t k) { return v[k]; };
      double want = 0;
      if (i == j) want = (i > 0 ? 200 : 0) + (i + 1 < n ? 2 - 400 * (at(i + 1) - 3 * at(i) * at(i)) : 0);
      if (i + 1 == j || j + 1 == i) want = -400 * at(std::min(i, j));
      EXPECT_NEAR(got[i * n + j], want, 2e-5 * (200 + std::abs(want))) << i << ", " << j;
    }
}

TEST(SparseRows, DiagonalsAnywhere) {
  for (const Shape& shape : {Shape{50, 50}, Shape{33, 80}, Shape{100, 48}, Shape{3, 40, 64}})
    for (const int shift : {-60, -40, -3, 0, 1, 15, 16, 39, 70}) {
      const auto last = static_cast<std::int64_t>(shape.size()) - 1;
      check_function(
          [=](const Array& x) {
            const Array on = numbers(shape, last) == numbers(shape, last - 1) + Array(shift);
            return where(on, exp(sin(x)) * astype(numbers(shape, last), f32), 0.5f);
          },
          values({shape.back()}));
    }
}

TEST(SparseRows, OneHotOfAnyNumber) {
  const Array k = array<std::int32_t>({0, 5, 99, 100, -1, -100, 2147483647, -2147483647 - 1, 84, 83, 16});
  const auto f = [](const Array& i) { return one_hot(i, 100) * 3.f + 1.f; };
  EXPECT_TRUE(splits(make_jaxpr(
      [](const Array& i) { return where(one_hot(i, 100) == 1.f, sin(astype(i, f32))(all, newaxis), 0.f); })(k)));
  const auto got = jit(f)(k).to_vector<float>();
  const auto index = k.to_vector<std::int64_t>();
  for (std::size_t r = 0; r < index.size(); ++r)
    for (std::int64_t c = 0; c < 100; ++c)
      ASSERT_EQ(got[r * 100 + static_cast<std::size_t>(c)], index[r] == c ? 4.f : 1.f) << index[r] << " column " << c;
}

TEST(SparseRows, NotANumberSpreadsOverTheRow) {
  // 0 * inf is NaN in every column: the elements off the diagonal are computed, not assumed.
  const Array x = array<float>({1, INFINITY, NAN, -2});
  const auto got = jit([](const Array& a) { return eye(4, 64) * exp(a)(all, newaxis); })(x).to_vector<float>();
  for (std::size_t c = 0; c < 64; ++c) {
    EXPECT_EQ(got[c], c == 0 ? std::exp(1.f) : 0.f);
    EXPECT_EQ(std::isnan(got[64 + c]), c != 1);
    EXPECT_TRUE(std::isnan(got[128 + c]));
  }
  EXPECT_EQ(got[65], INFINITY);
}

TEST(SparseRows, ConditionsAlongTheRowStay) {
  check_function(
      [](const Array& x) {
        const Array diagonal = eye(40, 60) * sin(x)(all, newaxis);
        return pad(diagonal, Array(7.f), {{0, 0, 0}, {5, 9, 0}}) + 1.f;
      },
      values({40}));
  check_function([](const Array& x) { return (eye(40, 60) * tanh(x)(all, newaxis))(all, slice({}, {}, -1)); },
                 values({40}));
  check_function([](const Array& x) { return x + eye(40, 60) * 2.f; }, values({40, 60}));
}

TEST(SparseRows, JacobiansOfElementwiseFunctions) {
  const Array x = values({70});
  check_function(jacfwd([](const Array& a) { return sin(a) * exp(a); }), x);
  check_function(jacrev([](const Array& a) { return cumsum(tanh(a), 0); }), x);
  check_function(hessian([](const Array& a) { return sum(log1p(exp(a)) * a); }), x);
}

TEST(SparseRows, InsideLoops) {
  check_function(
      [](const Array& x) {
        return fori_loop(
            0, 5,
            [](const Array& i, const Array& c) {
              return c * 0.5f + eye(12, 50) * sin(c(all, 0))(all, newaxis) + astype(i, f32);
            },
            x);
      },
      values({12, 50}));
}

}  // namespace
}  // namespace tf2jax
