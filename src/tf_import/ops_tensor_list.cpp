// Tensor lists: dense arrays with the elements along axis 0. A list nothing was written to has no element type yet.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::tf_import {
namespace {

Shape with_length(std::int64_t length, const Shape& element) {
  Shape s{Dim(length)};
  s.insert(s.end(), element.begin(), element.end());
  check_sizes(s, "a tensor list");
  return s;
}

// The element shape an input states; nullopt when part of it is unknown.
std::optional<Shape> stated_shape(const Node& n, std::size_t i) {
  const Value& v = n.input(i);
  const auto* x = v.get_if<Array>();
  if (x && (!x->is_concrete() || x->rank() == 0)) return std::nullopt;   // a scalar -1 is an unknown rank
  const Shape shape = n.shape(i);
  for (const Dim d : shape) {
    if (d.is_constant() && d.value() < 0) return std::nullopt;
  }
  check_sizes(shape, fmt::format("input {}", i));
  return shape;
}

std::optional<Aval> stated_type(const Node& n, std::size_t i, DType dtype) {
  const auto shape = stated_shape(n, i);
  return shape ? std::optional(Aval{dtype, *shape, false}) : std::nullopt;
}

Values reserve(Node& n) {
  n.ignore({"shape_type"});
  const auto length = n.integer(1, 0);
  return {Value(TensorSequence{length, stated_shape(n, 0), canonical_dtype(n.attr<DType>("element_dtype"))})};
}

Values empty_list(Node& n) {
  n.ignore({"shape_type"});
  return {Value(TensorSequence{0, stated_shape(n, 0), canonical_dtype(n.attr<DType>("element_dtype"))})};
}

// The dense array of a list; `element` decides the type of a list without elements.
Array dense(const Node& n, std::size_t i, const std::optional<Aval>& element) {
  const auto* list = n.input(i).get_if<TensorSequence>();
  if (!list) return n.array(i, 1);
  if (list->element_shape) return zeros(with_length(list->size, *list->element_shape), list->dtype);
  if (!element) n.fail("the list has no elements and no known element shape");
  return zeros(with_length(list->size, element->shape), element->dtype);
}

// Input `i` as a position in a list.
Array position(const Node& n, std::size_t i, const Array& list) {
  check(!identical(list.shape()[0], Dim(0)), "{}: the list is empty", n.op());
  check<DtypeError>(is_integer(n.scalar(i).dtype()), "{}: the position is {}; expected an integer", n.op(), n.scalar(i).aval());
  return astype(n.scalar(i), i32);
}

Values set_item(Node& n) {
  if (n.attr_or<bool>("resize_if_index_out_of_bounds", false)) {
    raise<ValueError>("resize_if_index_out_of_bounds=True in TensorListSetItem is not yet supported.");
  }
  n.ignore({"element_dtype"});
  const Array item = in_canonical_type(n.array(2));
  const Array list = in_canonical_type(dense(n, 0, item.aval()));
  Arrays start(static_cast<std::size_t>(list.rank()), Array(0));
  start[0] = position(n, 1, list);
  check<ShapeError>(item.rank() + 1 == list.rank(), "TensorListSetItem: {} is no element of a list {}", item.aval(), list.aval());
  return {dynamic_update_slice(list, astype(expand_dims(item, {0}), list.dtype()), start)};
}

Values get_item(Node& n) {
  const DType type = canonical_dtype(n.attr<DType>("element_dtype"));
  Array list;
  if (n.input(0).get_if<TensorSequence>()) {
    list = dense(n, 0, stated_type(n, 2, type));
  } else {
    list = n.array(0, 1);
  }
  if (!config().disable_assert_in_tensor_list_get_item) {
    check<DtypeError>(canonical_dtype(list.dtype()) == type, "TensorListGetItem: the list holds {}; expected {}", list.dtype(), type);
  }
  return {dynamic_index_in_dim(list, position(n, 1, list), 0)};
}

Values stack_list(Node& n) {
  n.ignore({"num_elements", "element_dtype"});
  return {dense(n, 0, stated_type(n, 1, f32))};
}

Values from_tensor(Node& n) {
  n.ignore({"element_dtype", "shape_type"});
  return {n.input(0)};
}

Values length(Node& n) {
  if (const auto* list = n.input(0).get_if<TensorSequence>()) return {Value(Array(static_cast<int>(list->size)), true)};
  return {Value(Array(static_cast<int>(n.array(0, 1).shape()[0].value())), true)};
}

Values push_back(Node& n) {
  n.ignore({"element_dtype"});
  const Array item = in_canonical_type(n.array(1));
  const Array last = expand_dims(item, {0});
  const auto* list = n.input(0).get_if<TensorSequence>();
  if (list && list->size == 0) return {last};
  return {concatenate({in_canonical_type(dense(n, 0, item.aval())), last}, 0)};
}

Values pop_back(Node& n) {
  n.ignore({"element_dtype"});
  const Array list = dense(n, 0, std::nullopt);
  const auto size = list.shape()[0].value();
  check(size > 0, "TensorListPopBack: the list is empty");
  return {slice_in_dim(list, 0, size - 1, 1, 0), squeeze(slice_in_dim(list, size - 1, size, 1, 0), {0})};
}

}  // namespace

void add_tensor_list_operations(ConverterTable& table) {
  table.add("TensorListReserve", reserve);
  table.add("EmptyTensorList", empty_list);
  table.add("TensorListSetItem", set_item);
  table.add("TensorListGetItem", get_item);
  table.add("TensorListStack", stack_list);
  table.add("TensorListFromTensor", from_tensor);
  table.add("TensorListLength", length);
  table.add("TensorListPushBack", push_back);
  table.add("TensorListPopBack", pop_back);
}

}  // namespace tf2jax::tf_import
