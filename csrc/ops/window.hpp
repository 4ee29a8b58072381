// Geometry shared by the operations that slide a window over an image: convolution and pooling.
#pragma once

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

// A window placed on an input of h x w: everything a kernel needs to walk it.
struct Window {
  Index h = 0, w = 0;          // input
  Index h_out = 0, w_out = 0;  // output
  Extent kernel;
  Extent stride;
  Padding pad;
};

std::string to_string(const Extent& extent);    // "3x5"
std::string to_string(const Padding& padding);  // "((0, 1), (0, 1))"

// Checks that need no input: kernel and stride at least 1, padding not negative.
void check_window(const char* op, const Extent& kernel, const Extent& stride, const Padding& pad);

// Places the window on the input (c, h, w); fails when the kernel does not fit the padded input.
// ceil_mode rounds the output size up, but never starts a window beyond the input and its leading
// padding (PyTorch's rule).
Window place_window(const char* op, const Shape& input, const Extent& kernel, const Extent& stride, const Padding& pad,
                    bool ceil_mode);

// Fails unless the shape has three axes (c, h, w), and c channels where c > 0.
void check_image(const char* op, const Shape& input, Index channels);

}  // namespace cnnfast
