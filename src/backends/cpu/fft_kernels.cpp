// Kernel of fft: mixed radix for small prime factors, Bluestein's algorithm for lengths with large ones.
// Bluestein, "A linear filtering approach to the computation of discrete Fourier transform", 1970. All in double.
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/ops/fft.h"

namespace tf2jax::cpu {
namespace {

using Z = complex128;
constexpr std::int64_t kLargestRadix = 31;

Z root(std::int64_t k, std::int64_t n, int sign) {
  const double angle = sign * 2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}
std::int64_t smallest_factor(std::int64_t n) {
  for (std::int64_t f = 2; f * f <= n; ++f)
    if (n % f == 0) return f;
  return n;
}
std::int64_t largest_factor(std::int64_t n) {
  std::int64_t largest = 1;
  while (n > 1) {
    const std::int64_t f = smallest_factor(n);
    largest = std::max(largest, f);
    n /= f;
  }
  return largest;
}

// Without the case analysis of infinities that operator* makes.
Z product(Z a, Z b) { return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()}; }

// The transform of one length, prepared once.
class Plan {
 public:
  Plan(std::int64_t n, int sign) : n_(n), sign_(sign), roots_(std::max<std::int64_t>(n, 1)) {
    for (std::int64_t k = 0; k < n; ++k) roots_[k] = root(k, n, sign);
    if (largest_factor(n) <= kLargestRadix) return;
    std::int64_t m = 1;
    while (m < 2 * n) m *= 2;
    forward_ = std::make_unique<Plan>(m, -1);
    backward_ = std::make_unique<Plan>(m, 1);
    chirp_.resize(n);
    filter_.assign(m, Z(0));
    for (std::int64_t k = 0; k < n; ++k) {
      const Z c = root(k * k % (2 * n), 2 * n, sign);
      chirp_[k] = c;
      filter_[k] = filter_[(m - k) % m] = std::conj(c);
    }
    std::vector<Z> out(m);
    forward_->run(filter_.data(), out.data());
    filter_ = std::move(out);
  }
  void run(const Z* in, Z* out) const {
    if (!forward_) {
      step(in, out, n_, 1, 1);
      return;
    }
    const std::size_t m = filter_.size();
    std::vector<Z> a(m, Z(0)), b(m);
    for (std::size_t k = 0; k < chirp_.size(); ++k) a[k] = product(in[k], chirp_[k]);
    forward_->run(a.data(), b.data());
    for (std::size_t k = 0; k < m; ++k) b[k] = product(b[k], filter_[k]);
    backward_->run(b.data(), a.data());
    for (std::size_t k = 0; k < chirp_.size(); ++k) out[k] = product(a[k], chirp_[k]) / static_cast<double>(m);
  }

 private:
  // out[0..n) = transform of in[0], in[stride], …; roots of order n are every `spread`-th of roots_.
  void step(const Z* in, Z* out, std::int64_t n, std::int64_t stride, std::int64_t spread) const {
    if (n == 1) {
      out[0] = in[0];
      return;
    }
    const std::int64_t r = n % 4 == 0 ? 4 : smallest_factor(n), m = n / r;
    for (std::int64_t q = 0; q < r; ++q) {
      if (m == 1) out[q] = in[q * stride];
      else step(in + q * stride, out + q * m, m, stride * r, spread * r);
    }
    Z part[kLargestRadix + 1];
    for (std::int64_t k = 0; k < m; ++k) {
      for (std::int64_t q = 0; q < r; ++q) part[q] = product(out[q * m + k], roots_[q * k * spread]);
      if (r == 4) butterfly4(part, out + k, m);
      else butterfly(part, out + k, r, m, m * spread);
    }
  }
  // out[j · step] = Σ_q part[q] w^(jq), with w = roots_[turn] of order r.
  void butterfly(const Z* part, Z* out, std::int64_t r, std::int64_t step, std::int64_t turn) const {
    for (std::int64_t j = 0; j < r; ++j) {
      Z sum = part[0];
      for (std::int64_t q = 1, at = j; q < r; ++q, at += at + j < r ? j : j - r)
        sum += product(part[q], roots_[at * turn]);
      out[j * step] = sum;
    }
  }
  void butterfly4(const Z* part, Z* out, std::int64_t step) const {
    const Z even = part[0] + part[2], odd = part[1] + part[3], difference = part[0] - part[2], d = part[1] - part[3];
    const Z turned = sign_ > 0 ? Z(-d.imag(), d.real()) : Z(d.imag(), -d.real());
    out[0] = even + odd;
    out[step] = difference + turned;
    out[2 * step] = even - odd;
    out[3 * step] = difference - turned;
  }

