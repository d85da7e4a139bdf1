// Bad arguments of every kind to the public functions: sizes negative and too large, indices out of range at both ends, ranks
// too low and too high, wrong dtypes, empty lists. Each is refused with a typed error that says what was wrong, op by op and
// while tracing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/base/buffer_pool.h>
#include <tf2jax/ops/conv.h>
#include <tf2jax/ops/fft.h>
#include <tf2jax/ops/sort.h>
#include <tf2jax/ops/special.h>
#include <tf2jax/ops/window.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 62, kLarge = std::int64_t{1} << 40, kLeast = std::numeric_limits<std::int64_t>::min(), kMost = std::numeric_limits<std::int64_t>::max();

struct Row {
  std::string call;
  std::function<void()> run;
  std::string message;   // a part of it
};
#define ROW(call, message) Row{#call, [=] { static_cast<void>(call); }, message}

void PrintTo(const Row& row, std::ostream* os) { *os << row.call; }

class BadInput : public ::testing::TestWithParam<Row> {};
TEST_P(BadInput, IsRefused) {
  const Row& row = GetParam();
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
  refused([&] { make_jaxpr([&](const Array& x) { row.run(); return x; })(ones({})); });
}

const Array v3 = ones({3}), m = ones({2, 3}), cube = ones({2, 3, 4}), i3 = astype(ones({3}), i32), scalar = ones({}), none = ones({0}), flags = astype(v3, bool_);
Window window(Dims dimensions, Dims strides = {}) { return {std::move(dimensions), std::move(strides), {}, {}, {}}; }
ConvParams conv(Dims strides, Padding padding = {{0, 0}}, Dims lhs_dilation = {1}, Dims rhs_dilation = {1}, std::int64_t groups = 1) {
  ConvParams p;
  p.window_strides = std::move(strides);
  p.padding = std::move(padding);
  p.lhs_dilation = std::move(lhs_dilation);
  p.rhs_dilation = std::move(rhs_dilation);
  p.feature_group_count = groups;
  p.dimension_numbers = {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}};
  return p;
}
const Array signal = ones({1, 2, 8}), taps = ones({3, 2, 3});

std::vector<Row> creation() {
  return {ROW(zeros({-3}), "zeros: f32[-3] has a negative size"), ROW(zeros({2, kLeast}), "has a negative size"), ROW(zeros({kHuge}), "raise Config::max_array_elements"),
          ROW(zeros({kLarge, kLarge}), "multiply to more than 2^63"), ROW(zeros({0, kHuge, 4}), "multiply to more than 2^63"), ROW(ones({-1}), "ones: f32[-1] has a negative size"),
          ROW(ones({kHuge, kHuge}), "ones:"), ROW(full({-2}, 1.f), "full:"), ROW(full({kHuge}, 1.f), "full:"), ROW(iota(f32, {-3}, 0), "iota"), ROW(iota(f32, {3}, 1), "iota"),
          ROW(iota(f32, {3}, -1), "iota"), ROW(iota(f32, {}, 0), "iota"), ROW(iota(bool_, {3}, 0), "iota"), ROW(arange(kHuge), "raise Config::max_array_elements"),
          ROW(arange(0, 3, 0), "arange: the step must not be 0"), ROW(arange(kLeast, kMost, 1), "does not fit"), ROW(arange(0, kMost, 1), "max_array_elements"),
          ROW(linspace(0, 1, -1), "linspace: the number of samples must be non-negative"), ROW(linspace(0, 1, kHuge), "linspace:"), ROW(eye(-2), "eye:"), ROW(eye(2, -1), "eye:"),
          ROW(eye(std::int64_t{1} << 31), "eye:"), ROW(one_hot(i3, -5), "one_hot: the number of classes must not be negative"), ROW(one_hot(i3, kHuge), "max_array_elements"),
          ROW(tril(v3), "tril"), ROW(triu(scalar), "triu"), ROW(diagonal(v3), "diagonal"), ROW(diagonal(cube), "diagonal")};
}

