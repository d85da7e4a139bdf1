// Bodies of loops written out element by element, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

Arrays scan_of(const FlatFn& body, const Arrays& init, const Arrays& xs, std::int64_t length, bool reverse = false) {
  return scan_flat(body, init, xs, length, reverse);
}

TEST(NativeLoop, MovementsReductionsAndSmallProducts) {
  const Array w = values({3, 3}), table = values({200}, 3);
  const auto body = [=](const Arrays& a) {
    const Array s = a[0], t = reshape(concatenate({s, a[1](slice(1, 3))}, 0), {5, 1});
    const Array u = matmul(w, s) + rev(transpose(reshape(pad(s, Array(0.5f), {{1, 2, 0}}), {2, 3})), {1})(all, 0);
    const Array picked = table(astype(abs(s) * 10.f, i32));
    return Arrays{tanh(u + max(t) * 0.1f + astype(argmax(s, 0), f32)),
                  picked + sum(square(t)) + astype(iota(i32, Shape{3}, 0), f32)};
  };
  check_native([=](const Array& s, const Array& xs) { return scan_of(body, {s}, {xs}, 9); }, values({3}, 1),
               values({9, 4}, 2));
  check_native(
      [](const Array& s) {
        return scan_of(
            [](const Arrays& a) {
              const Array v = dynamic_slice(a[1], Arrays{a[0] - 1}, {2});
              return Arrays{a[0] + 1, dynamic_update_slice(a[1], v * 0.5f + 1.f, Arrays{a[0]}), sum(v)};
            },
            {Array(-2), s}, {}, 8);
      },
      values({6}));
}

TEST(NativeLoop, LargeCarriesAreUpdatedInPlace) {
  const Array x = values({300});
  const auto smooth = [](const Array& s) {
    return scan_of(
        [](const Arrays& a) {
          const Array v = dynamic_slice(a[1], Arrays{a[0]}, {3});
          return Arrays{a[0] + 1, dynamic_update_slice(a[1], reshape(sum(v) / 3.f, {1}), Arrays{a[0] + 1}), max(v)};
        },
        {Array(0), s}, {}, 297);
  };
  check_native(smooth, x);
  // A value of before the update is read after it: not in place.
  check_function(
      [](const Array& s) {
        return scan_of(
            [](const Arrays& a) {
              const Array next = dynamic_update_slice(a[1], ones({1}), Arrays{a[0]});
              return Arrays{a[0] + 1, next,
                            dynamic_slice(a[1], Arrays{a[0]}, {1}) + dynamic_slice(next, Arrays{a[0]}, {1})};
            },
            {Array(0), s}, {}, 9);
      },
      x);
  check_function(
      [](const Array& s, const Array& t) {
        return scan_of([](const Arrays& a) { return Arrays{a[1], a[0]}; }, {s, t}, {}, 3);
      },
      x, values({300}, 1));
  // Sorting by exchange: a branch inside loops inside loops, each changing the array.
  const auto sorted = [](const Array& s) {
    return fori_loop(
        0, 39,
        [](const Array&, const Array& c) {
          return fori_loop(
              0, 39,
              [](const Array& i, const Array& v) {
                const Array a = dynamic_slice(v, Arrays{i}, {1}), b = dynamic_slice(v, Arrays{i + 1}, {1});
                return dynamic_update_slice(v, concatenate({minimum(a, b), maximum(a, b)}, 0), Arrays{i});
              },
              c);
        },
        s);
  };
  const Array y = values({40}, 4);
  check_native(sorted, y);
  EXPECT_EQ(jit(sorted)(y).to_vector<float>(), sort(y).to_vector<float>());
}

}  // namespace
}  // namespace tf2jax
