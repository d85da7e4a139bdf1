// Images at other sizes: "NHWC" arrays.
#include "tf2jax/base/config.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/transforms/grad.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace tf2jax::tf_import {
namespace {

// How pixels of the result lie over those of the operand. Corners: the centres of the corner pixels coincide; centres:
// the corners of the corner pixels do; otherwise the top left centres do.
enum class Grid : std::uint8_t { corners, centres, legacy };

Grid grid(const Node& n) {
  const bool corners = n.attr<bool>("align_corners"), centres = n.attr<bool>("half_pixel_centers");
  if (corners && centres) raise<ValueError>("align_corners=True and half_pixel_centers=True are not supported. ");
  return corners ? Grid::corners : centres ? Grid::centres : Grid::legacy;
}

// The place of pixel i of `to` in units of the pixels of `from`, in float32 as TensorFlow computes it.
float place(Grid grid, std::int64_t i, std::int64_t from, std::int64_t to) {
  const auto x = static_cast<float>(i);
  if (grid == Grid::corners && to > 1) return x * (static_cast<float>(from - 1) / static_cast<float>(to - 1));
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  return grid == Grid::centres ? (x + 0.5f) * scale - 0.5f : x * scale;
}

constexpr std::int64_t kMaxTaps = 4096;  // pixels that one pixel of a smaller image is the mean of

template <class T>
Array constant(const std::vector<T>& values) {
  return from_span<T>(values, {static_cast<std::int64_t>(values.size())});
}

Array image(const Node& n, std::size_t i) {
  const Array x = n.array(i);
  if (x.rank() != 4)
    raise<ValueError>("Expected A 4D tensor with shape [batch, height, width, channels], found {}.",
                      to_string(x.shape()));
  return x;
}

// What the pixels of a result along one axis are sums of: pixel i of weight[k][i] times the operand's pixel
// index[k][i].
struct Taps {
  std::vector<std::vector<std::int32_t>> index;
  std::vector<std::vector<float>> weight;
  explicit Taps(std::size_t count) : index(count), weight(count) {}
  void add(std::size_t k, std::int64_t pixel, float w, std::int64_t from) {
    index[k].push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(pixel, 0, from - 1)));
    weight[k].push_back(w);
  }
};

Array along(const Array& x, std::int64_t axis, const std::vector<float>& weights) {
  Shape shape(x.rank(), Dim(1));
  shape[axis] = static_cast<std::int64_t>(weights.size());
  return astype(reshape(constant(weights), shape), x.dtype());
}

Array resample(const Array& x, std::int64_t axis, const Taps& taps) {
  Array out;
  for (std::size_t k = 0; k < taps.index.size(); ++k) {
    const Array term = mul(take(x, constant(taps.index[k]), axis), along(x, axis, taps.weight[k]));
    out = k == 0 ? term : add(out, term);
  }
  return out;
}

// Between the two nearest pixels.
Array linear(const Array& x, std::int64_t axis, std::int64_t to, Grid grid) {
  const std::int64_t from = x.shape()[axis].value();
  Taps taps(2);
  for (std::int64_t i = 0; i < to; ++i) {
    const float at = place(grid, i, from, to), below = std::floor(at);
    for (const int k : {0, 1}) taps.add(k, static_cast<std::int64_t>(below) + k, at - below, from);
  }
  const Array a = take(x, constant(taps.index[0]), axis), b = take(x, constant(taps.index[1]), axis);
  return add(a, mul(sub(b, a), along(x, axis, taps.weight[1])));
}

// Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -1/2 where pixels lie by their
// centres and -3/4 otherwise; TensorFlow tabulates the curve at 1024 places.
Array cubic(const Array& x, std::int64_t axis, std::int64_t to, Grid grid) {
  constexpr int kPlaces = 1024;
  const float a = grid == Grid::centres ? -0.5f : -0.75f;
  const auto near = [&](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [&](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  const std::int64_t from = x.shape()[axis].value();
  Taps taps(4);
  for (std::int64_t i = 0; i < to; ++i) {
    const float at = place(grid, i, from, to), below = std::floor(at);
    const float d = static_cast<float>(std::lrint((at - below) * kPlaces)) / kPlaces;
    std::array<float, 4> w{far(d + 1), near(d), near(1 - d), far(2 - d)};
    const auto first = static_cast<std::int64_t>(below) - 1;
    if (grid == Grid::centres) {  // pixels outside have no weight; otherwise those at the border have theirs
      float total = 0;
      for (int k = 0; k < 4; ++k) total += w[k] = first + k >= 0 && first + k < from ? w[k] : 0;
      if (std::abs(total) >= 1000 * std::numeric_limits<float>::min())
        for (float& v : w) v /= total;
    }
    for (int k = 0; k < 4; ++k) taps.add(k, first + k, w[k], from);
  }
  return resample(x, axis, taps);
}

// The mean of what a pixel of the result covers.
Array area(const Array& x, std::int64_t axis, std::int64_t to, bool align_corners) {
  const std::int64_t from = x.shape()[axis].value();
  const float scale = align_corners && to > 1 ? static_cast<float>(from - 1) / static_cast<float>(to - 1)
                                              : static_cast<float>(from) / static_cast<float>(to);
  const auto count = static_cast<std::int64_t>(std::ceil(scale)) + 1;
  Taps taps(count);
  for (std::int64_t i = 0; i < to; ++i) {
    const float begin = static_cast<float>(i) * scale, end = static_cast<float>(i + 1) * scale;
    const auto first = static_cast<std::int64_t>(std::floor(begin));
    for (std::int64_t k = 0; k < count; ++k) {
      const auto low = static_cast<float>(first + k);
      const float covered = std::max(std::min(low + 1, end) - std::max(low, begin), 0.f);
      taps.add(k, first + k, scale > 0 ? covered / scale : k == 0 ? 1.f : 0.f, from);
    }
  }
  return resample(x, axis, taps);
}

Array bilinear(const Array& x, const Dims& size, Grid grid) {
  return linear(linear(x, 2, size[1], grid), 1, size[0], grid);
}

Array nearest(const Array& x, const Dims& size, Grid grid) {
  Array y = x;
  for (const std::int64_t axis : {1, 2}) {
    const std::int64_t from = x.shape()[axis].value(), to = size[axis - 1];
    std::vector<std::int32_t> pixels;
    for (std::int64_t i = 0; i < to; ++i) {
      // Between centres the pixel whose area the place lies in; without them the one below it, or the next with
      // corners.
      const float at = place(grid, i, from, to);
      const float pixel = grid == Grid::legacy    ? std::floor(at)
                          : grid == Grid::corners ? std::round(at)
                                                  : std::floor(at + 0.5f);
      pixels.push_back(static_cast<std::int32_t>(std::clamp(pixel, 0.f, static_cast<float>(from - 1))));
    }
    y = take(y, constant(pixels), axis);
  }
  return y;
}

void check_not_empty(const Node& n, const Array& x) {
  if (x.shape()[1].value() < 1 || x.shape()[2].value() < 1)
    n.fail(fmt::format("the images {} have no pixels; expected at least one.", x.aval()));
}

// Height and width, input `i`, of images that are otherwise like x.
Dims image_size(const Node& n, std::size_t i, const Array& x) {
  const Dims size = n.integers(i, 2, 1);
  Shape shape = x.shape();
  shape[1] = size[0], shape[2] = size[1];
  check_sizes(shape, fmt::format("input {}", i));
  return size;
}

// JAX's names of precisions. Products are exact to the dtype here, whichever is asked for.
void check_precision(const std::string& name) {
  constexpr std::string_view kNames[] = {"default",  "fastest",       "high",   "highest",
                                         "bfloat16", "tensorfloat32", "float32"};
  check(std::ranges::count(kNames, name) == 1,
        "ResizeBilinear: unknown precision. Got resize_bilinear_precision='{}'; expected one of '{}'.", name,
        fmt::join(kNames, "', '"));
}

Values resize_bilinear(Node& n) {
  check_precision(config().resize_bilinear_precision);
  const Grid g = grid(n);
  const Array x = image(n, 0);
  check_not_empty(n, x);
  const Dims size = image_size(n, 1, x);
  return {bilinear(is_floating(x.dtype()) ? x : astype(x, f32), size, g)};
}

Values resize_bicubic(Node& n) {
  const Grid g = grid(n);
  const Array x = image(n, 0);
  check_not_empty(n, x);
  const Dims size = image_size(n, 1, x);
  return {cubic(cubic(astype(x, f32), 2, size[1], g), 1, size[0], g)};
}

Values resize_area(Node& n) {
  const bool corners = n.attr<bool>("align_corners");
  const Array x = image(n, 0);
  check_not_empty(n, x);
  const Dims size = image_size(n, 1, x);
  // Each pixel of the result adds up what it covers.
  for (const int axis : {1, 2})
    if (x.shape()[axis].value() / size[axis - 1] > kMaxTaps)
      n.fail(fmt::format("the images {} become too small, {}; expected at most {} pixels for one.", x.aval(),
                         tuple_string(size), kMaxTaps));
  return {area(area(astype(x, f32), 1, size[0], corners), 2, size[1], corners)};
}

// How much a pixel at distance x, in pixels, counts. Sources: Duchon 1979 (Lanczos), Keys 1981, Mitchell and Netravali
// 1988; the radius of the Gaussian is three standard deviations.
struct Kernel {
  const char* name;
  Array (*f)(const Array& x);
};
template <int radius>
Array lanczos(const Array& x) {
  const Array t = mul(x, std::numbers::pi_v<float>), safe = where(less(x, 1e-3f), ones_like(x), t);
  const Array y = divide(mul(mul(sin(safe), sin(divide(safe, float{radius}))), float{radius}), mul(safe, safe));
  return where(greater(x, float{radius}), zeros_like(x), where(less_equal(x, 1e-3f), ones_like(x), y));
}
Array gaussian(const Array& x) {
  return where(greater_equal(x, 1.5f), zeros_like(x), exp(mul(mul(x, x), -2.f)));  // sigma = 1.5 / 3
}
Array box(const Array& x) {
  return where(less(x, 0.5f), ones_like(x), where(equal(x, 0.5f), full_like(x, 0.5f), zeros_like(x)));
}
Array triangle(const Array& x) { return maximum(sub(1.f, x), 0.f); }
Array in_two_parts(const Array& x, const Array& near, const Array& far) {
  return where(greater_equal(x, 2.f), zeros_like(x), where(greater_equal(x, 1.f), far, near));
}
Array polynomial(const Array& x, float a, float b, float c, float d) {
  return add(mul(add(mul(add(mul(x, a), b), x), c), x), d);
}
Array keys_cubic(const Array& x) {
  return in_two_parts(x, polynomial(x, 1.5f, -2.5f, 0, 1), polynomial(x, -0.5f, 2.5f, -4, 2));
}
Array mitchell_cubic(const Array& x) {
  return in_two_parts(x, polynomial(x, 7.f / 6, -2, 0, 8.f / 9), polynomial(x, -7.f / 18, 2, -10.f / 3, 16.f / 9));
}
constexpr Kernel kKernels[] = {{"lanczos1", lanczos<1>},
                               {"lanczos3", lanczos<3>},
                               {"lanczos5", lanczos<5>},
                               {"gaussian", gaussian},
                               {"box", box},
                               {"triangle", triangle},
                               {"keyscubic", keys_cubic},
                               {"mitchellcubic", mitchell_cubic}};

// The weights of `from` pixels in each of `to`, which lie at scale * pixel + translation; rows outside are zero.
Array kernel_weights(const Kernel& kernel, std::int64_t from, std::int64_t to, const Array& scale,
                     const Array& translation, bool antialias) {
  const Array inverse = divide(1.f, scale), half = Array(0.5f);
  const Array at = sub(mul(add(iota(f32, {to, 1}, 0), half), inverse), mul(translation, inverse));
  const Array width = antialias ? maximum(inverse, 1.f) : ones_like(inverse);
  const Array distance = divide(abs(sub(add(iota(f32, {1, from}, 1), half), at)), width);
  const Array weights = kernel.f(distance), total = sum(weights, {1}, KeepDims::yes);
  const Array some = greater_equal(abs(total), 1000 * std::numeric_limits<float>::min());
  const Array normal = divide(weights, where(some, total, ones_like(total)));
  const Array inside = logical_and(greater_equal(at, 0.f), less_equal(at, static_cast<float>(from)));
  return where(logical_and(some, inside), normal, zeros_like(normal));
}

Values scale_and_translate(Node& n) {
  const auto name = n.attr<std::string>("kernel_type");
  const auto kernel = std::ranges::find(kKernels, name, &Kernel::name);
  if (kernel == std::end(kKernels))
    n.fail(fmt::format("attribute 'kernel_type' is '{}'; no kernel of that name.", name));
  const bool antialias = n.attr<bool>("antialias");
  const Array x = image(n, 0), scale = n.array(2, 1, 1), translation = n.array(3, 1, 1);
  check_not_empty(n, x);
  const Dims size = image_size(n, 1, x);
  check<ShapeError>(scale.size() == 2 && translation.size() == 2,
                    "scale and translation must be two numbers each. Got {} and {}.", scale.aval(), translation.aval());
  Array y = astype(x, f32);
  for (const int axis : {1, 2}) {
    const std::int64_t from = x.shape()[axis].value(), to = size[axis - 1];
    check_sizes(Shape{Dim(from), Dim(to)}, n.op());
    const auto of_axis = [&](const Array& v) { return squeeze(slice_in_dim(v, axis - 1, axis, 1, 0), {0}); };
    const Array weights = kernel_weights(*kernel, from, to, of_axis(scale), of_axis(translation), antialias);
    y = einsum(axis == 1 ? "oh,bhwc->bowc" : "ow,bhwc->bhoc", std::array{weights, y});
  }
  return {y};
}

Grid nearest_grid(const Node& n) {
  const bool corners = n.attr<bool>("align_corners"), centres = n.attr<bool>("half_pixel_centers");
  if (corners && centres) raise<ValueError>("Only align_corners=False and half_pixel_centers=True is supported.");
  return corners ? Grid::corners : centres ? Grid::centres : Grid::legacy;
}

Values resize_nearest(Node& n) {
  const Grid g = nearest_grid(n);
  const Array x = image(n, 0);
  check_not_empty(n, x);
  return {nearest(x, image_size(n, 1, x), g)};
}

// The cotangent of images of the given size.
template <class Resize>
Array pull_back(const Array& ct, const Shape& shape, Resize resize) {
  return std::get<0>(vjp(resize, zeros(shape, ct.dtype())).second(ct));
}

Values resize_bilinear_grad(Node& n) {
  const Grid g = grid(n);
  const Array ct = image(n, 0), original = image(n, 1);
  check_not_empty(n, original);
  const Dims size{ct.shape()[1].value(), ct.shape()[2].value()};
  return {pull_back(ct, original.shape(), [&](const Array& x) { return bilinear(x, size, g); })};
}

Values resize_nearest_grad(Node& n) {
  const bool corners = n.attr<bool>("align_corners");
  const Grid g = corners ? Grid::corners : n.attr<bool>("half_pixel_centers") ? Grid::centres : Grid::legacy;
  const Array ct = image(n, 0);
  const Dims original = image_size(n, 1, ct), size{ct.shape()[1].value(), ct.shape()[2].value()};
  Shape shape = ct.shape();
  shape[1] = original[0], shape[2] = original[1];
  return {pull_back(ct, shape, [&](const Array& x) { return nearest(x, size, g); })};
}

}  // namespace

void add_resize_operations(ConverterTable& table) {
  table.add("ResizeBilinear", resize_bilinear);
  table.add("ResizeNearestNeighbor", resize_nearest);
  table.add("ResizeBicubic", resize_bicubic);
  table.add("ResizeArea", resize_area);
  table.add("ScaleAndTranslate", scale_and_translate);
  table.add("ResizeBilinearGrad", resize_bilinear_grad);
  table.add("ResizeNearestNeighborGrad", resize_nearest_grad);
}

}  // namespace tf2jax::tf_import
