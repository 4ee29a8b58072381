#include "ops/window.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace cnnfast {

std::string to_string(const Extent& extent) { return concat(extent.h, "x", extent.w); }

std::string to_string(const Padding& padding) {
  return concat("((", padding.top, ", ", padding.bottom, "), (", padding.left, ", ", padding.right, "))");
}

std::string to_string(const Ends& ends) { return concat("(", ends.before, ", ", ends.after, ")"); }

namespace {

bool in_range(Index v, Index low) { return v >= low && v <= kMaxExtent; }
bool in_range(const Extent& e, Index low) { return in_range(e.h, low) && in_range(e.w, low); }
bool in_range(const Padding& p, Index low) {
  return in_range(p.top, low) && in_range(p.bottom, low) && in_range(p.left, low) && in_range(p.right, low);
}

// A window must reach at most this far, so that sums of sizes cannot overflow.
bool reaches_too_far(const Sliding& s) { return s.reach_h() > kMaxExtent || s.reach_w() > kMaxExtent; }

// One axis of a window, both ends of its padding added up in `room`.
struct Axis {
  Index in, reach, stride, before, after;
  // The smallest input that fits. Rounding up, a window may hang over the far edge by less than a stride.
  Index need(bool ceil_mode) const { return std::max<Index>(1, reach - before - after - (ceil_mode ? stride - 1 : 0)); }
  Index out(bool ceil_mode) const {
    const Index room = in + before + after - reach;
    const Index count = (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    return ceil_mode && (count - 1) * stride >= in + before ? count - 1 : count;
  }
};

}  // namespace

void check_sliding(const char* op, const Sliding& s) {
  const auto check = [&](const char* argument, const Extent& e) {
    if (!in_range(e, 1)) fail(op, ": ", argument, " must be from 1 to ", kMaxExtent, ", got (", e.h, ", ", e.w, ")");
  };
  check("kernel_size", s.kernel);
  check("stride", s.stride);
  if (!in_range(s.pad, 0)) {
    fail(op, ": padding must be from 0 to ", kMaxExtent, ", got ", to_string(s.pad), " [(top, bottom), (left, right)]");
  }
  check("dilation", s.dilation);
  if (reaches_too_far(s)) {
    fail(op, ": kernel ", to_string(s.kernel), " with dilation ", to_string(s.dilation), " spans ", s.reach_h(), "x",
         s.reach_w(), " pixels; at most ", kMaxExtent, " each way are possible");
  }
}

void check_sliding_line(const char* op, const Sliding& s) {
  const auto check = [&](const char* argument, Index value) {
    if (!in_range(value, 1)) fail(op, ": ", argument, " must be from 1 to ", kMaxExtent, ", got ", value);
  };
  check("kernel_size", s.kernel.w);
  check("stride", s.stride.w);
  if (!in_range(s.pad, 0)) {
    fail(op, ": padding must be from 0 to ", kMaxExtent, ", got (", s.pad.left, ", ", s.pad.right, ") [before, after]");
  }
  check("dilation", s.dilation.w);
  if (reaches_too_far(s)) {
    fail(op, ": a kernel of ", s.kernel.w, " with dilation ", s.dilation.w, " spans ", s.reach_w(), " values; at most ",
         kMaxExtent, " are possible");
  }
}

namespace {

// One more after than before where it is odd: "same" of PyTorch.
Padding around(const Sliding& s) {
  const Index h = s.reach_h() - 1, w = s.reach_w() - 1;
  return {h / 2, h - h / 2, w / 2, w - w / 2};
}

Padding same_padding(const char* op, const Sliding& s) {
  check_sliding(op, s);
  if (s.stride.h != 1 || s.stride.w != 1) {
    fail(op, ": padding \"same\" needs stride 1, got (", s.stride.h, ", ", s.stride.w, ")");
  }
  return around(s);
}

Padding same_padding_line(const char* op, const Sliding& s) {
  check_sliding_line(op, s);
  if (s.stride.w != 1) fail(op, ": padding \"same\" needs stride 1, got ", s.stride.w);
  return around(s);
}

}  // namespace

Sliding sliding(const char* op, Extent kernel, Extent stride, const PaddingOrSame& padding, Extent dilation) {
  Sliding s{kernel, stride, {}, dilation};
  const Padding* numbers = std::get_if<Padding>(&padding);
  s.pad = numbers != nullptr ? *numbers : same_padding(op, s);
  return s;
}

Sliding sliding_line(const char* op, Index kernel, Index stride, const EndsOrSame& padding, Index dilation) {
  const Ends* numbers = std::get_if<Ends>(&padding);
  Sliding s = on_line(kernel, stride, numbers != nullptr ? *numbers : Ends(), dilation);
  if (numbers == nullptr) s.pad = same_padding_line(op, s);
  return s;
}

void check_image(const char* op, const Shape& input, Index channels) {
  if (input.rank() != 3) {
    fail(op, ": expected an input of shape (c, h, w), got ", to_string(input));
  }
  if (channels > 0 && input[0] != channels) {
    fail(op, ": expected ", channels, " input channels, got input ", to_string(input), " [c, h, w]");
  }
}

void check_line(const char* op, const Shape& input, Index channels) {
  if (input.rank() != 2) {
    fail(op, ": expected an input of shape (c, l), got ", to_string(input));
  }
  if (channels > 0 && input[0] != channels) {
    fail(op, ": expected ", channels, " input channels, got input ", to_string(input), " [c, l]");
  }
}

Window bind_window(const char* op, const Shape& input, const Sliding& s, bool ceil_mode) {
  check_image(op, input, 0);
  const Axis rows{input[1], s.reach_h(), s.stride.h, s.pad.top, s.pad.bottom};
  const Axis cols{input[2], s.reach_w(), s.stride.w, s.pad.left, s.pad.right};
  if (rows.in < rows.need(ceil_mode) || cols.in < cols.need(ceil_mode)) {
    const bool dilated = s.dilation.h > 1 || s.dilation.w > 1;
    fail(op, ": kernel ", to_string(s.kernel), dilated ? concat(" with dilation ", to_string(s.dilation)) : "",
         " does not fit input ", to_string(input), " [c, h, w]",
         s.pad.any() ? concat(" padded by ", to_string(s.pad)) : "", "; need h >= ", rows.need(ceil_mode),
         " and w >= ", cols.need(ceil_mode));
  }
  return {s, rows.in, cols.in, rows.out(ceil_mode), cols.out(ceil_mode)};
}

Window bind_line(const char* op, const Shape& input, const Sliding& s, bool ceil_mode) {
  check_line(op, input, 0);
  const Axis axis{input[1], s.reach_w(), s.stride.w, s.pad.left, s.pad.right};
  if (axis.in < axis.need(ceil_mode)) {
    fail(op, ": a kernel of ", s.kernel.w, s.dilation.w > 1 ? concat(" with dilation ", s.dilation.w) : "",
         " does not fit input ", to_string(input), " [c, l]",
         s.pad.any() ? concat(" padded by (", s.pad.left, ", ", s.pad.right, ")") : "",
         "; need l >= ", axis.need(ceil_mode));
  }
  return {s, 1, axis.in, 1, axis.out(ceil_mode)};
}

}  // namespace cnnfast
