// libFuzzer: modules of StableHLO, as bytecode, as text, and inside exports; what is read is made a program and run.
#include "target.h"
#include "tf2jax/stablehlo/exported.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/stablehlo/write.h"

using namespace tf2jax;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::judge([&] {
    if (size == 0) return;
    const auto bytes = fuzz::text(data + 1, size - 1);
    if (data[0] % 4 == 0) {
      (void)stablehlo::write_exported(stablehlo::read_exported(bytes));
      return;
    }
    const auto module = stablehlo::read_module(bytes);
    if (data[0] % 4 == 1) (void)stablehlo::write_module(module);
    Avals avals;
    for (const auto& type : module.entry().inputs) {
      Dims dims = type->dims;
      for (auto& d : dims) d = d == stablehlo::kDynamic ? 2 : d;
      avals.push_back({type->dtype().value_or(f32), symbolic(dims), false});
    }
    const Jaxpr program = stablehlo::to_jaxpr(module, avals);
    Arrays inputs;
    for (const Aval& a : avals) inputs.push_back(zeros_of(a));
    (void)eval_jaxpr(program, inputs);
  });
}
