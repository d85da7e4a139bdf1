// Layout of documents. A group is flat when the group alone fits, whatever follows it, as in JAX's printer.
#include "tf2jax/trace/internal/doc.h"

namespace tf2jax::detail {

struct Doc::Node {
  enum class Kind { text, brk, concat, group, nest } kind;
  std::string text;
  int indent = 0;
  std::vector<Doc> parts;
};
struct Doc::Item {
  int indent;
  bool flat;
  const Node* node;
};

Doc Doc::text(std::string s) { return Doc(std::make_shared<Node>(Node{Node::Kind::text, std::move(s), 0, {}})); }
Doc Doc::brk(std::string flat) { return Doc(std::make_shared<Node>(Node{Node::Kind::brk, std::move(flat), 0, {}})); }
Doc Doc::concat(std::vector<Doc> parts) {
  return Doc(std::make_shared<Node>(Node{Node::Kind::concat, {}, 0, std::move(parts)}));
}
Doc Doc::group(Doc body) { return Doc(std::make_shared<Node>(Node{Node::Kind::group, {}, 0, {std::move(body)}})); }
Doc Doc::nest(int columns, Doc body) {
  return Doc(std::make_shared<Node>(Node{Node::Kind::nest, {}, columns, {std::move(body)}}));
}
Doc Doc::join(const Doc& separator, const std::vector<Doc>& parts) {
  std::vector<Doc> out;
  for (const Doc& part : parts) {
    if (!out.empty()) out.push_back(separator);
    out.push_back(part);
  }
  return concat(std::move(out));
}

bool Doc::fits(int width, const Doc& group) {
  std::vector<const Node*> agenda{group.node_.get()};
  while (width >= 0 && !agenda.empty()) {
    const Node* n = agenda.back();
    agenda.pop_back();
    if (!n) continue;
    width -= static_cast<int>(n->text.size());
    for (auto it = n->parts.rbegin(); it != n->parts.rend(); ++it) agenda.push_back(it->node_.get());
  }
  return width >= 0;
}

std::string Doc::format(int width) const {
  std::string out;
  std::size_t line_start = 0;
  std::vector<Item> agenda{{0, false, node_.get()}};
  while (!agenda.empty()) {
    const Item item = agenda.back();
    agenda.pop_back();
    if (!item.node) continue;
    const Node& n = *item.node;
    const auto push = [&](int indent, bool flat) {
      for (auto it = n.parts.rbegin(); it != n.parts.rend(); ++it) agenda.push_back({indent, flat, it->node_.get()});
    };
    switch (n.kind) {
      case Node::Kind::text: out += n.text; break;
      case Node::Kind::brk:
        if (item.flat) {
          out += n.text;
        } else {
          out += '\n';
          line_start = out.size();
          out.append(item.indent, ' ');
        }
        break;
      case Node::Kind::concat: push(item.indent, item.flat); break;
      case Node::Kind::nest: push(item.indent + n.indent, item.flat); break;
      case Node::Kind::group:
        push(item.indent, item.flat || fits(width - static_cast<int>(out.size() - line_start), n.parts[0]));
        break;
    }
  }
  return out;
}

}  // namespace tf2jax::detail
