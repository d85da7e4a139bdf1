// Exports as JAX serializes them. Slots are those of its schema, which only grows.
#include "tf2jax/stablehlo/exported.h"

#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/internal/flat_tables.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/to_jaxpr.h"
#include "tf2jax/stablehlo/write.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/linearize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace tf2jax::stablehlo {
namespace {

constexpr std::array<std::string_view, 30> kTypes{
    "bool",      "i8",          "i16",       "i32",         "i64",     "u8",
    "u16",       "u32",         "u64",       "f16",         "f32",     "f64",
    "c64",       "c128",        "bf16",      "i4",          "u4",      "f8_e4m3b11fnuz",
    "f8_e4m3fn", "f8_e4m3fnuz", "f8_e5m2",   "f8_e5m2fnuz", "f0",      "f8_e4m3",
    "f8_e3m4",   "f8_e8m0fnu",  "f4_e2m1fn", "key_fry",     "key_rbg", "key_unsafe_rbg"};
std::string type_name(std::uint64_t number) {
  check<DataLossError>(number < kTypes.size(), "stablehlo: the export is damaged: type {} is not known.", number);
  return std::string(kTypes[number]);
}
std::uint64_t type_number(const std::string& name) {
  const auto it = std::ranges::find(kTypes, std::string_view(name));
  check<NotImplementedError>(it != kTypes.end(), "stablehlo: type '{}' cannot be exported.", name);
  return static_cast<std::uint64_t>(it - kTypes.begin());
}

ExportedTree read_tree(const FlatTable& t) {
  ExportedTree out;
  const std::uint64_t kind = t.number(0, 1);
  check<DataLossError>(kind <= 5, "stablehlo: the export is damaged: a kind of tree is not known. Got {}.", kind);
  out.kind = static_cast<ExportedTree::Kind>(kind);
  for (const FlatTable& child : t.tables(1)) out.children.push_back(read_tree(child));
  out.names = t.texts(2);
  out.custom_name = t.text(3);
  out.custom_data = t.text(4);
  return out;
}
FlatNode write_tree(const ExportedTree& t) {
  FlatNode out;
  out.number(0, static_cast<std::uint64_t>(t.kind), 1);
  if (t.kind != ExportedTree::Kind::leaf && t.kind != ExportedTree::Kind::none) {
    std::vector<FlatNode> children;
    for (const ExportedTree& c : t.children) children.push_back(write_tree(c));
    out.tables(1, std::move(children));
  }
  if (!t.names.empty()) out.texts(2, t.names);
  if (!t.custom_name.empty()) {
    out.text(3, t.custom_name);
    out.bytes(4, t.custom_data);
  }
  return out;
}

ExportedAval read_aval(const FlatTable& t) {
  ExportedAval out;
  out.is_token = t.number(0, 1) == 1;
  out.shape = t.texts(1);
  out.dtype = type_name(t.number(2, 1));
  return out;
}
FlatNode write_aval(const ExportedAval& a) {
  FlatNode out;
  out.number(0, a.is_token ? 1 : 0, 1);
  out.texts(1, a.shape);
  out.number(2, type_number(a.dtype), 1);
  return out;
}

// Newer files hold each type once and refer to it by number.
std::vector<ExportedAval> read_avals(const FlatTable& t, int slot, int indices) {
  std::vector<ExportedAval> out;
  const auto unique = t.tables(19);
  if (unique.empty()) {
    for (const FlatTable& a : t.tables(slot)) out.push_back(read_aval(a));
    return out;
  }
  for (const auto i : t.numbers(indices, 4)) {
    check<DataLossError>(i < unique.size(), "stablehlo: the export is damaged: type {} of {}.", i, unique.size());
    out.push_back(read_aval(unique[i]));
  }
  return out;
}

std::vector<std::string> effects(const FlatTable& t, int slot) {
  std::vector<std::string> out;
  for (const FlatTable& e : t.tables(slot)) out.push_back(e.text(0));
  return out;
}

Exported read_table(const FlatTable& t) {
  Exported out;
  out.function_name = t.text(1);
  if (const auto tree = t.table(2)) out.in_tree = read_tree(*tree);
  if (const auto tree = t.table(4)) out.out_tree = read_tree(*tree);
  out.in_avals = read_avals(t, 3, 22);
  out.out_avals = read_avals(t, 5, 23);
  const std::uint64_t devices = t.number(18, 4);
  out.num_devices = static_cast<std::uint32_t>(devices ? devices : t.number(6, 2));
  out.platforms = t.texts(9);
  out.ordered_effects = effects(t, 10);
  out.unordered_effects = effects(t, 11);
  for (const FlatTable& c : t.tables(12))
    out.disabled_checks.emplace_back(static_cast<std::uint8_t>(c.number(0, 1)), c.text(1));
  out.module = t.text(13);
  out.calling_convention_version = static_cast<std::uint16_t>(t.number(14, 2));
  for (const auto i : t.numbers(15, 2)) out.kept_arguments.push_back(static_cast<std::uint16_t>(i));
  out.uses_global_constants = t.number(16, 1) != 0;
  if (const auto vjp = t.table(17)) out.vjp = std::make_shared<const Exported>(read_table(*vjp));
  return out;
}

FlatNode write_table(const Exported& e) {
  FlatNode out;
  const auto avals = [](const std::vector<ExportedAval>& all) {
    std::vector<FlatNode> nodes;
    for (const ExportedAval& a : all) nodes.push_back(write_aval(a));
    return nodes;
  };
  const auto named = [](const std::vector<std::string>& all) {
    std::vector<FlatNode> nodes(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) nodes[i].text(0, all[i]);
    return nodes;
  };
  const auto unspecified = [](std::size_t n) {
    std::vector<FlatNode> nodes(n);
    for (FlatNode& s : nodes) s.number(0, 0, 1);
    return nodes;
  };
  out.number(0, 3, 2);
  out.text(1, e.function_name);
  out.table(2, write_tree(e.in_tree));
  out.tables(3, avals(e.in_avals));
  out.table(4, write_tree(e.out_tree));
  out.tables(5, avals(e.out_avals));
  out.number(6, e.num_devices, 2);
  out.tables(7, unspecified(e.in_avals.size()));
  out.tables(8, unspecified(e.out_avals.size()));
  out.texts(9, e.platforms);
  out.tables(10, named(e.ordered_effects));
  out.tables(11, named(e.unordered_effects));
  std::vector<FlatNode> checks(e.disabled_checks.size());
  for (std::size_t i = 0; i < checks.size(); ++i) {
    checks[i].number(0, e.disabled_checks[i].first, 1);
    if (!e.disabled_checks[i].second.empty()) checks[i].text(1, e.disabled_checks[i].second);
  }
  out.tables(12, std::move(checks));
  out.bytes(13, e.module);
  out.number(14, e.calling_convention_version, 2);
  out.numbers(15, {e.kept_arguments.begin(), e.kept_arguments.end()}, 2);
  out.number(16, e.uses_global_constants ? 1 : 0, 1);
  if (e.vjp) out.table(17, write_table(*e.vjp));
  out.number(18, e.num_devices, 4);
  return out;
}

ExportedAval aval_of(const Aval& a) {
  ExportedAval out;
  out.dtype = a.dtype == DType::float0 ? "f0" : a.dtype == DType::key ? "key_fry" : std::string(short_name(a.dtype));
  for (const Dim& d : a.shape) out.shape.push_back(d.to_string());
  return out;
}

ExportedTree flat_tuple(std::size_t n) {
  ExportedTree out;
  out.kind = ExportedTree::Kind::tuple;
  out.children.resize(n);
  return out;
}
ExportedTree arguments_tree(std::size_t n) {
  ExportedTree out = flat_tuple(2), keywords;
  keywords.kind = ExportedTree::Kind::dict;
  out.children = {flat_tuple(n), keywords};
  return out;
}

// (arguments…, cotangents…) -> cotangents of the arguments. Those of integers are bools that hold nothing.
Jaxpr pullback(const Jaxpr& program) {
  Avals inputs = program.input_avals();
  const std::size_t n = inputs.size();
  for (Aval a : program.output_avals()) {
    if (!is_inexact(a.dtype)) a.dtype = DType::bool_;
    inputs.push_back(a.strong());
  }
  for (Aval& a : inputs) a = a.strong();
  return stage(
      [&](const Arrays& xs) {
        const Arrays primals(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(n));
        const auto l = linearize_flat([&](const Arrays& v) { return eval_jaxpr(program, v); }, primals);
        Arrays seeds;
        for (std::size_t i = 0; i < l.outs.size(); ++i) {
          const Aval& y = l.outs[i].aval();
          seeds.push_back(is_inexact(y.dtype) ? xs[n + i] : zeros_of(y.strong().tangent()));
        }
        Arrays out = apply_pullback(l, seeds);
        for (Array& g : out)
          if (g.dtype() == DType::float0) g = zeros_of({DType::bool_, g.shape(), false});
        return out;
      },
      inputs);
}

}  // namespace

