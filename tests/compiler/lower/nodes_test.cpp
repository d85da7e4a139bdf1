// Reads at traced places inside loops, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, GathersAndDynamicSlices) {
  const Array table = values({20, 5}),
              index = from_span<std::int32_t>(std::vector<std::int32_t>{3, 19, 0, -1, 40, 7}, {6});
  check_function([](const Array& t, const Array& i) { return t(i) * 2.f; }, table, index);
  check_function([](const Array& t, const Array& i) { return take(t, i, 0); }, table, index);
  for (const int start : {-3, 0, 4, 18, 100})
    check_function(
        [](const Array& t, const Array& s) { return dynamic_slice(sin(t), Arrays{s, Array(1)}, {4, 3}) + 1.f; }, table,
        Array(start));
  for (const int start : {-3, 0, 4, 18, 100})
    check_function(
        [](const Array& t, const Array& s) { return dynamic_update_slice(t * 2.f, ones({2, 3}), Arrays{s, Array(1)}); },
        table, Array(start));
  check_function(grad([](const Array& t) { return sum(square(t(slice(3, 9), 2))); }), table);
}

}  // namespace
}  // namespace tf2jax
