// Convolutions whose kernel is one point: products of matrices.
#include "tf2jax/kernels/internal/conv_problem.h"
#include "tf2jax/kernels/matmul.h"

#include <optional>

namespace tf2jax::kernels {
namespace {

class PointwiseConvolution final : public ConvImplementation {
 public:
  PointwiseConvolution(const ConvProblem& p, std::unique_ptr<const Matmul> product)
      : p_(p), product_(std::move(product)) {}
  void run(const ConvBuffers& d) const override {
    if (p_.kind == ConvProblem::Kind::kernel_gradient) return product_->run(d.src, d.dst, const_cast<void*>(d.kernel));
    product_->run(d.src, d.kernel, const_cast<void*>(d.dst), p_.residual ? nullptr : d.bias);
    if (p_.residual) apply_epilogue(p_, const_cast<void*>(d.dst), d.bias, d.residual);
  }
  std::string name() const override { return product_->description(); }

 private:
  ConvProblem p_;
  std::unique_ptr<const Matmul> product_;
};

// The stride of all spatial axes seen as one.
std::optional<std::int64_t> point_stride(const ConvTensor& t) {
  std::int64_t stride = 1, expected = -1;
  for (std::size_t i = t.spatial.size(); i-- > 0;) {
    if (t.spatial[i] == 1) continue;
    if (expected < 0) stride = t.spatial_strides[i];
    else if (t.spatial_strides[i] != expected) return std::nullopt;
    expected = t.spatial_strides[i] * t.spatial[i];
  }
  return stride;
}

}  // namespace

std::unique_ptr<const ConvImplementation> make_pointwise_convolution(const ConvProblem& p) {
  if (p.kind == ConvProblem::Kind::data_gradient || p.groups != 1) return nullptr;
  for (std::size_t i = 0; i < p.rank(); ++i)
    if (p.kernel.spatial[i] != 1 || p.strides[i] != 1 || p.src_dilation[i] != 1 || p.low[i] != 0 || p.high[i] != 0)
      return nullptr;
  const auto src = point_stride(p.src), dst = point_stride(p.dst);
  if (!src || !dst) return nullptr;
  const std::int64_t points = p.src.points();
  MatmulSpec s;
  s.dtype = s.out_dtype = p.dtype;
  s.deterministic = p.deterministic;
  if (p.kind == ConvProblem::Kind::kernel_gradient) {
    const bool one_axis =
        p.src.batch == 1 || (p.src.batch_stride == points * *src && p.dst.batch_stride == points * *dst);
    if (!one_axis) return nullptr;
    s.m = p.src.features, s.n = p.dst.features, s.k = p.src.batch * points;
    s.a_strides = {p.src.feature_stride, *src};
    s.b_strides = {*dst, p.dst.feature_stride};
    s.c_strides = {p.kernel.in_stride, p.kernel.out_stride};
  } else {
    s.batch = {p.src.batch};
    s.m = points, s.n = p.dst.features, s.k = p.src.features;
    s.a_strides = {p.src.batch_stride, *src, p.src.feature_stride};
    s.b_strides = {0, p.kernel.in_stride, p.kernel.out_stride};
    s.c_strides = {p.dst.batch_stride, *dst, p.dst.feature_stride};
    s.constant_b = p.constant_kernel;
    s.bias = p.bias && !p.residual;
    if (p.relu && !p.residual) s.activation = MatmulSpec::Activation::relu;
  }
  auto product = Matmul::create(s);
  return product ? std::make_unique<PointwiseConvolution>(p, std::move(product)) : nullptr;
}

}  // namespace tf2jax::kernels