std::string ExportedAval::shape_text() const {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + shape[i];
  return out + (shape.size() == 1 ? ",)" : ")");
}

std::size_t ExportedTree::num_leaves() const {
  if (kind == Kind::leaf) return 1;
  return std::accumulate(children.begin(), children.end(), std::size_t{0},
                         [](std::size_t n, const ExportedTree& c) { return n + c.num_leaves(); });
}

Exported read_exported(std::string_view bytes) {
  return with_errors("stablehlo: an export", [&] { return read_table(FlatTable::root(bytes)); });
}
std::string write_exported(const Exported& exported) { return write_table(exported).file(); }

Exported export_program(const Jaxpr& program, const std::string& name, int vjp_order, const std::string& target) {
  Exported out;
  out.function_name = name;
  const Avals inputs = program.input_avals(), outputs = program.output_avals();
  check<NotImplementedError>(inputs.size() <= 65536,
                             "stablehlo: an export numbers its arguments with 16 bits. Got {}; expected at most 65536.",
                             inputs.size());
  out.in_tree = arguments_tree(inputs.size());
  out.out_tree = flat_tuple(outputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    out.in_avals.push_back(aval_of(inputs[i]));
    out.kept_arguments.push_back(static_cast<std::uint16_t>(i));
  }
  for (const Aval& a : outputs) out.out_avals.push_back(aval_of(a));
  out.platforms = {"cpu"};
  out.uses_global_constants =
      std::ranges::any_of(inputs, [](const Aval& a) { return !is_concrete(a.shape); });  // JAX refines such modules
  out.module = write_module(from_jaxpr(program, "jit_" + name), target);
  if (vjp_order > 0) {
    Exported vjp = export_program(pullback(program), name + "_vjp", vjp_order - 1, target);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (!is_inexact(outputs[i].dtype)) vjp.in_avals[inputs.size() + i].dtype = "f0";
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (!is_inexact(inputs[i].dtype)) vjp.out_avals[i].dtype = "f0";
    out.vjp = std::make_shared<const Exported>(std::move(vjp));
  }
  return out;
}

