// Own convolutions for few features. A row of output pixels is a product of matrices without copying patches: with
// features last, the patch of a pixel under one row of the kernel is contiguous and the next pixel's starts a few
// elements on.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "tf2jax/base/thread_pool.h"
#include "tf2jax/kernels/internal/conv_problem.h"
#include "tf2jax/kernels/internal/team.h"
#include "tf2jax/kernels/own/internal/vector_kernels.h"

namespace tf2jax::kernels {
namespace {

constexpr std::int64_t kBlockBytes = 192 << 10;  // input rows worked on at a time: within L2
constexpr std::int64_t kPixelsInFloat = 512;     // of a kernel gradient summed in T before they go to double
constexpr std::int64_t kMaxChunks = 16;  // partial kernel gradients; fixed, so that sums do not depend on the threads

// One spatial axis.
struct Axis {
  std::int64_t src, dst, kernel, stride, dilation, kernel_dilation, low, src_step, dst_step, kernel_step;
};

// With few features the lanes of a vector hold those of several neighbouring pixels: their patches overlap, and the
// taps a pixel does not have are zeros. (A NaN or an infinity then reaches the neighbours in its group.)
struct PixelGrouping {
  std::int64_t pixels = 1, vectors = 1;
  double cost = 0;  // cycles per output row, kernel row and input feature
};
PixelGrouping pixel_grouping(std::int64_t kernel, std::int64_t stride, std::int64_t features, std::int64_t width,
                             std::int64_t lanes) {
  const auto cost = [&](std::int64_t pixels, std::int64_t vectors) {
    const std::int64_t rows = (width + pixels - 1) / pixels, tiles = (rows + 13) / 14,
                       height = (rows + tiles - 1) / tiles;
    // Two multiplications a cycle, less what loads cost (measured); four cycles until a sum can be added to again.
    const double step = std::max(4.0, static_cast<double>(height * vectors) / 2 / (vectors == 1 ? 0.55 : 0.8));
    return static_cast<double>(tiles * (kernel + (pixels - 1) * stride)) * step;
  };
  const std::int64_t whole = (features + 2 * lanes - 1) / (2 * lanes);  // panels of two vectors
  PixelGrouping best{1, features <= lanes ? 1 : 2, 0};
  best.cost = cost(1, best.vectors) * static_cast<double>(whole);
  for (std::int64_t pixels = 2; pixels <= width && pixels * features <= 2 * lanes; ++pixels) {
    const std::int64_t needed = (pixels * features + lanes - 1) / lanes;
    if (cost(pixels, needed) < best.cost) best = {pixels, needed, cost(pixels, needed)};
  }
  return best;
}

template <class T>
class DirectConvolution final : public ConvImplementation {
 public:
  explicit DirectConvolution(const ConvProblem& p) : p_(p) {
    const auto axis = [&](std::size_t i) {
      return Axis{p.src.spatial[i],
                  p.dst.spatial[i],
                  p.kernel.spatial[i],
                  p.strides[i],
                  p.src_dilation[i],
                  p.kernel_dilation[i],
                  p.low[i],
                  p.src.spatial_strides[i],
                  p.dst.spatial_strides[i],
                  p.kernel.spatial_strides[i]};
    };
    x_ = axis(p.rank() - 1);
    y_ = p.rank() == 2 ? axis(0) : Axis{1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
    joined_ = p.groups == 1 && x_.kernel_dilation == 1;  // a whole kernel row is one run of elements
    lanes_ = vector_kernels().lanes_f32 * 4 / static_cast<std::int64_t>(sizeof(T));
    const bool dense_row = x_.dst_step == p.dst.features && (p.dst.feature_stride == 1 || p.dst.features == 1);
    if (p.kind == ConvProblem::Kind::forward && joined_ && dense_row)
      grouping_ = pixel_grouping(x_.kernel, x_.stride, p.dst.features, x_.dst, lanes_);
    const std::int64_t pixels = (x_.dst + grouping_.pixels - 1) / grouping_.pixels * grouping_.pixels;
    columns_in_ = (pixels - 1) * x_.stride + (x_.kernel - 1) * x_.kernel_dilation + 1;
    pitch_ = columns_in_ * p.src.features;
    const bool unpadded = [](const Axis& a) { return a.low == 0 && a.dilation == 1; }(x_) && y_.low == 0 &&
                          y_.dilation == 1 && columns_in_ <= x_.src && rows_in(y_.dst) <= y_.src;
    in_place_ = unpadded && p.src.channels_last();
    if (in_place_) pitch_ = x_.src * p.src.features;
    const std::int64_t row_bytes = pitch_ * y_.stride * static_cast<std::int64_t>(sizeof(T));
    block_ = std::clamp<std::int64_t>(kBlockBytes / std::max<std::int64_t>(1, row_bytes), 1, y_.dst);
    if (p.kind == ConvProblem::Kind::kernel_gradient)
      block_ = std::clamp<std::int64_t>(kPixelsInFloat / x_.dst, 1, block_);
    blocks_ = (y_.dst + block_ - 1) / block_;
  }

  void run(const ConvBuffers& d) const override {
    if (p_.kind == ConvProblem::Kind::kernel_gradient) return kernel_gradient(d);
    forward(d);
    apply_epilogue(p_, const_cast<void*>(d.dst), d.bias, d.residual);
  }
  std::string name() const override { return std::string("own ") + vector_kernels().name; }

 private:
  std::int64_t rows_in(std::int64_t rows_out) const {
    return (rows_out - 1) * y_.stride + (y_.kernel - 1) * y_.kernel_dilation + 1;
  }
  static void multiply(const TapPiece& piece) {
    if constexpr (sizeof(T) == 4) vector_kernels().taps_f32(piece);
    else vector_kernels().taps_f64(piece);
  }

  // The input rows that output rows [first, first + rows) of an image need, padded and dilated.
  const T* input(const T* src, std::int64_t image, std::int64_t first, std::int64_t rows, bool copy) const {
    const T* const from = src + image * p_.src.batch_stride;
    if (in_place_ && !copy) return from + first * y_.stride * pitch_;
    const std::int64_t features = p_.src.features, count = rows_in(rows);
    // A vector load may run past the last row.
    T* const to = static_cast<T*>(thread_scratch(ScratchSlot::input, (count * pitch_ + 2 * lanes_) * sizeof(T)));
    for (std::int64_t r = 0; r < count; ++r) {
      T* row = to + r * pitch_;
      const std::int64_t y = first * y_.stride + r - y_.low;
      if (y < 0 || y % y_.dilation || y / y_.dilation >= y_.src) {
        std::fill_n(row, pitch_, T(0));
        continue;
      }
      const T* const line = from + y / y_.dilation * y_.src_step;
      const std::int64_t width = pitch_ / features;
      if (x_.dilation == 1 && p_.src.feature_stride == 1 && x_.src_step == features) {
        const std::int64_t begin = std::clamp<std::int64_t>(x_.low, 0, width),
                           end = std::clamp<std::int64_t>(x_.low + x_.src, begin, width);
        std::fill_n(row, begin * features, T(0));
        std::memcpy(row + begin * features, line + (begin - x_.low) * features, ((end - begin) * features) * sizeof(T));
        std::fill_n(row + end * features, (width - end) * features, T(0));
        continue;
      }
      for (std::int64_t q = 0; q < width; ++q, row += features) {
        const std::int64_t x = q - x_.low;
        if (x < 0 || x % x_.dilation || x / x_.dilation >= x_.src) std::fill_n(row, features, T(0));
        else
          for (std::int64_t c = 0; c < features; ++c)
            row[c] = line[x / x_.dilation * x_.src_step + c * p_.src.feature_stride];
      }
    }
    std::fill_n(to + count * pitch_, 2 * lanes_, T(0));
    return to;
  }

  // One row of the output, several pixels to a row of the product.
  void grouped_row(TapPiece piece) const {
    const std::int64_t features = p_.dst.features, rest = x_.dst % grouping_.pixels;
    piece.rows = (x_.dst + grouping_.pixels - 1) / grouping_.pixels;
    piece.columns = piece.cm = grouping_.pixels * features;
    piece.am *= grouping_.pixels;
    T* const out = static_cast<T*>(piece.c);
    if (rest) piece.c = thread_scratch(ScratchSlot::tile, (piece.rows * piece.cm) * sizeof(T));
    multiply(piece);
    if (rest) std::memcpy(out, piece.c, (x_.dst * features) * sizeof(T));
  }

  // One row of a panel of the output, wherever its features lie.
  void row_of(TapPiece piece) const {
    if (grouping_.pixels > 1) return grouped_row(piece);
    if (p_.dst.feature_stride == 1 || p_.dst.features == 1) return multiply(piece);
    T* const out = static_cast<T*>(piece.c);
    T* const row = static_cast<T*>(thread_scratch(ScratchSlot::tile, (x_.dst * piece.columns) * sizeof(T)));
    piece.c = row;
    piece.cm = piece.columns;
    const std::int64_t columns = piece.columns;
    multiply(piece);
    for (std::int64_t c = 0; c < columns; ++c)
      for (std::int64_t x = 0; x < x_.dst; ++x) out[c * p_.dst.feature_stride + x * x_.dst_step] = row[x * columns + c];
  }

  // Kernel as panels of up to two vectors of out features: [group][panel][tap][run][width].
  void forward(const ConvBuffers& d) const {
    const std::int64_t group_out = p_.dst.features / p_.groups, group_in = p_.kernel.in_features;
    const std::int64_t taps = joined_ ? y_.kernel : y_.kernel * x_.kernel,
                       depth = joined_ ? (x_.kernel + (grouping_.pixels - 1) * x_.stride) * group_in : group_in;
    const std::int64_t wide = 2 * lanes_, panels = (group_out + wide - 1) / wide, panel_size = taps * depth * wide;
    const PooledBuffer packed((p_.groups * panels * panel_size) * sizeof(T));
    if (grouping_.pixels > 1) pack_grouped(static_cast<const T*>(d.kernel), packed.as<T>());
    else pack(static_cast<const T*>(d.kernel), packed.as<T>(), group_out, panels, panel_size, wide);

    std::vector<std::int64_t> b_offsets[2], a_offsets;  // of narrow and wide panels
    for (std::int64_t t = 0; t < taps; ++t) {
      b_offsets[0].push_back(t * depth * lanes_);
      b_offsets[1].push_back(t * depth * wide);
      a_offsets.push_back(joined_ ? t * y_.kernel_dilation * pitch_
                                  : t / x_.kernel * y_.kernel_dilation * pitch_ +
                                        t % x_.kernel * x_.kernel_dilation * p_.src.features);
    }
    const std::int64_t work = std::max<std::int64_t>(1, p_.multiplications() / (p_.dst.batch * blocks_));
    parallel_for(p_.dst.batch * blocks_, ((1 << 17) + work - 1) / work, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t item = begin; item < end; ++item) {
        const std::int64_t image = item / blocks_, first = item % blocks_ * block_,
                           rows = std::min(block_, y_.dst - first);
        const T* const in = input(static_cast<const T*>(d.src), image, first, rows, false);
        for (std::int64_t y = 0; y < rows; ++y)
          for (std::int64_t g = 0; g < p_.groups; ++g)
            for (std::int64_t panel = 0; panel < panels; ++panel) {
              const std::int64_t columns = std::min(wide, group_out - panel * wide),
                                 feature = g * group_out + panel * wide;
              const bool narrow = grouping_.pixels > 1 ? grouping_.vectors == 1 : columns <= lanes_;
              row_of({x_.dst, columns, taps, depth, in + y * y_.stride * pitch_ + g * group_in, a_offsets.data(),
                      x_.stride * p_.src.features, 1, packed.as<T>() + (g * panels + panel) * panel_size,
                      b_offsets[narrow ? 0 : 1].data(), narrow ? lanes_ : wide,
                      static_cast<T*>(const_cast<void*>(d.dst)) + image * p_.dst.batch_stride +
                          (first + y) * y_.dst_step + feature * p_.dst.feature_stride,
                      x_.dst_step, false});
            }
      }
    });
  }

