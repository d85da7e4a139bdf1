// Tensor lists, and tensor arrays by their flow: dense arrays with the elements along axis 0. A list nothing was
// written to has no element type yet.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
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
  if (x && (!x->is_concrete() || x->rank() == 0)) return std::nullopt;  // a scalar -1 is an unknown rank
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
  if (!element) n.fail("the list has no elements and no known element shape.");
  return zeros(with_length(list->size, element->shape), element->dtype);
}

// The highest of the positions when they are known now.
std::optional<std::int64_t> highest_known(const Array& positions) {
  if (!positions.is_concrete() || positions.size() == 0) return std::nullopt;
  return std::ranges::max(positions.to_vector<std::int64_t>());
}

// Input `i` as a position in a list. Known ones lie in it; others are clamped, as in jax.lax.
Array position(const Node& n, std::size_t i, const Array& list) {
  check(!identical(list.shape()[0], Dim(0)), "the list is empty.");
  const Array at = n.scalar(i);
  check<DtypeError>(is_integer(at.dtype()), "the position must be an integer. Got {}.", at.aval());
  if (const auto known = highest_known(at))
    check(*known >= 0 && definitely_ge(list.shape()[0], Dim(*known + 1)).value_or(true),
          "the position is out of range. Got {} for {}.", *known, list.aval());
  return astype(at, i32);
}

Array resized(const Array& list, std::int64_t length) {
  const std::int64_t now = list.shape()[0].value();
  if (length < now) return slice_in_dim(list, 0, length, 1, 0);
  if (length == now) return list;
  Shape more = list.shape();
  more[0] = Dim(length - now);
  check_sizes(with_length(length, Shape(more.begin() + 1, more.end())), "a tensor list");
  return concatenate({list, zeros(more, list.dtype())}, 0);
}

// The list, long enough for elements at input `positions`.
Array grown(const Node& n, const Array& list, std::size_t positions) {
  const auto last = highest_known(n.array(positions));
  check<NotImplementedError>(last.has_value(),
                             "the list grows at a position that only the running program knows, which is not "
                             "implemented. Give the list its final length.");
  return resized(list, std::max(list.shape()[0].value(), *last + 1));
}

// The list with an element written.
Array write_at(const Node& n, std::size_t list_input, std::size_t index_input, std::size_t item_input, bool grows) {
  const Array item = in_canonical_type(n.array(item_input));
  Array list = in_canonical_type(dense(n, list_input, item.aval()));
  check<ShapeError>(item.rank() + 1 == list.rank(), "the item is no element of the list. Got {} for {}.", item.aval(),
                    list.aval());
  if (grows) list = grown(n, list, index_input);
  Arrays start(list.rank(), Array(0));
  start[0] = position(n, index_input, list);
  return dynamic_update_slice(list, astype(expand_dims(item, {0}), list.dtype()), start, false);
}

Values set_item(Node& n) {
  n.ignore({"element_dtype"});
  return {write_at(n, 0, 1, 2, n.attr_or<bool>("resize_if_index_out_of_bounds", false))};
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
    check<DtypeError>(canonical_dtype(list.dtype()) == type, "the list holds another dtype. Got {}; expected {}.",
                      list.dtype(), type);
  }
  return {dynamic_index_in_dim(list, position(n, 1, list), 0, false, false)};
}

Values stack_list(Node& n) {
  n.ignore({"num_elements", "element_dtype"});
  return {dense(n, 0, stated_type(n, 1, f32))};
}

Values from_tensor(Node& n) {
  n.ignore({"element_dtype", "shape_type"});
  if (n.input(0).get_if<Array>()) (void)n.array(0, 1);  // its rows are the elements
  return {n.input(0)};
}

Values length_of(const Node& n, std::size_t i) {
  const auto* list = n.input(i).get_if<TensorSequence>();
  const std::int64_t length[] = {list ? list->size : n.array(i, 1).shape()[0].value()};
  return {Value(known_integers(length, {}, DType::i32), true)};
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
  check(size > 0, "the list is empty.");
  return {slice_in_dim(list, 0, size - 1, 1, 0), squeeze(slice_in_dim(list, size - 1, size, 1, 0), {0})};
}

