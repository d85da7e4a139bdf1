// Operations and types of values as a module keeps them: packed, about as long as a file has them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

namespace tf2jax::stablehlo {

struct Op;
struct Type;
using TypePtr = std::shared_ptr<const Type>;

/// What the operations of a module share: names, attributes and types, each once.
class Pool;
using PoolPtr = std::shared_ptr<Pool>;
PoolPtr make_pool();

/// Operations in their order. Each is packed into some 15 bytes, its regions with it, and made anew when it is read: an
/// element is a copy. Copies of a list share its bytes.
class OpList {
  struct Code;

 public:
  OpList() = default;  ///< with a pool of its own
  explicit OpList(PoolPtr pool);
  OpList(PoolPtr pool, std::span<const Op> ops);

  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  void push_back(const Op& op);
  /// Room for so many bytes of operations.
  void reserve(std::size_t bytes);
  /// Walks there from the first. Expects that it is there, as back() does.
  Op operator[](std::size_t i) const;
  Op back() const;

  /// A position, which is good as long as the list or a copy of it.
  class Iterator {
   public:
    using value_type = Op;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;  // elements are made when they are read

    Iterator() = default;
    explicit operator bool() const { return code_ != nullptr; }
    Op operator*() const;
    Iterator& operator++();
    Iterator operator++(int);
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class OpList;
    Iterator(Code* code, std::size_t at) : code_(code), at_(at) {}
    Code* code_ = nullptr;
    std::size_t at_ = 0;
  };
  Iterator begin() const { return {code_.get(), begin_}; }
  Iterator end() const { return {code_.get(), end_}; }

 private:
  void own();

  std::shared_ptr<Code> code_;
  std::size_t begin_ = 0, end_ = 0, last_ = 0, count_ = 0;
};

/// The types of values, by their numbers.
class TypeList {
 public:
  TypeList() : TypeList(make_pool()) {}
  explicit TypeList(PoolPtr pool) : pool_(std::move(pool)) {}

  std::size_t size() const { return numbers_.size(); }
  void reserve(std::size_t n) { numbers_.reserve(n); }
  void push_back(const TypePtr& type);
  const TypePtr& operator[](std::size_t i) const;
  /// Whether a value is of a tensor with open sizes.
  bool has_open_sizes() const;

 private:
  PoolPtr pool_;
  std::vector<std::uint32_t> numbers_;
};

}  // namespace tf2jax::stablehlo
