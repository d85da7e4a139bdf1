// Matmul by the own kernels: products with few rows or columns, outer products, odd strides, f64, integers.
#include <fmt/format.h>

#include <algorithm>

#include "tf2jax/base/thread_pool.h"
#include "tf2jax/kernels/internal/matmul_problem.h"
#include "tf2jax/kernels/internal/team.h"
#include "tf2jax/kernels/own/internal/vector_kernels.h"

namespace tf2jax::kernels {
namespace {

constexpr std::int64_t kPieceWork = std::int64_t{1} << 18;     // multiplications a second thread is worth waking for
constexpr std::int64_t kStreamBytes = std::int64_t{32} << 20;  // larger outputs leave the caches anyway

const std::byte* at(const void* p, std::int64_t elements, std::int64_t width) {
  return static_cast<const std::byte*>(p) + elements * width;
}
std::byte* at(void* p, std::int64_t elements, std::int64_t width) {
  return static_cast<std::byte*>(p) + elements * width;
}

class OwnMatmul final : public Matmul {
 public:
  explicit OwnMatmul(const MatmulProblem& p) : original_(p), p_(p), width_(itemsize(p.dtype)) {
    // The kernels like the short side, and the contiguous one, in n.
    MatmulProblem bare = p;
    bare.bias = false;
    bare.activation = MatmulSpec::Activation::none;
    p_ = bare;
    if (is_integer(p.dtype)) {
      if (p_.cn != 1 && p_.cm == 1) turn();
      return;
    }
    const bool outer_as_is = p_.bn == 1 && p_.cn == 1, outer_turned = p_.am == 1 && p_.cm == 1;
    if (p_.k == 1 && !p_.accumulate && p_.m * p_.n >= 64 && (outer_as_is || outer_turned) &&
        (outer_as_is ? p_.n : p_.m) >= 16) {
      if (!outer_as_is) turn();
      kind_ = Kind::outer;
      return;
    }
    if (std::min(p_.m, p_.n) <= kGemvColumns) {
      if (p_.m < p_.n) turn();
      kind_ = p_.ak == 1 || p_.am == 1 || p_.k * p_.m <= 256 ? Kind::gemv : Kind::gemm;
      if (kind_ == Kind::gemv) return;
    }
    if (p_.cn != 1 && p_.cm == 1) turn();
  }

  void run(const void* a, const void* b, void* c, const void* bias) const override {
    multiply(turned_ ? b : a, turned_ ? a : b, c);
    apply_epilogue(original_, c, bias);
  }

  std::string description() const override {
    return fmt::format("own {} {} {}",
                       kind_ == Kind::outer  ? "outer"
                       : kind_ == Kind::gemv ? "gemv"
                                             : "gemm",
                       vector_kernels().name, sizes_text(original_));
  }

 private:
  enum class Kind { gemm, gemv, outer };

  void turn() {
    p_ = p_.transposed();
    turned_ = !turned_;
  }

  void multiply(const void* a, const void* b, void* c) const {
    const std::int64_t count = p_.batch_size();
    if (count == 0 || p_.m == 0 || p_.n == 0) return;
    if (kind_ == Kind::outer) return outer(a, b, c);
    // Whole entries of the batch to each thread, or rows (columns) of one entry.
    const std::int64_t work = std::max<std::int64_t>(1, p_.m * p_.n * p_.k);
    const std::int64_t heavy = kind_ == Kind::gemv ? kPieceWork / 8 * p_.n : kPieceWork;  // bound by memory
    if (count > 1 && (count >= team_size() || work < heavy)) {
      return parallel_for(count, (heavy + work - 1) / work, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) entry(i, a, b, c, true, 0, p_.m);
      });
    }
    const bool by_rows = kind_ == Kind::gemv || p_.m >= p_.n;
    const std::int64_t size = by_rows ? p_.m : p_.n, unit = kind_ == Kind::gemv || !by_rows ? 64 : 14;
    const std::int64_t units = (size + unit - 1) / unit, unit_work = std::max<std::int64_t>(1, work / units);
    for (std::int64_t i = 0; i < count; ++i) {
      if (work < 2 * heavy) {
        entry(i, a, b, c, true, 0, p_.m);
        continue;
      }
      parallel_for(units, (heavy + unit_work - 1) / unit_work, [&](std::int64_t begin, std::int64_t end) {
        entry(i, a, b, c, by_rows, begin * unit, std::min(size, end * unit));
      });
    }
  }

