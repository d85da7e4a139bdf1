// The choice of an implementation for a product of matrices.
#include "tf2jax/kernels/matmul.h"

#include <fmt/format.h>

#include <mutex>
#include <unordered_map>

#include "tf2jax/base/thread_pool.h"
#include "tf2jax/kernels/internal/matmul_problem.h"
#include "tf2jax/kernels/internal/team.h"
#include "tf2jax/kernels/own/internal/vector_kernels.h"

namespace tf2jax::kernels {
namespace {

// Halves where oneDNN does not take them: multiplied in f32.
class HalfMatmul final : public Matmul {
 public:
  explicit HalfMatmul(const MatmulProblem& p) : p_(p) {
    MatmulSpec s = contiguous_matmul(DType::f32, p.m, p.n, p.k, p.batch);
    s.activation = p.activation;
    s.bias = p.bias;
    s.accumulate = p.accumulate;
    s.deterministic = p.deterministic;
    inner_ = Matmul::create(s);
  }

  void run(const void* a, const void* b, void* c, const void* bias) const override {
    const std::int64_t count = p_.batch_size();
    const auto floats = [](std::int64_t n) { return std::make_unique<float[]>(n); };
    const auto x = floats(count * p_.m * p_.k), y = floats(count * p_.k * p_.n), z = floats(count * p_.m * p_.n),
               w = floats(p_.n);
    visit(p_.dtype, [&]<class T>(std::type_identity<T>) {
      const T *from_a = static_cast<const T*>(a), *from_b = static_cast<const T*>(b);
      for (std::int64_t i = 0; i < count; ++i) {
        const BatchOffsets at = batch_offsets(p_, i);
        for (std::int64_t r = 0; r < p_.m; ++r)
          for (std::int64_t q = 0; q < p_.k; ++q)
            x[(i * p_.m + r) * p_.k + q] = static_cast<float>(from_a[at.a + r * p_.am + q * p_.ak]);
        for (std::int64_t q = 0; q < p_.k; ++q)
          for (std::int64_t j = 0; j < p_.n; ++j)
            y[(i * p_.k + q) * p_.n + j] = static_cast<float>(from_b[at.b + q * p_.bk + j * p_.bn]);
      }
      if (p_.bias)
        for (std::int64_t j = 0; j < p_.n; ++j) w[j] = static_cast<float>(static_cast<const T*>(bias)[j]);
    });
    visit(p_.out_dtype, [&]<class T>(std::type_identity<T>) {
      const auto each = [&](auto&& f) {
        T* const to = static_cast<T*>(c);
        for (std::int64_t i = 0; i < count; ++i) {
          const BatchOffsets at = batch_offsets(p_, i);
          for (std::int64_t r = 0; r < p_.m; ++r)
            for (std::int64_t j = 0; j < p_.n; ++j) f(z[(i * p_.m + r) * p_.n + j], to[at.c + r * p_.cm + j * p_.cn]);
        }
      };
      if (p_.accumulate) each([](float& v, const T& out) { v = static_cast<float>(out); });
      inner_->run(x.get(), y.get(), z.get(), w.get());
      each([](float v, T& out) { out = T(v); });
    });
  }
  std::string description() const override {
    return fmt::format("{} of {}", inner_->description(), short_name(p_.dtype));
  }

 private:
  template <class F>
  static void visit(DType dtype, F&& f) {
    if (dtype == DType::f16) f(std::type_identity<float16>{});
    else if (dtype == DType::bf16) f(std::type_identity<bfloat16>{});
    else f(std::type_identity<float>{});
  }
  MatmulProblem p_;
  std::unique_ptr<const Matmul> inner_;
};

// A product and, behind it, the epilogue it does not fuse.
class WithEpilogue final : public Matmul {
 public:
  WithEpilogue(const MatmulProblem& p, std::unique_ptr<const Matmul> product) : p_(p), product_(std::move(product)) {}
  void run(const void* a, const void* b, void* c, const void* bias) const override {
    product_->run(a, b, c);
    apply_epilogue(p_, c, bias);
  }
  std::string description() const override { return product_->description() + " + epilogue"; }

