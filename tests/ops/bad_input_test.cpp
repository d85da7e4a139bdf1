// Calls with bad arguments: sizes negative and too large, indices out of range at both ends, ranks too low and too
// high, wrong dtypes, empty lists. Each is refused with a typed error that says what was wrong, op by op and while
// tracing. The calls of an operation stand beside its tests; here are those that make and read arrays and bind
// primitives.
#include "bad_input.h"

#include <gmock/gmock.h>
#include <tf2jax/base/buffer_pool.h>

#include "../support.h"

namespace tf2jax {

TEST_P(BadInput, IsRefused) {
  const BadCall& row = GetParam();
  const auto refused = [&](const auto& run) {
    try {
      run();
      ADD_FAILURE() << row.call << " is accepted";
    } catch (const InternalError& e) {
      ADD_FAILURE() << row.call << ": an InternalError: " << e.what();
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr(row.message)) << row.call;
    }
  };
  refused(row.run);
  refused([&] {
    make_jaxpr([&](const Array& x) {
      row.run();
      return x;
    })(ones({}));
  });
}

namespace {

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  static const float numbers[6] = {};
  const auto bytes = std::as_bytes(std::span(numbers));
  return {
      ROW(Array().shape(), "no value"),
      ROW(v3.data<int>(), "elements are f32"),
      ROW(v3.item<float>(), "an index is needed"),
      ROW(v3.item<float>(3), "out of range"),
      ROW(v3.item<float>(-4), "out of range"),
      ROW(static_cast<bool>(v3), ""),
      ROW(add_p().bind(Arrays{v3}), "add: the number of operands is wrong. Got 1; expected 2"),
      ROW(sin_p().bind(Arrays{v3, v3}), "sin: the number of operands is wrong. Got 2; expected 1"),
      ROW(select_n_p().bind(Arrays{v3}), "select_n: the number of operands is wrong. Got 1; expected at least 2"),
      ROW(iota_p().bind(Arrays{v3}, IotaParams{f32, {3}, 0}),
          "iota: the number of operands is wrong. Got 1; expected 0"),
      ROW(Array::from_bytes(f32, {-2, -3}, bytes), "a size is negative"),
      ROW(Array::from_bytes(f32, {7}, bytes), "Got 24; expected 28"),
      ROW(Array::from_bytes(f32, {kHuge, 4}, bytes), "Array::from_bytes"),
      ROW(Array::view(f32, {-6}, numbers, {}), "a size is negative"),
      ROW(Array::view(f32, {kHuge}, numbers, {}), "max_array_elements"),
      ROW(Array::build({f32, {-1}, false}, [](std::byte*) {}), "a size is negative"),
      ROW(Array::build({f32, {kHuge}, false}, [](std::byte*) {}), "max_array_elements"),
      ROW(Array::build({f64, {kHuge}, false}, [](std::byte*) {}), "max_array_elements"),
      ROW(from_span<float>(std::span<const float>(numbers), {4}), "Got 24; expected 16"),
  };
}

INSTANTIATE_TEST_SUITE_P(Data, BadInput, ::testing::ValuesIn(bad_calls()));

TEST(Memory, IsNotPromisedBeyondItsBudget) {
  const std::size_t before = buffer_bytes_in_use();
  {
    const auto limited = override_config(&Config::max_total_bytes, std::int64_t{1} << 30);
    EXPECT_THAT(message_of<ResourceExhaustedError>([] { zeros({std::int64_t{1} << 29}); }),
                ::testing::HasSubstr("cannot allocate"));
    const Array half = zeros({std::int64_t{1} << 27});
    EXPECT_THROW(zeros({(std::int64_t{1} << 27) + (std::int64_t{1} << 26)}), ResourceExhaustedError);
    const Array less = zeros({std::int64_t{1} << 26});  // what is refused is not held
    EXPECT_EQ(buffer_bytes_in_use() - before, std::size_t{3} << 28);
  }
  EXPECT_EQ(buffer_bytes_in_use(), before);
  const auto few = override_config(&Config::max_array_elements, std::int64_t{10000});
  EXPECT_EQ(ones({10000}).size(), 10000);
  EXPECT_THROW(ones({10001}), ResourceExhaustedError);
  EXPECT_THROW(jit([](const Array& x) { return outer(x, x); })(ones({101})), ResourceExhaustedError);
}

}  // namespace
}  // namespace tf2jax
