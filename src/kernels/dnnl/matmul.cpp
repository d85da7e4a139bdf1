// Matmul by oneDNN: sgemm for one plain product, primitives for batches, halves and fused epilogues.
#include <fmt/format.h>

#include <algorithm>

#include "tf2jax/kernels/dnnl/internal/primitive.h"
#include "tf2jax/kernels/internal/matmul_problem.h"
#include "tf2jax/kernels/internal/team.h"

namespace tf2jax::kernels {
namespace {

using dnnl::memory;

// One matrix as BLAS sees it: 'N' has contiguous rows, 'T' contiguous columns; 0 when neither.
struct BlasOperand {
  char transpose = 0;
  std::int64_t leading = 0;
};
BlasOperand blas_operand(std::int64_t rows, std::int64_t columns, std::int64_t row_stride, std::int64_t column_stride) {
  const auto leading = [](std::int64_t count, std::int64_t stride, std::int64_t length) {
    return count == 1 ? std::max(stride, length) : stride;
  };
  if ((column_stride == 1 || columns == 1) && leading(rows, row_stride, columns) >= columns)
    return {'N', leading(rows, row_stride, columns)};
  if ((row_stride == 1 || rows == 1) && leading(columns, column_stride, rows) >= rows)
    return {'T', leading(columns, column_stride, rows)};
  return {};
}

class Sgemm final : public Matmul {
 public:
  Sgemm(const MatmulProblem& p, BlasOperand a, BlasOperand b, std::int64_t c_leading, bool turned)
      : p_(p), a_(a), b_(b), c_leading_(c_leading), turned_(turned) {}

  void run(const void* a, const void* b, void* c, const void*) const override {
    const TeamScope team(team_for(p_.m * p_.n * p_.k, p_.deterministic));
    if (turned_) std::swap(a, b);
    const std::int64_t count = p_.batch_size();
    for (std::int64_t i = 0; i < count; ++i) {
      const BatchOffsets at = batch_offsets(p_, i);
      dnnl_sgemm(a_.transpose, b_.transpose, p_.m, p_.n, p_.k, 1.0f, static_cast<const float*>(a) + at.a, a_.leading,
                 static_cast<const float*>(b) + at.b, b_.leading, p_.accumulate ? 1.0f : 0.0f,
                 static_cast<float*>(c) + at.c, c_leading_);
    }
  }
  std::string description() const override { return fmt::format("sgemm {}", sizes_text(p_)); }

 private:
  MatmulProblem p_;
  BlasOperand a_, b_;
  std::int64_t c_leading_;
  bool turned_;
};

memory::data_type data_type(DType d) {
  switch (d) {
    case DType::f32: return memory::data_type::f32;
    case DType::bf16: return memory::data_type::bf16;
    case DType::f16: return memory::data_type::f16;
    default: return memory::data_type::undef;
  }
}

// oneDNN repeats an operand along an axis of size 1, and wants increasing strides there.
memory::desc layout(DType dtype, const Dims& batch, const Dims& batch_strides, std::int64_t rows, std::int64_t columns,
                    std::int64_t row_stride, std::int64_t column_stride) {
  memory::dims dims, strides;
  const std::int64_t matrix =
      std::max(rows * (rows == 1 ? columns : row_stride), columns * (columns == 1 ? rows : column_stride));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    dims.push_back(batch_strides[i] == 0 ? 1 : batch[i]);
    strides.push_back(batch_strides[i] == 0 ? std::max<std::int64_t>(1, matrix) : batch_strides[i]);
  }
  dims.insert(dims.end(), {rows, columns});
  strides.insert(strides.end(), {row_stride, column_stride});
  return {dims, data_type(dtype), strides};
}

class PrimitiveMatmul final : public Matmul {
 public:
  explicit PrimitiveMatmul(const MatmulProblem& p) : p_(p) {
    const std::int64_t am = p.m == 1 ? std::max(p.am, p.k * std::max<std::int64_t>(1, p.ak)) : p.am;
    a_ = layout(p.dtype, p.batch, p.a_batch, p.m, p.k, am, p.ak);
    b_ = layout(p.dtype, p.batch, p.b_batch, p.k, p.n, p.bk, p.bn);
    c_ = layout(p.out_dtype, p.batch, p.c_batch, p.m, p.n, p.cm, p.cn);
    if (p.constant_b || p.prepared_b) packed_b_ = memory::desc(b_.dims(), b_.data_type(), memory::format_tag::any);
    else packed_b_ = b_;
    if (p.bias) {
      memory::dims ones(p.batch.size() + 2, 1);
      ones.back() = p.n;
      memory::dims strides(ones.size(), p.n);
      strides.back() = 1;
      bias_ = memory::desc(ones, data_type(p.dtype), strides);
    }
    const TeamScope team(team_for(p.multiplications(), p.deterministic));
    const auto chosen = make();
    implementation_ = chosen.impl_info_str();
    packed_b_ = chosen.weights_desc();  // the same layout for every number of threads
  }