  void pack(const T* kernel, T* out, std::int64_t group_out, std::int64_t panels, std::int64_t panel_size,
            std::int64_t wide) const {
    for (std::int64_t g = 0; g < p_.groups; ++g)
      for (std::int64_t panel = 0; panel < panels; ++panel) {
        const std::int64_t columns = std::min(wide, group_out - panel * wide),
                           width = columns <= lanes_ ? lanes_ : wide;
        const T* const from = kernel + (g * group_out + panel * wide) * p_.kernel.out_stride;
        T* to = out + (g * panels + panel) * panel_size;
        for (std::int64_t y = 0; y < y_.kernel; ++y)
          for (std::int64_t x = 0; x < x_.kernel; ++x)
            for (std::int64_t c = 0; c < p_.kernel.in_features; ++c, to += width)
              for (std::int64_t o = 0; o < width; ++o)
                to[o] = o < columns ? from[o * p_.kernel.out_stride + c * p_.kernel.in_stride + y * y_.kernel_step +
                                           x * x_.kernel_step]
                                    : T(0);
      }
  }

  // Lane (pixel q, feature o) at input column x holds the tap x - q * stride, or 0 outside the kernel.
  void pack_grouped(const T* kernel, T* out) const {
    const std::int64_t width = grouping_.vectors * lanes_, features = p_.dst.features,
                       columns = x_.kernel + (grouping_.pixels - 1) * x_.stride;
    std::fill_n(out, y_.kernel * columns * p_.kernel.in_features * width, T(0));
    for (std::int64_t y = 0; y < y_.kernel; ++y)
      for (std::int64_t x = 0; x < columns; ++x)
        for (std::int64_t c = 0; c < p_.kernel.in_features; ++c, out += width)
          for (std::int64_t q = 0; q < grouping_.pixels; ++q) {
            const std::int64_t tap = x - q * x_.stride;
            if (tap < 0 || tap >= x_.kernel) continue;
            const T* const from = kernel + y * y_.kernel_step + tap * x_.kernel_step + c * p_.kernel.in_stride;
            for (std::int64_t o = 0; o < features; ++o) out[q * features + o] = from[o * p_.kernel.out_stride];
          }
  }

