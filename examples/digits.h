// Digits drawn by the program itself: seven-segment-like strokes, moved, scaled, slanted and blurred at random.
#pragma once
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <random>
#include <vector>

namespace digits {

inline constexpr int kSize = 16;

struct Batch {
  tf2jax::Array images;  // f32[n, 16, 16, 1], ink in [0, 1]
  tf2jax::Array labels;  // i32[n]
};

/// Draws `n` digits with random position, size, slant, thickness and noise.
inline Batch draw(int n, unsigned seed) {
  // Strokes on a unit square, y downwards: polylines per digit.
  using P = std::pair<float, float>;
  static const std::vector<std::vector<P>> strokes[10] = {
      {{{.5f, 0}, {.9f, .25f}, {.9f, .75f}, {.5f, 1}, {.1f, .75f}, {.1f, .25f}, {.5f, 0}}},
      {{{.25f, .2f}, {.55f, 0}, {.55f, 1}}},
      {{{.1f, .2f}, {.5f, 0}, {.9f, .25f}, {.1f, 1}, {.9f, 1}}},
      {{{.1f, 0}, {.9f, 0}, {.45f, .4f}, {.9f, .7f}, {.5f, 1}, {.1f, .85f}}},
      {{{.7f, 1}, {.7f, 0}, {.1f, .65f}, {.95f, .65f}}},
      {{{.9f, 0}, {.2f, 0}, {.15f, .45f}, {.7f, .4f}, {.9f, .7f}, {.5f, 1}, {.1f, .9f}}},
      {{{.8f, 0}, {.3f, .35f}, {.1f, .75f}, {.5f, 1}, {.9f, .75f}, {.5f, .5f}, {.15f, .7f}}},
      {{{.1f, 0}, {.9f, 0}, {.4f, 1}}},
      {{{.5f, .45f}, {.15f, .2f}, {.5f, 0}, {.85f, .2f}, {.5f, .45f}, {.1f, .75f}, {.5f, 1}, {.9f, .75f}, {.5f, .45f}}},
      {{{.85f, .3f}, {.5f, .5f}, {.1f, .25f}, {.5f, 0}, {.85f, .3f}, {.7f, 1}}}};
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> images(static_cast<std::size_t>(n * kSize * kSize));
  std::vector<std::int32_t> labels(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    const int label = static_cast<int>(generator() % 10);
    labels[static_cast<std::size_t>(i)] = label;
    const float height = 10.5f + 1.5f * uniform(generator), width = 7.f + 1.5f * uniform(generator),
                slant = 0.25f * uniform(generator);
    const float left = (kSize - width) / 2 + 1.3f * uniform(generator),
                top = (kSize - height) / 2 + 1.3f * uniform(generator);
    const float thickness = 0.85f + 0.3f * uniform(generator);
    const auto place = [&](P p) {
      return P{left + width * (p.first + slant * (0.5f - p.second)), top + height * p.second};
    };
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) {
        float nearest = 1e9f;
        for (const auto& line : strokes[label])
          for (std::size_t k = 0; k + 1 < line.size(); ++k) {
            const auto [ax, ay] = place(line[k]);
            const auto [bx, by] = place(line[k + 1]);
            const float dx = bx - ax, dy = by - ay, px = static_cast<float>(x) + .5f - ax,
                        py = static_cast<float>(y) + .5f - ay;
            const float t = std::clamp((px * dx + py * dy) / (dx * dx + dy * dy), 0.f, 1.f);
            nearest = std::min(nearest, std::hypot(px - t * dx, py - t * dy));
          }
        const float ink = std::clamp(thickness + 0.5f - nearest, 0.f, 1.f) + 0.06f * uniform(generator);
        images[static_cast<std::size_t>((i * kSize + y) * kSize + x)] = std::clamp(ink, 0.f, 1.f);
      }
  }
  return {tf2jax::from_span<float>(images, {n, kSize, kSize, 1}), tf2jax::from_span<std::int32_t>(labels, {n})};
}

}  // namespace digits
