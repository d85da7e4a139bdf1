// Windows as one shifted slice for each of their places: dilation, and positions of maxima.
#include <limits>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/converters/internal/layout.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

constexpr std::int64_t kMostPlaces = 4096;  // each is an equation

// The windows of an image [n, h, w, c]: sizes, strides and rates of rows and columns.
struct Windows {
  Dims size, stride, rate;
  Padding padding;

  Dims results(const Array& x) const {
    Dims out;
    for (int i : {0, 1}) {
      const std::int64_t reach = (size[i] - 1) * rate[i] + 1;
      const std::int64_t room = x.shape()[i + 1].value() + padding[i].first + padding[i].second - reach;
      out.push_back(room < 0 ? 0 : room / stride[i] + 1);
    }
    return out;
  }
  // What place (row, column) of every window shows; `outside` in the padding.
  Array at(const Array& x, std::int64_t row, std::int64_t column, const Array& outside) const {
    const Array padded =
        pad(x, outside,
            {{0, 0, 0}, {padding[0].first, padding[0].second, 0}, {padding[1].first, padding[1].second, 0}, {0, 0, 0}});
    const Dims n = results(x);
    const std::int64_t y = row * rate[0], z = column * rate[1];
    const Shape start{0, y, z, 0};
    const Shape limit{padded.shape()[0], y + (n[0] - 1) * stride[0] + 1, z + (n[1] - 1) * stride[1] + 1,
                      padded.shape()[3]};
    return slice(padded, start, limit, Dims{1, stride[0], stride[1], 1});
  }
};

Windows windows_of(const Node& n, const Array& x, Dims size, Dims stride, Dims rate) {
  check<ResourceExhaustedError>(size[0] * size[1] <= kMostPlaces,
                                "the window is too large. Got {} by {}; expected at most {} places.", size[0], size[1],
                                kMostPlaces);
  Dims reach;
  for (int i : {0, 1}) reach.push_back((size[i] - 1) * rate[i] + 1);
  const Dims sizes{x.shape()[1].value(), x.shape()[2].value()};
  const Padding padding = padding_pairs({n.attr<std::string>("padding"), {}}, sizes, reach, stride);
  return {std::move(size), std::move(stride), std::move(rate), padding};
}

Dims rows_and_columns(const Node& n, std::string_view name) {
  const auto all = n.attr_integers(name, 4, 1);
  if (all[0] != 1 || all[3] != 1) n.fail(fmt::format("{} must be 1 along the batch and the channels.", name));
  return {all[1], all[2]};
}

// The largest sum of a window's elements and the filter's. Source: the definition of Dilation2D.
Values dilation(Node& n) {
  const Array x = n.array(0, 4, 4), filter = n.array(1, 3, 3);
  check<ShapeError>(identical(x.shape()[3], filter.shape()[2]),
                    "the image and the filter must have the same channels. Got {} and {}.", x.aval(), filter.aval());
  const Windows w = windows_of(n, x, {filter.shape()[0].value(), filter.shape()[1].value()},
                               rows_and_columns(n, "strides"), rows_and_columns(n, "rates"));
  const Dims results = w.results(x);
  check<ShapeError>(results[0] > 0 && results[1] > 0, "the filter is larger than the image. Got {} and {}.",
                    filter.aval(), x.aval());
  const Array lowest = astype(Array(-std::numeric_limits<double>::infinity()), x.dtype());
  Array out;
  for (std::int64_t i = 0; i < w.size[0]; ++i)
    for (std::int64_t j = 0; j < w.size[1]; ++j) {
      const Array weight = squeeze(slice(filter, {i, j, 0}, {i + 1, j + 1, filter.shape()[2]}), {0, 1});
      const Array here = add(w.at(x, i, j, lowest), weight);
      out = out.has_value() ? where(greater(here, out), here, out) : here;
    }
  return {out};
}

// Maxima and where the first of each stands, flattened: ((n * h + y) * w + x) * c + channel, without n unless asked.
Values max_pool_with_argmax(Node& n) {
  const Array x = n.array(0, 4, 4);
  const Windows w = windows_of(n, x, rows_and_columns(n, "ksize"), rows_and_columns(n, "strides"), {1, 1});
  const Dims results = w.results(x);
  check<ShapeError>(results[0] > 0 && results[1] > 0, "the window is larger than the image. Got {}.", x.aval());
  const DType index_type = canonical_dtype(n.attr<DType>("Targmax"));
  const Dims d = x.dims();
  const std::int64_t image = d[1] * d[2] * d[3];
  const bool with_batch = n.attr<bool>("include_batch_in_index");
  check(d[0] * image <= std::numeric_limits<std::int32_t>::max(), "the image has too many elements to number. Got {}.",
        x.aval());
  Array places =
      reshape(iota(i32, {with_batch ? d[0] * image : image}, 0), Shape{with_batch ? d[0] : 1, d[1], d[2], d[3]});
  places = broadcast_to(places, x.shape());
  const Array lowest = astype(Array(-std::numeric_limits<double>::infinity()), x.dtype());
  Array best, where_best;
  for (std::int64_t i = 0; i < w.size[0]; ++i)
    for (std::int64_t j = 0; j < w.size[1]; ++j) {
      const Array value = w.at(x, i, j, lowest), place = w.at(places, i, j, Array(-1));
      if (!best.has_value()) {
        best = value, where_best = place;
        continue;
      }
      // The padding is in no window.
      const Array better = logical_and(greater_equal(place, 0), logical_or(less(where_best, 0), greater(value, best)));
      best = where(better, value, best);
      where_best = where(better, place, where_best);
    }
  return {best, astype(where_best, index_type)};
}

}  // namespace

void add_neighbour_operations(ConverterTable& table) {
  table.add("Dilation2D", dilation);
  table.add("MaxPoolWithArgmax", max_pool_with_argmax);
}

}  // namespace tf2jax::tf_import
