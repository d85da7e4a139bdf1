// Discrete Fourier transforms over the last axes.
#pragma once
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// Which transform: complex forwards, backwards; real forwards, backwards.
enum class FftType : std::uint8_t { fft, ifft, rfft, irfft };
/// JAX's text: "0" to "3".
std::string param_text(FftType v);
/// Reads it. Throws: ParseError.
void read_param(const ParsedValue& v, FftType& out);

/// Params of fft.
struct FftParams {
  Dims fft_lengths;
  FftType fft_type = FftType::fft;
  bool operator==(const FftParams&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("fft_lengths", self.fft_lengths);
    v.field("fft_type", self.fft_type);
  }
};

const Primitive& fft_p();
/// The primitives of fft.cpp.
void append_fft_primitives(std::vector<Primitive>& out);

/// The transform of the last lengths.size() axes (up to any number), unnormalised forwards, divided by the number of
/// points backwards. rfft maps real to the first n/2+1 complex coefficients; irfft is its inverse for real results of
/// the given lengths. Throws: ValueError where lengths and shape disagree, DtypeError.
/// Gradient: linear. StableHLO: fft.  TF: FFT, IFFT, RFFT, IRFFT and their 2D and 3D forms.
Array fft(const Array& x, FftType type, const Dims& lengths);

}  // namespace tf2jax
