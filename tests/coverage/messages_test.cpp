// The messages of src have one form, "where: what. Got …; expected …. Fix.", as far as a machine can tell. A text given
// to raise, check, throw or a node's fail
//   1. says where: what stands before its first ": " is short and no sentence;
//   2. ends with a full stop, or with a placeholder for further text behind a full stop, a colon or a line break;
//   3. has no Python in it: None, =True, =False, x={}, lax., jnp., np., jax., numpy.;
//   4. says what was got, found or expected, when it quotes something about an argument (a ValueError, a TypeError or
//      one of their kinds, but for files and graphs, whose faults are stated).
// Texts of converters and nodes come behind "import 'node' (op): " and need no place of their own. Texts that the
// documents give word for word are listed, with the document that gives them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Message {
  std::string place, folder, type, text;
  bool in_node;
};

struct Given {
  const char *text, *document;
};
const std::vector<Given> kGiven = {
    {"Parameter named {} not found in config=", "features.md A29"},
    {"array split does not result in an equal division: rest is {}", "poly_export golden, bad_split"},
    {"{} comparison '{}' {} '{}' is inconclusive", "features.md B19"},
    {"{} body function carry input and carry output must have equal types, but they differ", "features.md D7"},
    {"Reverse-mode differentiation does not work for lax.while_loop or lax.fori_loop with dynamic start/stop values. "
     "Try using lax.scan, or using fori_loop with static start/stop.",
     "primitives.md, while"},
    {"Cannot divide evenly the sizes of shapes {} and {}", "features.md B22"},
    {"dot_general requires {} dimensions to have the same shape, got {} and {}", "features.md B21"},
    {"{} requires arguments to have equal dtypes", "primitives.md, general contracts"},
    {"{} for '{}' not implemented", "primitives.md, missing rules"},
    {"Evaluation rule for '{}' not implemented", "primitives.md, missing rules"},
    {"Gradient only defined for scalar-output functions. Output ", "features.md D1"},
    {"{} requires real- or complex-valued inputs (input dtype that is a sub-dtype of np.inexact), but got {}. If you "
     "want to use Boolean- or integer-valued inputs, use vjp",
     "features.md D1"},
    {"vmap must have at least one non-None value in in_axes or axis_size must be specified", "features.md D3"},
    {"Some input(s) are missing (entries that map to dtype[shape] annotations in the following structure)",
     "features.md A10"},
    {"PRNG key required for random ops, found rng=None.", "features.md A14"},
    {"{} is already registered as {}", "features.md A44"},
    {"Cast does not support truncate=True.", "tf_ops.md, Cast"},
    {"align_corners=True and half_pixel_centers=True are not supported. ", "tf_ops.md, ResizeBilinear"},
    {"Only align_corners=False and half_pixel_centers=True is supported.", "tf_ops.md, ResizeNearestNeighbor"},
    {"Expected 1D array, found x.dims=", "tf_ops.md, InvertPermutation"},
    {"Expected shape={}", "tf_ops.md, EnsureShape"},
    {"{} : Found NaN values. (`check` failed)", "golden_tf, unary/CheckNumerics_nan_checked_1"},
    {"{} : Found Inf values. (`check` failed)", "golden_tf, unary/CheckNumerics_inf_checked_1"},
    {"Rank mismatch for args[{}]", "golden, poly_export"},
    {"Dtype mismatch for args[{}]", "that of jax.export"},
    {"Shape mismatch for args[{}].shape[{}] (expected same constant)", "golden, poly_export"},
    {"Function '{}' was exported for platforms '", "jax.export's own text"},
    {"{} rule for 'mhlo_apply' not implemented", "golden_tf, call_module"},
    {"Dynamic shapes is not yet supported, found dim_args_spec=", "golden_tf, call_module/dim_args_spec"},
    {"convert must be used outside all JAX transformations.", "features.md B3"},
    {"Error when tracing gradients for SavedModel: ", "features.md B10"},
    {"native_serialization_platforms must be a sequence containing a subset of ", "features.md B37"},
    {"polymorphic_shapes must be a sequence with the same length as the positional argument list ({}). Got {}",
     "features.md B14"},
    {"Symbolic dimension '{}' used in a context that requires a constant", "golden, symbolic_dims"},
    {"Symbolic dimension cannot be raised to negative powers: '{}' ** '{}'", "golden, symbolic_dims"},
    {"Unsatisfiable explicit constraint: {}", "golden, symbolic_dims"},
    {"Unsatisfiable constraint: {}", "golden, symbolic_dims"},
    {"Invalid equality constraint: {} == {}. The ", "golden, symbolic_dims"},
    {"Found multiple equality constraints with the same left-hand-side: {}", "jax.export's own text"},
    {"Invalid mixing of symbolic scopes for linear combination.", "features.md B27"},
    {"Cannot specify both a `scope` and `constraints`.", "jax.export's own text"},
    {"{}, but found {}.", "features.md B24, behind the constraint"},
    {"PolyShape {} has dimension variable '{}' corresponding to ", "features.md B24"},
    {"Input shapes do not match the polymorphic shapes specification. ", "features.md B24"},
    {"Cannot solve for values of dimension variables ", "features.md B27"},
    {"Encountered dimension variable '{}' that is not appearing in the shapes of the function arguments.",
     "features.md B27"},
    {"call_tf can used in a staged context (under jax.jit, lax.scan, etc.) only with compilable functions with static "
     "output shapes.",
     "features.md C4"},
    {"The shapes or dtypes returned by the TensorFlow function do not match the declared output_shape_dtype",
     "features.md C6"},
    {"The pytree of the TensorFlow function results does not match the pytree of the declared output_shape_dtype",
     "features.md C6"},
};

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Behind the quoted text (of a string or a character) that begins at `i`.
std::size_t end_of_quote(const std::string& s, std::size_t i) {
  const char quote = s[i++];
  for (; i < s.size() && s[i] != quote; ++i) i += s[i] == '\\';
  return i + 1;
}

