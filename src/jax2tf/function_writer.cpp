// FunctionWriter: nodes, types and names of one FunctionDef.
#include "tf2jax/jax2tf/internal/function_writer.h"

#include <algorithm>
#include <cctype>

namespace tf2jax::jax2tf {

namespace tf = tensorflow;

namespace {

tf::DataType type_of(const Tensor& t) { return detail::dtype_to_proto(t.dtype); }

std::optional<Dims> static_shape(const Shape& shape) {
  Dims out;
  for (const Dim d : shape) out.push_back(d.is_constant() ? d.value() : -1);
  return out;
}

void set_attr(tf::AttrValue& a, const Attr& value) {
  std::visit(
      [&]<class T>(const T& v) {
        if constexpr (std::is_same_v<T, bool>) a.set_b(v);
        else if constexpr (std::is_same_v<T, std::int64_t>) a.set_i(v);
        else if constexpr (std::is_same_v<T, float>) a.set_f(v);
        else if constexpr (std::is_same_v<T, std::string>) a.set_s(v);
        else if constexpr (std::is_same_v<T, DType>) a.set_type(detail::dtype_to_proto(v));
        else if constexpr (std::is_same_v<T, FunctionName>) a.mutable_func()->set_name(v.name);
        else {
          auto& list = *a.mutable_list();
          for (const auto& item : v) {
            if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) list.add_i(item);
            else if constexpr (std::is_same_v<T, std::vector<DType>>) list.add_type(detail::dtype_to_proto(item));
            else if constexpr (std::is_same_v<T, std::vector<std::string>>) list.add_s(item);
            else if constexpr (std::is_same_v<T, std::vector<Shape>>)
              *list.add_shape() = detail::shape_to_proto(static_shape(item));
            else list.add_func()->set_name(item.name);
          }
        }
      },
      value);
}

// The attributes of a row, see op_rows.cpp.
void set_types(tf::NodeDef& n, const OpRow& row, const Tensors& in, const Avals& out) {
  for (const std::string& token : row.types) {
    const std::size_t mark = token.find_first_of("=>*#");
    const std::string name = token.substr(0, mark), rest = token.substr(mark + 1);
    tf::AttrValue& a = (*n.mutable_attr())[name];
    const auto inputs = [&](std::size_t from, std::size_t to) {
      a.mutable_list();
      for (std::size_t i = from; i < to; ++i) a.mutable_list()->add_type(type_of(in[i]));
    };
    const auto number = [&]() -> std::size_t { return std::stoul(rest); };
    if (token[mark] == '=') a.set_type(type_of(rest == "$" ? in.back() : in.at(number())));
    else if (token[mark] == '#') a.set_i(static_cast<std::int64_t>(in.size()) - (rest == "$" ? 1 : 0));
    else if (token[mark] == '*')
      inputs(rest == "1" ? 1 : 0, rest == "$" ? in.size() - 1 : rest == "/" ? in.size() / 2 : in.size());
    else if (rest == "#") a.set_i(static_cast<std::int64_t>(out.size()));
    else if (rest == "*") {
      a.mutable_list();
      for (const Aval& o : out) a.mutable_list()->add_type(detail::dtype_to_proto(o.dtype));
    } else {
      a.set_type(detail::dtype_to_proto(out.at(number()).dtype));
    }
  }
}

}  // namespace

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string Library::unique_name(const std::string& base) {
  const int taken = names_[base]++;
  return taken ? unique_name(fmt::format("{}_{}", base, taken)) : base;
}

void Library::fill(tf::FunctionDefLibrary& library) const {
  for (const auto& f : functions_) *library.add_function() = f;
  for (const auto& [op_type, function] : gradients_) {
    auto& g = *library.add_registered_gradients();
    g.set_registered_op_type(op_type);
    g.set_gradient_func(function);
  }
}

FunctionWriter::FunctionWriter(std::string name) { function_.mutable_signature()->set_name(std::move(name)); }

std::string FunctionWriter::fresh(const std::string& base) {
  // TensorFlow compares some names without regard to case.
  const int taken = names_[lower_case(base)]++;
  return taken ? fresh(fmt::format("{}_{}", base, taken)) : base;
}

tf::NodeDef& FunctionWriter::add(std::string_view op, const std::string& name) {
  tf::NodeDef& n = *function_.add_node_def();
  n.set_name(fresh(name));
  n.set_op(std::string(op));
  return n;
}

Tensor FunctionWriter::argument(const std::string& name, const Aval& aval) {
  auto& signature = *function_.mutable_signature();
  const int index = signature.input_arg_size();
  auto& arg = *signature.add_input_arg();
  arg.set_name(fresh(name));
  arg.set_type(detail::dtype_to_proto(aval.dtype));
  const auto shape = detail::shape_to_proto(static_shape(aval.shape));
  auto& attrs = *(*function_.mutable_arg_attr())[static_cast<std::uint32_t>(index)].mutable_attr();
  *attrs["_output_shapes"].mutable_list()->add_shape() = shape;
  attrs["_user_specified_name"].set_s(name);
  *(*function_.mutable_attr())["_input_shapes"].mutable_list()->add_shape() = shape;
  return {arg.name(), aval.dtype, aval.shape, {}};
}

