#include "ops/window.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace cnnfast {

std::string to_string(const Extent& extent) { return concat(extent.h, "x", extent.w); }

std::string to_string(const Padding& padding) {
  return concat("((", padding.top, ", ", padding.bottom, "), (", padding.left, ", ", padding.right, "))");
}

void check_window(const char* op, const Extent& kernel, const Extent& stride, const Padding& pad) {
  const auto in_range = [](Index v, Index low) { return v >= low && v <= kMaxExtent; };
  if (!in_range(kernel.h, 1) || !in_range(kernel.w, 1)) {
    fail(op, ": kernel_size must be from 1 to ", kMaxExtent, ", got (", kernel.h, ", ", kernel.w, ")");
  }
  if (!in_range(stride.h, 1) || !in_range(stride.w, 1)) {
    fail(op, ": stride must be from 1 to ", kMaxExtent, ", got (", stride.h, ", ", stride.w, ")");
  }
  if (!in_range(pad.top, 0) || !in_range(pad.bottom, 0) || !in_range(pad.left, 0) || !in_range(pad.right, 0)) {
    fail(op, ": padding must be from 0 to ", kMaxExtent, ", got ", to_string(pad), " [(top, bottom), (left, right)]");
  }
}

void check_image(const char* op, const Shape& input, Index channels) {
  if (input.rank() != 3) {
    fail(op, ": expected an input of shape (c, h, w), got ", to_string(input));
  }
  if (channels > 0 && input[0] != channels) {
    fail(op, ": expected ", channels, " input channels, got input ", to_string(input), " [c, h, w]");
  }
}

namespace {

Index output_extent(Index in, Index kernel, Index stride, Index before, Index after, bool ceil_mode) {
  const Index room = in + before + after - kernel;
  Index out = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= in + before) --out;
  return out;
}

}  // namespace

Window place_window(const char* op, const Shape& input, const Extent& kernel, const Extent& stride, const Padding& pad,
                    bool ceil_mode) {
  check_image(op, input, 0);
  Window window;
  window.h = input[1];
  window.w = input[2];
  window.kernel = kernel;
  window.stride = stride;
  window.pad = pad;
  // Rounding up, a window may hang over the far edge by less than a stride.
  const Index need_h = std::max<Index>(1, kernel.h - pad.top - pad.bottom - (ceil_mode ? stride.h - 1 : 0));
  const Index need_w = std::max<Index>(1, kernel.w - pad.left - pad.right - (ceil_mode ? stride.w - 1 : 0));
  if (window.h < need_h || window.w < need_w) {
    const std::string padded = pad.any() ? concat(" padded by ", to_string(pad)) : std::string();
    fail(op, ": kernel ", to_string(kernel), " does not fit input ", to_string(input), " [c, h, w]", padded,
         "; need h >= ", need_h, " and w >= ", need_w);
  }
  window.h_out = output_extent(window.h, kernel.h, stride.h, pad.top, pad.bottom, ceil_mode);
  window.w_out = output_extent(window.w, kernel.w, stride.w, pad.left, pad.right, ceil_mode);
  return window;
}

}  // namespace cnnfast
