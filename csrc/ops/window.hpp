// Geometry shared by the operations that slide a window over an image or a sequence: convolution and pooling.
#pragma once

#include <variant>

#include "base/shape.hpp"

namespace cnnfast {

struct Extent {
  Index h = 1;
  Index w = 1;
};

struct Padding {
  Index top = 0;
  Index bottom = 0;
  Index left = 0;
  Index right = 0;
  bool any() const { return top != 0 || bottom != 0 || left != 0 || right != 0; }
};

// Padding of a sequence.
struct Ends {
  Index before = 0;
  Index after = 0;
};

// Padding in numbers, or that which keeps an input's size.
struct Same {};
using PaddingOrSame = std::variant<Padding, Same>;
using EndsOrSame = std::variant<Ends, Same>;

// A sliding window, as users set it.
struct Sliding {
  Extent kernel;
  Extent stride;
  Padding pad;
  Extent dilation;  // from one pixel of the window to the next

  // Pixels from the first to the last of a window, both included.
  Index reach_h() const { return (kernel.h - 1) * dilation.h + 1; }
  Index reach_w() const { return (kernel.w - 1) * dilation.w + 1; }
};

// ... on an input of h x w.
struct Window : Sliding {
  Index h = 0, w = 0;          // input
  Index h_out = 0, w_out = 0;  // output
};

std::string to_string(const Extent& extent);    // "3x5"
std::string to_string(const Padding& padding);  // "((0, 1), (0, 1))"
std::string to_string(const Ends& ends);        // "(0, 1)"

// Checks that need no input: kernel, stride and dilation at least 1, padding not negative.
void check_sliding(const char* op, const Sliding& sliding);

// The window on an image (c, h, w); fails when the kernel does not fit the padded image.
// ceil_mode rounds the output size up, but never starts a window beyond the input and its leading
// padding (PyTorch's rule).
Window bind_window(const char* op, const Shape& input, const Sliding& sliding, bool ceil_mode);

// Operations on sequences (c, l) are computed as on images of one row; these are the checks above with messages about
// sequences. Every height is 1; left and right are the two ends.
inline Sliding on_line(Index kernel, Index stride, const Ends& pad, Index dilation) {
  return {{1, kernel}, {1, stride}, {0, 0, pad.before, pad.after}, {1, dilation}};
}
// The settings of a convolution.
Sliding sliding(const char* op, Extent kernel, Extent stride, const PaddingOrSame& padding, Extent dilation);
Sliding sliding_line(const char* op, Index kernel, Index stride, const EndsOrSame& padding, Index dilation);
void check_sliding_line(const char* op, const Sliding& sliding);
Window bind_line(const char* op, const Shape& input, const Sliding& sliding, bool ceil_mode);

// Fails unless the shape has three axes (c, h, w), and c channels where c > 0.
void check_image(const char* op, const Shape& input, Index channels);
// Fails unless the shape has two axes (c, l), and c channels where c > 0.
void check_line(const char* op, const Shape& input, Index channels);

}  // namespace cnnfast