std::vector<Row> movement() {
  return {ROW(reshape(v3, {-1, -1}), "reshape: only one size may be -1"), ROW(reshape(v3, {-3}), "reshape"), ROW(reshape(v3, {2, -1}), "Cannot divide evenly"), ROW(reshape(v3, {4}), "reshape total size"),
          ROW(reshape(none, {kHuge}), "reshape"), ROW(broadcast_to(v3, {-3}), "broadcast_to:"), ROW(broadcast_to(m, {3}), "broadcast_to"), ROW(broadcast_to(scalar, {kHuge}), "broadcast_to:"),
          ROW(broadcast_in_dim(v3, {3, 3}, {2}), "broadcast_in_dim"), ROW(broadcast_in_dim(v3, {3, 3}, {-1}), "broadcast_in_dim"), ROW(broadcast_in_dim(v3, {3, 3}, {}), "broadcast_in_dim"),
          ROW(squeeze(m, {0}), "squeeze"), ROW(squeeze(m, {2}), "axis 2 is out of bounds"), ROW(squeeze(m, {-3}), "axis -3 is out of bounds"), ROW(transpose(m, {0}), "transpose permutation"),
          ROW(transpose(m, {0, 0}), "transpose permutation"), ROW(transpose(m, {0, 2}), "axis 2 is out of bounds"), ROW(rev(m, {-1}), "rev"), ROW(rev(m, {0, 0}), "rev"), ROW(flip(m, {2}), "flip"),
          ROW(concatenate({}, 0), "concatenate"), ROW(concatenate({m, v3}, 0), "Cannot concatenate"), ROW(concatenate({m, m}, 2), "axis 2"), ROW(concatenate({scalar, scalar}, 0), "axis 0"),
          ROW(stack({}), "stack: need at least one array"), ROW(stack({m, v3}), "same shape"), ROW(stack({m}, 3), "axis 3"), ROW(unstack(scalar), "axis 0"), ROW(unstack(m, -3), "axis -3"),
          ROW(unstack(zeros({std::int64_t{1} << 23, 0})), "unstack:"), ROW(zeros({kLarge, 0}), "zeros:"), ROW(split(v3, {-1, 4}, 0), "split"), ROW(split(v3, {1, 1}, 0), "split"), ROW(split(v3, {kHuge, kHuge}, 0), "split"), ROW(split(v3, {3}, 1), "axis 1"),
          ROW(tile(v3, {-1}), "tile: the repetitions must not be negative"), ROW(tile(v3, {-2, -2}), "tile"), ROW(tile(v3, {kHuge}), ""), ROW(repeat(v3, -1, 0), "repeat: the count must not be negative"),
          ROW(repeat(v3, kHuge, 0), ""), ROW(repeat(v3, 2, 1), "axis 1"), ROW(expand_dims(v3, {3}), "axis 3"), ROW(expand_dims(v3, {0, 0}), "duplicate"), ROW(moveaxis(m, 2, 0), "moveaxis"),
          ROW(swapaxes(m, 0, -3), "swapaxes"), ROW(roll(m, 1, 2), "roll"), ROW(pad(v3, {{-2, -2}}), "not at least 0"), ROW(pad(v3, {{kHuge, kHuge}}), ""), ROW(pad(v3, {}), "padding_config"),
          ROW(pad(v3, v3, {{0, 0, 0}}), "must be a scalar"), ROW(pad(v3, 0.f, std::vector<PadAxis>{{0, 0, -1}}), "nonnegative"), ROW(pad(v3, 0.f, std::vector<PadAxis>{{0, 0, kHuge}}), ""),
          ROW(slice(v3, {-1}, {2}), "slice"), ROW(slice(v3, {2}, {1}), "slice"), ROW(slice(v3, {0}, {4}), "slice"), ROW(slice(v3, {0}, {3}, {0}), "strides must be positive"),
          ROW(slice(v3, {0, 0}, {1, 1}), "one entry per axis"), ROW(slice(v3, {0}, {1, 1}), "one entry per axis"), ROW(slice(v3, {0, 0}, {1}), "one entry per axis"), ROW(slice_in_dim(v3, 0, 4, 1, 0), "slice"),
          ROW(slice_in_dim(v3, kLeast, 1, 1, 0), ""), ROW(slice_in_dim(v3, 0, 1, -1, 0), "strides must be positive"), ROW(dynamic_slice(v3, Arrays{}, {1}), "dynamic_slice"),
          ROW(dynamic_slice(v3, Arrays{Array(0)}, {4}), "slice_sizes"), ROW(dynamic_slice(v3, Arrays{Array(0)}, {-1}), "slice_sizes"), ROW(dynamic_slice(v3, Arrays{Array(0.f)}, {1}), "integer scalars"),
          ROW(dynamic_update_slice(v3, ones({4}), Arrays{Array(0)}), "update"), ROW(dynamic_update_slice(v3, m, Arrays{Array(0)}), "same rank"), ROW(dynamic_index_in_dim(v3, Array(0), 1), "axis 1")};
}