Values resize(Node& n) {
  const std::int64_t size = n.integer(1, 0);
  if (const auto* list = n.input(0).get_if<TensorSequence>())
    return {Value(TensorSequence{size, list->element_shape, list->dtype})};
  return {resized(n.array(0, 1), size)};
}

Values concat_lists(Node& n) {
  n.ignore({"element_dtype"});
  const auto empty = [&](std::size_t i) {
    const auto* list = n.input(i).get_if<TensorSequence>();
    return list && list->size == 0;
  };
  if (empty(0)) return {n.input(1)};
  if (empty(1)) return {n.input(0)};
  const auto element = [&](std::size_t i) -> std::optional<Aval> {
    if (!n.input(i).get_if<Array>()) return std::nullopt;
    const Array x = n.array(i, 1);
    return Aval{x.dtype(), Shape(x.shape().begin() + 1, x.shape().end()), false};
  };
  return {concatenate({dense(n, 0, element(1)), dense(n, 1, element(0))}, 0)};
}

// -1 where nothing is known.
Values element_shape(Node& n) {
  const DType type = n.attr<DType>("shape_type");
  std::optional<Shape> shape;
  if (const auto* list = n.input(0).get_if<TensorSequence>()) shape = list->element_shape;
  else shape = Shape(n.array(0, 1).shape().begin() + 1, n.array(0, 1).shape().end());
  if (!shape) return {Value(known_integers(Dims{-1}, {}, type), true)};
  return {sizes_value(*shape, false, type)};
}

Values gather_list(Node& n) {
  return {take(dense(n, 0, stated_type(n, 2, n.attr<DType>("element_dtype"))), astype(n.array(1, 1, 1), i32), 0)};
}

Array scattered(const Node& n, const Array& list, std::size_t items, std::size_t indices) {
  return scatter_windows(scatter, in_canonical_type(list), expand_dims(astype(n.array(indices, 1, 1), i32), {1}),
                         in_canonical_type(n.array(items, 1)));
}

// Inputs: elements, positions, element shape and, in the second version, the length; -1 is what the positions need.
Values scatter_list(Node& n) {
  n.ignore({"element_dtype", "shape_type"});
  const Array items = in_canonical_type(n.array(0, 1));
  std::int64_t length = n.num_inputs() > 3 ? n.integer(3, -1) : -1;
  if (length < 0) {
    const auto last = highest_known(n.array(1, 1, 1));
    check<ConcretizationError>(last || n.array(1).size() == 0,
                               "the positions decide the list's length and must be known. Got {}.", n.array(1).aval());
    length = last ? *last + 1 : 0;
  }
  const Shape element(items.shape().begin() + 1, items.shape().end());
  return {scattered(n, zeros(with_length(length, element), items.dtype()), 0, 1)};
}

Values scatter_into(Node& n) {
  n.ignore({"element_dtype"});
  Aval element = in_canonical_type(n.array(1, 1)).aval();
  element.shape.erase(element.shape.begin());
  return {scattered(n, dense(n, 0, element), 1, 2)};
}

// Elements one after another along their first axis, and how long each is.
Values joined_elements(const Array& list) {
  check<ShapeError>(list.rank() >= 2, "the elements must have an axis. Got a list {}.", list.aval());
  Shape joined(list.shape().begin() + 1, list.shape().end());
  joined[0] = joined[0] * list.shape()[0];
  const std::int64_t count = list.shape()[0].value();
  const std::vector<std::int64_t> lengths(count, list.shape()[1].value());
  return {reshape(list, joined), Value(known_integers(lengths, {count}, DType::i64), true)};
}

Array split_into(const Array& items, const Axes& lengths) {
  check<NotImplementedError>(std::ranges::all_of(lengths, [&](auto l) { return l == lengths[0]; }),
                             "pieces of different lengths are not implemented. Got {}.", tuple_string(lengths));
  Shape shape(items.shape());
  shape.insert(shape.begin(), Dim(lengths.size()));
  if (!lengths.empty()) shape[1] = Dim(lengths[0]);
  return reshape(items, shape);
}

Values concat_list(Node& n) {
  n.ignore({"shape_type", "element_shape"});
  const DType type = n.attr<DType>("element_dtype");
  return joined_elements(dense(n, 0, n.num_inputs() > 1 ? stated_type(n, 1, type) : std::nullopt));
}

