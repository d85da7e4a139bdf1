// tf2jax export and convert: models as StableHLO, and back.
#include "commands.h"

#include <tf2jax/jax2tf/jax2tf.h>
#include <tf2jax/ops/shape_ops.h>
#include <tf2jax/stablehlo/exported.h>
#include <tf2jax/stablehlo/from_jaxpr.h>
#include <tf2jax/stablehlo/read.h>
#include <tf2jax/stablehlo/to_jaxpr.h>
#include <tf2jax/stablehlo/write.h>

#include <fstream>
#include <iostream>
#include <iterator>

namespace tf2jax::tool {
namespace {

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  check<IoError>(in.good(), "cannot read '{}'", path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.flush();
  check<IoError>(out.good(), "cannot write '{}'", path);
}

Avals arguments_of(const stablehlo::Exported& e) {
  Avals out;
  for (const auto& a : e.in_avals) {
    const auto dtype = parse_dtype(a.dtype);
    check<NotImplementedError>(dtype.has_value(), "the export takes an argument that cannot be made up: {}{}", a.dtype,
                               a.shape_text());
    Shape shape;
    for (const std::string& size : a.shape) shape.push_back(Dim::parse(size));
    check<NotImplementedError>(is_concrete(shape), "the export is polymorphic, which cannot be converted: {}{}",
                               a.dtype, a.shape_text());
    out.push_back({*dtype, std::move(shape), false});
  }
  return out;
}

Jaxpr program_in(const std::string& path) {
  const std::string bytes = contents(path);
  const bool is_module = path.ends_with(".mlir") || bytes.starts_with("ML\xEFR");
  if (!is_module) {
    const stablehlo::Exported e = stablehlo::read_exported(bytes);
    return stablehlo::program_of(e, arguments_of(e));
  }
  const stablehlo::Module module = stablehlo::read_module(bytes);
  return stablehlo::to_jaxpr(module, stablehlo::input_avals(module));
}

}  // namespace

int export_model(const Request& request, const ExportOptions& options) {
  const Jaxpr program = program_of(request, false);
  if (options.file.ends_with(".mlir")) write(options.file, stablehlo::print_module(stablehlo::from_jaxpr(program)));
  else if (options.file.ends_with(".mlirbc"))
    write(options.file, stablehlo::write_module(stablehlo::from_jaxpr(program), options.target));
  else
    write(options.file,
          stablehlo::write_exported(stablehlo::export_program(program, "model", options.vjp_order, options.target)));
  std::cout << "wrote " << options.file << "\n";
  return 0;
}

int convert_module(const ConvertModuleOptions& options) {
  const Jaxpr program = program_in(options.module);
  const auto f = jax2tf::convert([program](const Arrays& xs) { return eval_jaxpr(program, xs); },
                                 {.with_gradient = !options.no_gradient, .native_serialization = options.native});
  Arrays arguments;
  for (const Aval& a : program.input_avals()) arguments.push_back(zeros_of(a));
  f.trace(arguments);
  if (options.out.ends_with(".pb")) f.graph().save(options.out);
  else jax2tf::save(options.out, {{"f", f}});
  std::cout << "wrote " << options.out << "\n";
  return 0;
}

}  // namespace tf2jax::tool
