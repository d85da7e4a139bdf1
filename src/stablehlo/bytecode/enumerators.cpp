// The enumerations of VHLO. Numbers never change once given.
#include "tf2jax/stablehlo/internal/enumerators.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tf2jax::stablehlo {
namespace {

using Names = std::string_view;

constexpr std::array<Names, 6> kDirections{"EQ", "NE", "GE", "GT", "LE", "LT"};
constexpr std::array<Names, 5> kCompareTypes{"NOTYPE", "FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED"};
constexpr std::array<Names, 5> kApiVersions{"API_VERSION_UNSPECIFIED", "API_VERSION_ORIGINAL",
                                            "API_VERSION_STATUS_RETURNING", "API_VERSION_STATUS_RETURNING_UNIFIED",
                                            "API_VERSION_TYPED_FFI"};
constexpr std::array<Names, 4> kFftTypes{"FFT", "IFFT", "RFFT", "IRFFT"};
constexpr std::array<Names, 3> kPrecisions{"DEFAULT", "HIGH", "HIGHEST"};
constexpr std::array<Names, 3> kAlgorithms{"DEFAULT", "THREE_FRY", "PHILOX"};
constexpr std::array<Names, 3> kDistributions{"INVALID", "UNIFORM", "NORMAL"};
constexpr std::array<Names, 4> kTransposes{"TRANSPOSE_INVALID", "NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"};
constexpr std::array<Names, 3> kAccuracies{"DEFAULT", "HIGHEST", "TOLERANCE"};

constexpr std::array<Enumeration, 9> kEnumerations{{{3, "comparison_direction", kDirections},
                                                    {4, "comparison_type", kCompareTypes},
                                                    {5, "custom_call_api_version", kApiVersions},
                                                    {7, "fft_type", kFftTypes},
                                                    {11, "precision", kPrecisions},
                                                    {12, "rng_algorithm", kAlgorithms},
                                                    {13, "rng_distribution", kDistributions},
                                                    {16, "transpose", kTransposes},
                                                    {19, "result_accuracy_mode", kAccuracies}}};

}  // namespace

std::string_view Enumeration::name(std::uint64_t value, const ByteCursor& in) const {
  if (value >= names.size()) in.fail(fmt::format("a number of '{}' is not known. Got {}.", attribute, value));
  return names[value];
}

std::optional<std::uint64_t> Enumeration::value(std::string_view name) const {
  const auto it = std::ranges::find(names, name);
  if (it == names.end()) return std::nullopt;
  return static_cast<std::uint64_t>(it - names.begin());
}

const Enumeration* find_enumeration(std::uint64_t code) {
  const auto it = std::ranges::find(kEnumerations, code, &Enumeration::code);
  return it == kEnumerations.end() ? nullptr : &*it;
}
const Enumeration* find_enumeration(std::string_view attribute) {
  const auto it = std::ranges::find(kEnumerations, attribute, &Enumeration::attribute);
  return it == kEnumerations.end() ? nullptr : &*it;
}

}  // namespace tf2jax::stablehlo
