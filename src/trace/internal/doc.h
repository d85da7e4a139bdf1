// Doc: a document with optional line breaks, laid out to a width (Wadler, "A prettier printer"; Lindig, "Strictly
// pretty").
#pragma once
#include <memory>
#include <string>
#include <vector>

namespace tf2jax::detail {

/// Immutable; copying shares it.
class Doc {
 public:
  Doc() = default;  ///< empty
  /// Text without line breaks.
  static Doc text(std::string s);
  /// A line break, or `flat` where the enclosing group fits on its line.
  static Doc brk(std::string flat = " ");
  static Doc concat(std::vector<Doc> parts);
  /// Lays out its contents without breaks if they fit on the rest of the line.
  static Doc group(Doc body);
  /// Indents the lines that start inside `body` by `columns` more.
  static Doc nest(int columns, Doc body);
  static Doc join(const Doc& separator, const std::vector<Doc>& parts);
  friend Doc operator+(const Doc& a, const Doc& b) { return concat({a, b}); }

  std::string format(int width) const;

 private:
  struct Node;
  explicit Doc(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  struct Item;
  static bool fits(int width, const Doc& group);
  std::shared_ptr<const Node> node_;
};

}  // namespace tf2jax::detail