// The longest text between the bracket at `open` and the one that closes it; adjacent literals are one text.
std::string longest_text(const std::string& s, std::size_t open) {
  std::string longest, text;
  int depth = 0;
  for (std::size_t i = open; i < s.size();) {
    const char c = s[i];
    if (c == '"') {
      const std::size_t end = end_of_quote(s, i);
      text += s.substr(i + 1, end - i - 2);
      i = end;
      continue;
    }
    if (!is_space(c)) {
      if (text.size() > longest.size()) longest = text;
      text.clear();
    }
    depth += (c == '(' || c == '{' || c == '[') - (c == ')' || c == '}' || c == ']');
    if (depth == 0) break;
    const bool is_separator = i > 0 && std::isdigit(static_cast<unsigned char>(s[i - 1]));
    i = c == '\'' && !is_separator ? end_of_quote(s, i) : i + 1;
  }
  return longest;
}

std::vector<Message> messages_of(const std::string& path, const std::string& source) {
  static const std::regex call(R"(\b(raise|check|throw|fail)(?:<([\w:]+)>)?(?:\s+([\w:]+)(?:<\w+>)?)?\s*[({])");
  const bool in_node =
      path.starts_with("tf_import/converters/") || path == "tf_import/node.cpp" || path == "tf_import/interpreter.cpp";
  std::vector<Message> out;
  for (std::sregex_iterator it(source.begin(), source.end(), call), end; it != end; ++it) {
    const auto at = static_cast<std::size_t>(it->position()), line = source.rfind('\n', at) + 1;
    if (source.substr(line, at - line).find("//") != std::string::npos) continue;
    if ((*it)[1] == "fail" && !in_node) continue;  // helpers elsewhere take a part of a message
    const std::string text = longest_text(source, at + static_cast<std::size_t>(it->length()) - 1);
    if (text.find(' ') == std::string::npos) continue;
    const std::string place = path + ":" + std::to_string(std::count(source.begin(), source.begin() + at, '\n') + 1);
    const std::string type = (*it)[2].matched ? (*it)[2].str() : (*it)[3].str();
    out.push_back({place, path.substr(0, path.find('/')), type.empty() ? "ValueError" : type, text, in_node});
  }
  return out;
}