  void entry(std::int64_t i, const void* a, const void* b, void* c, bool by_rows, std::int64_t begin,
             std::int64_t end) const {
    const BatchOffsets offset = batch_offsets(p_, i);
    const std::int64_t row = by_rows ? begin : 0, column = by_rows ? 0 : begin;
    GemmPiece g{by_rows ? end - begin : p_.m,
                by_rows ? p_.n : end - begin,
                p_.k,
                at(a, offset.a + row * p_.am, width_),
                at(b, offset.b + column * p_.bn, width_),
                at(c, offset.c + row * p_.cm + column * p_.cn, width_),
                p_.am,
                p_.ak,
                p_.bk,
                p_.bn,
                p_.cm,
                p_.cn,
                p_.accumulate,
                nullptr};
    const VectorKernels& kernels = vector_kernels();
    if (kind_ == Kind::gemv) {
      if (!(g.bk == 1 && (g.n == 1 || g.bn == g.k))) g.b = packed_columns(g);
      return (p_.dtype == DType::f32 ? kernels.gemv_f32 : kernels.gemv_f64)(g);
    }
    g.scratch = thread_scratch(ScratchSlot::panels, kernels.gemm_scratch_bytes());
    if (g.k == 0) return zero(g);
    (is_integer(p_.dtype) ? width_ == 4 ? kernels.gemm_i32 : kernels.gemm_i64
     : width_ == 4        ? kernels.gemm_f32
                          : kernels.gemm_f64)(g);
  }

  const void* packed_columns(const GemmPiece& g) const {
    void* const packed = thread_scratch(ScratchSlot::operand, std::max<std::int64_t>(1, g.n * g.k) * width_);
    const auto copy = [&]<class T>(const T* from, T* to) {
      for (std::int64_t p = 0; p < g.k; ++p)
        for (std::int64_t j = 0; j < g.n; ++j) to[j * g.k + p] = from[p * g.bk + j * g.bn];
    };
    if (p_.dtype == DType::f32) copy(static_cast<const float*>(g.b), static_cast<float*>(packed));
    else copy(static_cast<const double*>(g.b), static_cast<double*>(packed));
    return packed;
  }

  void zero(const GemmPiece& g) const {
    if (g.accumulate) return;
    const auto fill = [&]<class T>(T* c) {
      for (std::int64_t i = 0; i < g.m; ++i)
        for (std::int64_t j = 0; j < g.n; ++j) c[i * g.cm + j * g.cn] = T(0);
    };
    if (width_ == 4) fill(static_cast<std::uint32_t*>(g.c));  // zero is zero bits in every type
    else fill(static_cast<std::uint64_t*>(g.c));
  }

  void outer(const void* a, const void* b, void* c) const {
    const VectorKernels& kernels = vector_kernels();
    const std::int64_t count = p_.batch_size();
    // One batch axis at a time; the innermost goes to the kernel.
    const std::int64_t inner = p_.batch.empty() ? 1 : p_.batch.back();
    OuterPiece g{0,       0,
                 p_.m,    p_.n,
                 nullptr, nullptr,
                 nullptr, p_.batch.empty() ? 0 : p_.a_batch.back(),
                 p_.am,   p_.batch.empty() ? 0 : p_.b_batch.back(),
                 p_.bn,   p_.batch.empty() ? 0 : p_.c_batch.back(),
                 p_.cm,   count * p_.m * p_.n * width_ > kStreamBytes};
    const std::int64_t rows = inner * p_.m;
    parallel_for(
        count / inner * rows, std::max<std::int64_t>(1, 16384 / p_.n), [&](std::int64_t begin, std::int64_t end) {
          while (begin < end) {
            OuterPiece piece = g;
            const std::int64_t block = begin / rows;
            const BatchOffsets offset = batch_offsets(p_, block * inner);
            piece.a = at(a, offset.a, width_), piece.b = at(b, offset.b, width_), piece.c = at(c, offset.c, width_);
            piece.begin = begin - block * rows;
            piece.end = std::min(rows, end - block * rows);
            (p_.dtype == DType::f32 ? kernels.outer_f32 : kernels.outer_f64)(piece);
            begin = block * rows + piece.end;
          }
        });
  }

  MatmulProblem original_, p_;
  std::int64_t width_;
  Kind kind_ = Kind::gemm;
  bool turned_ = false;
};

}  // namespace

std::unique_ptr<const Matmul> make_own_matmul(const MatmulProblem& p) { return std::make_unique<OwnMatmul>(p); }

}  // namespace tf2jax::kernels
