// Writes what the library's own writers make, for libFuzzer to start from: one folder for each target.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tf2jax/io/npy.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/stablehlo/exported.h"
#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/write.h"
#include "tf2jax/tf_graph/graph_builder.h"
#include "tf2jax/tf_graph/tensor_bundle.h"
#include "tf2jax/trace/staging.h"
#include "value_graphs.h"

using namespace tf2jax;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
}

void graphs(const fs::path& folder) {
  int number = 0;
  for (const auto& g : fuzz::value_graphs()) {
    tensorflow::GraphDef graph = g.graph;
    // Few graphs call functions; the others are smaller without.
    if (g.graph.ShortDebugString().substr(0, g.graph.ShortDebugString().find("library")).find("func {") ==
        std::string::npos)
      graph.clear_library();
    write(folder / fmt::format("{:03}", number++), detail::serialize(graph));
  }
  write(folder / "text",
        "node { name: \"x\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_FLOAT } } } node { name: \"y\" "
        "op: \"Neg\" input: \"x\" }");
}

void models(const fs::path& folder) {
  const fs::path model = folder.parent_path() / "model";
  GraphBuilder g;
  const auto x = g.placeholder("x", f32, {2, 3});
  const auto y = g.node("AddV2", "y", {x, g.variable("bias", array<float>({1, 2, 3}))}, f32);
  g.save(model, {{"serving_default", {.inputs = {{"x", x}}, .outputs = {{"y", y}}}}});
  fs::create_directories(folder);
  fs::copy_file(model / "saved_model.pb", folder / "tf1", fs::copy_options::overwrite_existing);
  fs::remove_all(model);
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(TF2JAX_SOURCE_DIR) / "examples" / "models")) {
    const auto path = entry.path();
    if (path.filename() != "saved_model.pb" || fs::file_size(path) > 200000) continue;
    fs::copy_file(path, folder / path.parent_path().filename(), fs::copy_options::overwrite_existing);
  }
}

void bundles(const fs::path& folder) {
  fs::create_directories(folder);
  write_tensor_bundle(folder / "ckpt", {{"a/kernel", array<float>({{1, 2, 3}, {4, 5, 6}})},
                                        {"b", Array(true)},
                                        {"text", StringTensor{{2}, {"ab", ""}}}});
  fs::remove(folder / "ckpt.data-00000-of-00001");
}

void archives(const fs::path& folder) {
  const Array x = array<float>({{1, 2, 3}, {4, 5, 6}});
  write(folder / "plain.npy", to_npy(x));
  write(folder / "half.npy", to_npy(array<float16>({float16(1.5f)})));
  for (const bool compress : {false, true})
    write(folder / (compress ? "deflated.npz" : "stored.npz"),
          to_npz({{"a", x}, {"b", zeros({100})}}, {.compress = compress}));
}

// The first byte says what is done with the rest: 0 an export, 1 a module to be written again, 2 one to be run.
void modules(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(fs::path(TF2JAX_SOURCE_DIR) / "tests/golden/stablehlo")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".mlir") && !name.ends_with(".mlirbc")) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    write(folder / name, (name.ends_with(".portable.mlirbc") ? '\1' : '\2') + bytes);
  }
  const Jaxpr program = stage([](const Arrays& xs) { return Arrays{tanh(xs[0])}; }, {spec(f32, {2, 3})});
  for (const char* version : {"0.9.0", "1.20.0"})
    write(folder / version, '\1' + stablehlo::write_module(stablehlo::from_jaxpr(program), version));
  write(folder / "export", '\0' + stablehlo::write_exported(stablehlo::export_program(program, "f", 1)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "seeds FOLDER\n";
    return 2;
  }
  const fs::path root = argv[1];
  graphs(root / "graphdef");
  models(root / "saved_model");
  bundles(root / "bundle");
  archives(root / "npz");
  modules(root / "stablehlo");
}
