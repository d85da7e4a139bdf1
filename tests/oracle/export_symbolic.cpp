// Programs of symbolic sizes as files of jax.export, with what they compute at some sizes and their gradients:
//   export_symbolic DIR, then stablehlo.py symbolic --dir DIR lets real JAX judge them.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "../stablehlo/symbolic_programs.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/stablehlo/exported.h"
#include "tf2jax/transforms/linearize.h"

int main(int argc, char** argv) {
  using namespace tf2jax;
  if (argc != 2) {
    std::cerr << "export_symbolic DIR\n";
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  for (const auto& p : testing::symbolic_programs()) {
    const auto exported = [&] {
      try {
        return stablehlo::export_program(p.jaxpr(), p.name, 1);
      } catch (const InconclusiveDimensionOperation&) {  // the derivative of cummax unrolls a tree, as JAX's does
        return stablehlo::export_program(p.jaxpr(), p.name);
      }
    }();
    std::ofstream(folder / fmt::format("{}.export", p.name), std::ios::binary) << stablehlo::write_exported(exported);
    int number = 0;
    for (const std::map<std::string, std::int64_t>& sizes :
         {std::map<std::string, std::int64_t>{{"b", 1}, {"c", 2}, {"n", 3}}, {{"b", 5}, {"c", 1}, {"n", 2}}}) {
      const Arrays inputs = p.inputs(sizes);
      const Linearized l = linearize_flat(p.f, inputs);
      Arrays seeds;
      for (const Array& y : l.outs)
        seeds.push_back(is_inexact(y.dtype()) ? ones_like(y) : zeros_of(y.aval().tangent()));
      const Arrays gradients = apply_pullback(l, seeds);
      std::map<std::string, Array> arrays;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        arrays[fmt::format("in{}", i)] = inputs[i];
        arrays[fmt::format("gradient{}", i)] = gradients[i];
      }
      for (std::size_t i = 0; i < l.outs.size(); ++i) arrays[fmt::format("out{}", i)] = l.outs[i];
      save_npz(folder / fmt::format("{}.{}.npz", p.name, number++), arrays);
    }
  }
}