Tensor FunctionWriter::variable(const std::string& name, const Aval& aval) {
  auto& signature = *function_.mutable_signature();
  const int index = signature.input_arg_size();
  auto& arg = *signature.add_input_arg();
  arg.set_name(fresh(name + "_resource"));
  arg.set_type(tf::DT_RESOURCE);
  auto& handle = *arg.add_handle_data();
  handle.set_dtype(detail::dtype_to_proto(aval.dtype));
  *handle.mutable_shape() = detail::shape_to_proto(static_shape(aval.shape));
  auto& attrs = *(*function_.mutable_arg_attr())[static_cast<std::uint32_t>(index)].mutable_attr();
  attrs["_output_shapes"].mutable_list()->add_shape();
  attrs["_user_specified_name"].set_s("resource");
  (*function_.mutable_attr())["_input_shapes"].mutable_list()->add_shape();
  const std::string source = arg.name();
  tf::NodeDef& read = add("ReadVariableOp", name + "/ReadVariableOp");
  read.add_input(source);
  (*read.mutable_attr())["dtype"].set_type(detail::dtype_to_proto(aval.dtype));
  effects_.push_back(read.name());
  mark_stateful();
  return {read.name() + ":value:0", aval.dtype, aval.shape, {}};
}

Tensors FunctionWriter::nodes(std::string_view op, const Tensors& inputs, const Avals& outputs, const Attrs& attrs) {
  const OpRow& row = op_row(op);
  tf::NodeDef& n = add(op, scope_.empty() ? std::string(op) : fmt::format("{}/{}", scope_, op));
  for (const Tensor& t : inputs) n.add_input(t.ref);
  set_types(n, row, inputs, outputs);
  for (const auto& [key, value] : attrs) set_attr((*n.mutable_attr())[key], value);
  Tensors out;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::string first = row.outputs.at(0);
    const bool list = first.ends_with('+');
    if (list) first.pop_back();
    const std::string ref =
        list ? fmt::format("{}:{}:{}", n.name(), first, i) : fmt::format("{}:{}:0", n.name(), row.outputs.at(i));
    out.push_back({ref, outputs[i].dtype, outputs[i].shape, {}});
  }
  return out;
}

Tensor FunctionWriter::node(std::string_view op, const Tensors& inputs, const Aval& output, const Attrs& attrs) {
  return nodes(op, inputs, {output}, attrs)[0];
}

Tensor FunctionWriter::named(const std::string& name, std::string_view op, const Tensors& inputs, const Aval& output,
                             const Attrs& attrs) {
  Tensor t = node(op, inputs, output, attrs);
  tf::NodeDef& n = *function_.mutable_node_def(function_.node_def_size() - 1);
  const std::string chosen = fresh(name);
  t.ref = chosen + t.ref.substr(n.name().size());
  n.set_name(chosen);
  return t;
}

Tensor FunctionWriter::constant(const Array& value) {
  check<NotImplementedError>(value.dtype() != DType::float0,
                             "jax2tf: a constant of type float0 has no form in TensorFlow. Drop it from the results.");
  const bool key = value.dtype() == DType::key;
  Dims dims = value.dims();
  if (key) dims.push_back(2);
  const DType dtype = key ? DType::u32 : value.dtype();
  const Array stored = detail::exact_array(Aval{dtype, symbolic(dims), false}, value.bytes());
  std::string id;
  if (stored.bytes().size() <= 1024) {
    id = fmt::format("{}{}:", short_name(dtype), tuple_string(dims));
    id.append(reinterpret_cast<const char*>(stored.bytes().data()), stored.bytes().size());
    if (const auto it = constants_.find(id); it != constants_.end()) return it->second;
  }
  tf::NodeDef& n = add("Const", scope_.empty() ? "Const" : scope_ + "/Const");
  (*n.mutable_attr())["dtype"].set_type(detail::dtype_to_proto(dtype));
  *(*n.mutable_attr())["value"].mutable_tensor() = detail::tensor_to_proto(stored);
  Tensor t{n.name() + ":output:0", dtype, symbolic(dims), stored};
  if (!id.empty()) constants_[id] = t;
  return t;
}

void FunctionWriter::check_holds(const Tensor& condition, const std::string& message) {
  tf::NodeDef& text = add("Const", "Assert/Const");
  (*text.mutable_attr())["dtype"].set_type(tf::DT_STRING);
  *(*text.mutable_attr())["value"].mutable_tensor() = detail::tensor_to_proto(StringTensor{{}, {message}});
  const std::string data = text.name() + ":output:0";
  tf::NodeDef& n = add("Assert", "Assert/Assert");
  n.add_input(condition.ref);
  n.add_input(data);
  (*n.mutable_attr())["T"].mutable_list()->add_type(tf::DT_STRING);
  (*n.mutable_attr())["summarize"].set_i(3);
  effects_.push_back(n.name());
  mark_stateful();
}

tf::FunctionDef FunctionWriter::finish(const Tensors& results, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    tf::NodeDef& n = add("Identity", "Identity");
    n.add_input(results[i].ref);
    for (const std::string& e : effects_) n.add_input("^" + e);
    (*n.mutable_attr())["T"].set_type(type_of(results[i]));
    std::string name = i < names.size() ? names[i] : n.name();
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    auto& output = *function_.mutable_signature()->add_output_arg();
    output.set_name(name);
    output.set_type(type_of(results[i]));
    (*function_.mutable_ret())[name] = n.name() + ":output:0";
  }
  for (const std::string& e : effects_) {
    function_.mutable_signature()->add_control_output(e);
    (*function_.mutable_control_ret())[e] = e;
  }
  return function_;
}

}  // namespace tf2jax::jax2tf
