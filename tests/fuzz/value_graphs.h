// Small correct graphs, one or more for every converter, and changes of one value in them.
#pragma once
#include <string>
#include <vector>

#include "draw.h"
#include "tf2jax/tf_graph/internal/protos.h"

namespace tf2jax::fuzz {

/// A graph whose placeholders are its inputs and whose last node is its output.
struct ValueGraph {
  std::string name;  // of the row
  tensorflow::GraphDef graph;
};

/// Every row, without changes. Throws: ParseError for a row that cannot be read.
std::vector<ValueGraph> value_graphs();
/// A graph of one row, or of two where one's result is the other's operand.
ValueGraph draw_graph(const std::vector<ValueGraph>& rows, Draw& draw);
/// Changes one value: an attribute, a constant, a placeholder, an edge; in the graph or one of its functions.
void mutate(tensorflow::GraphDef& graph, Draw& draw);

}  // namespace tf2jax::fuzz
