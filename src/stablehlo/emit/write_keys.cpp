// How equations on typed keys are written: on their words, u32 with one axis of 2 more, which is what JAX writes.
#include "tf2jax/stablehlo/internal/emitter.h"
#include "tf2jax/stablehlo/internal/special_functions.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/internal/threefry.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

#include <array>

namespace tf2jax::stablehlo {
namespace {

// The params of an operation on keys as those of the same operation on words; null where they are the same.
using Respell = EquationParams (*)(const Emission&);

EquationParams broadcast_params(const Emission& e) {
  auto p = e.params.get<BroadcastInDim>();
  p.broadcast_dimensions.push_back(static_cast<std::int64_t>(p.shape.size()));
  p.shape.emplace_back(2);
  return p;
}
EquationParams reshape_params(const Emission& e) {
  auto p = e.params.get<ReshapeParams>();
  p.new_sizes.emplace_back(2);
  if (p.dimensions) p.dimensions->push_back(static_cast<std::int64_t>(p.dimensions->size()));
  return p;
}
EquationParams transpose_params(const Emission& e) {
  auto p = e.params.get<TransposeParams>();
  p.permutation.push_back(static_cast<std::int64_t>(p.permutation.size()));
  return p;
}
EquationParams slice_params(const Emission& e) {
  auto p = e.params.get<SliceParams>();
  p.start_indices.emplace_back(0);
  p.limit_indices.emplace_back(2);
  if (p.strides) p.strides->push_back(1);
  return p;
}
EquationParams dynamic_slice_params(const Emission& e) {
  auto p = e.params.get<SliceSizes>();
  p.slice_sizes.emplace_back(2);
  return p;
}
EquationParams tile_params(const Emission& e) {
  auto p = e.params.get<TileParams>();
  p.reps.push_back(1);
  return p;
}
// Reads outside give zeros.
EquationParams gather_params(const Emission& e) {
  auto p = e.params.get<GatherParams>();
  p.dimension_numbers.offset_dims.push_back(e.outputs[0].rank() - 1);
  p.slice_sizes.push_back(2);
  p.fill_value = fill_value(0);
  return p;
}

struct Row {
  std::string_view primitive;
  Respell respell;
};
constexpr std::array<Row, 17> kRows{{{"broadcast_in_dim", broadcast_params},
                                     {"concatenate", nullptr},
                                     {"copy", nullptr},
                                     {"copy_p", nullptr},
                                     {"dynamic_slice", dynamic_slice_params},
                                     {"dynamic_update_slice", nullptr},
                                     {"gather", gather_params},
                                     {"optimization_barrier", nullptr},
                                     {"reshape", reshape_params},
                                     {"rev", nullptr},
                                     {"select_n", nullptr},
                                     {"slice", slice_params},
                                     {"split", nullptr},
                                     {"squeeze", nullptr},
                                     {"tile", tile_params},
                                     {"transpose", transpose_params},
                                     {"unstack", nullptr}}};
// What holds programs, and what is made for keys: it writes itself.
constexpr std::array kThemselves{
    "jit",          "cond",          "while",       "scan",           "custom_jvp_call", "custom_vjp_call",
    "remat2",       "mhlo_apply",    "random_bits", "random_fold_in", "random_gamma",    "random_seed",
    "random_split", "random_unwrap", "random_wrap"};

// Operands that follow the axes: the words begin at 0, and a choice for each key is one for both words.
void respell_operands(Emission& e) {
  const std::string& name = e.primitive.name();
  if (name == "dynamic_slice" || name == "dynamic_update_slice") {
    const std::size_t first = name == "dynamic_slice" ? 1 : 2;
    const DType index = e.inputs.size() > first ? e.inputs[first].dtype : DType::i32;
    e.inputs.push_back({index, {}, false});
    e.operands.push_back(e.out.constant(zeros_of(e.inputs.back())));
  }
  if (name == "select_n" && e.inputs[0].rank() > 0) {
    const Axes axes = iota_axes(e.inputs[0].rank());
    e.inputs[0].shape.emplace_back(2);
    e.operands[0] = e.out.op1("broadcast_in_dim", {e.operands[0]}, e.inputs[0],
                              {{"broadcast_dimensions", integers_attribute(axes)}});
  }
}

// The state is u64[n]: two words of u32 are one, the lower first.
ValueIds rng_bit_generator_w(const Emission& e) {
  const auto& p = e.params.get<RngBitGenerator>();
  const std::string algorithm = param_text(p.algorithm).substr(std::string("RNG_").size());
  const Aval state = e.inputs[0], wide{DType::u64, {Dim(2)}, false};
  const bool in_words = state.dtype == DType::u32;
  const auto joined = [](const Arrays& xs) {
    return Arrays{bitcast_convert_type_p().bind1({reshape(xs[0], {Dim(2), Dim(2)})}, NewDtype{DType::u64})};
  };
  const auto split = [](const Arrays& xs) {
    return Arrays{reshape(bitcast_convert_type_p().bind1({xs[0]}, NewDtype{DType::u32}), {Dim(4)})};
  };
  const Aval drawn{p.dtype == DType::u64 ? DType::u64 : DType::u32, p.shape, false};
  ValueIds operands = e.operands;
  if (in_words) operands = e.out.expanded(joined, {state}, operands);
  ValueIds out = e.out.op("rng_bit_generator", operands, types_of({in_words ? wide : state, drawn}),
                          {{"rng_algorithm", string_attribute(algorithm)}});
  if (in_words) out[0] = e.out.expanded(split, {wide}, {out[0]})[0];
  if (p.dtype != drawn.dtype) out[1] = e.out.op1("convert", {out[1]}, e.outputs[1]);
  return out;
}

using Compute = Array (*)(const Arrays&, const EquationParams&);
ValueIds computed(const Emission& e, Compute f) {
  return e.out.expanded([&](const Arrays& xs) { return Arrays{f(xs, e.params)}; }, e.inputs, e.operands);
}

}  // namespace

Aval written(const Aval& aval) {
  if (aval.dtype != DType::key) return aval;
  Aval out{DType::u32, aval.shape, false};
  out.shape.emplace_back(2);
  return out;
}

ValueIds write_on_keys(Emission& e) {
  const std::string& name = e.primitive.name();
  const WriteOp& write = *find_writer(name);
  if (std::ranges::find(kThemselves, std::string_view(name)) != kThemselves.end()) return write(e);
  const auto row = std::ranges::find(kRows, std::string_view(name), &Row::primitive);
  check<NotImplementedError>(row != kRows.end(), "stablehlo: primitive '{}' cannot be written for typed keys.", name);
  respell_operands(e);
  if (!row->respell) return write(e);
  const EquationParams params = row->respell(e);
  return write(Emission{e.out, e.primitive, params, e.operands, e.inputs, e.outputs});
}

void add_key_writers(Writers& t) {
  const std::pair<const char*, Compute> rows[] = {
      {"random_bits",
       [](const Arrays& xs, const EquationParams& p) { return threefry::bits(xs[0], p.get<RandomBits>()); }},
      {"random_split",
       [](const Arrays& xs, const EquationParams& p) { return threefry::split(xs[0], p.get<RandomSplit>()); }},
      {"random_fold_in", [](const Arrays& xs, const EquationParams&) { return threefry::fold_in(xs[0], xs[1]); }},
      {"random_gamma",
       [](const Arrays& xs, const EquationParams& p) {
         return written_out::gamma_samples(xs[0], xs[1], p.get<RandomGamma>());
       }},
      {"random_seed", [](const Arrays& xs, const EquationParams&) { return threefry::seed(xs[0]); }}};
  for (const auto& [primitive, f] : rows) t[primitive] = [f = f](const Emission& e) { return computed(e, f); };
  t["rng_bit_generator"] = rng_bit_generator_w;
  for (const char* primitive : {"random_wrap", "random_unwrap"})
    t[primitive] = [](const Emission& e) { return e.operands; };
}

}  // namespace tf2jax::stablehlo
