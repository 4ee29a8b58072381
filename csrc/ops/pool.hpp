// Geometry shared by the pools: windows that slide over an image, or a given number of windows (adaptive).
#pragma once

#include "ops/window.hpp"

namespace cnnfast {

// The windows along one axis. Tap t of a window is at position origin(window) + t * dilation, if that is on the image.
struct PoolAxis {
  Index in, out, kernel, stride, before, after, dilation;
  bool adaptive;

  // First position of a window, negative in the padding.
  Index origin(Index window) const { return adaptive ? window * in / out : window * stride - before; }
  // One past its last position; beyond the image in the padding.
  Index end(Index window) const {
    return adaptive ? ((window + 1) * in + out - 1) / out : window * stride - before + (kernel - 1) * dilation + 1;
  }
};

// ... on an image. Adaptive windows differ in size: `kernel` is large enough for each; stride and padding are unused.
struct Pool : Window {
  Index channels = 0;
  bool adaptive = false;

  PoolAxis rows() const { return {h, h_out, kernel.h, stride.h, pad.top, pad.bottom, dilation.h, adaptive}; }
  PoolAxis cols() const { return {w, w_out, kernel.w, stride.w, pad.left, pad.right, dilation.w, adaptive}; }
};

// Checks that need no input: those of a sliding window, and that padding is smaller than the window on every side.
void check_pool(const char* op, const Sliding& sliding);
void check_pool_line(const char* op, const Sliding& sliding);
// The same for the number of windows of an adaptive pool.
void check_adaptive(const char* op, const Extent& windows);

// Fails where a window would contain no pixel of the image (dilation may step over a small image).
Pool bind_pool(const char* op, const Shape& image, const Sliding& sliding, bool ceil_mode);
Pool bind_pool_line(const char* op, const Shape& line, const Sliding& sliding, bool ceil_mode);

// PyTorch's rule: of `count` windows, window i covers positions floor(i in / count) to ceil((i + 1) in / count).
// Where all have one size and one distance, the result is an ordinary pool with that kernel and stride.
Pool bind_adaptive(const char* op, const Shape& image, const Extent& windows);
Pool bind_adaptive_line(const char* op, const Shape& line, Index windows);

// Max-pools keep the number of a pixel in its window as a float: fails where a window has more than one can count.
void check_numbers(const char* op, const Extent& kernel);

}  // namespace cnnfast
