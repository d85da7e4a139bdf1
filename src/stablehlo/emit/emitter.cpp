// Functions, regions and operations as they are written.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/internal/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::stablehlo {

TypePtr type_of(const Aval& aval) {
  check<NotImplementedError>(aval.dtype != DType::float0, "stablehlo: values of this type cannot be written. Got {}.",
                             aval);
  const Aval a = written(aval);
  Dims dims;
  for (const Dim d : a.shape) dims.push_back(d.is_constant() ? d.value() : kDynamic);
  return tensor_type(element_name(a.dtype), std::move(dims));
}

std::vector<TypePtr> types_of(const Avals& avals) {
  std::vector<TypePtr> out;
  for (const Aval& a : avals) out.push_back(type_of(a));
  return out;
}

ValueIds Emission::plain(std::string_view op, Attributes attributes) const {
  return out.op(op, operands, types_of(outputs), std::move(attributes));
}

ValueIds Emission::elementwise(std::string_view op, Attributes attributes) const {
  ValueIds repeated = operands;
  const Shape& shape = outputs.at(0).shape;
  for (std::size_t i = 0; i < repeated.size(); ++i) {
    const Aval& x = inputs[i];
    const bool bound = op == "clamp" && x.shape.empty();
    if (identical(x.shape, shape) || bound) continue;
    const Axes axes = iota_axes(x.rank(), static_cast<std::int64_t>(shape.size()) - x.rank());
    repeated[i] = out.broadcast_in_dim(repeated[i], axes, {x.dtype, shape, false});
  }
  return out.op(op, std::move(repeated), types_of(outputs), std::move(attributes));
}

namespace {

std::vector<Shape> shapes_of(const Avals& avals) {
  std::vector<Shape> out;
  for (const Aval& a : avals) out.push_back(a.shape);
  return out;
}

}  // namespace

Emitter::Emitter(std::string name) { module_.name = std::move(name); }

ValueIds Emitter::op(std::string_view name, ValueIds operands, std::vector<TypePtr> results, Attributes attributes,
                     std::vector<Region> regions) {
  Op o;
  o.name = name;
  o.operands = std::move(operands);
  o.attributes = std::move(attributes);
  o.regions = std::move(regions);
  for (TypePtr& t : results) {
    o.results.push_back(static_cast<ValueId>(function_->types.size()));
    function_->types.push_back(t);
  }
  ValueIds out = o.results;
  ops_->push_back(std::move(o));
  return out;
}

ValueId Emitter::op1(std::string_view name, ValueIds operands, const Aval& result, Attributes attributes) {
  return op(name, std::move(operands), {stablehlo::type_of(result)}, std::move(attributes))[0];
}

ValueId Emitter::constant(const Array& value) {
  check<ValueError>(value.is_concrete(), "stablehlo: a constant of the program is traced. Got {}; make it an input.",
                    value.aval());
  return op("constant", {}, {stablehlo::type_of(value.aval())}, {{"value", tensor_attribute(value)}})[0];
}

const Op* Emitter::maker(ValueId v) const {
  for (auto op = ops_->rbegin(); op != ops_->rend(); ++op)
    if (std::ranges::find(op->results, v) != op->results.end()) return &*op;
  return nullptr;
}

Region Emitter::region(const Avals& arguments, const std::function<ValueIds(const ValueIds&)>& body) {
  Region r;
  for (const Aval& a : arguments) {
    r.arguments.push_back(static_cast<ValueId>(function_->types.size()));
    function_->types.push_back(stablehlo::type_of(a));
  }
  std::vector<Op> ops;
  std::vector<Op>* const outer = std::exchange(ops_, &ops);
  const auto outer_sizes = sizes_;
  const ValueIds arguments_of = r.arguments;
  ValueIds results = body(arguments_of);
  (void)op("return", std::move(results), {});
  ops_ = outer;
  sizes_ = outer_sizes;
  r.ops = OpList(pool_, ops);
  return r;
}