 private:
  MatmulProblem p_;
  std::unique_ptr<const Matmul> product_;
};

bool is_half(DType d) { return d == DType::f16 || d == DType::bf16; }

std::unique_ptr<const Matmul> choose(const MatmulProblem& p) {
  if (is_integer(p.dtype)) return make_own_matmul(p);
  if (is_half(p.dtype)) {
    if (auto made = p.dtype == DType::bf16 ? make_primitive_matmul(p) : nullptr) return made;
    return std::make_unique<HalfMatmul>(p);
  }
  const bool cheap_epilogue =
      p.activation == MatmulSpec::Activation::none || p.activation == MatmulSpec::Activation::relu;
  const bool thin = std::min(p.m, p.n) <= kGemvColumns, small = p.m * p.n * p.k <= 40 * 40 * 40;
  const bool outer = p.k == 1 && std::min(p.m, p.n) >= 16;
  if (p.dtype == DType::f64 || outer || ((thin || small) && cheap_epilogue) || p.m * p.n * p.k <= 512) {
    if (p.k > 1 || outer || p.batch_size() == 1) return make_own_matmul(p);
  }
  // The primitive is ahead of sgemm for batches, packed operands and few columns, and fuses the epilogue.
  const bool few_columns = p.n <= 32 && p.ak == 1;
  if (!p.plain() || p.constant_b || p.prepared_b || p.batch_size() > 1 || few_columns) {
    if (auto made = make_primitive_matmul(p)) return made;
  }
  MatmulProblem bare = p;
  bare.bias = false;
  bare.activation = MatmulSpec::Activation::none;
  if (p.batch_size() == 1 || p.m * p.n * p.k > std::int64_t{1} << 21) {
    if (auto made = make_sgemm_matmul(bare)) {
      if (p.plain()) return made;
      return std::make_unique<WithEpilogue>(p, std::move(made));
    }
  }
  return make_own_matmul(p);
}

}  // namespace

MatmulSpec contiguous_matmul(DType dtype, std::int64_t m, std::int64_t n, std::int64_t k, const Dims& batch) {
  MatmulSpec s;
  s.dtype = s.out_dtype = dtype;
  s.m = m, s.n = n, s.k = k;
  s.batch = batch;
  const auto strides = [&](std::int64_t rows, std::int64_t columns) {
    Dims dims = batch;
    dims.insert(dims.end(), {rows, columns});
    return row_major_strides(dims);
  };
  s.a_strides = strides(m, k), s.b_strides = strides(k, n), s.c_strides = strides(m, n);
  return s;
}

std::unique_ptr<const Matmul> Matmul::create(const MatmulSpec& spec) {
  const bool integers = is_integer(spec.dtype) && itemsize(spec.dtype) >= 4 && !spec.bias &&
                        spec.activation == MatmulSpec::Activation::none;
  const bool same = spec.dtype == spec.out_dtype &&
                    (spec.dtype == DType::f32 || spec.dtype == DType::f64 || is_half(spec.dtype) || integers);
  if (!same && !(is_half(spec.dtype) && spec.out_dtype == DType::f32)) return nullptr;
  return choose(simplified(spec));
}

namespace {

struct SpecHash {
  std::size_t operator()(const MatmulSpec& s) const {
    std::size_t h = 0;
    const auto mix = [&](std::int64_t v) { h = (h ^ static_cast<std::size_t>(v)) * 0x9e3779b97f4a7c15u; };
    for (const std::int64_t v : {s.m, s.n, s.k, static_cast<std::int64_t>(s.dtype)}) mix(v);
    for (const Dims* d : {&s.batch, &s.a_strides, &s.b_strides})
      for (const std::int64_t v : *d) mix(v);
    return h;
  }
};

}  // namespace

std::shared_ptr<const Matmul> cached_matmul(const MatmulSpec& spec) {
  static std::mutex mutex;
  static std::unordered_map<MatmulSpec, std::shared_ptr<const Matmul>, SpecHash> made;
  {
    const std::lock_guard lock(mutex);
    if (const auto it = made.find(spec); it != made.end()) return it->second;
  }
  std::shared_ptr<const Matmul> matmul = Matmul::create(spec);
  const std::lock_guard lock(mutex);
  if (made.size() >= 512) made.clear();
  made.emplace(spec, matmul);
  return matmul;
}

}  // namespace tf2jax::kernels