  const std::string& implementation() const { return implementation_; }

  void run(const void* a, const void* b, void* c, const void* bias) const override {
    const int threads = team_for(p_.multiplications(), p_.deterministic);
    const TeamScope team(threads);
    const DnnlPrimitive* primitive = primitives_.find(threads);
    if (!primitive) {
      std::vector<DnnlPrimitive::Argument> arguments{
          {DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, packed_b_}, {DNNL_ARG_DST, c_}};
      if (p_.bias) arguments.emplace_back(DNNL_ARG_BIAS, bias_);
      const auto chosen = make();
      primitive = &primitives_.add(threads, std::make_unique<DnnlPrimitive>(
                                                dnnl::matmul(chosen), chosen.scratchpad_desc(), std::move(arguments)));
    }
    std::shared_ptr<const memory> packed;
    if (packed_b_ != b_ && !p_.prepared_b) {
      packed = packed_.get(b, b_, packed_b_);
      b = packed->get_data_handle();
    }
    if (p_.bias) primitive->run({a, b, c, bias});
    else primitive->run({a, b, c});
  }
  std::size_t prepared_bytes() const override { return p_.prepared_b && packed_b_ != b_ ? packed_b_.get_size() : 0; }
  void prepare(const void* b, void* prepared) const override { reorder(b, b_, prepared, packed_b_); }
  std::string description() const override { return fmt::format("matmul {} {}", implementation_, sizes_text(p_)); }

 private:
  dnnl::matmul::primitive_desc make() const {
    dnnl::post_ops post;
    if (p_.accumulate) post.append_sum(1.0f);
    switch (p_.activation) {
      case MatmulSpec::Activation::relu: post.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f); break;
      case MatmulSpec::Activation::gelu_tanh:
        post.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_tanh, 0.0f, 0.0f);
        break;
      case MatmulSpec::Activation::tanh: post.append_eltwise(1.0f, dnnl::algorithm::eltwise_tanh, 0.0f, 0.0f); break;
      case MatmulSpec::Activation::logistic:
        post.append_eltwise(1.0f, dnnl::algorithm::eltwise_logistic, 0.0f, 0.0f);
        break;
      case MatmulSpec::Activation::none: break;
    }
    dnnl::primitive_attr attributes = call_attributes();
    attributes.set_post_ops(post);
    const auto d = p_.bias ? dnnl::matmul::desc(a_, packed_b_, bias_, c_) : dnnl::matmul::desc(a_, packed_b_, c_);
    return {d, attributes, cpu_engine()};
  }

  MatmulProblem p_;
  memory::desc a_, b_, packed_b_, c_, bias_;
  std::string implementation_;
  PerTeam<DnnlPrimitive> primitives_;
  PackedOperand packed_;
};

}  // namespace

std::unique_ptr<const Matmul> make_sgemm_matmul(const MatmulProblem& p) {
  if (p.dtype != DType::f32 || p.out_dtype != DType::f32 || !p.plain() || p.k == 0) return nullptr;
  const bool turned = p.cn != 1 && p.n != 1;
  const MatmulProblem q = turned ? p.transposed() : p;
  const BlasOperand a = blas_operand(q.m, q.k, q.am, q.ak), b = blas_operand(q.k, q.n, q.bk, q.bn),
                    c = blas_operand(q.m, q.n, q.cm, q.cn);
  if (!a.transpose || !b.transpose || c.transpose != 'N') return nullptr;
  return std::make_unique<Sgemm>(q, a, b, c.leading, turned);
}

std::unique_ptr<const Matmul> make_primitive_matmul(const MatmulProblem& p) {
  if (p.dtype == DType::f64 || p.out_dtype == DType::f64 || p.k == 0 || p.multiplications() == 0 || p.batch.size() > 10)
    return nullptr;
  const auto plain = [](std::int64_t rows, std::int64_t columns, std::int64_t row_stride, std::int64_t column_stride) {
    return blas_operand(rows, columns, row_stride, column_stride).transpose != 0;
  };
  if (!plain(p.m, p.k, p.am, p.ak) || !plain(p.k, p.n, p.bk, p.bn) || p.cn != 1 || (p.m > 1 && p.cm < p.n))
    return nullptr;
  try {
    auto made = std::make_unique<PrimitiveMatmul>(p);
    if (is_fast(made->implementation())) return made;
  } catch (const dnnl::error&) {  // not implemented
  }
  return nullptr;
}

}  // namespace tf2jax::kernels