std::vector<Row> reductions() {
  return {ROW(sum(v3, {1}), "axis 1"), ROW(sum(v3, {-2}), "axis -2"), ROW(sum(m, {0, 0}), "duplicate"), ROW(sum(scalar, {0}), "axis 0"), ROW(reduce_max(m, {2}), "reduce_max"),
          ROW(argmax(none, 0), "argmax"), ROW(argmax(v3, 1), "axis 1"), ROW(argmax(scalar, 0), "axis 0"), ROW(argmin(v3, 0, f32), "argmin"), ROW(max(none), "zero-size array to reduction operation max"), ROW(min(zeros({0, 3}), {0}), "zero-size array"), ROW(cumsum(v3, 1), "cumsum"), ROW(cumsum(v3, -2), "cumsum"),
          ROW(cumprod(scalar, 0), "cumprod"), ROW(reduce_and(v3, {0}), "reduce_and"), ROW(softmax(scalar), "axis -1"), ROW(logsumexp(v3, {4}), "axis 4"), ROW(all_true(v3, {1}), "axis 1"),
          ROW(sort(Arrays{}), "sort"), ROW(sort(Arrays{v3, m}), "sort"), ROW(sort(v3, 1), "axis 1"), ROW(sort(Arrays{v3}, 0, true, 2), "num_keys"), ROW(sort(Arrays{v3}, 0, true, 0), "num_keys"), ROW(top_k(v3, 4), "top_k"),
          ROW(top_k(v3, -1), "top_k"), ROW(top_k(v3, 1, 1), "axis 1"), ROW(approx_max_k(v3, 0), "k must be positive"), ROW(approx_max_k(v3, 5), "k must be smaller"), ROW(argsort(scalar), "axis -1"),
          ROW(reduce_window_sum(v3, window({})), "one entry per axis"), ROW(reduce_window_sum(v3, window({0})), "must be positive"), ROW(reduce_window_sum(v3, window({-1})), "must be positive"),
          ROW(reduce_window_sum(v3, window({1}, {0})), "must be positive"), ROW(reduce_window_max(v3, window({1, 1})), "one entry per axis"), ROW(reduce_window_max(v3, window({1}, {kHuge})), "at most 2^40"),
          ROW(reduce_window_min(v3, (Window{{1}, {1}, {{kMost, kMost}}, {}, {}})), "at most 2^40"), ROW(reduce_window_min(v3, (Window{{1}, {1}, {{0, 0}}, {0}, {}})), "must be positive"),
          ROW(reduce_window_sum(v3, (Window{{1}, {1}, {{0, 0}}, {}, {kHuge}})), "at most 2^40"), ROW(reduce_window_sum(v3, (Window{{1}, {1}, {{0, 0}}, {kHuge}, {}})), "at most 2^40")};
}

