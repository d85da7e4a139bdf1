// Pytrees: values built from Arrays, flattened to leaves and rebuilt. Array is the leaf; tuple, pair, array, vector,
// map, optional and plain aggregates are trees automatically; numbers, enums and strings are structure, never leaves.
// Give other types a function `tree_fields(T&)` (found by ADL) that returns std::tie of their members.
#pragma once
#include <array>
#include <concepts>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tf2jax/trace/array.h"
#include "tf2jax/tree/string_tensor.h"

namespace tf2jax::tree {

namespace detail {
struct Any {
  template <class T>
  operator T() const;  // NOLINT: stands for a field of any type
};
constexpr std::size_t kMaxFields = 12;
template <class T, class... A>
constexpr std::size_t arity() {
  if constexpr (sizeof...(A) < kMaxFields && requires { T{A{}..., Any{}}; }) return arity<T, A..., Any>();
  else return sizeof...(A);
}
template <class T>
auto fields(T& t) {
  using U = std::remove_const_t<T>;
  if constexpr (requires { tree_fields(t); }) {
    return tree_fields(t);
  } else if constexpr (requires { std::tuple_size<U>::value; }) {
    return std::apply([](auto&... x) { return std::tie(x...); }, t);
  } else {
    static_assert(std::is_aggregate_v<U>,
                  "tf2jax::tree: give this type a function tree_fields(T&) returning std::tie of its members");
    constexpr std::size_t n = arity<U>();
    if constexpr (n == 0) {
      return std::tuple<>();
    } else if constexpr (n == 1) {
      auto& [a] = t;
      return std::tie(a);
    } else if constexpr (n == 2) {
      auto& [a, b] = t;
      return std::tie(a, b);
    } else if constexpr (n == 3) {
      auto& [a, b, c] = t;
      return std::tie(a, b, c);
    } else if constexpr (n == 4) {
      auto& [a, b, c, d] = t;
      return std::tie(a, b, c, d);
    } else if constexpr (n == 5) {
      auto& [a, b, c, d, e] = t;
      return std::tie(a, b, c, d, e);
    } else if constexpr (n == 6) {
      auto& [a, b, c, d, e, f] = t;
      return std::tie(a, b, c, d, e, f);
    } else if constexpr (n == 7) {
      auto& [a, b, c, d, e, f, g] = t;
      return std::tie(a, b, c, d, e, f, g);
    } else if constexpr (n == 8) {
      auto& [a, b, c, d, e, f, g, h] = t;
      return std::tie(a, b, c, d, e, f, g, h);
    } else if constexpr (n == 9) {
      auto& [a, b, c, d, e, f, g, h, i] = t;
      return std::tie(a, b, c, d, e, f, g, h, i);
    } else if constexpr (n == 10) {
      auto& [a, b, c, d, e, f, g, h, i, j] = t;
      return std::tie(a, b, c, d, e, f, g, h, i, j);
    } else if constexpr (n == 11) {
      auto& [a, b, c, d, e, f, g, h, i, j, k] = t;
      return std::tie(a, b, c, d, e, f, g, h, i, j, k);
    } else {
      auto& [a, b, c, d, e, f, g, h, i, j, k, l] = t;
      return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
    }
  }
}
template <class T>
concept Mapping = requires(T& t) {
  typename T::mapped_type;
  t.begin();
};
template <class T>
concept Optional = requires(T& t) {
  t.has_value();
  *t;
  t.reset();
};
template <class T>
concept Sequence = !Mapping<T> && !requires { std::tuple_size<T>::value; } && requires(T& t) {
  t.begin();
  t.end();
  t.size();
};
void append_key(std::string& key, std::string_view bytes);
template <class T>
void append_raw(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof value);
}
}  // namespace detail

