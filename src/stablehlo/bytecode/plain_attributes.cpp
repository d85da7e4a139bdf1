// Attributes of the dialects stablehlo and chlo. Source: StableHLO's StablehloBytecode and ChloBytecode, whose codes
// never change once given.
#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/internal/bytecode_entries.h"
#include "tf2jax/stablehlo/internal/enumerators.h"

#include <fmt/format.h>

#include <array>
#include <span>

namespace tf2jax::stablehlo {
namespace {

// The parts of an attribute in order: what VHLO has as attributes of the operation. Lists end with 's'.
using Part = std::string_view;
constexpr std::array<Part, 9> kConvolution{
    "input_batch_dimension",          "input_feature_dimension",         "input_spatial_dimensions",
    "kernel_input_feature_dimension", "kernel_output_feature_dimension", "kernel_spatial_dimensions",
    "output_batch_dimension",         "output_feature_dimension",        "output_spatial_dimensions"};
constexpr std::array<Part, 4> kDot{"lhs_batching_dimensions", "rhs_batching_dimensions", "lhs_contracting_dimensions",
                                   "rhs_contracting_dimensions"};
constexpr std::array<Part, 6> kGather{"offset_dims",           "collapsed_slice_dims",
                                      "operand_batching_dims", "start_indices_batching_dims",
                                      "start_index_map",       "index_vector_dim"};
constexpr std::array<Part, 6> kScatter{"update_window_dims",           "inserted_window_dims",
                                       "input_batching_dims",          "scatter_indices_batching_dims",
                                       "scatter_dims_to_operand_dims", "index_vector_dim"};

// Before StableHLO 1.1 there were no batching dimensions.
constexpr std::array<Part, 4> kOldGather{"offset_dims", "collapsed_slice_dims", "start_index_map", "index_vector_dim"};
constexpr std::array<Part, 4> kOldScatter{"update_window_dims", "inserted_window_dims", "scatter_dims_to_operand_dims",
                                          "index_vector_dim"};

// A list of signed numbers.
Dims integers(ByteCursor& in) {
  Dims out(in.count("integers"));
  for (auto& v : out) v = in.signed_varint();
  return out;
}

bool is_list(Part part) { return part.ends_with('s') || part == "start_index_map"; }

// Whether the numbers that are left are those of these parts. No numbers are those of two forms.
bool fits(ByteCursor in, std::span<const Part> parts) {
  for (const Part part : parts) {
    if (in.empty()) return false;
    const std::uint64_t count = in.varint();
    for (std::uint64_t i = 0; is_list(part) && i < count; ++i) {
      if (in.empty()) return false;
      (void)in.varint();
    }
  }
  return in.empty();
}

Attr dictionary_of(ByteCursor& in, std::span<const Part> parts) {
  Attr a;
  a.kind = Attr::Kind::dictionary;
  for (const Part part : parts) {
    AttrPtr value = is_list(part) ? integers_attribute(integers(in)) : integer_attribute(in.signed_varint());
    a.entries.emplace_back(std::string(part), std::move(value));
  }
  if (!in.empty()) in.fail("an attribute has more parts than it should.");
  return a;
}

Attr enumerator(ByteCursor& in, std::string_view of) {
  Attr a;
  a.kind = Attr::Kind::string;
  a.text = find_enumeration(of)->name(in.varint(), in);
  return a;
}

// Which operand an output shares memory with: as in texts, since nothing depends on it.
Attr alias(ByteCursor& in) {
  const Dims output = integers(in);
  const std::int64_t operand = in.signed_varint();
  return text_attribute(
      fmt::format("#stablehlo.output_operand_alias<output_tuple_indices = [{}], operand_index = {}, "
                  "operand_tuple_indices = [{}]>",
                  fmt::join(output, ", "), operand, fmt::join(integers(in), ", ")));
}

}  // namespace

// How a product is to be computed: the types to round to, and how many parts of numbers to multiply.
Attr BytecodeEntries::decode_dot_algorithm(ByteCursor& in) {
  Attr a;
  a.kind = Attr::Kind::dictionary;
  for (const char* name : {"lhs_precision_type", "rhs_precision_type", "accumulation_type"}) {
    Attr type;
    type.kind = Attr::Kind::type;
    type.type = read_type(in);
    a.entries.emplace_back(name, std::make_shared<const Attr>(std::move(type)));
  }
  for (const char* name : {"lhs_component_count", "rhs_component_count", "num_primitive_operations"})
    a.entries.emplace_back(name, integer_attribute(in.signed_varint()));
  a.entries.emplace_back("allow_imprecise_accumulation", boolean_attribute(in.byte() != 0));
  return a;
}

Attr BytecodeEntries::decode_stablehlo(ByteCursor& in) {
  const std::uint64_t code = in.varint();
  switch (code) {
    case 2: return enumerator(in, "comparison_direction");
    case 3: return enumerator(in, "comparison_type");
    case 4: return dictionary_of(in, kConvolution);
    case 5: return dictionary_of(in, kDot);
    case 6: return enumerator(in, "fft_type");
    case 7: return fits(in, kOldGather) ? dictionary_of(in, kOldGather) : dictionary_of(in, kGather);
    case 8: return enumerator(in, "precision");
    case 9: return enumerator(in, "rng_algorithm");
    case 10: return enumerator(in, "rng_distribution");
    case 11: return fits(in, kOldScatter) ? dictionary_of(in, kOldScatter) : dictionary_of(in, kScatter);
    case 12: return enumerator(in, "transpose");
    case 14: return alias(in);
    case 15: return decode_dot_algorithm(in);
    default: return text_attribute(fmt::format("stablehlo attribute {}", code));
  }
}

Attr BytecodeEntries::decode_chlo(ByteCursor& in) {
  const std::uint64_t code = in.varint();
  switch (code) {
    case 0: return enumerator(in, "comparison_direction");
    case 1: return enumerator(in, "comparison_type");
    default: return text_attribute(fmt::format("chlo attribute {}", code));
  }
}

}  // namespace tf2jax::stablehlo