namespace {

// The texts are those of jax.export.
void check_argument(std::size_t i, const ExportedAval& want, const Aval& given) {
  const Shape& got = given.shape;
  const std::string both = fmt::format("expected {} and called with {}", want.shape_text(), to_string(got));
  check<ValueError>(want.shape.size() == got.size(), "Rank mismatch for args[{}]: {}", i, both);
  const std::string dtype = aval_of(given).dtype,
                    dtypes = fmt::format("expected {} and called with {}", want.dtype, dtype);
  const bool is_key = want.dtype.starts_with("key_") && given.dtype == DType::key;
  check<ValueError>(is_key || want.dtype == dtype, "Dtype mismatch for args[{}]: {}", i, dtypes);
  for (std::size_t k = 0; k < got.size(); ++k) {
    const bool constant = want.shape[k].find_first_not_of("0123456789") == std::string::npos;
    check<ValueError>(!constant || want.shape[k] == got[k].to_string(),
                      "Shape mismatch for args[{}].shape[{}] (expected same constant): {}", i, k, both);
  }
}

}  // namespace

Jaxpr program_of(const Exported& exported, const Avals& arguments) {
  check<ValueError>(arguments.size() == exported.in_avals.size(),
                    "stablehlo: the exported function '{}' has the wrong number of arguments. Got {}; expected {}.",
                    exported.function_name, arguments.size(), exported.in_avals.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) check_argument(i, exported.in_avals[i], arguments[i]);
  check<NotImplementedError>(exported.calling_convention_version >= 9 && exported.calling_convention_version <= 10,
                             "stablehlo: the exported function '{}' is called in another way. Got calling convention "
                             "{}; expected 9 or 10. Export it with a JAX of 2023-10 or later.",
                             exported.function_name, exported.calling_convention_version);
  TranslateOptions options;
  const auto platform = std::ranges::find(exported.platforms, "cpu");
  check<ValueError>(platform != exported.platforms.end() || exported.platforms.empty(),
                    "Function '{}' was exported for platforms '{}' but it is used on '('cpu',)'.",
                    exported.function_name, fmt::join(exported.platforms, "', '"));
  if (exported.platforms.size() > 1) {
    const auto number = static_cast<std::int32_t>(platform - exported.platforms.begin());
    options.known_operands.push_back(
        detail::exact_array(Aval{DType::i32, {}, false}, std::as_bytes(std::span(&number, 1))));
  }
  Avals kept;
  for (const auto i : exported.kept_arguments) {
    check<DataLossError>(i < arguments.size(), "stablehlo: the export is damaged: it keeps argument {} of {}.", i,
                         arguments.size());
    Aval a = arguments[i].strong();
    if (a.dtype == DType::float0) a.dtype = DType::bool_;
    if (a.dtype == DType::key) {
      a.dtype = DType::u32;
      a.shape.emplace_back(2);
    }
    kept.push_back(std::move(a));
  }
  const Jaxpr program = to_jaxpr(read_module(exported.module), kept, options);
  Avals strong;
  for (const Aval& a : arguments) strong.push_back(a.strong());
  return stage(
      [&](const Arrays& xs) {
        Arrays used;
        for (const auto i : exported.kept_arguments) {
          if (xs[i].dtype() == DType::key) used.push_back(random_unwrap_p().bind1({xs[i]}));
          else if (xs[i].dtype() == DType::float0) used.push_back(zeros_of({DType::bool_, xs[i].shape(), false}));
          else used.push_back(xs[i]);
        }
        Arrays out = eval_jaxpr(program, used);
        for (std::size_t i = 0; i < out.size() && i < exported.out_avals.size(); ++i) {
          if (exported.out_avals[i].dtype == "key_fry") out[i] = random::wrap_key_data(out[i]);
          if (exported.out_avals[i].dtype == "f0") out[i] = zeros_of({DType::float0, out[i].shape(), false});
        }
        return out;
      },
      strong);
}

}  // namespace tf2jax::stablehlo
