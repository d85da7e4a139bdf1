// tf2jax: look at TensorFlow models, run them, differentiate them, and take them to JAX and back.
#include "commands.h"

#include <tf2jax/base/config.h>

#include <CLI/CLI.hpp>

#include <iostream>

namespace tf2jax::tool {
namespace {

void add_model(CLI::App& command, Request& r) {
  command.add_option("model", r.model, "SavedModel directory, or a GraphDef (.pb, .pbtxt)")->required();
  command.add_option("--signature", r.signature, "Signature of a SavedModel");
  command.add_option("--function", r.function, "Function attribute of a SavedModel, such as f");
  command.add_option("--output", r.outputs, "Output to use: a signature's name, or a tensor such as logits:0");
  command.add_option("--input", r.input_files, "NAME=FILE.npy, or FILE.npz with arrays by name");
  command.add_option("--text", r.texts, "NAME=TEXT, again for further texts, or NAME=@FILE with one text a line");
  command.add_option("--shape", r.sizes, "NAME=2,3: sizes of an input that is not given");
  command.add_option("--batch", r.batch, "Size to use where a shape is unknown")->check(CLI::PositiveNumber);
}

void add_values(CLI::App& command, Request& r) {
  add_model(command, r);
  command.add_option("--random", r.random, "Seed of made-up values for inputs that are not given");
  command.add_flag("--no-jit", r.no_jit, "Evaluate node by node instead of compiling");
}

int start(int argc, char** argv) {
  CLI::App app("Look at TensorFlow models, run them, and differentiate them.", "tf2jax");
  app.require_subcommand(1);
  app.set_version_flag("--version", "tf2jax 0.1.0");
  bool x64 = false, loose = false;
  app.add_flag("--x64", x64, "Keep 64-bit types");
  app.add_flag("--any-shape", loose, "Do not compare input shapes with the model's");

  std::string model;
  auto* inspect_command = app.add_subcommand("inspect", "Signatures, variables and operations of a model");
  inspect_command->add_option("model", model, "SavedModel directory, or a GraphDef (.pb, .pbtxt)")->required();

  bool json = false;
  auto* ops_command = app.add_subcommand("ops", "The operations of TensorFlow that models may have");
  ops_command->add_flag("--json", json, "As a list in JSON");

  Request request;
  auto* run_command = app.add_subcommand("run", "Evaluate a model");
  add_values(*run_command, request);
  run_command->add_option("--output-dir", request.output_dir, "Where to write the outputs as NAME.npy or NAME.txt");

  auto* grad_command = app.add_subcommand("grad", "Gradient of the mean output with respect to inputs and variables");
  add_values(*grad_command, request);
  grad_command->add_option("--output-dir", request.output_dir, "Where to write the gradients as NAME.npy");

  bool symbolic = false;
  auto* jaxpr_command = app.add_subcommand("jaxpr", "Print the model's program");
  add_model(*jaxpr_command, request);
  jaxpr_command->add_flag("--symbolic", symbolic, "Keep unknown sizes as dimension variables");

  CheckOptions checks;
  auto* check_command = app.add_subcommand("check-grads", "Compare derivatives with finite differences");
  add_values(*check_command, request);
  check_command->add_option("--order", checks.order, "Highest order of derivatives")->check(CLI::Range(1, 4));
  check_command->add_option("--rtol", checks.rtol, "Relative tolerance; 0: by type");
  check_command->add_option("--atol", checks.atol, "Absolute tolerance; 0: by type");
  check_command->add_option("--eps", checks.eps, "Step of the differences; 0: by type");

  ExportOptions exported{.file = {}, .target = "1.5.0"};
  auto* export_command = app.add_subcommand("export", "Write a model as StableHLO, for fixed sizes");
  add_model(*export_command, request);
  export_command
      ->add_option("--out", exported.file, "FILE.mlir: text; FILE.mlirbc: portable artifact; others: for jax.export")
      ->required();
  export_command->add_option("--target", exported.target, "The oldest version of StableHLO that reads it");
  export_command->add_option("--vjp-order", exported.vjp_order, "Derivatives in a file for jax.export")
      ->check(CLI::Range(0, 3));

  ConvertModuleOptions module;
  auto* convert_command = app.add_subcommand("convert", "Write StableHLO, or a file of jax.export, for TensorFlow");
  convert_command->add_option("module", module.module, "Text, portable artifact or file of jax.export")->required();
  convert_command->add_option("--out", module.out, "FILE.pb: frozen graph; others: directory of a SavedModel")
      ->required();
  convert_command->add_flag("--native", module.native, "As a module in an XlaCallModule node");
  convert_command->add_flag("--no-gradient", module.no_gradient, "Without custom gradients");

  CLI11_PARSE(app, argc, argv);
  update_config(&Config::enable_x64, x64);
  if (loose) update_config(&Config::strict_shape_check, false);
  if (*inspect_command) return inspect(model);
  if (*ops_command) return list_operations(json);
  if (*run_command) return run(request);
  if (*grad_command) return gradient(request);
  if (*jaxpr_command) return print_jaxpr(request, symbolic);
  if (*export_command) return export_model(request, exported);
  if (*convert_command) return convert_module(module);
  return check_gradients(request, checks);
}

}  // namespace
}  // namespace tf2jax::tool

int main(int argc, char** argv) {
  try {
    return tf2jax::tool::start(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "tf2jax: " << e.what() << "\n";
    return 1;
  }
}