std::vector<Row> contractions() {
  return {ROW(dot_general(m, m, {{5}, {0}, {}, {}}), "dot_general"), ROW(dot_general(m, m, {{0, 1}, {1}, {}, {}}), "dot_general"),
          ROW(dot_general(m, m, {{1}, {0}, {}, {}}), "dot_general"), ROW(matmul(scalar, m), "matmul"), ROW(matmul(m, m), ""), ROW(tensordot(m, m, {0}, {3}), ""), ROW(tensordot(m, m, {0, 1}, {0}), ""),
          ROW(einsum("ij,jk", Arrays{m}), "einsum"), ROW(einsum("ij->ik", Arrays{m}), "einsum"), ROW(einsum("ijk", Arrays{m}), "einsum"), ROW(einsum("i.j->", Arrays{m}), "einsum"), ROW(einsum("", Arrays{}), "einsum"),
          ROW(einsum("ij,ij->iii", Arrays{m, m}), ""), ROW(conv_general_dilated(signal, taps, conv({0})), "must be positive"),
          ROW(conv_general_dilated(signal, taps, conv({-1})), "must be positive"), ROW(conv_general_dilated(signal, taps, conv({1, 1})), "one entry per spatial axis"),
          ROW(conv_general_dilated(signal, taps, conv({1}, {{kHuge, kHuge}})), "at most 2^40"),
          ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {0})), "must be positive"), 
          ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {1}, {kHuge})), "at most 2^40"), ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {1}, {1}, 0)), "must be positive"),
          ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {1}, {1}, 3)), "conv_general_dilated"), ROW(conv_general_dilated(scalar, taps, conv({1})), "conv_general_dilated"),
          ROW(conv_general_dilated(signal, m, conv({1})), "conv_general_dilated"), 
          ROW(conv_general_dilated(signal, taps, conv({1}), "SOME"), "SOME"), ROW(fft(m, FftType::fft, {3}), "FFT requires"), ROW(fft(complex(m, m), FftType::fft, {}), "fft"),
          ROW(fft(complex(m, m), FftType::fft, {4}), "fft"), ROW(fft(complex(m, m), FftType::fft, {-3}), "fft"), ROW(fft(m, FftType::rfft, {1, 1, 1}), "fft"), ROW(fft(complex(m, m), FftType::irfft, {kMost}), "fft"),
          ROW(cholesky(v3), "cholesky"), ROW(cholesky(m), "cholesky"), ROW(cholesky(i3), "cholesky"), ROW(eigh(v3), "eigh"), ROW(triangular_solve(m, m), "triangular_solve"), ROW(triangular_solve(scalar, scalar), "triangular_solve"),
          ROW(eigh(m), "eigh"), ROW(eigh(scalar), "eigh")};
}

