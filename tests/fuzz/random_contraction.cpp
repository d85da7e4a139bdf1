// Steps of linear algebra: products, convolutions, factorizations, transforms of Fourier.
#include "random_program.h"

#include "tf2jax/ops/fft.h"
#include "tf2jax/ops/linalg.h"

namespace tf2jax::fuzz {

namespace {

// Sizes that reach the blocked, threaded and library paths now and then.
std::int64_t random_size(Draw& draw) {
  const std::int64_t kind = draw.below(100);
  return kind < 2    ? 0
         : kind < 14 ? 1
         : kind < 80 ? draw.between(2, 6)
         : kind < 98 ? draw.between(7, 20)
                     : draw.between(32, 64);
}

void product(Pool& pool) {
  Draw& draw = pool.draw;
  const auto x = pool.find([](const Array& v) { return is_inexact(v.dtype()) || v.dtype() == DType::i32; });
  if (!x) return;
  // Which of x's axes are batch axes, contracted, or free; the other operand is found or made to fit.
  DotDims dims;
  Dims other;
  const std::int64_t free = draw.between(0, 2);
  std::vector<int> role;
  for (std::int64_t i = 0; i < x->rank(); ++i) role.push_back(draw.chance(0.2) ? 0 : draw.chance(0.5) ? 1 : 2);
  struct OtherAxis {
    std::int64_t size, of;
    int role;
  };
  std::vector<OtherAxis> axes;
  for (std::int64_t i = 0; i < x->rank(); ++i)
    if (role[i] < 2) axes.push_back({x->dims()[i], i, role[i]});
  for (std::int64_t i = 0; i < free; ++i) axes.push_back({random_size(draw), -1, 2});
  std::vector<OtherAxis> shuffled;
  for (const auto i : draw.some(static_cast<std::int64_t>(axes.size()), static_cast<std::int64_t>(axes.size())))
    shuffled.push_back(axes[i]);
  for (std::size_t i = 0; i < shuffled.size(); ++i) {
    other.push_back(shuffled[i].size);
    if (shuffled[i].role == 2) continue;
    (shuffled[i].role == 0 ? dims.lhs_batch : dims.lhs_contract).push_back(shuffled[i].of);
    (shuffled[i].role == 0 ? dims.rhs_batch : dims.rhs_contract).push_back(static_cast<std::int64_t>(i));
  }
  if (num_elements(other) > 4096) return;
  Array y = pool.find([&](const Array& v) { return v.dtype() == x->dtype() && v.dims() == other; }).value_or(Array());
  if (!y.has_value()) {
    const auto same =
        pool.find([&](const Array& v) { return v.dtype() == x->dtype() && v.size() == num_elements(other); });
    y = same ? reshape(*same, symbolic(other)) : random_array(draw, x->dtype(), other);
  }
  const bool swap = draw.chance(0.5);
  if (swap) std::swap(dims.lhs_batch, dims.rhs_batch), std::swap(dims.lhs_contract, dims.rhs_contract);
  std::int64_t size = num_elements(other);
  for (std::int64_t i = 0; i < x->rank(); ++i)
    if (role[i] == 2) size *= x->dims()[i];
  if (size > 60000) return;
  const Array out = swap ? dot_general(y, *x, dims) : dot_general(*x, y, dims);
  pool.add(is_inexact(out.dtype()) ? out * 0.25f : out);
}

void squared(Pool& pool) {  // one value as both operands
  const auto x = pool.find([](const Array& v) { return v.rank() == 2 && is_inexact(v.dtype()); });
  if (!x) return;
  const std::int64_t axis = pool.draw.below(2);
  pool.add(dot_general(*x, *x, {.lhs_contract = {axis}, .rhs_contract = {axis}}) * 0.25f);
}

void large(Pool& pool) {
  if (pool.depth) return;
  Draw& draw = pool.draw;
  const auto x = pool.real_float();
  if (!x || itemsize(x->dtype()) < 4) return;
  const std::int64_t m = draw.between(30, 150), k = draw.between(30, 150), n = draw.between(30, 150);
  const Array a = broadcast_in_dim(reduce_sum(sin(*x), iota_axes(x->rank())), {Dim(m), Dim(k)}, {}) +
                  random_array(draw, x->dtype(), {m, k});
  const Array y = sin(matmul(a, random_array(draw, x->dtype(), {k, n}) * 0.1f) + random_array(draw, x->dtype(), {n}));
  pool.add(reduce_sum(y, {draw.below(2)}));
}

void convolution(Pool& pool) {
  Draw& draw = pool.draw;
  const std::int64_t spatial = draw.between(1, 2), groups = draw.chance(0.2) ? 2 : 1;
  const std::int64_t batch = draw.between(1, 2), features = groups * draw.between(1, 3),
                     outputs = groups * draw.between(1, 3);
  Dims lhs{batch, features}, rhs{outputs, features / groups};
  ConvParams p;
  for (std::int64_t i = 0; i < spatial; ++i) {
    lhs.push_back(draw.between(3, 7));
    rhs.push_back(draw.between(1, 3));
    p.window_strides.push_back(draw.between(1, 2));
    p.padding.emplace_back(draw.between(-1, 2), draw.between(0, 2));
    p.lhs_dilation.push_back(draw.chance(0.2) ? 2 : 1);
    p.rhs_dilation.push_back(1);
  }
  p.feature_group_count = groups;
  const auto x = pool.real_float();
  if (!x || itemsize(x->dtype()) < 4) return;
  const auto operand = [&](const Dims& dims) {
    const auto found =
        pool.find([&](const Array& v) { return v.dtype() == x->dtype() && v.size() == num_elements(dims); });
    return found ? reshape(*found, symbolic(dims))
                 : random_array(draw, x->dtype(), dims) * reduce_sum(cos(*x), iota_axes(x->rank()));
  };
  if (draw.chance(0.4)) {  // features last
    const auto last = [](Dims d) {
      std::rotate(d.begin() + 1, d.begin() + 2, d.end());
      return d;
    };
    const Dims kernel = [&] {
      Dims d(rhs.begin() + 2, rhs.end());
      d.push_back(rhs[1]);
      d.push_back(rhs[0]);
      return d;
    }();
    p.dimension_numbers = spatial == 1 ? conv_dims("NWC", "WIO", "NWC") : conv_dims("NHWC", "HWIO", "NHWC");
    return pool.add(conv_general_dilated(operand(last(lhs)), operand(kernel), p) * 0.25f);
  }
  pool.add(conv_general_dilated(operand(lhs), operand(rhs), p) * 0.25f);
}

void factorization(Pool& pool) {
  const auto x = pool.find([](const Array& v) {
    return v.rank() >= 2 && (v.dtype() == DType::f32 || v.dtype() == DType::f64) && v.dims().back() > 0 &&
           v.dims().back() <= 5 && v.size() > 0;
  });
  if (!x) return;
  const std::int64_t n = x->dims().back();
  const Array s = tanh(*x);
  const Array spd = matmul(swapaxes(s, -1, -2), s) + eye(n, {}, x->dtype());
  const Array l = cholesky(spd);
  pool.add(l);
  if (pool.draw.chance(
          0.3))  // eigenvalues apart: derivatives divide by their differences; squares, as rounding decides the signs
    pool.add(square(eigh(spd + eye(n, {}, x->dtype()) * iota(x->dtype(), {Dim(n)}, 0) * 3.f).first));
  if (pool.draw.chance(0.5))
    pool.add(triangular_solve(
        l, spd, {.left_side = pool.draw.chance(0.5), .lower = true, .transpose_a = pool.draw.chance(0.5)}));
}

void fourier(Pool& pool) {
  const auto x = pool.find([](const Array& v) {
    return v.rank() > 0 && (v.dtype() == DType::f32 || v.dtype() == DType::f64) && v.dims().back() > 0 && v.size() > 0;
  });
  if (!x) return;
  const Array y = fft(*x, FftType::rfft, {x->dims().back()});
  pool.add(y);
  pool.add(imag(y));
}

}  // namespace

void append_contraction_steps(std::vector<Step>& steps) {
  steps.insert(steps.end(),
               {{5, product}, {1, squared}, {0.15, large}, {0.7, convolution}, {0.4, factorization}, {0.3, fourier}});
}

}  // namespace tf2jax::fuzz
