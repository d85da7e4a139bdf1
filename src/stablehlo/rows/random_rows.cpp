// Random bits by the generators that StableHLO names. State: u64[2] or u64[3], a key and a counter.
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {
namespace {

RngAlgorithm algorithm_of(const Call& c) {
  const std::string& name = c.text("rng_algorithm");
  return name == "THREE_FRY" ? RngAlgorithm::three_fry
         : name == "PHILOX"  ? RngAlgorithm::philox
                             : RngAlgorithm::automatic;
}

Arrays rng_bit_generator(Call& c) {
  c.expect_operands(1, 1);
  const Array& state = c[0];
  const bool fits = state.dtype() == DType::u64 && state.rank() == 1 &&
                    (state.shape()[0].value() == 2 || state.shape()[0].value() == 3);
  if (!fits) c.fail(fmt::format("its state must be u64[2] or u64[3]. Got {}.", state.aval()));
  const DType dtype = c.result_dtype(1);
  const bool wide = dtype == DType::u64 || dtype == DType::i64;
  check<NotImplementedError>(wide || dtype == DType::u32 || dtype == DType::i32,
                             "stablehlo: operation 'rng_bit_generator' is supported for 32 and 64 bits. Got {}.",
                             dtype);
  const RngAlgorithm algorithm = algorithm_of(c);
  if (algorithm == RngAlgorithm::three_fry && state.shape()[0].value() != 2)
    c.fail("the state of THREE_FRY must be u64[2].");
  const DType drawn = wide ? DType::u64 : DType::u32;
  Arrays out = rng_bit_generator_p().bind({state}, RngBitGenerator{algorithm, drawn, c.result_shape(1)});
  if (dtype != drawn) out[1] = bitcast_convert_type_p().bind1({out[1]}, NewDtype{dtype});
  return out;
}

constexpr OpRow kRows[] = {
    {"rng_bit_generator", nullptr, rng_bit_generator},
};

}  // namespace

std::span<const OpRow> random_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