std::vector<Row> indexing() {
  return {ROW(v3[3], "out of bounds"), ROW(v3[-4], "out of bounds"), ROW(v3(kLeast), "out of bounds"), ROW(v3(kMost), "out of bounds"), ROW(v3(0, 0), "Too many indices"), ROW(scalar[0], "Too many indices"),
          ROW(v3(ellipsis, ellipsis), "single ellipsis"), ROW(v3(slice(0, 3, 0)), "step cannot be zero"), ROW(v3(flags), "array indices must be integers"), ROW(m.at(5).set(1.f), "out of bounds"),
          ROW(m.at(0, 0, 0).set(1.f), "Too many indices"), ROW(m.at(0).set(ones({4})), ""), ROW(take(v3, Array(0), 1), "axis 1"), ROW(take(v3, scalar, 0), ""), ROW(take_along(m, i3, 0), ""),
          ROW(gather(v3, i3, {{0}, {0}, {0}, {}, {}}, {5}), "gather"), ROW(gather(v3, scalar, {{}, {0}, {0}, {}, {}}, {1}), "gather"), ROW(gather(v3, expand_dims(i3, {1}), {{}, {1}, {0}, {}, {}}, {1}), "gather"),
          ROW(gather(v3, expand_dims(i3, {1}), {{}, {0}, {-1}, {}, {}}, {1}), "gather"), ROW(gather(v3, expand_dims(i3, {1}), {{7}, {}, {0}, {}, {}}, {1}), "gather"),
          ROW(gather(v3, expand_dims(i3, {1}), {{}, {0}, {0}, {}, {}}, {-1}), "gather"), ROW(scatter_add(v3, i3, v3, {{}, {0}, {0}, {}, {}}), "scatter"),
          ROW(scatter(v3, expand_dims(i3, {1}), v3, {{5}, {0}, {0}, {}, {}}), "scatter"), ROW(scatter(v3, expand_dims(i3, {1}), v3, {{}, {-1}, {0}, {}, {}}), "scatter"),
          ROW(scatter(v3, expand_dims(i3, {1}), i3, {{}, {0}, {0}, {}, {}}), "scatter"), ROW(select_n(flags, Arrays{}), "select_n"), ROW(select_n(flags, Arrays{v3}), "select_n"), ROW(select_n(v3, Arrays{v3, v3}), "select `which` must be"),
          ROW(select_n(flags, Arrays{v3, m}), "select_n"), ROW(where(flags, v3, ones({4})), ""), ROW(clamp(m, v3, 1.f), "")};
}

std::vector<Row> elementwise() {
  return {ROW(add(v3, ones({4})), "incompatible shapes"), ROW(bitwise_and(v3, v3), "and"), ROW(shift_left(v3, v3), "shift_left"), ROW(population_count(v3), "population_count"), ROW(erf(complex(v3, v3)), "erf"),
          ROW(bitcast_convert_type(v3, bool_), "does not support bool"), ROW(bitcast_convert_type(i3, DType::key), ""), ROW(bitcast_convert_type(v3, DType::float0), ""), ROW(reduce_precision(v3, 0, 5), "exponent_bits"),
          ROW(reduce_precision(v3, 5, -1), "mantissa_bits"), ROW(reduce_precision(i3, 5, 5), "reduce_precision"), ROW(integer_pow(i3, -1), "integer_pow"), ROW(rem(complex(v3, v3), v3), "rem"),
          ROW(promote("where", {}), ""), ROW(Array().shape(), "no value"), ROW(v3.data<int>(), "elements are f32"), ROW(v3.item<float>(), "an index is needed"), ROW(v3.item<float>(3), "out of range"),
          ROW(v3.item<float>(-4), "out of range"), ROW(static_cast<bool>(v3), ""), ROW(add_p().bind(Arrays{v3}), "add: got 1 operands. Expected 2"), ROW(sin_p().bind(Arrays{v3, v3}), "sin: got 2 operands. Expected 1"),
          ROW(select_n_p().bind(Arrays{v3}), "select_n: got 1 operands. Expected at least 2"), ROW(iota_p().bind(Arrays{v3}, IotaParams{f32, {3}, 0}), "iota: got 1 operands. Expected 0")};
}

std::vector<Row> data() {
  static const float numbers[6] = {};
  const auto bytes = std::as_bytes(std::span(numbers));
  return {ROW(Array::from_bytes(f32, {-2, -3}, bytes), "has a negative size"), ROW(Array::from_bytes(f32, {7}, bytes), "got 24 bytes. Expected 28"), ROW(Array::from_bytes(f32, {kHuge, 4}, bytes), "Array::from_bytes"),
          ROW(Array::view(f32, {-6}, numbers, {}), "has a negative size"), ROW(Array::view(f32, {kHuge}, numbers, {}), "max_array_elements"), ROW(Array::build({f32, {-1}, false}, [](std::byte*) {}), "has a negative size"),
          ROW(Array::build({f32, {kHuge}, false}, [](std::byte*) {}), "max_array_elements"), ROW(Array::build({f64, {kHuge}, false}, [](std::byte*) {}), "max_array_elements"),
          ROW(from_span<float>(std::span<const float>(numbers), {4}), "Expected")};
}