void Emitter::equation(const Equation& e, const JaxprData& program, ValueIds& values) {
  const WriteOp* write = find_writer(e.primitive.name());
  check<NotImplementedError>(write, "stablehlo: primitive '{}' cannot be written.", e.primitive.name());
  Emission m{*this, e.primitive, e.params, {}, {}, {}};
  bool of_keys = false;
  const auto add_type = [&](Avals& to, const Aval& aval) {
    of_keys = of_keys || aval.dtype == DType::key;
    to.push_back(written(aval));
  };
  for (const Atom& a : e.inputs) {
    m.operands.push_back(a.is_literal() ? constant(a.literal) : values[as_index(a.var)]);
    add_type(m.inputs, a.is_literal() ? a.literal.aval() : program.vars[as_index(a.var)]);
  }
  for (const VarId v : e.outputs) add_type(m.outputs, program.vars[as_index(v)]);
  const auto results = [&] {
    try {
      return of_keys ? write_on_keys(m) : (*write)(m);
    } catch (const InconclusiveDimensionOperation& error) {
      raise<NotImplementedError>("stablehlo: primitive '{}' cannot be written for symbolic sizes: {}",
                                 e.primitive.name(), error.what());
    }
  }();
  for (std::size_t i = 0; i < e.outputs.size(); ++i) values[as_index(e.outputs[i])] = results.at(i);
}

ValueIds Emitter::inlined(const Jaxpr& jaxpr, const ValueIds& arguments) {
  const JaxprData& program = *jaxpr;
  ValueIds values(program.vars.size(), -1);
  for (std::size_t i = 0; i < program.constvars.size(); ++i)
    values[as_index(program.constvars[i])] = constant(program.consts[i]);
  for (std::size_t i = 0; i < program.invars.size(); ++i) values[as_index(program.invars[i])] = arguments.at(i);
  for (const Equation& e : program.eqns) equation(e, program, values);
  ValueIds out;
  for (const Atom& a : program.outs) out.push_back(a.is_literal() ? constant(a.literal) : values[as_index(a.var)]);
  return out;
}

ValueIds Emitter::expanded(const FlatFn& f, const Avals& inputs, const ValueIds& operands) {
  Avals strong;
  for (const Aval& a : inputs) strong.push_back(a.strong());
  return inlined(stage(f, strong), operands);
}

std::string Emitter::function(const std::string& name, const Jaxpr& program, bool is_public) {
  const std::string base = name.empty() ? "function" : name;
  std::string unique = base;
  while (!names_.emplace(unique, 0).second) unique = fmt::format("{}_{}", base, names_.at(base)++);
  Function f;
  f.types = TypeList(pool_);
  f.name = unique;
  f.is_public = is_public;
  Avals inputs(is_public ? 0 : variables_.size(), size_type());
  const auto variables = static_cast<std::ptrdiff_t>(inputs.size());
  for (const Aval& a : program.input_avals()) inputs.push_back(a);
  f.inputs = types_of(inputs);
  f.outputs = types_of(program.output_avals());
  Function* const outer_function = std::exchange(function_, &f);
  const auto outer_values = std::exchange(values_of_, {}), outer_sizes = std::exchange(sizes_, {});
  f.body = region(inputs, [&](const ValueIds& xs) {
    if (is_public) read_variables(shapes_of(program.input_avals()), xs);
    for (std::ptrdiff_t i = 0; i < variables; ++i) values_of_[variables_[as_index(i)]] = xs[as_index(i)];
    return inlined(program, {xs.begin() + variables, xs.end()});
  });
  function_ = outer_function;
  values_of_ = outer_values;
  sizes_ = outer_sizes;
  module_.functions.push_back(std::move(f));
  return unique;
}

std::string Emitter::private_function(const std::string& name, const Jaxpr& program) {
  const auto outer_variables = std::exchange(variables_, {});
  std::string unique = function(name, program, false);
  variables_ = outer_variables;
  return unique;
}

ValueIds Emitter::call(const std::string& name, const Jaxpr& program, const ValueIds& operands) {
  const auto known = std::ranges::find_if(written_, [&](const auto& w) { return w.first.id() == program.id(); });
  std::string callee;
  if (known != written_.end()) {
    callee = known->second;
  } else {
    callee = function(name, program, false);
    written_.emplace_back(program, callee);
  }
  ValueIds all;
  for (const std::string& v : variables_) all.push_back(values_of_.at(v));
  all.insert(all.end(), operands.begin(), operands.end());
  return op("call", all, types_of(program.output_avals()), {{"callee", string_attribute(callee)}});
}