Values split_list(Node& n) {
  n.ignore({"element_dtype", "shape_type"});
  return {split_into(in_canonical_type(n.array(0, 1)), n.integers(2))};
}

// ---- TensorArrayV3: the flow holds the elements, the handle says whether it grows.

Values tensor_array(Node& n) {
  n.ignore({"clear_after_read", "identical_element_shapes", "tensor_array_name"});
  const auto size = n.integer(0, 0);
  const auto shape = n.attr<std::optional<Dims>>("element_shape");
  std::optional<Shape> element;
  if (shape && std::ranges::none_of(*shape, [](std::int64_t d) { return d < 0; })) element = symbolic(*shape);
  return {Value(StringTensor{{}, {n.attr_or<bool>("dynamic_size", false) ? kGrowingArray : n.op()}}),
          Value(TensorSequence{size, element, canonical_dtype(n.attr<DType>("dtype"))})};
}

Values array_write(Node& n) {
  n.ignore({"T"});
  return {write_at(n, 3, 1, 2, is_growing_array(n.input(0)))};
}

Values array_read(Node& n) {
  n.ignore({"dtype"});
  const Array list = dense(n, 2, std::nullopt);
  return {dynamic_index_in_dim(list, position(n, 1, list), 0, false, false)};
}

Values array_gather(Node& n) {
  n.ignore({"dtype", "element_shape"});
  return {take(dense(n, 2, std::nullopt), astype(n.array(1, 1, 1), i32), 0)};
}

Values array_scatter(Node& n) {
  n.ignore({"T"});
  const Array items = in_canonical_type(n.array(2, 1)), indices = astype(n.array(1, 1, 1), i32);
  Aval element = items.aval();
  element.shape.erase(element.shape.begin());
  Array list = in_canonical_type(dense(n, 3, element));
  if (is_growing_array(n.input(0)) && indices.size() > 0) list = grown(n, list, 1);
  return {scatter_windows(scatter, list, expand_dims(indices, {1}), items)};
}

Values array_concat(Node& n) {
  n.ignore({"dtype", "element_shape_except0"});
  return joined_elements(dense(n, 1, std::nullopt));
}

Values array_split(Node& n) {
  n.ignore({"T"});
  return {split_into(in_canonical_type(n.array(1, 1)), n.integers(2))};
}

}  // namespace

void add_tensor_list_operations(ConverterTable& table) {
  table.add("TensorArrayV3", tensor_array);
  table.add("TensorArrayWriteV3", array_write, {.writes_array = true});
  table.add("TensorArrayReadV3", array_read);
  table.add("TensorArrayGatherV3", array_gather);
  table.add("TensorArrayScatterV3", array_scatter, {.writes_array = true});
  table.add("TensorArraySizeV3", [](Node& n) { return length_of(n, 1); });
  table.add("TensorArrayConcatV3", array_concat);
  table.add("TensorArraySplitV3", array_split);
  table.add("TensorArrayCloseV3", [](Node&) { return Values{}; }, {.has_no_value = true});
  table.add("TensorListReserve", reserve);
  table.add("EmptyTensorList", empty_list);
  table.add("TensorListSetItem", set_item);
  table.add("TensorListGetItem", get_item);
  table.add("TensorListStack", stack_list);
  table.add("TensorListFromTensor", from_tensor);
  table.add("TensorListLength", [](Node& n) { return length_of(n, 0); });
  table.add("TensorListPushBack", push_back, {.grows_list = true});
  table.add("TensorListPopBack", pop_back, {.grows_list = true});
  table.add("TensorListResize", resize, {.grows_list = true});
  table.add("TensorListConcatLists", concat_lists, {.grows_list = true});
  table.add("TensorListElementShape", element_shape);
  table.add("TensorListGather", gather_list);
  table.add("TensorListScatter", scatter_list);
  table.add("TensorListScatterV2", scatter_list);
  table.add("TensorListScatterIntoExistingList", scatter_into);
  table.add("TensorListConcat", concat_list);
  table.add("TensorListConcatV2", concat_list);
  table.add("TensorListSplit", split_list);
}

}  // namespace tf2jax::tf_import
