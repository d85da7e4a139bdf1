// Loading models and inputs for the commands.
#include "request.h"

#include <tf2jax/tf_graph/saved_model.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <random>

namespace tf2jax::tool {
namespace {

std::pair<std::string, std::string> key_and_value(const std::string& text, std::string_view option) {
  const auto equals = text.find('=');
  check(equals != std::string::npos && equals > 0, "{}: expected NAME=VALUE, got '{}'", option, text);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

using Inputs = std::map<std::string, Tree>;

// Several texts of one name are a tensor of them.
void load_texts(const std::vector<std::string>& options, Inputs& inputs) {
  std::map<std::string, std::vector<std::string>> texts;
  for (const auto& option : options) {
    const auto [name, text] = key_and_value(option, "--text");
    auto& lines = texts[name];
    if (!text.starts_with('@')) {
      lines.push_back(text);
      continue;
    }
    std::ifstream file(text.substr(1), std::ios::binary);
    check<IoError>(file.is_open(), "--text {}: cannot read '{}'", name, text.substr(1));
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  for (auto& [name, lines] : texts) inputs.insert_or_assign(name, strings(std::move(lines)));
}

// Texts with axes of size 1 for what else the model expects; one text may be a scalar.
Tree shaped(const Tree& given, const TensorSpec& spec) {
  if (given.kind() != Tree::Kind::strings || !spec.shape) return given;
  StringTensor x = given.strings();
  if (spec.shape->empty() && x.values.size() == 1) x.dims.clear();
  else x.dims.resize(std::max<std::size_t>(spec.shape->size(), 1), 1);
  return x;
}

Inputs load_inputs(const Request& request) {
  Inputs inputs;
  load_texts(request.texts, inputs);
  for (const auto& text : request.input_files) {
    if (text.find('=') == std::string::npos && text.ends_with(".npz")) {
      const Tree all = load_npz_tree(text);
      for (const auto& [name, x] : all.dict()) inputs.insert_or_assign(name, x);
      continue;
    }
    const auto [name, file] = key_and_value(text, "--input");
    if (!file.ends_with(".npz")) {
      inputs.insert_or_assign(name, load_npy(file));
      continue;
    }
    const auto arrays = load_npz_tree(file).dict();
    const auto it = arrays.size() == 1 ? arrays.begin() : arrays.find(name);
    check(it != arrays.end(), "--input {}: '{}' holds {} arrays, none named '{}'", name, file, arrays.size(), name);
    inputs.insert_or_assign(name, it->second);
  }
  return inputs;
}

Dims parse_sizes(const std::string& name, const std::string& text) {
  Dims dims;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    std::int64_t n = -1;
    const auto [stop, error] = std::from_chars(p, end, n);
    check(error == std::errc{} && n >= 0 && (stop == end || *stop == ','),
          "--shape {}: expected sizes such as 2,3. Got '{}'", name, text);
    dims.push_back(n);
    p = stop == end ? end : stop + 1;
  }
  return dims;
}

// Normal numbers for floats, small ones for integers: the same on every machine for one seed.
Array random_array(const Aval& aval, std::mt19937_64& engine) {
  const auto n = num_elements(aval.shape).value();
  const auto uniform = [&] { return static_cast<double>(engine() >> 11) * 0x1p-53; };
  return Array::build(aval, [&](std::byte* out) {
    visit_dtype(aval.dtype, [&]<class T>(std::type_identity<T>) {
      auto* p = reinterpret_cast<T*>(out);
      for (std::int64_t i = 0; i < n; ++i) {
        const double normal =
            std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * 3.14159265358979323846 * uniform());
        if constexpr (std::is_same_v<T, bool>) p[i] = normal > 0;
        else if constexpr (std::is_integral_v<T>) p[i] = static_cast<T>(std::floor(std::abs(normal) * 2));
        else if constexpr (requires(T t) { t.real(); }) p[i] = T(static_cast<typename T::value_type>(normal));
        else p[i] = static_cast<T>(static_cast<float>(normal));
      }
    });
  });
}

void leaves(const StructuredValue& v, const std::string& name, std::vector<std::pair<std::string, TensorSpec>>& out) {
  if (v.kind == StructuredValue::Kind::tensor) {
    out.emplace_back(name, v.tensor);
    return;
  }
  for (std::size_t i = 0; i < v.items.size(); ++i) {
    const auto& [key, child] = v.items[i];
    leaves(child, name + "." + (key.empty() ? fmt::format("{}", i) : key), out);
  }
}

// The argument of one parameter, filled from the flat values.
Tree assemble(const StructuredValue& v, const std::vector<Tree>& values, std::size_t& next) {
  switch (v.kind) {
    case StructuredValue::Kind::tensor: return values.at(next++);
    case StructuredValue::Kind::list:
    case StructuredValue::Kind::tuple: {
      Tree::List list;
      for (const auto& [key, child] : v.items) list.push_back(assemble(child, values, next));
      return Tree(std::move(list));
    }
    case StructuredValue::Kind::dict:
    case StructuredValue::Kind::named_tuple: {
      Tree::Dict dict;
      for (const auto& [key, child] : v.items) dict[key] = assemble(child, values, next);
      return Tree(std::move(dict));
    }
    default: return Tree();
  }
}

CallArguments arguments(const Signature& signature, const std::vector<Tree>& values) {
  CallArguments result;
  std::size_t next = 0;
  for (const auto& [key, v] : signature.inputs.items.at(0).second.items)
    result.positional.push_back(assemble(v, values, next));
  for (const auto& [key, v] : signature.inputs.items.at(1).second.items)
    result.keywords[key] = assemble(v, values, next);
  return result;
}

}  // namespace

std::vector<std::pair<std::string, TensorSpec>> inputs_of(const Signature& signature) {
  std::vector<std::pair<std::string, TensorSpec>> out;
  const auto& args = signature.inputs.items.at(0).second.items;
  for (std::size_t i = 0; i < args.size(); ++i) {
    leaves(args[i].second, i < signature.parameters.size() ? signature.parameters[i] : fmt::format("args_{}", i), out);
  }
  for (const auto& [key, v] : signature.inputs.items.at(1).second.items) leaves(v, key, out);
  return out;
}

Aval input_aval(const Request& request, const std::string& name, const TensorSpec& spec) {
  check(spec.dtype.has_value(), "input '{}' is {}; only numbers can be made up; give --text", name, spec.to_string());
  bool known = spec.shape.has_value();
  Dims dims = spec.shape.value_or(Dims{});
  for (const auto& text : request.sizes) {
    const auto [key, value] = key_and_value(text, "--shape");
    if (key != name) continue;
    dims = parse_sizes(key, value);
    known = true;
  }
  check(known, "input '{}' has no known rank; give --shape {}=SIZES", name, name);
  for (auto& d : dims) d = d < 0 ? request.batch : d;
  return {canonical_dtype(*spec.dtype), symbolic(dims), false};
}

Call prepare(const Request& request, bool need_values) {
  const auto given = load_inputs(request);
  const std::filesystem::path path = request.model;
  ConvertOptions options{.signature = request.signature, .function = request.function, .jit = !request.no_jit};
  const bool plain =
      !SavedModel::exists(path) && path.filename() != "saved_model.pb" && path.filename() != "saved_model.pbtxt";
  const auto tensor_names = [&] {
    return std::ranges::any_of(request.outputs, [](const auto& name) { return name.find(':') != std::string::npos; });
  };
  // Names of tensors choose a part of the main graph; other names choose among a signature's outputs.
  const bool tensors = plain || tensor_names();
  if (tensors) {
    options.outputs = request.outputs;
    for (const auto& [name, x] : given) options.inputs.push_back(name);
    if (options.outputs.empty()) options.inputs.clear();
  }
  Call call{convert(path, options), {}, {}};
  std::mt19937_64 engine(request.random.value_or(0));
  std::string missing;
  for (const auto& [name, spec] : inputs_of(call.function.signature())) {
    call.names.push_back(name);
    auto it = given.find(name);
    if (it == given.end()) it = given.find(name + ":0");
    if (it != given.end()) call.inputs.push_back(shaped(it->second, spec));
    else if (!need_values) call.inputs.emplace_back();
    else if (request.random) call.inputs.push_back(random_array(input_aval(request, name, spec), engine));
    else missing += fmt::format("\n  {}: {}", name, spec.to_string());
  }
  check(missing.empty(), "inputs are missing; give --input NAME=FILE.npy, --text NAME=TEXT, or --random SEED:{}",
        missing);
  for (const auto& [name, x] : given) {
    const bool used = std::ranges::any_of(call.names, [&](const auto& n) { return n == name || n + ":0" == name; });
    check(used, "--input {}: the function has no such input. It has:{}", name, [&] {
      std::string text;
      for (const auto& n : call.names) text += " '" + n + "'";
      return text;
    }());
  }
  return call;
}

Tree Call::run(const std::vector<Tree>& values) const { return function.call(arguments(function.signature(), values)); }
std::pair<Tree, Variables> Call::run(const Variables& variables, const std::vector<Tree>& values) const {
  return function.apply().call(variables, arguments(function.signature(), values));
}

Named named_leaves(const Tree& tree, const std::string& prefix) {
  Named out;
  const auto add = [&](const Tree& child, const std::string& key) {
    for (auto& leaf : named_leaves(child, prefix.empty() ? key : prefix + "." + key)) out.push_back(std::move(leaf));
  };
  if (tree.is_leaf() || tree.kind() == Tree::Kind::strings) out.emplace_back(prefix.empty() ? "output" : prefix, tree);
  for (std::size_t i = 0; i < tree.list().size(); ++i) add(tree.list()[i], fmt::format("{}", i));
  for (const auto& [key, child] : tree.dict()) add(child, key);
  return out;
}

void save_all(const std::string& directory, const Named& values) {
  if (directory.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check<IoError>(!error, "cannot create '{}': {}", directory, error.message());
  for (const auto& [name, x] : values) {
    std::string file = name;
    for (char& c : file) {
      const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '-' || c == '.';
      if (!ok) c = '_';
    }
    if (file.starts_with('.')) file = "_" + file;
    const auto path = std::filesystem::path(directory) / file;
    if (x.is_leaf()) {
      save_npy(path.string() + ".npy", x);
      continue;
    }
    std::ofstream out(path.string() + ".txt", std::ios::binary);
    for (const auto& text : x.strings().values) out << text << '\n';
    check<IoError>(static_cast<bool>(out.flush()), "cannot write '{}.txt'", path.string());
  }
}

std::string summary(const Tree& tree) {
  if (tree.kind() == Tree::Kind::strings) {
    std::string text = tree.to_string() + " ";
    constexpr std::size_t kShown = 8;
    const auto& all = tree.strings().values;
    for (std::size_t i = 0; i < std::min(all.size(), kShown); ++i) text += " '" + all[i].substr(0, 60) + "'";
    return text + (all.size() > kShown ? " …" : "");
  }
  const Array& x = tree.array();
  const auto values = x.to_vector<double>();
  if (values.empty()) return x.aval().to_string();
  double sum = 0;
  for (const double v : values) sum += v;
  const auto [lo, hi] = std::ranges::minmax(values);
  if (values.size() == 1) return fmt::format("{}  {:.8g}", x.aval().to_string(), values[0]);
  return fmt::format("{}  mean {:.6g}  min {:.6g}  max {:.6g}", x.aval().to_string(),
                     sum / static_cast<double>(values.size()), lo, hi);
}

}  // namespace tf2jax::tool