ValueIds Emitter::composite(const std::string& name, const FlatFn& f, const Avals& inputs, const ValueIds& operands,
                            const Avals& outputs) {
  if (!variables_.empty()) return expanded(f, inputs, operands);  // operands are all that it could take
  Avals strong;
  for (const Aval& a : inputs) strong.push_back(a.strong());
  const auto known =
      std::ranges::find_if(composites_, [&](const Composite& c) { return c.name == name && c.inputs == strong; });
  std::string decomposition;
  if (known != composites_.end()) {
    decomposition = known->function;
  } else {
    decomposition = function(name + ".impl", stage(f, strong), false);
    composites_.push_back({name, strong, decomposition});
  }
  return op("composite", operands, types_of(outputs),
            {{"decomposition", string_attribute(decomposition)},
             {"name", string_attribute(name)},
             {"version", integer_attribute(1)}});
}

Module Emitter::finish() {
  if (!variables_.empty()) module_.attributes.emplace_back("jax.uses_shape_polymorphism", boolean_attribute(true));
  // The entry is written last, and stands first.
  std::rotate(module_.functions.begin(), module_.functions.end() - 1, module_.functions.end());
  module_.index_functions();
  return std::move(module_);
}

namespace {

Writers make_writers() {
  Writers table;
  for (const auto family : {elementwise_rows(), linalg_rows()})
    for (const OpRow& row : family) {
      if (!row.primitive) continue;
      const std::string_view op = row.op;
      table.emplace(row.primitive().name(), [op](const Emission& e) {
        const bool fits = e.outputs.size() == 1 && op != "bitcast_convert";  // which adds or takes an axis
        return fits ? e.elementwise(op) : e.plain(op);
      });
    }
  add_movement_writers(table);
  add_contraction_writers(table);
  add_reduction_writers(table);
  add_indexing_writers(table);
  add_control_writers(table);
  add_expansion_writers(table);
  add_linalg_writers(table);
  add_key_writers(table);
  return table;
}

void count_unwritable(const Jaxpr& program, std::map<std::string, int>& out) {
  for (const Equation& e : program->eqns) {
    if (!find_writer(e.primitive.name())) ++out[e.primitive.name()];
    for (const Jaxpr& nested : nested_jaxprs(e.params)) count_unwritable(nested, out);
  }
}

}  // namespace

const WriteOp* find_writer(std::string_view primitive) {
  static const Writers table = make_writers();
  const auto it = table.find(primitive);
  return it == table.end() ? nullptr : &it->second;
}

std::map<std::string, int> unwritable_primitives(const Jaxpr& program) {
  std::map<std::string, int> out;
  count_unwritable(program, out);
  return out;
}

Module from_jaxpr(const Jaxpr& program, const std::string& name) {
  std::string names;
  for (const auto& [primitive, count] : unwritable_primitives(program))
    names += fmt::format("{}'{}' ({})", names.empty() ? "" : ", ", primitive, count);
  check<NotImplementedError>(names.empty(), "stablehlo: these primitives cannot be written: {}.", names);
  Emitter out(name);
  (void)out.function("main", program, true);
  return out.finish();
}

void add_platform_index(Module& module) {
  const auto entry = std::ranges::find(module.functions, "main", &Function::name);
  check<LookupError>(entry != module.functions.end(), "stablehlo: the module has no function 'main'.");
  const TypePtr type = tensor_type("i32", {});
  Attr dictionary;
  dictionary.kind = Attr::Kind::dictionary;
  dictionary.entries.emplace_back("jax.global_constant", string_attribute("_platform_index"));
  entry->input_attributes.resize(entry->inputs.size());
  entry->input_attributes.insert(entry->input_attributes.begin(), std::make_shared<const Attr>(std::move(dictionary)));
  entry->inputs.insert(entry->inputs.begin(), type);
  entry->body.arguments.insert(entry->body.arguments.begin(), static_cast<ValueId>(entry->types.size()));
  entry->types.push_back(type);
  const auto marked = [](const auto& attribute) { return attribute.first == "jax.uses_shape_polymorphism"; };
  if (std::ranges::none_of(module.attributes, marked))
    module.attributes.emplace_back("jax.uses_shape_polymorphism", boolean_attribute(true));
}

}  // namespace tf2jax::stablehlo
