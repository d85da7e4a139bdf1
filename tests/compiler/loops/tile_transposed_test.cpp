// Loops that read matrices by columns, in tiles, against the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

bool is_tiled(const Jaxpr& jaxpr) {
  return default_backend().compile(jaxpr, {})->explain().find("lanes i2 < ") != std::string::npos;
}

TEST(TransposedRows, OfEverySize) {
  for (const Shape& shape : {Shape{16, 16}, Shape{64, 48}, Shape{17, 96}, Shape{96, 17}, Shape{128, 256},
                             Shape{100, 100}, Shape{1, 64}, Shape{32, 15}}) {
    const Array x = values(shape), y = values({shape[1], shape[0]}, 1);
    check_function(
        [](const Array& a, const Array& b) {
          return std::tuple{transpose(a) * 2.f, transpose(a) + b, exp(transpose(a)) * b};
        },
        x, y);
    check_function([](const Array& a, const Array& b) { return transpose(sin(transpose(a)) * b); }, x, y);
  }
  EXPECT_TRUE(is_tiled(make_jaxpr([](const Array& a) { return transpose(a) * 2.f; })(values({64, 96}))));
}

TEST(TransposedRows, OfMoreAxes) {
  const Array x = values({4, 32, 8, 24});
  for (const Axes& order : {Axes{0, 3, 1, 2}, Axes{3, 2, 1, 0}, Axes{2, 3, 0, 1}, Axes{1, 0, 3, 2}, Axes{0, 2, 3, 1}})
    check_function([=](const Array& a) { return transpose(a, order) * 3.f + 1.f; }, x);
  check_function(
      [](const Array& a) {
        return pad(transpose(a, {0, 3, 1, 2}), Array(0.f), {{0, 0, 0}, {1, 2, 0}, {0, 0, 0}, {2, 1, 0}}) * 2.f;
      },
      x);
}

TEST(TransposedRows, OfEveryType) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {f16, bf16, f32, f64, i8, u16, i64, bool_, c64})
    check_function([](const Array& a) { return transpose(a); },
                   astype(reshape(arange(64 * 48), {64, 48}) % Array(7), d));
}

TEST(TransposedRows, WithFactorsOfRows) {
  const Array x = values({64, 64}), v = values({64}, 1);
  check_function([](const Array& a, const Array& b) { return transpose(a) * b(all, newaxis) - tanh(b)(all, newaxis); },
                 x, v);
  check_function(grad([](const Array& a) { return sum(square(transpose(a) + a)); }), x);
}

TEST(TransposedRows, OverTheirOwnOperand) {
  const Array x = values({64, 64});
  check_function(
      [](const Array& a) {
        const Array b = a * 2.f;
        return transpose(b) + b;
      },
      x);
  check_function(
      [](const Array& a) {
        return fori_loop(0, 3, [](const Array&, const Array& c) { return transpose(c) + c * 0.5f; }, a);
      },
      x);
}

}  // namespace
}  // namespace tf2jax