  // Cotangent rows with the out features padded to whole vectors.
  const T* cotangent(const T* dst, std::int64_t image, std::int64_t first, std::int64_t rows,
                     std::int64_t width) const {
    T* const to = static_cast<T*>(thread_scratch(ScratchSlot::cotangent, (rows * x_.dst * width) * sizeof(T)));
    const std::int64_t features = p_.dst.features;
    for (std::int64_t y = 0; y < rows; ++y)
      for (std::int64_t x = 0; x < x_.dst; ++x) {
        const T* const from = dst + image * p_.dst.batch_stride + (first + y) * y_.dst_step + x * x_.dst_step;
        T* const pixel = to + (y * x_.dst + x) * width;
        for (std::int64_t c = 0; c < features; ++c) pixel[c] = from[c * p_.dst.feature_stride];
        for (std::int64_t c = features; c < width; ++c) pixel[c] = T(0);
      }
    return to;
  }

  // A kernel's gradient is `runs` products of patches of `run` numbers with cotangents of `features`.
  struct GradientLayout {
    std::int64_t features, run, runs, width;
    bool patch_lanes;                                   // vectors along the patch rather than along the features
    std::vector<std::int64_t> in_offsets, out_offsets;  // of the rows of a block
    std::int64_t size() const { return runs * run * features; }
  };
  GradientLayout gradient_layout() const {
    const std::int64_t features = p_.dst.features, in = p_.src.features, run = joined_ ? x_.kernel * in : in;
    const auto filled = [&](std::int64_t n) {
      return static_cast<double>(n) / static_cast<double>((n + lanes_ - 1) / lanes_ * lanes_);
    };
    const bool patch_lanes = filled(run) > 1.2 * filled(features);  // which side fills vectors better
    GradientLayout l{features,
                     run,
                     joined_ ? y_.kernel : y_.kernel * x_.kernel,
                     patch_lanes ? features : (features + lanes_ - 1) / lanes_ * lanes_,
                     patch_lanes,
                     {},
                     {}};
    for (std::int64_t y = 0; y < block_; ++y) {
      l.in_offsets.push_back(y * y_.stride * pitch_);
      l.out_offsets.push_back(y * x_.dst * l.width);
    }
    return l;
  }

