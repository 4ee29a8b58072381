#include "ops/pool.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace cnnfast {

namespace {

constexpr Index kMaxWindow = Index{1} << 24;  // integers up to this are exact in float32

bool smaller(const Padding& pad, Index h, Index w) {
  return pad.top < h && pad.bottom < h && pad.left < w && pad.right < w;
}

// The first window whose taps all miss the image, or -1. Only one that begins in the padding can, and only by
// stepping over all of a small image.
Index blind_window(const PoolAxis& axis) {
  if (axis.adaptive || axis.in >= axis.dilation) return -1;
  for (Index window = 0; window < axis.out && axis.origin(window) < 0; ++window) {
    const Index steps = (-axis.origin(window) + axis.dilation - 1) / axis.dilation;
    if (axis.origin(window) + steps * axis.dilation >= axis.in) return window;
  }
  return -1;
}

// Whether windows that begin at floor(i in / windows) are equally far apart and of one size, which is then
// ceil(in / windows): windows have one size only where the remainder of in / windows is 0 or 1.
bool regular(Index in, Index windows) { return in >= windows && in % windows <= 1; }

// Both axes of an adaptive pool.
Pool adaptive(Index channels, const Extent& in, const Extent& windows) {
  Pool g;
  g.channels = channels;
  g.h = in.h, g.w = in.w;
  g.h_out = windows.h, g.w_out = windows.w;
  g.adaptive = !regular(in.h, windows.h) || !regular(in.w, windows.w);
  if (g.adaptive) {  // a window may begin and end between two multiples of in / out
    g.kernel = {std::min(in.h, in.h / windows.h + 2), std::min(in.w, in.w / windows.w + 2)};
  } else {
    g.stride = {in.h / windows.h, in.w / windows.w};
    g.kernel = {g.stride.h + in.h % windows.h, g.stride.w + in.w % windows.w};
  }
  return g;
}

}  // namespace

void check_pool(const char* op, const Sliding& s) {
  check_sliding(op, s);
  if (smaller(s.pad, s.reach_h(), s.reach_w())) return;
  const bool dilated = s.dilation.h > 1 || s.dilation.w > 1;
  fail(op, ": padding must be smaller than the kernel on every side, got padding ", to_string(s.pad),
       " [(top, bottom), (left, right)] for kernel ", to_string(s.kernel),
       dilated ? concat(" with dilation ", to_string(s.dilation)) : "");
}

void check_pool_line(const char* op, const Sliding& s) {
  check_sliding_line(op, s);
  if (smaller(s.pad, 1, s.reach_w())) return;
  fail(op, ": padding must be smaller than the kernel at both ends, got padding (", s.pad.left, ", ", s.pad.right,
       ") [before, after] for a kernel of ", s.kernel.w,
       s.dilation.w > 1 ? concat(" with dilation ", s.dilation.w) : "");
}

void check_adaptive(const char* op, const Extent& windows) {
  for (Index count : {windows.h, windows.w}) {
    if (count >= 1 && count <= kMaxExtent) continue;
    fail(op, ": output_size must be from 1 to ", kMaxExtent, ", got (", windows.h, ", ", windows.w, ")");
  }
}

Pool bind_pool(const char* op, const Shape& image, const Sliding& s, bool ceil_mode) {
  const Pool g{bind_window(op, image, s, ceil_mode), image[0], false};
  const bool blind_rows = blind_window(g.rows()) >= 0;
  if (blind_rows || blind_window(g.cols()) >= 0) {
    fail(op, ": with dilation ", to_string(s.dilation), " a window sees nothing but padding on input ",
         to_string(image), " [c, h, w] padded by ", to_string(s.pad), "; need ", blind_rows ? "h" : "w",
         " >= ", blind_rows ? s.dilation.h : s.dilation.w, " or less padding");
  }
  return g;
}

Pool bind_pool_line(const char* op, const Shape& line, const Sliding& s, bool ceil_mode) {
  const Pool g{bind_line(op, line, s, ceil_mode), line[0], false};
  if (blind_window(g.cols()) >= 0) {
    fail(op, ": with dilation ", s.dilation.w, " a window sees nothing but padding on input ", to_string(line),
         " [c, l] padded by (", s.pad.left, ", ", s.pad.right, "); need l >= ", s.dilation.w, " or less padding");
  }
  return g;
}

Pool bind_adaptive(const char* op, const Shape& image, const Extent& windows) {
  check_image(op, image, 0);
  return adaptive(image[0], {image[1], image[2]}, windows);
}

Pool bind_adaptive_line(const char* op, const Shape& line, Index windows) {
  check_line(op, line, 0);
  return adaptive(line[0], {1, line[1]}, {1, windows});
}

void check_numbers(const char* op, const Extent& kernel) {
  if (kernel.h <= kMaxWindow / kernel.w) return;
  fail(op, ": a window of ", to_string(kernel), " has too many pixels; at most ", kMaxWindow, " are possible");
}

}  // namespace cnnfast
