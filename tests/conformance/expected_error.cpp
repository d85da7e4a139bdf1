// Errors that a record expects.
#include "expected_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <vector>

namespace conformance {

using namespace tf2jax;

namespace {

template <class E>
bool is_a(const Error& e) {
  return dynamic_cast<const E*>(&e) != nullptr;
}

// A recorded type and the class of ours that stands for it. Python's KeyError and IndexError are LookupErrors.
struct Kind {
  const char* recorded;
  bool (*matches)(const Error&);
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> table = {
      {"ValueError", is_a<ValueError>},
      {"TypeError", is_a<TypeError>},
      {"LookupError", is_a<LookupError>},
      {"KeyError", is_a<LookupError>},
      {"IndexError", is_a<LookupError>},
      {"ConcretizationTypeError", is_a<ConcretizationError>},
      {"MissingInputError", is_a<MissingInputError>},
      {"NotImplementedError", is_a<NotImplementedError>},
      {"InconclusiveDimensionOperation", is_a<InconclusiveDimensionOperation>},
      {"ZeroDivisionError", is_a<ValueError>},
  };
  return table;
}

// Where type or text of ours is another one than recorded, and why. Both texts are regular expressions that are
// searched for; \\1 in ours is what the first group of the recorded one matched.
struct Text {
  const char *recorded_type, *recorded;
  bool (*is_ours)(const Error&);
  std::string ours;
  const char* reason;
};
const std::vector<Text>& texts() {
  static const std::vector<Text> table = {
      {"KeyError", "^'(\\w+)'$", is_a<ValueError>, "there is no function '\\1'",
       "Python's message is the key alone; the model is at fault, so it is a ValueError that says what is missing"},
      {"KeyError", "^(\\d+)$", is_a<LookupError>, "there is no algorithm \\1", "Python's message is the key alone"},
      {"ValueError", "^XlaRngBitGenerator currently only supports uint32, found<class 'jax\\.numpy\\.(\\w+)'>",
       is_a<ValueError>, "XlaRngBitGenerator currently only supports uint32, found \\1", "a type, not Python's class"},
      {"ValueError", "^Placeholder `(\\w+)` cannot be evaluated", is_a<MissingInputError>, "\"\\1\": \"",
       "a placeholder that outputs need is an input here, and it is missing"},
      {"ValueError", "^Unsupported operations in graph: \\['(\\w+)'\\]", is_a<UnsupportedOpError>,
       "Unsupported operations in graph: \\['\\1'", "the same error; its class here is one of NotImplementedError"},
      {"ValueError", "^Incompatible types for broadcasting: input type=float32(\\[[\\d,]+\\]) and requested type=",
       is_a<ValueError>, "the operand does not fit the result\\. Got f32\\1 for shape \\(",
       "JAX's own text; ours names axis and operand"},
      {"TypeError", "^cannot reshape array of shape (\\([^)]*\\))", is_a<ValueError>,
       "reshape: the number of elements must not change\\. Got new_sizes .* for shape \\1",
       "JAX's own text; ours is a ValueError of the node"},
      {"TypeError",
       "^Shapes must be 1D sequences of concrete values of integer type, got JitTracer\\(int32(\\[\\d+\\])\\)",
       is_a<TypeError>, "Shapes must be 1D sequences of concrete values of integer type, got i32\\1",
       "values are named by their types, not by the tracer's class"},
      {"ValueError", "^Found unexpected tracer `JitTracer\\(~int32\\[\\]\\)`, expected (`\\d+`)", is_a<ValueError>,
       "Found unexpected tracer `i32\\[\\]`, expected \\1",
       "values are named by their types, not by the tracer's class"},
      {"ValueError", "^Unpack expects dimension of \\{num\\}", is_a<ValueError>,
       "num must be the size of the axis\\. Got \\d+ for axis \\d+ of ",
       "the Python library forgets to fill in its message"},
      {"ValueError", "^Reducer not supported as `update_computation`, found \\{jaxpr\\}", is_a<ValueError>,
       "Reducer not supported as `update_computation`, found \\w+",
       "the Python library forgets to fill in its message"},
      {"ValueError", "^Only Add is supported as scatter function, found \\{ lambda .*= mul ", is_a<ValueError>,
       "Only Add is supported as scatter function, found Mul", "ours names the operation, not its jaxpr"},
      {"ValueError", "^Some updated parameters are lost, \\['", is_a<ValueError>,
       "Some updated parameters are lost, \\['",
       "the variable's own name, where the record has that of the function's argument"},
      {"ValueError", "^cannot select an axis to squeeze out which has size not equal to one", is_a<ValueError>,
       "squeeze: the axes that go must have size 1\\. Got shape \\(", "JAX's own text"},
      {"TypeError", "^cond branches must have equal output types but they differ", is_a<TypeError>,
       "cond: the branches return different types\\. Got ", "JAX's own text, which names Python functions"},
      {"TypeError", "^\\w+ does not accept dtype int32\\. Accepted dtypes are", is_a<TypeError>,
       "the dtype is not accepted\\. Got i32; expected a floating or a complex dtype", "JAX's own text"},
      {"NotImplementedError", "^scatter_mul gradients are only implemented if `unique_indices=True`",
       is_a<NotImplementedError>, "scatter_mul: its gradients need unique indices", "JAX's own text"},
      {"ValueError", "^unspecified_dims=(\\(.*\\)) is not yet supported", is_a<ValueError>,
       "unspecified_dims is not supported\\. Got \\1", "an attribute by its name, not as Python's argument"},
      {"TypeError", "^dot_general requires contracting dimensions to have the same shape, got ", is_a<ValueError>,
       "matmul: contracting sizes differ. Got ",
       "JAX's own text; ours is a ValueError of the node that names both operands"},
      {"TypeError",
       "^grad requires real- or complex-valued inputs .* but got int32\\. .*, use vjp or set allow_int to True",
       is_a<TypeError>,
       "grad requires real- or complex-valued inputs .* but got int32\\. .*, use vjp; otherwise convert the argument",
       "there is no allow_int here"},
      {"ConcretizationTypeError", "^Abstract tracer value encountered [^]*jnp\\.nonzero", is_a<ConcretizationError>,
       "the sizes of the results depend on the elements, ", "JAX's own text, of the function it calls"},
      {"MissingInputError", "\"grad_args\": \\[", is_a<TypeError>,
       "can't apply forward-mode autodiff \\(jvp\\) to a custom_vjp function",
       "what that library refuses next; it forgets the gradient function's constant first"},
      {"LookupError", "^Custom gradient `CustomGradient-134` was expected but not found", is_a<LookupError>,
       "Custom gradient `CustomGradient-\\d+` was expected but not found for the node `.*IdentityN` \\(op type: "
       "IdentityN\\)",
       "of the nodes of the gradient function that lack a gradient, which one is met first is open"},
      {"ValueError", "^Invalid equality constraint: \\{e1\\} == \\{e2\\}\\. (.*)", is_a<ValueError>,
       "^Invalid equality constraint: .* == .*\\. \\1", "JAX forgets to fill in its message"},
      {"ValueError", "^too many values to unpack \\(expected 1\\)", is_a<ValueError>,
       "^Constraint parsing error: each side must be one dimension", "Python's own text"},
      {"TypeError", "^add got incompatible shapes for broadcasting: (\\(.*\\))\\.$", is_a<ShapeError>,
       "add got incompatible shapes for broadcasting: \\1", "shapes that do not fit are a ShapeError here"},
      {"TypeError", "^Cannot concatenate arrays with shapes that differ in dimensions other than the one",
       is_a<ShapeError>, "concatenate: sizes may differ along the dimension that is joined only", "JAX's own text"},
      {"TokenError", "EOF in multi-line statement", is_a<ParseError>, "syntax error in symbolic shape .* but found NL",
       "Python's own text"},
      {"IndexError", "^tuple index out of range", is_a<ParseError>, "the number of sizes must match the rank",
       "Python's own text"},
      {"JaxRuntimeError", "^INVALID_ARGUMENT: Failed to deserialize StableHLO", is_a<ValueError>,
       "stablehlo( text)?: (the file is damaged|1:1: )", "XLA's own text; ours says what is wrong and where"},
      {"JaxRuntimeError", "^INVALID_ARGUMENT: Cannot parse module", is_a<ValueError>,
       "operand \\d+ of function 'main' has another type", "XLA's own text; ours names the operand"},
      {"ValueError", "^Cannot lower jaxpr with verifier errors", is_a<DtypeError>,
       "operand \\d+ of function 'main' has another type", "MLIR's own text; ours names the operand"},
  };
  return table;
}

std::string filled(std::string ours, const std::smatch& recorded) {
  static const std::regex special(R"([.^$|()\[\]{}*+?\\])");
  const std::size_t at = ours.find("\\1");
  if (at != std::string::npos) ours.replace(at, 2, std::regex_replace(recorded.str(1), special, R"(\$&)"));
  return ours;
}

std::string first_line(const std::string& message) {
  const std::size_t start = message.find_first_not_of('\n');
  return start == std::string::npos ? message : message.substr(start, message.find('\n', start) - start);
}

bool has_kind(const Error& error, const std::string& type) {
  return std::ranges::any_of(kinds(), [&](const Kind& k) { return k.recorded == type && k.matches(error); });
}

}  // namespace

std::string difference_of_errors(const Error& error, const json& recorded) {
  const std::string type = recorded.at("type").get<std::string>(), message = recorded.at("message").get<std::string>(),
                    ours = error.what();
  for (const Text& t : texts())
    if (std::smatch found; t.recorded_type == type && std::regex_search(message, found, std::regex(t.recorded))) {
      if (t.is_ours(error) && std::regex_search(ours, std::regex(filled(t.ours, found)))) return "";
      return fmt::format("got '{}'; expected '{}' ({})", ours, filled(t.ours, found), t.reason);
    }
  if (!has_kind(error, type))
    return fmt::format("got another type of error, expected {}: {}; ours: {}", type, message, ours);
  if (ours.find(first_line(message)) == std::string::npos) return fmt::format("got '{}'; expected '{}'", ours, message);
  return "";
}

}  // namespace conformance