/// Types that are structure: they take part in the jit key and are never differentiated or batched.
template <class T>
concept Static = std::is_arithmetic_v<std::remove_cvref_t<T>> || std::is_enum_v<std::remove_cvref_t<T>> ||
                 std::convertible_to<T, std::string_view> || std::same_as<std::remove_cvref_t<T>, std::nullopt_t> ||
                 std::is_empty_v<std::remove_cvref_t<T>>;
/// Types that handle themselves: tree_visit(T&, f) calls f on each leaf, tree_key(const T&, std::string&) describes
/// the structure.
template <class T>
concept SelfDescribing = requires(T& t, std::string& key) {
  tree_visit(t, [](auto&) {});
  tree_key(t, key);
};

/// Calls `f` on every leaf, in order.
template <class T, class F>
void for_each_leaf(T& t, F&& f) {
  using U = std::remove_const_t<T>;
  if constexpr (std::same_as<U, Array>) f(t);
  else if constexpr (SelfDescribing<U>) tree_visit(t, f);
  else if constexpr (Static<U>) {
  } else if constexpr (detail::Mapping<U>) {
    for (auto& kv : t) for_each_leaf(kv.second, f);
  } else if constexpr (detail::Optional<U>) {
    if (t) for_each_leaf(*t, f);
  } else if constexpr (detail::Sequence<U>) {
    for (auto& x : t) for_each_leaf(x, f);
  } else std::apply([&](auto&... x) { (for_each_leaf(x, f), ...); }, detail::fields(t));
}

/// The leaves of a tree, in order: members in declaration order, maps by key.
template <class T>
Arrays leaves(const T& t) {
  Arrays out;
  for_each_leaf(t, [&](const Array& a) { out.push_back(a); });
  return out;
}
template <class... T>
Arrays leaves_of(const T&... t) {
  Arrays out;
  (for_each_leaf(t, [&](const Array& a) { out.push_back(a); }), ...);
  return out;
}
template <class T>
std::size_t num_leaves(const T& t) {
  std::size_t n = 0;
  for_each_leaf(t, [&](const Array&) { ++n; });
  return n;
}

/// A copy of `like` with its leaves replaced. Throws: TreeError when the counts differ.
template <class T>
T with_leaves(T like, std::span<const Array> values) {
  std::size_t i = 0;
  for_each_leaf(like, [&](Array& a) {
    check<TreeError>(i < values.size(), "tree: there are too few leaves. Got {}; the structure needs more.",
                     values.size());
    a = values[i++];
  });
  check<TreeError>(i == values.size(), "tree: there are too many leaves. Got {}; expected {}.", values.size(), i);
  return like;
}

/// Describes the structure and the static fields: equal keys mean that leaves can be exchanged.
template <class T>
void append_structure(std::string& key, const T& t) {
  using U = std::remove_cvref_t<T>;
  if constexpr (std::same_as<U, Array>) key += '*';
  else if constexpr (SelfDescribing<U>) tree_key(t, key);
  else if constexpr (std::convertible_to<U, std::string_view>) detail::append_key(key, t);
  else if constexpr (std::is_arithmetic_v<U> || std::is_enum_v<U>) detail::append_raw(key, t);
  else if constexpr (Static<U>) {
  } else if constexpr (detail::Mapping<U>) {
    detail::append_raw(key, t.size());
    for (const auto& [k, v] : t) {
      append_structure(key, k);
      append_structure(key, v);
    }
  } else if constexpr (detail::Optional<U>) {
    key += t ? '1' : '0';
    if (t) append_structure(key, *t);
  } else if constexpr (detail::Sequence<U>) {
    detail::append_raw(key, t.size());
    for (const auto& x : t) append_structure(key, x);
  } else {
    std::apply([&](const auto&... x) { (append_structure(key, x), ...); }, detail::fields(t));
  }
}
template <class T>
std::string structure(const T& t) {
  std::string key;
  append_structure(key, t);
  return key;
}

