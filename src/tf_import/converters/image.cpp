// Colours, crops, patches and projections of images: "NHWC" arrays.
#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include <array>

namespace tf2jax::tf_import {
namespace {

// ---- colours; the last axis holds three channels.

using Channels = std::array<Array, 3>;

Channels channels(const Node& n, const Array& x) {
  if (x.rank() < 1 || !identical(x.shape().back(), Dim(3)))
    n.fail(fmt::format("the images are {}; expected a last axis of 3 channels.", x.aval()));
  const Arrays parts = unstack(x, -1);
  return {parts[0], parts[1], parts[2]};
}
Array joined(const Channels& c) { return stack(c, -1); }
Array clipped(const Array& x) { return minimum(maximum(x, 0.f), 1.f); }

// Smith, "Color gamut transform pairs", 1978; grey has hue 0.
struct Colour {
  Array hue, lowest, highest;
};
Colour colour_of(const Channels& rgb) {
  const auto& [r, g, b] = rgb;
  const Array highest = maximum(maximum(r, g), b), lowest = minimum(minimum(r, g), b), range = sub(highest, lowest);
  const Array one = ones_like(highest), zero = zeros_like(highest), some = greater(range, 0.f);
  const Array norm = divide(1.f, mul(6.f, where(some, range, one)));
  const Array of_others =
      where(equal(g, highest), add(mul(norm, sub(b, r)), 2.f / 6), add(mul(norm, sub(r, g)), 4.f / 6));
  const Array hue = where(some, where(equal(r, highest), mul(norm, sub(g, b)), of_others), zero);
  return {where(less(hue, 0.f), add(hue, 1.f), hue), lowest, highest};
}
// How far each channel of a hue is from the lowest to the highest.
Channels ramps(const Array& hue) {
  const Array sixth = mul(hue, 6.f);
  const auto ramp = [&](float centre, float sign, float offset) {
    return clipped(add(mul(abs(sub(sixth, centre)), sign), offset));
  };
  return {ramp(3, 1, -1), ramp(2, -1, 2), ramp(4, -1, 2)};
}

Channels hsv_of(const Channels& rgb) {
  const Colour c = colour_of(rgb);
  const Array bright = greater(c.highest, 0.f), safe = where(bright, c.highest, ones_like(c.highest));
  return {c.hue, where(bright, divide(sub(c.highest, c.lowest), safe), zeros_like(safe)), c.highest};
}
Channels rgb_of(const Channels& hsv) {
  const auto& [h, s, v] = hsv;
  Channels out = ramps(h);
  for (Array& x : out) x = mul(add(sub(1.f, s), mul(s, x)), v);
  return out;
}

// By the range of the channels, so that colours with negative ones, which have no saturation, turn too.
Values adjust_hue(Node& n) {
  const Array x = n.array(0, 3), delta = n.scalar(1);
  const Colour c = colour_of(channels(n, x));
  const Array turned = add(c.hue, delta), range = sub(c.highest, c.lowest);
  Channels out = ramps(sub(turned, floor(turned)));
  for (Array& y : out) y = add(c.lowest, mul(range, y));
  return {joined(out)};
}
Values adjust_saturation(Node& n) {
  const Array x = n.array(0, 3), scale = n.scalar(1);
  Channels hsv = hsv_of(channels(n, x));
  hsv[1] = clipped(mul(hsv[1], scale));
  return {joined(rgb_of(hsv))};
}
// Away from, or towards, the mean of each channel of each image.
Values adjust_contrast(Node& n) {
  const Array x = n.array(0, 3), factor = n.scalar(1);
  const Array centre = mean(x, {x.rank() - 3, x.rank() - 2}, KeepDims::yes);
  return {add(mul(sub(x, centre), factor), centre)};
}

// ---- pixels at places

Dims height_and_width(const Node& n, const Array& x) {
  const Dims size{x.shape()[1].value(), x.shape()[2].value()};
  if (size[0] < 1 || size[1] < 1) n.fail(fmt::format("the images {} have no pixels; expected at least one.", x.aval()));
  return size;
}

// The pixels (row, column) of image `which`, as arrays of one shape; requires that they are there.
Array pixels(const Array& x, const Array& which, const Array& row, const Array& column) {
  const Dims d = x.dims();
  const Array flat = reshape(x, {Dim(d[0] * d[1] * d[2]), Dim(d[3])});
  const auto i = [](const Array& v) { return astype(v, i32); };
  const auto width = static_cast<std::int32_t>(d[2]), height = static_cast<std::int32_t>(d[1]);
  return take(flat, add(mul(add(mul(i(which), height), i(row)), width), i(column)), 0);
}
// Whether places are between the first and the last pixel of an axis, and the nearest ones that are.
Array inside(const Array& at, std::int64_t size) {
  return logical_and(greater_equal(at, 0.f), less_equal(at, static_cast<float>(size - 1)));
}
Array bounded(const Array& at, std::int64_t size) { return minimum(maximum(at, 0.f), static_cast<float>(size - 1)); }
Array with_channels(const Array& x) { return expand_dims(x, {-1}); }

// Boxes are fractions of the images; crops interpolate between pixels, and what lies outside has one value.
Values crop_and_resize(Node& n) {
  const auto method = n.attr<std::string>("method");
  const float outside = n.attr<float>("extrapolation_value");
  check(method == "bilinear" || method == "nearest", "the method is not known. Got '{}'; expected bilinear or nearest.",
        method);
  const Array x = n.array(0, 4, 4), boxes = n.array(1, 2, 2), which = n.array(2, 1, 1);
  const Dims crop = n.integers(3, 2, 1), size = height_and_width(n, x);
  check<ShapeError>(identical(boxes.shape()[1], Dim(4)) && identical(boxes.shape()[0], which.shape()[0]),
                    "the boxes do not belong to their images. Got {} and {}.", boxes.aval(), which.aval());
  const std::int64_t count = boxes.shape()[0].value();
  check_sizes(Shape{Dim(count), Dim(crop[0]), Dim(crop[1]), x.shape()[3]}, "input 3");
  const Arrays sides = split(boxes, {1, 1, 1, 1}, 1);  // y1, x1, y2, x2 as columns
  const auto places = [&](int axis) {
    const Array &low = sides[axis], &high = sides[axis + 2];
    const auto last = static_cast<float>(size[axis] - 1);
    if (crop[axis] == 1) return mul(add(low, high), 0.5f * last);
    const Array step = mul(sub(high, low), last / static_cast<float>(crop[axis] - 1));
    // The product is rounded, as in TensorFlow: a place that a fused one moves over an edge has another value.
    return add(mul(low, last), reduce_precision(mul(iota(f32, {1, crop[axis]}, 1), step), 8, 23));
  };
  const Array y = places(0), xs = places(1);
  const Shape grid{Dim(count), Dim(crop[0]), Dim(crop[1])};
  const auto rows = [&](const Array& v) { return broadcast_to(expand_dims(v, {2}), grid); };
  const auto columns = [&](const Array& v) { return broadcast_to(expand_dims(v, {1}), grid); };
  const Array image = broadcast_to(expand_dims(which, {1, 2}), grid), source = astype(x, f32);
  const auto read = [&](const Array& row, const Array& column) {
    return pixels(source, image, rows(bounded(row, size[0])), columns(bounded(column, size[1])));
  };
  const Array valid = with_channels(logical_and(rows(inside(y, size[0])), columns(inside(xs, size[1]))));
  Array out;
  if (method == "nearest") {
    const auto rounded = [](const Array& at) { return floor(add(at, 0.5f)); };
    out = read(rounded(y), rounded(xs));
  } else {
    const Array top = floor(y), left = floor(xs), bottom = ceil(y), right = ceil(xs);
    const Array across = with_channels(columns(sub(xs, left))), down = with_channels(rows(sub(y, top)));
    const auto between = [](const Array& a, const Array& b, const Array& w) { return add(a, mul(sub(b, a), w)); };
    out = between(between(read(top, left), read(top, right), across),
                  between(read(bottom, left), read(bottom, right), across), down);
  }
  return {where(valid, out, full_like(out, outside))};
}

// Where a place outside [0, n) is looked up. Source: the documentation of tf.image and its kernel.
Array mapped(const Array& at, std::int64_t size, const std::string& mode) {
  const auto n = static_cast<float>(size);
  if (mode == "CONSTANT") return at;
  if (mode == "NEAREST") return bounded(at, size);
  if (size <= 1) return where(inside(at, size), at, zeros_like(at));
  const auto whole = [](const Array& v) { return where(less(v, 0.f), ceil(v), floor(v)); };
  Array low, high;
  if (mode == "REFLECT") {
    const float period = 2 * n;
    const Array below = where(less(at, period), add(at, mul(whole(divide(neg(at), period)), period)), at);
    low = where(less(below, -n), add(below, period), sub(neg(below), 1.f));
    const Array above = sub(at, mul(whole(divide(at, period)), period));
    high = where(greater_equal(above, n), sub(period - 1, above), above);
  } else {  // WRAP
    const float period = n - 1;
    low = add(at, mul(add(whole(divide(neg(at), period)), 1.f), n));
    high = sub(at, mul(whole(divide(at, period)), n));
  }
  return bounded(where(less(at, 0.f), low, where(greater(at, n - 1), high, at)), size);
}

// Output (x, y) shows the place ((a x + b y + c) / k, (d x + e y + f) / k) of the operand, k = g x + h y + 1.
Values projective_transform(Node& n) {
  const auto interpolation = n.attr<std::string>("interpolation"), mode = n.attr<std::string>("fill_mode");
  check(interpolation == "NEAREST" || interpolation == "BILINEAR",
        "the interpolation is not known. Got '{}'; expected NEAREST or BILINEAR.", interpolation);
  check(mode == "CONSTANT" || mode == "NEAREST" || mode == "REFLECT" || mode == "WRAP",
        "fill_mode is not known. Got '{}'; expected CONSTANT, NEAREST, REFLECT or WRAP.", mode);
  const Array x = n.array(0, 4, 4), transforms = n.array(1, 2, 2);
  const Array fill = n.num_inputs() > 3 ? astype(n.scalar(3), x.dtype()) : zeros({}, x.dtype());
  const Dims to = n.integers(2, 2, 1), size = height_and_width(n, x);
  const std::int64_t images = x.shape()[0].value();
  const Dim rows = transforms.shape()[0];
  check<ShapeError>(
      identical(transforms.shape()[1], Dim(8)) && (identical(rows, Dim(1)) || identical(rows, Dim(images))),
      "the transforms do not belong to the images. Got {} and {}.", transforms.aval(), x.aval());
  check_sizes(Shape{Dim(images), Dim(to[0]), Dim(to[1]), x.shape()[3]}, "input 2");
  const Shape grid{Dim(images), Dim(to[0]), Dim(to[1])};
  const Array column = iota(f32, grid, 2), row = iota(f32, grid, 1), image = iota(i32, grid, 0);
  Arrays t = split(astype(transforms, f32), Axes(8, 1), 1);
  for (Array& v : t) v = expand_dims(v, {2});
  const Array k = add(add(mul(t[6], column), mul(t[7], row)), 1.f), flat = equal(k, 0.f);
  const Array divisor = where(flat, ones_like(k), k);
  const auto place = [&](int first, int axis) {
    const Array at = divide(add(add(mul(t[first], column), mul(t[first + 1], row)), t[first + 2]), divisor);
    return mapped(at, size[axis], mode);
  };
  const Array px = place(0, 1), py = place(3, 0);
  const auto read = [&](const Array& r, const Array& c) {
    const Array value = pixels(x, image, bounded(r, size[0]), bounded(c, size[1]));
    return where(with_channels(logical_and(inside(r, size[0]), inside(c, size[1]))), value, fill);
  };
  Array out;
  if (interpolation == "NEAREST") {
    const auto rounded = [](const Array& v) { return mul(sign(v), floor(add(abs(v), 0.5f))); };  // halves away from 0
    out = read(rounded(py), rounded(px));
  } else {
    const Array top = floor(py), left = floor(px), bottom = add(top, 1.f), right = add(left, 1.f);
    const auto mix = [&](const Array& a, const Array& b, const Array& to_b) {
      const Array w = with_channels(to_b);
      return add(mul(sub(1.f, w), a), mul(w, b));
    };
    const auto level = [&](const Array& r) {
      return mix(astype(read(r, left), f32), astype(read(r, right), f32), sub(px, left));
    };
    out = astype(mix(level(top), level(bottom), sub(py, top)), x.dtype());
  }
  return {where(with_channels(flat), fill, out)};
}

// Each patch as one pixel whose channels are those of its pixels, row by row.
Values extract_patches(Node& n) {
  const auto padding = n.attr<std::string>("padding");
  check(padding == "SAME" || padding == "VALID", "the padding is not known. Got '{}'; expected SAME or VALID.",
        padding);
  constexpr std::int64_t kMost = 4096;  // pixels of a patch, each of which is a slice
  const auto sizes = n.attr_integers("ksizes", 4, 1, kMost), strides = n.attr_integers("strides", 4, 1),
             rates = n.attr_integers("rates", 4, 1, kMost);
  if (sizes[0] != 1 || sizes[3] != 1 || strides[0] != 1 || strides[3] != 1 || rates[0] != 1 || rates[3] != 1)
    n.fail("ksizes, strides and rates must be 1 for batch and channels.");
  if (sizes[1] * sizes[2] > kMost)
    n.fail(fmt::format("patches have {} pixels; expected at most {}.", sizes[1] * sizes[2], kMost));
  const Array x = n.array(0, 4, 4);
  const Dims size = height_and_width(n, x), step{strides[1], strides[2]}, rate{rates[1], rates[2]},
             window{(sizes[1] - 1) * rate[0] + 1, (sizes[2] - 1) * rate[1] + 1};
  const Padding pads = window_padding(size, window, step, padding);
  const Array padded = pad(x, {{0, 0}, pads[0], pads[1], {0, 0}}, zeros({}, x.dtype()));
  Dims count;
  for (int a = 0; a < 2; ++a) count.push_back((size[a] + pads[a].first + pads[a].second - window[a]) / step[a] + 1);
  if (count[0] < 1 || count[1] < 1) n.fail(fmt::format("no patch fits the images {}.", x.aval()));
  Arrays parts;
  for (std::int64_t i = 0; i < sizes[1]; ++i)
    for (std::int64_t j = 0; j < sizes[2]; ++j) {
      const Array rows = slice_in_dim(padded, i * rate[0], i * rate[0] + (count[0] - 1) * step[0] + 1, step[0], 1);
      parts.push_back(slice_in_dim(rows, j * rate[1], j * rate[1] + (count[1] - 1) * step[1] + 1, step[1], 2));
    }
  return {concatenate(parts, 3)};
}

}  // namespace

void add_image_operations(ConverterTable& table) {
  table.add("RGBToHSV", [](Node& n) { return Values{joined(hsv_of(channels(n, n.array(0, 1))))}; });
  table.add("HSVToRGB", [](Node& n) { return Values{joined(rgb_of(channels(n, n.array(0, 1))))}; });
  table.add("AdjustHue", adjust_hue);
  table.add("AdjustSaturation", adjust_saturation);
  table.add("AdjustContrastv2", adjust_contrast);
  table.add("CropAndResize", crop_and_resize);
  for (const char* op : {"ImageProjectiveTransformV2", "ImageProjectiveTransformV3"})
    table.add(op, projective_transform);
  table.add("ExtractImagePatches", extract_patches);
}

}  // namespace tf2jax::tf_import
