// A function as a graph of its own.
#include "tf2jax/jax2tf/internal/export.h"

namespace tf2jax::jax2tf {

namespace tf = tensorflow;

namespace {

// "node:output:i" of a function is "node:k" in a graph: k counts over all outputs.
std::string graph_ref(const tf::FunctionDef& f, const std::string& ref) {
  if (ref.starts_with('^')) return ref;
  const auto first = ref.find(':');
  if (first == std::string::npos) return ref;  // an argument
  const auto last = ref.rfind(':');
  const std::string node = ref.substr(0, first), output = ref.substr(first + 1, last - first - 1);
  std::size_t index = std::stoul(ref.substr(last + 1));
  for (const auto& n : f.node_def()) {
    if (n.name() != node) continue;
    if (n.op() == "ReadVariableOp" || n.op() == "Const") break;
    const auto& outputs = op_row(n.op()).outputs;
    for (std::size_t i = 0; i < outputs.size() && outputs[i] != output && outputs[i] != output + "+"; ++i) ++index;
    break;
  }
  return index ? fmt::format("{}:{}", node, index) : node;
}

}  // namespace

tf::GraphDef main_graph(const tf::FunctionDef& f, const Library& library) {
  tf::GraphDef graph;
  graph.mutable_versions()->set_producer(1500);
  graph.mutable_versions()->set_min_consumer(12);
  for (int i = 0; i < f.signature().input_arg_size(); ++i) {
    const auto& arg = f.signature().input_arg(i);
    tf::NodeDef& n = *graph.add_node();
    n.set_name(arg.name());
    n.set_op("Placeholder");
    (*n.mutable_attr())["dtype"].set_type(arg.type());
    const auto& shapes = f.arg_attr().at(static_cast<std::uint32_t>(i)).attr().at("_output_shapes").list();
    *(*n.mutable_attr())["shape"].mutable_shape() = shapes.shape(0);
  }
  for (const auto& source : f.node_def()) {
    tf::NodeDef& n = *graph.add_node();
    n = source;
    for (int i = 0; i < n.input_size(); ++i) n.set_input(i, graph_ref(f, n.input(i)));
  }
  library.fill(*graph.mutable_library());
  return graph;
}

}  // namespace tf2jax::jax2tf
