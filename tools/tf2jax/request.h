// What the commands that evaluate a model have in common: which function, on which inputs.
#pragma once
#include <tf2jax/io/npy.h>
#include <tf2jax/tf_import/convert.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tf2jax::tool {

struct Request {
  std::string model;
  std::string signature, function;
  std::vector<std::string> outputs;      // tensors of a plain graph, or names of a signature's outputs
  std::vector<std::string> input_files;  // name=file.npy, or one file.npz
  std::vector<std::string> texts;        // name=text, or name=@file with one text a line
  std::vector<std::string> sizes;        // name=2,3: the shape of a random input
  std::optional<std::uint64_t> random;   // seed of random inputs
  std::optional<std::uint64_t> rng;      // seed of the model's own random operations
  std::string output_dir;
  std::int64_t batch = 2;  // stands for unknown sizes of random inputs
  bool no_jit = false;
};

/// A converted function with a value for each of its inputs.
struct Call {
  ConvertedFunction function;
  std::vector<std::string> names;  // of the inputs, in order
  std::vector<Tree> inputs;        // arrays or strings; none where no value was asked for

  Tree run(const std::vector<Tree>& values) const;
  std::pair<Tree, Variables> run(const Variables& variables, const std::vector<Tree>& values) const;
};

/// Arrays and strings by name.
using Named = std::vector<std::pair<std::string, Tree>>;

/// Loads the model and its inputs. Throws: what convert and load_npy throw; ValueError for inputs that are missing.
Call prepare(const Request& request, bool need_values = true);
/// The input's expected type with unknown sizes replaced by the requested ones.
Aval input_aval(const Request& request, const std::string& name, const TensorSpec& spec);
/// The inputs of a signature: names and types, in the order of arguments.
std::vector<std::pair<std::string, TensorSpec>> inputs_of(const Signature& signature);

/// Leaves of the result with their names: "y", or "y.0", "y.key" inside containers.
Named named_leaves(const Tree& tree, const std::string& prefix);
/// Writes NAME.npy for each array and NAME.txt for strings, one a line, into the directory, which is created;
/// characters that are no part of file names become '_'.
void save_all(const std::string& directory, const Named& values);
/// "f32[2,3]  mean 0.1  min -1  max 2", "string[2]  'a' 'b'".
std::string summary(const Tree& x);

}  // namespace tf2jax::tool