  std::int64_t n_;
  int sign_;
  std::vector<Z> roots_, chirp_, filter_;
  std::unique_ptr<Plan> forward_, backward_;
};

// Transforms axis `axis` of `data` in place.
void transform_axis(std::vector<Z>& data, const Dims& dims, std::size_t axis, int sign) {
  const std::int64_t n = dims[axis];
  if (n <= 1) return;
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < dims.size(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : dims[i];
  const Plan plan(n, sign);
  parallel_for(outer * inner, std::max<std::int64_t>(1, 4096 / n), [&](std::int64_t begin, std::int64_t end) {
    std::vector<Z> in(n), out(n);
    for (std::int64_t l = begin; l < end; ++l) {
      Z* line = data.data() + (l / inner) * n * inner + l % inner;
      for (std::int64_t i = 0; i < n; ++i) in[i] = line[i * inner];
      plan.run(in.data(), out.data());
      for (std::int64_t i = 0; i < n; ++i) line[i * inner] = out[i];
    }
  });
}

Arrays fft_kernel(const KernelCall& call) {
  const auto& p = call.params.get<FftParams>();
  const Array& x = call.args[0];
  const Dims in_dims = x.dims(), out_dims = call.outputs[0].dims();
  const std::size_t rank = in_dims.size(), first = rank - p.fft_lengths.size();
  const bool inverse = p.fft_type == FftType::ifft || p.fft_type == FftType::irfft;
  const int sign = inverse ? 1 : -1;
  std::vector<Z> data = x.to_vector<Z>();
  const auto count = [](const Dims& d) -> std::size_t { return num_elements(d); };
  if (p.fft_type == FftType::rfft) {
    transform_axis(data, in_dims, rank - 1, sign);
    std::vector<Z> half(count(out_dims));
    const std::size_t n = in_dims.back(), h = out_dims.back();
    for (std::size_t i = 0; i < half.size(); ++i) half[i] = data[i / h * n + i % h];
    data = std::move(half);
    for (std::size_t a = first; a + 1 < rank; ++a) transform_axis(data, out_dims, a, sign);
  } else if (p.fft_type == FftType::irfft) {
    for (std::size_t a = first; a + 1 < rank; ++a) transform_axis(data, in_dims, a, sign);
    std::vector<Z> whole(count(out_dims));
    const std::size_t n = out_dims.back(), h = in_dims.back();
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const std::size_t line = i / n * h, k = i % n;
      whole[i] = k < h ? data[line + k] : std::conj(data[line + n - k]);
      if (k == 0 || 2 * k == n) whole[i] = whole[i].real();
    }
    data = std::move(whole);
    transform_axis(data, out_dims, rank - 1, sign);
  } else {
    for (std::size_t a = first; a < rank; ++a) transform_axis(data, in_dims, a, sign);
  }
  const double scale = inverse && !data.empty() ? 1.0 / static_cast<double>(num_elements(p.fft_lengths)) : 1.0;
  return {detail::exact_array(call.outputs[0], [&](std::byte* bytes) {
    visit_dtype(call.outputs[0].dtype, [&]<class T>(std::type_identity<T>) {
      T* out = reinterpret_cast<T*>(bytes);
      for (std::size_t i = 0; i < data.size(); ++i) {
        if constexpr (requires(T t) { t.real(); }) out[i] = T(data[i] * scale);
        else if constexpr (std::floating_point<T>) out[i] = static_cast<T>(data[i].real() * scale);
      }
    });
  })};
}

}  // namespace

void register_fft_kernels(KernelTable& table) { table.add(fft_p(), fft_kernel); }

}  // namespace tf2jax::cpu