std::vector<Row> randomness() {
  const Array key = random::key(0);
  return {ROW(random::split(key, -1), ""), ROW(random::split(key, kHuge), "max_array_elements"), ROW(random::split(v3), ""), ROW(random::bits(key, {-1}), ""), ROW(random::bits(key, {3}, f32), ""),
          ROW(random::uniform(key, {-3}), ""), ROW(random::uniform(key, {kHuge}), "max_array_elements"), ROW(random::uniform(key, {3}, i32), "floating"), ROW(random::uniform(v3, {3}), ""), ROW(random::normal(key, {kLarge, kLarge}), ""),
          ROW(random::randint(key, {-3}, 0, 5), ""), ROW(random::bernoulli(key, 0.5f, Shape{-2}), ""), ROW(random::categorical(key, scalar), "axis -1"), ROW(random::categorical(key, v3, 0, Shape{-1}), ""),
          ROW(random::gamma(key, v3, Shape{2}), ""), ROW(random::dirichlet(key, scalar), ""), ROW(random::permutation(key, -1), ""), ROW(random::permutation(key, v3, 1), "axis 1"), ROW(random::choice(key, -1), ""),
          ROW(random::choice(key, 3, {5}, false), ""), ROW(random::choice(key, 0, {2}), ""), ROW(random::choice(key, m), "a vector is expected"), ROW(random::choice(key, 3, {-1}), ""), ROW(random::wrap_key_data(v3), ""),
          ROW(random::fold_in(key, v3), ""), ROW(random::truncated_normal(key, 0.f, 1.f, {-1}), "")};
}

TEST(Memory, IsNotPromisedBeyondItsBudget) {
  const std::size_t before = buffer_bytes_in_use();
  {
    const auto limited = override_config(&Config::max_total_bytes, std::int64_t{1} << 30);
    EXPECT_THAT(message_of<ResourceExhaustedError>([] { zeros({std::int64_t{1} << 29}); }), ::testing::HasSubstr("cannot allocate"));
    const Array half = zeros({std::int64_t{1} << 27});
    EXPECT_THROW(zeros({(std::int64_t{1} << 27) + (std::int64_t{1} << 26)}), ResourceExhaustedError);
    const Array less = zeros({std::int64_t{1} << 26});   // what is refused is not held
    EXPECT_EQ(buffer_bytes_in_use() - before, std::size_t{3} << 28);
  }
  EXPECT_EQ(buffer_bytes_in_use(), before);
  const auto few = override_config(&Config::max_array_elements, std::int64_t{10000});
  EXPECT_EQ(ones({10000}).size(), 10000);
  EXPECT_THROW(ones({10001}), ResourceExhaustedError);
  EXPECT_THROW(jit([](const Array& x) { return outer(x, x); })(ones({101})), ResourceExhaustedError);
}

INSTANTIATE_TEST_SUITE_P(Creation, BadInput, ::testing::ValuesIn(creation()));
INSTANTIATE_TEST_SUITE_P(Movement, BadInput, ::testing::ValuesIn(movement()));
INSTANTIATE_TEST_SUITE_P(Reductions, BadInput, ::testing::ValuesIn(reductions()));
INSTANTIATE_TEST_SUITE_P(Contractions, BadInput, ::testing::ValuesIn(contractions()));
INSTANTIATE_TEST_SUITE_P(Indexing, BadInput, ::testing::ValuesIn(indexing()));
INSTANTIATE_TEST_SUITE_P(Elementwise, BadInput, ::testing::ValuesIn(elementwise()));
INSTANTIATE_TEST_SUITE_P(Data, BadInput, ::testing::ValuesIn(data()));
INSTANTIATE_TEST_SUITE_P(Randomness, BadInput, ::testing::ValuesIn(randomness()));

}  // namespace
}  // namespace tf2jax
