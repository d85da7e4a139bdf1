// Calls of JAX's functions as their text says: the library's functions of these names, instead of the recorded program.
#include <cctype>

#include "call_functions.h"
#include "execution.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tolerance.h"

namespace conformance {

using namespace tf2jax;

namespace {

bool has_word(const std::string& text, char letter) {
  const auto is_part = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = text.find(letter); at != std::string::npos; at = text.find(letter, at + 1))
    if ((at == 0 || !is_part(at - 1)) && !is_part(at + 1)) return true;
  return false;
}

// "lambda x, y: …", or an expression of x, y, z, ….
Arrays called(const std::string& source, const Arrays& in) {
  if (source.starts_with("lambda")) {
    Arguments a;
    for (const Array& x : in) a.positional.push_back({x});
    return leaves_of(function_of(evaluate(source, public_function))(a));
  }
  // Constants of the text are inputs of the recorded program, before the letters; letters may be left over.
  static const std::string kLetters = "xyzwuv";
  std::size_t used = 0;
  while (used < kLetters.size() && has_word(source, kLetters[used])) ++used;
  if (used > in.size()) throw Unsupported("inputs that were dropped");
  const std::size_t first = source.find("np.array(") == std::string::npos ? 0 : in.size() - used;
  Scope scope;
  for (std::size_t i = 0; i < used; ++i) scope.emplace_back(kLetters.substr(i, 1), Value{in[first + i]});
  return leaves_of(evaluate(source, public_function, scope));
}

}  // namespace

void run_call_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const std::string source = c.value("source", "");
  if (source.empty() || !c.contains("outputs")) return;
  const auto scope = override_config(&Config::enable_x64, c.value("x64", false));
  const Arrays in = golden.arrays(c.at("inputs")), want = golden.arrays(c.at("outputs"));
  parts(options, "outputs", result, [&](Execution how, const std::string& part) {
    result.check_all(part, run([&](const Arrays& xs) { return called(source, xs); }, in, how), want,
                     tolerance_of_values(golden, c));
  });
}

}  // namespace conformance