/// Applies `f` leaf by leaf to trees of one structure: tree::map([](p, g) { return p - g; }, params, grads).
/// Throws: TreeError when the structures differ.
template <class F, class T, class... Rest>
T map(F&& f, const T& t, const Rest&... rest) {
  const std::array<Arrays, sizeof...(Rest)> others{leaves(rest)...};
  const std::size_t n = num_leaves(t);
  for (const Arrays& o : others)
    check<TreeError>(
        o.size() == n,
        "tree::map: the trees have different numbers of leaves. Got {} and {}. Give trees of one structure.", n,
        o.size());
  Arrays out;
  const Arrays first = leaves(t);
  for (std::size_t i = 0; i < n; ++i) {
    if constexpr (sizeof...(Rest) == 0) out.push_back(f(first[i]));
    else out.push_back(std::apply([&](const auto&... o) { return f(first[i], o[i]...); }, others));
  }
  return with_leaves(t, out);
}

}  // namespace tf2jax::tree

namespace tf2jax {

/// A tree whose structure is known only at run time: an array, a list, a dictionary (sorted by key), strings, or
/// nothing. What imported models take and return. Strings are structure: transforms see and change arrays only.
class Tree {
 public:
  enum class Kind : std::uint8_t { none, leaf, list, dict, strings };
  using List = std::vector<Tree>;
  using Dict = std::map<std::string, Tree>;

  Tree() = default;
  Tree(Array leaf) : kind_(Kind::leaf), leaf_(std::move(leaf)) {}  // NOLINT: an array is a tree
  template <Scalar T>
  Tree(T scalar) : Tree(Array(scalar)) {}                                  // NOLINT
  Tree(List list) : kind_(Kind::list), list_(std::move(list)) {}           // NOLINT
  Tree(Dict dict) : kind_(Kind::dict), dict_(std::move(dict)) {}           // NOLINT
  template <std::same_as<StringTensor> S>                                  // so that braces mean lists
  Tree(S strings) : kind_(Kind::strings), strings_(std::move(strings)) {}  // NOLINT

  Kind kind() const { return kind_; }
  bool is_leaf() const { return kind_ == Kind::leaf; }
  /// The only array of the tree. Throws: TreeError when there is not exactly one leaf.
  const Array& array() const;
  operator const Array&() const { return array(); }  // NOLINT: y = f(x) for a single output
  /// The strings. Throws: TreeError when the tree is something else.
  const StringTensor& strings() const;
  /// The entry of a dictionary. Throws: LookupError listing the keys.
  const Tree& operator[](const std::string& key) const;
  const Tree& operator[](const char* key) const { return (*this)[std::string(key)]; }
  /// The i-th element of a list, or of a dictionary in key order. Throws: LookupError.
  const Tree& operator[](int i) const;
  std::size_t size() const;
  const List& list() const { return list_; }
  const Dict& dict() const { return dict_; }
  bool contains(const std::string& key) const { return kind_ == Kind::dict && dict_.count(key) > 0; }
  std::vector<std::string> keys() const;

  template <class T, class F>
  static void visit(T& t, F&& f) {
    if (t.kind_ == Kind::leaf) f(t.leaf_);
    for (auto& x : t.list_) visit(x, f);
    for (auto& [k, x] : t.dict_) visit(x, f);
  }
  void append_key(std::string& key) const;
  /// "{'a': f32[3], 'b': [i32[], None]}".
  std::string to_string() const;

 private:
  Kind kind_ = Kind::none;
  Array leaf_;
  List list_;
  Dict dict_;
  StringTensor strings_;
};

template <class F>
void tree_visit(Tree& t, F&& f) {
  Tree::visit(t, f);
}
template <class F>
void tree_visit(const Tree& t, F&& f) {
  Tree::visit(t, f);
}
inline void tree_key(const Tree& t, std::string& key) { t.append_key(key); }
std::ostream& operator<<(std::ostream& os, const Tree& t);

}  // namespace tf2jax
