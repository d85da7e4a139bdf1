// Packed operations. An operation is: how long it is, what it has, its name, where it stands in its file, results,
// operands, attributes, regions.
#include "tf2jax/stablehlo/op_list.h"

#include "tf2jax/stablehlo/internal/byte_cursor.h"
#include "tf2jax/stablehlo/internal/pool.h"

#include <algorithm>
#include <limits>

namespace tf2jax::stablehlo {

struct OpList::Code : std::enable_shared_from_this<Code> {
  explicit Code(PoolPtr p) : pool(std::move(p)) {}
  ByteCursor at(std::size_t begin) const {
    const std::string& all = bytes.str();
    return {all, begin, all.size() - begin, "operations"};
  }
  PoolPtr pool;
  ByteSink bytes;
};

namespace {

constexpr std::uint8_t kAttributes = 0x01, kRegions = 0x02, kOneResult = 0x04, kResults = 0x08;
constexpr unsigned kOperandShift = 4, kManyOperands = 15;

// Values are told by their distance from one that is near.
void write_values(ByteSink& out, std::span<const ValueId> values, ValueId near) {
  for (const ValueId v : values) out.signed_varint(std::int64_t{near} - v);
}
void read_values(ByteCursor& in, std::span<ValueId> values, ValueId near) {
  for (ValueId& v : values) v = static_cast<ValueId>(near - in.signed_varint());
}

// As a list of this pool.
OpList with_pool(const OpList& ops, const PoolPtr& pool) {
  OpList out(pool);
  for (const Op& op : ops) out.push_back(op);
  return out;
}

}  // namespace

OpList::OpList(PoolPtr pool) : code_(std::make_shared<Code>(std::move(pool))) {}

OpList::OpList(PoolPtr pool, std::span<const Op> ops) : OpList(std::move(pool)) {
  for (const Op& op : ops) push_back(op);
}

// Bytes that nobody else reads, and nothing behind the last operation.
void OpList::own() {
  if (!code_) code_ = std::make_shared<Code>(make_pool());
  if (code_.use_count() == 1 && begin_ == 0 && end_ == code_->bytes.str().size()) return;
  auto mine = std::make_shared<Code>(code_->pool);
  mine->bytes.bytes(std::string_view(code_->bytes.str()).substr(begin_, end_ - begin_));
  code_ = std::move(mine);
  last_ -= begin_;
  end_ -= begin_;
  begin_ = 0;
}

void OpList::reserve(std::size_t bytes) {
  own();
  code_->bytes.reserve(bytes);
}

void OpList::push_back(const Op& op) {
  own();
  Pool& pool = *code_->pool;
  ByteSink out;
  const auto operands = static_cast<unsigned>(std::min<std::size_t>(op.operands.size(), kManyOperands));
  const std::uint8_t results = op.results.empty() ? 0 : op.results.size() == 1 ? kOneResult : kResults;
  out.byte(static_cast<std::uint8_t>(operands << kOperandShift | results | (op.attributes.empty() ? 0 : kAttributes) |
                                     (op.regions.empty() ? 0 : kRegions)));
  out.varint(pool.name(op.name));
  out.varint(op.offset);
  if (results == kResults) out.varint(op.results.size());
  const ValueId near = op.results.empty() ? 0 : op.results[0];
  if (results) out.varint(static_cast<std::uint32_t>(near));
  if (results == kResults) write_values(out, std::span(op.results).subspan(1), near);
  if (operands == kManyOperands) out.varint(op.operands.size());
  write_values(out, op.operands, near);
  if (!op.attributes.empty()) out.varint(op.attributes.size());
  for (const auto& [name, value] : op.attributes) {
    out.varint(pool.name(name));
    out.varint(pool.attribute(value));
  }
  if (!op.regions.empty()) out.varint(op.regions.size());
  for (const Region& r : op.regions) {
    out.varint(r.arguments.size());
    write_values(out, r.arguments, near);
    const bool is_mine = !r.ops.code_ || r.ops.code_->pool == code_->pool;
    const OpList ops = is_mine ? r.ops : with_pool(r.ops, code_->pool);
    out.varint(ops.count_);
    out.varint(ops.last_ - ops.begin_);
    out.varint(ops.end_ - ops.begin_);
    if (ops.code_) out.bytes(std::string_view(ops.code_->bytes.str()).substr(ops.begin_, ops.end_ - ops.begin_));
  }
  last_ = end_;
  code_->bytes.varint(out.str().size());
  code_->bytes.bytes(out.str());
  end_ = code_->bytes.str().size();
  ++count_;
}

Op OpList::Iterator::operator*() const {
  ByteCursor in = code_->at(at_);
  (void)in.varint();
  const Pool& pool = *code_->pool;
  const std::uint8_t head = in.byte();
  Op op;
  op.name = pool.name(in.varint());
  op.offset = in.varint();
  op.results.resize(head & kOneResult ? 1 : head & kResults ? in.varint() : 0);
  ValueId near = 0;
  if (!op.results.empty()) near = op.results[0] = static_cast<ValueId>(in.varint());
  if (op.results.size() > 1) read_values(in, std::span(op.results).subspan(1), near);
  const unsigned operands = head >> kOperandShift;
  op.operands.resize(operands == kManyOperands ? in.varint() : operands);
  read_values(in, op.operands, near);
  if (head & kAttributes) op.attributes.resize(in.varint());
  for (auto& [name, value] : op.attributes) {
    name = pool.name(in.varint());
    value = pool.attribute(in.varint());
  }
  if (head & kRegions) op.regions.resize(in.varint());
  for (Region& r : op.regions) {
    r.arguments.resize(in.varint());
    read_values(in, r.arguments, near);
    r.ops.code_ = code_->shared_from_this();
    r.ops.count_ = in.varint();
    const std::uint64_t last = in.varint(), size = in.varint();
    r.ops.begin_ = in.offset();
    r.ops.last_ = r.ops.begin_ + last;
    r.ops.end_ = r.ops.begin_ + size;
    (void)in.bytes(size);
  }
  return op;
}

OpList::Iterator& OpList::Iterator::operator++() {
  ByteCursor in = code_->at(at_);
  const std::uint64_t size = in.varint();
  at_ = in.offset() + size;
  return *this;
}

OpList::Iterator OpList::Iterator::operator++(int) {
  const Iterator before = *this;
  ++*this;
  return before;
}

Op OpList::operator[](std::size_t i) const {
  Iterator it = begin();
  while (i-- > 0) ++it;
  return *it;
}

Op OpList::back() const { return *Iterator(code_.get(), last_); }

void TypeList::push_back(const TypePtr& type) { numbers_.push_back(pool_->type(type)); }

const TypePtr& TypeList::operator[](std::size_t i) const { return pool_->type(numbers_[i]); }

bool TypeList::has_open_sizes() const {
  return std::ranges::any_of(numbers_, [&](std::uint32_t n) {
    const TypePtr& t = pool_->type(n);
    return t && t->is_dynamic();
  });
}

}  // namespace tf2jax::stablehlo
