// From the axes of a conv_general_dilated to the roles of its operands.
#include "tf2jax/kernels/internal/conv_problem.h"

#include <fmt/format.h>

#include <algorithm>

#include "tf2jax/base/thread_pool.h"

namespace tf2jax::kernels {
namespace {

std::int64_t at(const Dims& dims, std::int64_t axis) { return dims[axis]; }

ConvTensor tensor(const Dims& dims, const Axes& spec, bool swapped) {
  const Dims strides = row_major_strides(dims);
  const std::int64_t batch = spec[swapped ? 1 : 0], features = spec[swapped ? 0 : 1];
  ConvTensor t{at(dims, batch), at(dims, features), {}, at(strides, batch), at(strides, features), {}};
  for (std::size_t i = 2; i < spec.size(); ++i) {
    t.spatial.push_back(at(dims, spec[i]));
    t.spatial_strides.push_back(at(strides, spec[i]));
  }
  return t;
}

ConvKernel kernel(const Dims& dims, const Axes& spec, bool swapped) {
  const ConvTensor t = tensor(dims, spec, swapped);
  return {t.batch, t.features, t.spatial, t.batch_stride, t.feature_stride, t.spatial_strides};
}

std::int64_t reach(std::int64_t size, std::int64_t dilation) { return size == 0 ? 0 : (size - 1) * dilation + 1; }

// The padding above that makes `src` give exactly `dst` points. Rows that no window reaches count as padding below 0.
bool set_high(ConvProblem& p) {
  for (std::size_t i = 0; i < p.rank(); ++i) {
    const std::int64_t used = (p.dst.spatial[i] - 1) * p.strides[i] + reach(p.kernel.spatial[i], p.kernel_dilation[i]);
    std::int64_t high = used - reach(p.src.spatial[i], p.src_dilation[i]) - p.low[i];
    if (high < 0 && p.kind != ConvProblem::Kind::forward) {
      if (-high >= p.strides[i]) return false;
      high = 0;
    }
    p.high.push_back(high);
  }
  return true;
}

std::unique_ptr<ConvProblem> start(const ConvSpec& s, ConvProblem::Kind kind) {
  auto p = std::make_unique<ConvProblem>();
  p->kind = kind;
  p->dtype = s.dtype;
  p->constant_kernel = s.constant_rhs;
  p->deterministic = s.deterministic;
  p->bias = s.bias, p->residual = s.residual, p->relu = s.relu;
  return p;
}

bool all_one(const Dims& d) {
  return std::ranges::all_of(d, [](std::int64_t v) { return v == 1; });
}

}  // namespace

bool ConvTensor::channels_last() const {
  std::int64_t expected = features;
  if (features > 1 && feature_stride != 1) return false;
  for (std::size_t i = spatial.size(); i-- > 0; expected *= spatial[i])
    if (spatial[i] > 1 && spatial_strides[i] != expected) return false;
  return batch == 1 || batch_stride == expected;
}

std::int64_t ConvProblem::multiplications() const {
  return dst.batch * dst.points() * dst.features * kernel.in_features * num_elements(kernel.spatial);
}

std::unique_ptr<ConvProblem> forward_problem(const ConvSpec& s) {
  if (s.batch_group_count != 1) return nullptr;
  auto p = start(s, ConvProblem::Kind::forward);
  p->groups = s.feature_group_count;
  p->src = tensor(s.lhs, s.lhs_spec, false);
  p->kernel = kernel(s.rhs, s.rhs_spec, false);
  p->dst = tensor(s.out, s.out_spec, false);
  p->strides = s.strides, p->src_dilation = s.lhs_dilation, p->kernel_dilation = s.rhs_dilation;
  for (const auto& [low, high] : s.padding) p->low.push_back(low);
  set_high(*p);
  return p;
}

// lhs is the input with batch and features swapped, rhs the cotangent (as a kernel [features, batch]), out the gradient
// as [in features, out features]. Groups of features come as groups of the batch.
std::unique_ptr<ConvProblem> kernel_gradient_problem(const ConvSpec& s) {
  if (s.feature_group_count != 1 || !all_one(s.lhs_dilation) || s.bias || s.residual || s.relu) return nullptr;
  auto p = start(s, ConvProblem::Kind::kernel_gradient);
  p->groups = s.batch_group_count;
  p->src = tensor(s.lhs, s.lhs_spec, true);
  p->dst = tensor(s.rhs, s.rhs_spec, true);
  p->kernel = kernel(s.out, s.out_spec, true);
  p->strides = s.rhs_dilation, p->kernel_dilation = s.strides;
  p->src_dilation = Dims(s.strides.size(), 1);
  for (const auto& [low, high] : s.padding) p->low.push_back(low);
  if (num_elements(p->dst.spatial) <= num_elements(p->kernel.spatial) && p->groups == 1 && all_one(p->strides))
    return nullptr;
  if (!set_high(*p)) return nullptr;
  return p;
}

std::unique_ptr<ConvProblem> data_gradient_problem(const ConvSpec& s) {
  if (s.batch_group_count != 1 || s.feature_group_count != 1 || all_one(s.lhs_dilation) || !all_one(s.strides) ||
      s.bias || s.residual || s.relu)
    return nullptr;
  auto p = start(s, ConvProblem::Kind::data_gradient);
  p->dst = tensor(s.lhs, s.lhs_spec, false);
  p->kernel = kernel(s.rhs, s.rhs_spec, true);
  p->src = tensor(s.out, s.out_spec, false);
  p->reversed_kernel = true;
  p->strides = s.lhs_dilation, p->kernel_dilation = s.rhs_dilation;
  p->src_dilation = Dims(s.strides.size(), 1);
  for (std::size_t i = 0; i < s.padding.size(); ++i)
    p->low.push_back(reach(p->kernel.spatial[i], p->kernel_dilation[i]) - 1 - s.padding[i].first);
  if (!set_high(*p)) return nullptr;
  return p;
}

std::string sizes_text(const ConvProblem& p) {
  const char* const kind = p.kind == ConvProblem::Kind::forward         ? ""
                           : p.kind == ConvProblem::Kind::data_gradient ? "data gradient "
                                                                        : "kernel gradient ";
  return fmt::format("{}{}x[{}]x{} * [{}]{} -> {}", kind, p.src.batch, fmt::join(p.src.spatial, "x"), p.src.features,
                     fmt::join(p.kernel.spatial, "x"), p.groups > 1 ? fmt::format(" {} groups", p.groups) : "",
                     p.dst.features);
}

void apply_epilogue(const ConvProblem& p, void* out, const void* bias, const void* residual) {
  if (!p.bias && !p.residual && !p.relu) return;
  const auto finish = [&]<class T>(T* y) {
    const T* const b = p.bias ? static_cast<const T*>(bias) : nullptr;
    const T* const r = p.residual ? static_cast<const T*>(residual) : nullptr;
    const std::int64_t features = p.dst.features;
    parallel_for(p.dst.batch * p.dst.points(), std::max<std::int64_t>(1, 16384 / features),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     T* const row = y + i * features;
                     if (b)
                       for (std::int64_t c = 0; c < features; ++c) row[c] += b[c];
                     if (r)
                       for (std::int64_t c = 0; c < features; ++c) row[c] += r[i * features + c];
                     if (p.relu)
                       for (std::int64_t c = 0; c < features; ++c) row[c] = row[c] < T(0) ? T(0) : row[c];
                   }
                 });
  };
  if (p.dtype == DType::f64) finish(static_cast<double*>(out));
  else finish(static_cast<float*>(out));
}

}  // namespace tf2jax::kernels
