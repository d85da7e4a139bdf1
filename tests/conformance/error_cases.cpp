// Golden cases whose program raises: the recorded Python programs written in C++, by their text.
#include "error_cases.h"

#include <tf2jax/tf2jax.h>

#include <map>

namespace conformance {

using namespace tf2jax;

namespace {

using Program = void (*)(const Arrays& inputs);

// A program not listed here is reported as unsupported.
const std::map<std::string, Program>& programs() {
  static const std::map<std::string, Program> table{
      {"fun = lambda x: lax.cond(True, lambda v: v, lambda v: v.astype('int32'), x)\nprog = fun\n",
       [](const Arrays& in) { jit([](const Array& x) { return cond(Array(true), [](const Array& v) { return v; }, [](const Array& v) { return astype(v, i32); }, x); })(in[0]); }},
      {"fun = lambda x: jnp.sum(x)\nprog = jax.grad(fun)\n", [](const Arrays& in) { grad([](const Array& x) { return sum(x); })(in[0]); }},
      {"fun = lambda x: lax.scan(lambda c, v: (c.astype('int32'), v), x, jnp.arange(3))\nprog = fun\n",
       [](const Arrays& in) { scan([](const Array& c, const Array& v) { return std::pair{astype(c, i32), v}; }, in[0], arange(3)); }},
      {"fun = lambda x: jnp.sum(lax.while_loop(lambda c: jnp.sum(c) < 10.0, lambda c: c * 2, x))\nprog = jax.grad(fun)\n", [](const Arrays& in) {
         grad([](const Array& x) { return sum(while_loop([](const Array& c) { return less(sum(c), 10.0); }, [](const Array& c) { return c * 2; }, x)); })(in[0]);
       }}};
  return table;
}

// The recorded message up to the end of its first sentence or paragraph: the part users search for.
std::string essence(const std::string& message) {
  const std::size_t end = std::min(message.find(".\n"), std::min(message.find(":\n"), message.find(". ")));
  return message.substr(0, end);
}

}  // namespace

void run_error_case(const Golden& golden, const json& c, CaseResult& result) {
  const auto program = programs().find(c.at("source").get<std::string>());
  if (program == programs().end()) {
    result.unsupported("error", "this Python program has no C++ counterpart");
    return;
  }
  const std::string type = c.at("error").at("type"), message = essence(c.at("error").at("message"));
  std::string got_type, got;
  try {
    program->second(golden.arrays(c.at("inputs"), true));
  } catch (const TypeError& e) {
    got_type = "TypeError", got = e.what();
  } catch (const ValueError& e) {
    got_type = "ValueError", got = e.what();
  }
  if (got_type != type) result.fail("error", got_type.empty() ? "nothing was thrown; expected " + type : "got " + got_type + ", expected " + type + ": " + got);
  else if (got.find(message) == std::string::npos) result.fail("error", "the message lacks '" + message + "': " + got);
  else result.passed_part();
}

}  // namespace conformance
