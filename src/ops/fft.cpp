// fft: primitive and rules.
#include "tf2jax/ops/fft.h"

#include <algorithm>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

bool is_real_transform(FftType t) { return t == FftType::rfft || t == FftType::irfft; }

// x as a complex transform of a real array, keeping n/2+1 coefficients: pad, transform, take the real part.
Array transpose_rfft(const Array& ct, const FftParams& p) {
  const std::int64_t n = p.fft_lengths.back(), have = ct.shape().back().value();
  std::vector<PadAxis> config(ct.shape().size(), PadAxis{0, 0, 0});
  config.back().high = n - have;
  return real(fft(pad(ct, rules::scalar_of(ct.dtype(), 0), config), FftType::fft, p.fft_lengths));
}
// Coefficients other than the first (and, for even n, the last) stand for themselves and their conjugates.
Array transpose_irfft(const Array& ct, const FftParams& p) {
  const Array x = fft(ct, FftType::rfft, p.fft_lengths);
  const std::int64_t n = x.shape().back().value(), odd = p.fft_lengths.back() % 2;
  std::vector<double> weights(n, 2.0);
  weights.front() = 1;
  if (!odd) weights.back() = 1;
  for (double& w : weights) w /= static_cast<double>(num_elements(p.fft_lengths));
  const Array mask = convert_element_type(from_span<double>(std::span<const double>(weights), {n}), x.dtype());
  return conj(mul(broadcast_in_dim(mask, x.shape(), {x.rank() - 1}), x));
}

}  // namespace

std::string param_text(FftType v) { return std::to_string(static_cast<int>(v)); }
void read_param(const ParsedValue& v, FftType& out) {
  std::int64_t i = 0;
  read_param(v, i);
  check<ParseError>(i >= 0 && i <= 3, "parse_jaxpr: fft_type must be 0 to 3. Got {}.", i);
  out = static_cast<FftType>(i);
}

const Primitive& fft_p() {
  static const Primitive p = make_primitive<FftParams>({
      .name = "fft",
      .operands = 1,
      .aval = [](std::span<const Aval> x, const FftParams& f) -> Avals {
        const std::size_t k = f.fft_lengths.size();
        check(k >= 1 && static_cast<std::int64_t>(k) <= x[0].rank(),
              "fft: there are too few axes. Got {1}; expected at least {0}.", k, x[0]);
        check(std::ranges::all_of(f.fft_lengths, [](std::int64_t n) { return n >= 0; }),
              "fft: the lengths must not be negative. Got {}.", tuple_string(f.fft_lengths));
        if (f.fft_type == FftType::rfft) {
          check<DtypeError>(x[0].dtype == DType::f32 || x[0].dtype == DType::f64,
                            "fft: RFFT takes real numbers. Got {}; expected f32 or f64.", x[0]);
        } else {
          check<DtypeError>(is_complex(x[0].dtype), "fft: {} takes complex numbers. Got {}; expected c64 or c128.",
                            f.fft_type == FftType::irfft ? "IRFFT" : "FFT", x[0]);
        }
        Aval out{is_real_transform(f.fft_type)
                     ? (f.fft_type == FftType::rfft ? complex_dtype(x[0].dtype) : real_dtype(x[0].dtype))
                     : x[0].dtype,
                 x[0].shape, false};
        const std::size_t first = x[0].shape.size() - k;
        for (std::size_t i = 0; i < k; ++i) {
          const bool last = i + 1 == k;
          const Dim want = last && f.fft_type == FftType::irfft ? Dim(f.fft_lengths[i] / 2 + 1) : Dim(f.fft_lengths[i]);
          check(identical(x[0].shape[first + i], want),
                "fft: an axis has another size than the lengths say. Got {} with fft_lengths {}; expected size {} on "
                "axis {}.",
                x[0], tuple_string(f.fft_lengths), want, first + i);
        }
        if (f.fft_type == FftType::rfft)
          out.shape.back() = f.fft_lengths.back() == 0 ? Dim(0) : Dim(f.fft_lengths.back() / 2 + 1);
        if (f.fft_type == FftType::irfft) out.shape.back() = f.fft_lengths.back();
        return {out};
      },
      .jvp = rules::jvp_linear(fft_p),
      .transpose = rules::transpose_unary([](const Array& ct, const Aval&, const FftParams& f) -> Array {
        if (f.fft_type == FftType::rfft) return transpose_rfft(ct, f);
        if (f.fft_type == FftType::irfft) return transpose_irfft(ct, f);
        return fft_p().bind1({ct}, f);  // the matrix of the transform is symmetric
      }),
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim, const FftParams& f) -> BatchResult {
        return {fft_p().bind({rules::mapped_to_front(x[0], axes[0])}, f), {0}};
      },
  });
  return p;
}

void append_fft_primitives(std::vector<Primitive>& out) { out.push_back(fft_p()); }

Array fft(const Array& x, FftType type, const Dims& lengths) { return fft_p().bind1({x}, FftParams{lengths, type}); }

}  // namespace tf2jax
