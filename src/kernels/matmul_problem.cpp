// Merging of batch axes, and the epilogue of products that do not fuse it.
#include "tf2jax/kernels/internal/matmul_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tf2jax/base/thread_pool.h"

namespace tf2jax::kernels {

MatmulProblem MatmulProblem::transposed() const {
  MatmulProblem t = *this;
  std::swap(t.m, t.n);
  t.am = bn, t.ak = bk, t.bk = ak, t.bn = am, t.cm = cn, t.cn = cm;
  std::swap(t.a_batch, t.b_batch);
  t.constant_b = t.prepared_b = false;
  return t;
}

namespace {

// A batch axis along which one operand repeats is more rows (or columns) of the other.
bool fold_into_matrix(MatmulProblem& p) {
  const std::int64_t size = p.batch.back(), a = p.a_batch.back(), b = p.b_batch.back(), c = p.c_batch.back();
  const auto drop = [&] {
    for (Dims* d : {&p.batch, &p.a_batch, &p.b_batch, &p.c_batch}) d->pop_back();
  };
  if (b == 0 && (p.m == 1 || (a == p.m * p.am && c == p.m * p.cm))) {
    if (p.m == 1) p.am = a, p.cm = c;
    p.m *= size;
    drop();
    return true;
  }
  if (a == 0 && !p.bias && (p.n == 1 || (b == p.n * p.bn && c == p.n * p.cn))) {
    if (p.n == 1) p.bn = b, p.cn = c;
    p.n *= size;
    drop();
    return true;
  }
  return false;
}

}  // namespace

MatmulProblem simplified(const MatmulSpec& s) {
  const std::size_t r = s.batch.size();
  check(s.a_strides.size() == r + 2 && s.b_strides.size() == r + 2 && s.c_strides.size() == r + 2,
        "Matmul: the strides do not match the batch. Got {}, {} and {} strides; expected {} each.", s.a_strides.size(),
        s.b_strides.size(), s.c_strides.size(), r + 2);
  MatmulProblem p{s.dtype,
                  s.out_dtype,
                  s.m,
                  s.n,
                  s.k,
                  s.a_strides[r],
                  s.a_strides[r + 1],
                  s.b_strides[r],
                  s.b_strides[r + 1],
                  s.c_strides[r],
                  s.c_strides[r + 1],
                  {},
                  {},
                  {},
                  {},
                  s.accumulate,
                  s.bias,
                  s.constant_b,
                  s.prepared_b,
                  s.activation,
                  s.deterministic};
  for (std::size_t i = 0; i < r; ++i) {
    const std::int64_t size = s.batch[i], a = s.a_strides[i], b = s.b_strides[i], c = s.c_strides[i];
    if (size == 1) continue;
    if (!p.batch.empty() && p.a_batch.back() == a * size && p.b_batch.back() == b * size &&
        p.c_batch.back() == c * size) {
      p.batch.back() *= size;
      p.a_batch.back() = a, p.b_batch.back() = b, p.c_batch.back() = c;
      continue;
    }
    p.batch.push_back(size);
    p.a_batch.push_back(a), p.b_batch.push_back(b), p.c_batch.push_back(c);
  }
  while (!p.batch.empty() && fold_into_matrix(p)) {
  }
  return p;
}

std::string sizes_text(const MatmulProblem& p) {
  std::string text;
  for (const auto size : p.batch) text += fmt::format("{}x", size);
  return text.empty() ? fmt::format("{}x{}x{}", p.m, p.n, p.k)
                      : fmt::format("[{}] {}x{}x{}", text.substr(0, text.size() - 1), p.m, p.n, p.k);
}

BatchOffsets batch_offsets(const MatmulProblem& p, std::int64_t index) {
  BatchOffsets at;
  for (std::size_t i = p.batch.size(); i-- > 0;) {
    const std::int64_t here = index % p.batch[i];
    index /= p.batch[i];
    at.a += here * p.a_batch[i];
    at.b += here * p.b_batch[i];
    at.c += here * p.c_batch[i];
  }
  return at;
}

namespace {

template <class T>
T activated(MatmulSpec::Activation activation, T x) {
  switch (activation) {
    case MatmulSpec::Activation::relu: return x < T(0) ? T(0) : x;  // keeps NaN
    case MatmulSpec::Activation::tanh: return std::tanh(x);
    case MatmulSpec::Activation::logistic: return T(1) / (T(1) + std::exp(-x));
    case MatmulSpec::Activation::gelu_tanh:
      return T(0.5) * x * (T(1) + std::tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)));
    case MatmulSpec::Activation::none: break;
  }
  return x;
}

template <class T>
void finish(const MatmulProblem& p, T* c, const T* bias) {
  const std::int64_t grain = std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(1, p.n));
  parallel_for(p.batch_size() * p.m, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      T* const row = c + batch_offsets(p, i / p.m).c + i % p.m * p.cm;
      if (bias)
        for (std::int64_t j = 0; j < p.n; ++j) row[j * p.cn] += bias[j];
      if (p.activation == MatmulSpec::Activation::relu && p.cn == 1) {
        for (std::int64_t j = 0; j < p.n; ++j) row[j] = row[j] < T(0) ? T(0) : row[j];
      } else if (p.activation != MatmulSpec::Activation::none) {
        for (std::int64_t j = 0; j < p.n; ++j) row[j * p.cn] = activated(p.activation, row[j * p.cn]);
      }
    }
  });
}

}  // namespace

void apply_epilogue(const MatmulProblem& p, void* c, const void* bias) {
  if (p.plain()) return;
  if (p.out_dtype == DType::f64)
    finish(p, static_cast<double*>(c), static_cast<const double*>(p.bias ? bias : nullptr));
  else finish(p, static_cast<float*>(c), static_cast<const float*>(p.bias ? bias : nullptr));
}

}  // namespace tf2jax::kernels
