// Reading and writing GraphDefs.
#include "tf2jax/tf_graph/graph.h"

#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/protos.h"

#include <algorithm>

namespace tf2jax {

namespace tf = tensorflow;
using namespace detail;

namespace {

bool well_formed(const tf::GraphDef& graph) {
  return std::ranges::all_of(graph.node(), [](const tf::NodeDef& n) { return !n.name().empty() && !n.op().empty(); });
}

// Some exporters write a MetaGraphDef under a GraphDef's name; its first field is no node.
std::shared_ptr<const tf::GraphDef> graph_of_metagraph(std::string_view bytes, bool text, std::string_view where) {
  tf::MetaGraphDef meta;
  if (text) parse_text(bytes, meta, where);
  else parse_binary(bytes, meta, where);
  return std::make_shared<const tf::GraphDef>(std::move(*meta.mutable_graph_def()));
}

Graph read(std::string_view contents, bool text, std::string_view where) {
  check<ParseError>(!contents.empty(), "{}: the file is empty; expected a GraphDef.", where);
  auto graph = std::make_shared<tf::GraphDef>();
  try {
    if (text) parse_text(contents, *graph, where);
    else parse_binary(contents, *graph, where);
    check<ParseError>(well_formed(*graph), "{}: a node has no name or no operation. This is not a GraphDef.", where);
    if (graph->node_size() > 0 || graph->has_library()) return Graph(std::move(graph), std::string(where));
  } catch (const ParseError&) {
    try {
      const auto inner = graph_of_metagraph(contents, text, where);
      if (inner->node_size() > 0 && well_formed(*inner)) return Graph(inner, std::string(where));
    } catch (const ParseError&) {
      // The first error describes the kind of file that was asked for.
    }
    throw;
  }
  const auto inner = graph_of_metagraph(contents, text, where);
  check<ParseError>(inner->node_size() > 0, "{}: the graph has no nodes.", where);
  return Graph(inner, std::string(where));
}

template <class Nodes>
void count(const Nodes& nodes, std::map<std::string, std::int64_t>& counts) {
  for (const auto& node : nodes) ++counts[node.op()];
}

}  // namespace

Graph::Graph(std::shared_ptr<const tf::GraphDef> proto, std::string source) : proto_(std::move(proto)), source_(std::move(source)) {}

Graph Graph::load(const std::filesystem::path& path) {
  const auto extension = path.extension();
  const bool text = extension == ".pbtxt" || extension == ".txt" || extension == ".prototxt";
  return read(read_file(path), text, path.string());
}
Graph Graph::parse(std::string_view bytes, std::string_view where) { return read(bytes, false, where); }
Graph Graph::parse_text(std::string_view text, std::string_view where) { return read(text, true, where); }

std::vector<GraphNode> Graph::nodes() const {
  std::vector<GraphNode> nodes;
  for (const auto& n : proto_->node()) nodes.push_back({n.name(), n.op(), {n.input().begin(), n.input().end()}});
  return nodes;
}

std::vector<std::string> Graph::functions() const {
  std::vector<std::string> names;
  for (const auto& f : proto_->library().function()) names.push_back(f.signature().name());
  return names;
}

std::map<std::string, std::int64_t> Graph::op_counts() const {
  std::map<std::string, std::int64_t> counts;
  count(proto_->node(), counts);
  for (const auto& f : proto_->library().function()) count(f.node_def(), counts);
  return counts;
}

std::string Graph::serialize() const { return detail::serialize(*proto_); }
void Graph::save(const std::filesystem::path& path) const { replace_file(path, serialize()); }

}  // namespace tf2jax