bool says_where(const Message& m) {
  const std::size_t colon = m.text.find(": ");
  return m.in_node ||
         (colon != std::string::npos && colon > 0 && colon <= 60 &&
          m.text.substr(0, colon).find(". ") == std::string::npos) ||
         m.text.starts_with("{}\\n");
}
bool ends(const Message& m) {
  static const std::regex further(R"(([.:] ?|\\n)\{\}$)");
  return m.text.ends_with(".") || m.text.ends_with("?") || std::regex_search(m.text, further);
}
bool is_python(const Message& m) {
  static const std::regex python(R"(=(True|False|None)\b|\bNone\b|\b(lax|jnp|np|jax|numpy)\.|\w=\{)");
  return std::regex_search(m.text, python);
}
bool lacks_got(const Message& m) {
  static const std::set<std::string> kinds = {"ValueError", "TypeError",  "ShapeError",
                                              "AxisError",  "DtypeError", "TreeError"};
  static const std::regex got(R"(\b([Gg]ot|[Ee]xpected|found)\b)");
  const bool states_faults = m.folder == "tf_graph" || m.folder == "tf_import" || m.folder == "io";
  if (!kinds.contains(m.type) || (states_faults && m.type == "ValueError")) return false;
  const std::size_t colon = m.text.find(": ");
  const std::string what = m.text.substr(colon == std::string::npos ? 0 : colon);
  return what.find('{') != std::string::npos && !std::regex_search(m.text, got);
}

// What is wrong with a message; empty when nothing is.
std::string faults(const Message& m) {
  std::string out;
  if (!says_where(m)) out += " does not say where;";
  if (!ends(m)) out += " does not end with a full stop;";
  if (is_python(m)) out += " speaks Python;";
  if (lacks_got(m)) out += " does not say what was got or expected;";
  return out;
}

std::vector<Message> all_messages() {
  const fs::path root = fs::path(TF2JAX_SOURCE_DIR) / "src";
  std::vector<Message> out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = fs::relative(entry.path(), root).string();
    if (!path.ends_with(".cpp") && !path.ends_with(".h")) continue;
    // What the code generator throws is quoted by the compiler.
    if (path.starts_with("compiler/codegen/emit/") || path.starts_with("compiler/codegen/object/")) continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    std::ranges::move(messages_of(path, text.str()), std::back_inserter(out));
  }
  return out;
}

std::string fault_of(const std::string& source) {
  const auto all = messages_of("ops/sort.cpp", source);
  return all.size() == 1 ? faults(all[0]) : std::to_string(all.size()) + " messages";
}

}  // namespace

TEST(Messages, HaveOneForm) {
  const auto all = all_messages();
  EXPECT_GT(all.size(), 600u);
  std::set<std::string> used;
  for (const Message& m : all) {
    const std::string wrong = faults(m);
    if (wrong.empty()) continue;
    const auto given =
        std::ranges::find_if(kGiven, [&](const Given& g) { return m.text.find(g.text) != std::string::npos; });
    if (given != kGiven.end()) used.insert(given->text);
    else ADD_FAILURE() << m.place << ": this message" << wrong << "\n  " << m.text;
  }
  for (const Given& g : kGiven)
    EXPECT_TRUE(used.contains(g.text)) << "no message has the text of " << g.document << ": " << g.text;
}

TEST(Messages, AreFoundInCallsOfEachForm) {
  const std::string good = "sort: k is too large. Got {}; expected at most {}.";
  EXPECT_EQ(fault_of("check<ShapeError>(f('(', a[\")\"]), \"" + good + "\", k, n);"), "");
  EXPECT_EQ(fault_of("raise<DtypeError>(\n  \"sort: k is too large. \"\n  \"Got {}.\", k);"), "");
  EXPECT_EQ(fault_of("throw Error(fmt::format(\"sort: a defect\", 1'000));"), " does not end with a full stop;");
  EXPECT_EQ(fault_of("// raise(\"no message\")"), "0 messages");
}

TEST(Messages, OfAnotherFormAreFaults) {
  EXPECT_EQ(fault_of("raise(\"the axis is wrong. Got: {}.\", k);"), " does not say where;");
  EXPECT_EQ(fault_of("check(ok, \"sort: k is wrong. Got {}\", k);"), " does not end with a full stop;");
  EXPECT_EQ(fault_of("raise(\"sort: only is_stable=True is supported.\");"), " speaks Python;");
  EXPECT_EQ(fault_of("raise(\"sort: use lax.sort.\");"), " speaks Python;");
  EXPECT_EQ(fault_of("raise<AxisError>(\"sort: axis {} is wrong.\", k);"), " does not say what was got or expected;");
  EXPECT_EQ(fault_of("raise<MissingRule>(\"sort: '{}' has no rule.\", name);"), "");
  EXPECT_EQ(fault_of("raise(\"{}: {}\", where, e.what());"), " does not say what was got or expected;");
}
