// The dynamic tree.
#include "tf2jax/tree/tree.h"

#include <ostream>

namespace tf2jax {

namespace tree::detail {
void append_key(std::string& key, std::string_view bytes) {
  append_raw(key, bytes.size());
  key += bytes;
}
}  // namespace tree::detail

const Array& Tree::array() const {
  const Array* found = nullptr;
  std::size_t count = 0;
  visit(*this, [&](const Array& a) {
    found = &a;
    ++count;
  });
  check<TreeError>(count == 1, "Tree: the value has {} arrays: {}. Expected one; choose it with [\"name\"] or [index].",
                   count, to_string());
  return *found;
}

const StringTensor& Tree::strings() const {
  check<TreeError>(kind_ == Kind::strings, "Tree: the value is no tensor of strings. Got {}.", to_string());
  return strings_;
}

const Tree& Tree::operator[](const std::string& key) const {
  const auto it = dict_.find(key);
  if (it != dict_.end()) return it->second;
  std::string known;
  for (const std::string& k : keys()) known += (known.empty() ? "'" : ", '") + k + "'";
  raise<LookupError>("Tree: there is no entry '{}'. Known: {}.", key, known.empty() ? "none" : known);
}

const Tree& Tree::operator[](int i) const {
  const auto n = static_cast<int>(size());
  if (i < 0 || i >= n) raise<LookupError>("Tree: the index is out of range. Got {} for {} entries.", i, n);
  if (kind_ == Kind::list) return list_[i];
  if (kind_ == Kind::leaf || kind_ == Kind::strings) return *this;
  return std::next(dict_.begin(), i)->second;
}

std::size_t Tree::size() const {
  switch (kind_) {
    case Kind::none: return 0;
    case Kind::leaf:
    case Kind::strings: return 1;
    case Kind::list: return list_.size();
    case Kind::dict: return dict_.size();
  }
  return 0;
}

std::vector<std::string> Tree::keys() const {
  std::vector<std::string> out;
  for (const auto& [k, v] : dict_) out.push_back(k);
  return out;
}

void Tree::append_key(std::string& key) const {
  switch (kind_) {
    case Kind::none: key += '0'; break;
    case Kind::leaf: key += '*'; break;
    case Kind::list:
      key += '[';
      for (const Tree& t : list_) t.append_key(key);
      key += ']';
      break;
    case Kind::dict:
      key += '{';
      for (const auto& [k, t] : dict_) {
        tree::detail::append_key(key, k);
        t.append_key(key);
      }
      key += '}';
      break;
    case Kind::strings:
      key += '$';
      tree::append_structure(key, strings_.dims);  // not as a whole: that converts to a tree
      tree::append_structure(key, strings_.values);
      break;
  }
}

std::string Tree::to_string() const {
  std::string out;
  switch (kind_) {
    case Kind::none: return "None";
    case Kind::leaf: return leaf_.has_value() ? leaf_.aval().to_string() : "Array()";
    case Kind::list:
      for (const Tree& t : list_) out += (out.empty() ? "" : ", ") + t.to_string();
      return "[" + out + "]";
    case Kind::dict:
      for (const auto& [k, t] : dict_) out += (out.empty() ? "'" : ", '") + k + "': " + t.to_string();
      return "{" + out + "}";
    case Kind::strings: return strings_.to_string();
  }
  return out;
}

std::ostream& operator<<(std::ostream& os, const Tree& t) { return os << t.to_string(); }

}  // namespace tf2jax