  // Adds what rows [first, first + rows) of an image give.
  void add_gradient(const ConvBuffers& d, const GradientLayout& l, std::int64_t image, std::int64_t first,
                    std::int64_t rows, T* tile, double* total) const {
    const std::int64_t in = p_.src.features, wide = 2 * lanes_, columns = l.patch_lanes ? l.run : l.features;
    const T* const x = input(static_cast<const T*>(d.src), image, first, rows, l.patch_lanes);
    const T* const g = cotangent(static_cast<const T*>(d.dst), image, first, rows, l.width);
    for (std::int64_t r = 0; r < l.runs; ++r) {
      const T* const patch =
          x + (joined_ ? r * y_.kernel_dilation * pitch_
                       : r / x_.kernel * y_.kernel_dilation * pitch_ + r % x_.kernel * x_.kernel_dilation * in);
      for (std::int64_t j = 0; j < columns; j += wide)
        multiply({l.patch_lanes ? l.features : l.run, std::min(wide, columns - j), rows, x_.dst,
                  l.patch_lanes ? g : patch, l.patch_lanes ? l.out_offsets.data() : l.in_offsets.data(), 1,
                  l.patch_lanes ? l.width : x_.stride * in, l.patch_lanes ? patch + j : g + j,
                  l.patch_lanes ? l.in_offsets.data() : l.out_offsets.data(), l.patch_lanes ? x_.stride * in : l.width,
                  tile + j, columns, false});
      double* const to = total + r * l.run * l.features;
      if (l.patch_lanes) {
        for (std::int64_t e = 0; e < l.run; ++e)
          for (std::int64_t o = 0; o < l.features; ++o)
            to[e * l.features + o] += static_cast<double>(tile[o * l.run + e]);
      } else {
        for (std::int64_t e = 0; e < l.run * l.features; ++e) to[e] += static_cast<double>(tile[e]);
      }
    }
  }

