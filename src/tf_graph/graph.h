// A TensorFlow graph: nodes, the functions they call, and the definitions of their operations.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tf2jax/tf_graph/tensor.h"

namespace tensorflow {
class GraphDef;
}

namespace tf2jax {

/// A node as it stands in the file. Inputs are "node", "node:1", "node:output:0" (in functions) or "^node" (control).
struct GraphNode {
  std::string name, op;
  std::vector<std::string> inputs;
};

/// An immutable GraphDef. Cheap to copy; safe to share across threads.
class Graph {
 public:
  /// Reads a GraphDef from ".pb" (binary), ".pbtxt" or ".txt" (text), or the graph of a MetaGraphDef.
  /// Throws: IoError for missing or unreadable files, ParseError for contents that are no graph.
  static Graph load(const std::filesystem::path& path);
  /// Reads binary contents; `where` names them in messages. Throws: ParseError.
  static Graph parse(std::string_view bytes, std::string_view where = "GraphDef");
  /// Reads protobuf text. Throws: ParseError with the line.
  static Graph parse_text(std::string_view text, std::string_view where = "GraphDef");
  Graph(std::shared_ptr<const tensorflow::GraphDef> proto, std::string source);

  std::vector<GraphNode> nodes() const;
  /// Names of the library functions, in file order.
  std::vector<std::string> functions() const;
  /// Nodes by operation, library functions included.
  std::map<std::string, std::int64_t> op_counts() const;
  /// Where it came from, for messages.
  const std::string& source() const { return source_; }
  /// Deterministic binary form.
  std::string serialize() const;
  /// Writes the binary form. Throws: IoError.
  void save(const std::filesystem::path& path) const;

  /// The message; its class is private to the library.
  const tensorflow::GraphDef& proto() const { return *proto_; }
  const std::shared_ptr<const tensorflow::GraphDef>& shared_proto() const { return proto_; }

 private:
  std::shared_ptr<const tensorflow::GraphDef> proto_;
  std::string source_;
};

}  // namespace tf2jax
