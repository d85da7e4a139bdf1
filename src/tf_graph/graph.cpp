// Reading and writing GraphDefs.
#include "tf2jax/tf_graph/graph.h"

#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/protos.h"

#include <algorithm>
#include <functional>

namespace tf2jax {

namespace tf = tensorflow;
using namespace detail;

namespace {

bool well_formed(const tf::GraphDef& graph) {
  return std::ranges::all_of(graph.node(), [](const tf::NodeDef& n) { return !n.name().empty() && !n.op().empty(); });
}

// Reads what a graph is stored in as the kind of message that it is given.
using Parse = std::function<void(google::protobuf::Message&)>;

// Some exporters write a MetaGraphDef under a GraphDef's name; its first field is no node.
std::shared_ptr<const tf::GraphDef> graph_of_metagraph(const Parse& parse) {
  tf::MetaGraphDef meta;
  parse(meta);
  return std::make_shared<const tf::GraphDef>(std::move(*meta.mutable_graph_def()));
}

Graph read(const Parse& parse, std::string_view where) {
  auto graph = std::make_shared<tf::GraphDef>();
  try {
    parse(*graph);
    check<ParseError>(well_formed(*graph), "{}: a node has no name or no operation. This is not a GraphDef.", where);
    if (graph->node_size() > 0 || graph->has_library()) return Graph(std::move(graph), std::string(where));
  } catch (const ParseError&) {
    graph.reset();
    try {
      const auto inner = graph_of_metagraph(parse);
      if (inner->node_size() > 0 && well_formed(*inner)) return Graph(inner, std::string(where));
    } catch (const ParseError&) {
      // The first error describes the kind of file that was asked for.
    }
    throw;
  }
  const auto inner = graph_of_metagraph(parse);
  check<ParseError>(inner->node_size() > 0, "{}: the graph has no nodes.", where);
  return Graph(inner, std::string(where));
}

void check_not_empty(bool empty, std::string_view where) {
  check<ParseError>(!empty, "{}: the file is empty; expected a GraphDef.", where);
}

template <class Nodes>
void count(const Nodes& nodes, std::map<std::string, std::int64_t>& counts) {
  for (const auto& node : nodes) ++counts[node.op()];
}

}  // namespace

Graph::Graph(std::shared_ptr<const tf::GraphDef> proto, std::string source)
    : proto_(std::move(proto)), source_(std::move(source)) {}

Graph Graph::load(const std::filesystem::path& path) {
  const auto where = path.string();
  return with_errors(where, [&] {
    check_not_empty(InputFile(path).size() == 0, where);
    return read([&](auto& message) { parse_file(path, message); }, where);
  });
}
Graph Graph::parse(std::string_view bytes, std::string_view where) {
  return with_errors(where, [&] {
    check_not_empty(bytes.empty(), where);
    return read([&](auto& message) { parse_binary(bytes, message, where); }, where);
  });
}
Graph Graph::parse_text(std::string_view text, std::string_view where) {
  return with_errors(where, [&] {
    check_not_empty(text.empty(), where);
    return read([&](auto& message) { detail::parse_text(text, message, where); }, where);
  });
}

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