  // Sums over a block of rows in registers, over blocks in double: the number of pixels does not eat the precision.
  void kernel_gradient(const ConvBuffers& d) const {
    const GradientLayout layout = gradient_layout();
    const std::int64_t features = layout.features, in = p_.src.features, size = layout.size(),
                       items = p_.dst.batch * blocks_, chunks = std::min(items, kMaxChunks);
    const PooledBuffer sums((chunks * size) * sizeof(double));
    parallel_for(chunks, p_.multiplications() < (1 << 18) ? chunks : 1, [&](std::int64_t begin, std::int64_t end) {
      T* const tile = static_cast<T*>(thread_scratch(ScratchSlot::tile, (layout.run * features) * sizeof(T)));
      for (std::int64_t chunk = begin; chunk < end; ++chunk) {
        double* const total = sums.as<double>() + chunk * size;
        std::fill_n(total, size, 0.0);
        for (std::int64_t item = items * chunk / chunks; item < items * (chunk + 1) / chunks; ++item) {
          const std::int64_t first = item % blocks_ * block_;
          add_gradient(d, layout, item / blocks_, first, std::min(block_, y_.dst - first), tile, total);
        }
      }
    });
    T* const out = static_cast<T*>(const_cast<void*>(d.kernel));
    for (std::int64_t e = 0; e < size; ++e) {
      double total = 0;
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) total += sums.as<double>()[chunk * size + e];
      const std::int64_t o = e % features, c = e / features % in, x = e / features / in % x_.kernel,
                         y = e / features / in / x_.kernel;
      out[o * p_.kernel.out_stride + c * p_.kernel.in_stride + y * y_.kernel_step + x * x_.kernel_step] =
          static_cast<T>(total);
    }
  }

  ConvProblem p_;
  Axis x_, y_;
  std::int64_t columns_in_, pitch_, block_, blocks_, lanes_;
  bool in_place_, joined_;
  PixelGrouping grouping_;
};

}  // namespace

double direct_advantage(const ConvProblem& p) {
  const std::size_t x = p.rank() - 1;
  const std::int64_t lanes = vector_kernels().lanes_f32, features = p.dst.features,
                     vectors = (features + lanes - 1) / lanes;
  if (p.groups != 1 || p.kernel_dilation[x] != 1) return 0;
  const double other = static_cast<double>(p.dst.spatial[x] * vectors * p.kernel.spatial[x]) / 2 / 0.75;
  return other / pixel_grouping(p.kernel.spatial[x], p.strides[x], features, p.dst.spatial[x], lanes).cost;
}

namespace {
// Whether a copy of the input for one row of the output takes much, and more than the input itself: windows with wide
// holes, which what copies nothing does. Sizes of a file may overflow integers.
bool copies_much(const ConvProblem& p) {
  constexpr double kMuch = 1 << 28;
  double copied = static_cast<double>(p.src.features) * itemsize(p.dtype), there = copied;
  for (std::size_t i = 0; i < p.rank(); ++i) {
    const double window = static_cast<double>(p.kernel.spatial[i] - 1) * static_cast<double>(p.kernel_dilation[i]) + 1;
    const bool is_row = i + 1 == p.rank();
    copied *= window + (is_row ? static_cast<double>(p.dst.spatial[i] - 1) * static_cast<double>(p.strides[i]) : 0);
    there *= static_cast<double>(p.src.spatial[i]);
  }
  return copied > std::max(kMuch, there);
}
}  // namespace

std::unique_ptr<const ConvImplementation> make_direct_convolution(const ConvProblem& p) {
  if (p.kind == ConvProblem::Kind::data_gradient || p.rank() < 1 || p.rank() > 2 || p.multiplications() == 0)
    return nullptr;
  if (p.kind == ConvProblem::Kind::kernel_gradient && p.groups != 1) return nullptr;
  if (copies_much(p)) return nullptr;
  if (p.dtype == DType::f64) return std::make_unique<DirectConvolution<double>>(p);
  return std::make_unique<DirectConvolution<float>>(p);
}

}  // namespace tf2jax::kernels
