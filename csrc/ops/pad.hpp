// Padding in one and two dimensions: with a constant, or with pixels of the image itself.
#pragma once

#include <string>

#include "ops/op.hpp"
#include "ops/window.hpp"

namespace cnnfast {

// Pixels added on each side, in PyTorch's order; negative numbers crop.
struct Sides {
  Index left = 0;
  Index right = 0;
  Index top = 0;
  Index bottom = 0;
};

std::string to_string(const Sides& sides);  // "(1, 2, 0, 0)"

enum class PadMode {
  constant,
  reflect,   // about the first and the last pixel, which are not repeated
  replicate  // the first and the last pixel; ONNX calls it "edge"
};

std::string mode_name(PadMode mode);

// Padding along one axis.
struct PadAxis {
  PadMode mode;
  Index in, before, after;

  Index out() const { return in + before + after; }
  // Outputs first() to end() - 1 are inputs, `before` places further on.
  Index first() const { return before > 0 ? before : 0; }
  Index end() const { return after > 0 ? before + in : out(); }
  // The input that an output in the padding equals; -1: the constant.
  Index source(Index place) const {
    const Index from = place - before;
    switch (mode) {
      case PadMode::constant: return -1;
      case PadMode::reflect: return from < 0 ? -from : 2 * (in - 1) - from;
      case PadMode::replicate: return from < 0 ? 0 : in - 1;
    }
    return -1;
  }
};

struct Pad2d : OpBase {
  static constexpr const char* kName = "Pad2d";

  struct Geometry {
    Index channels;
    PadAxis rows, cols;
    double value;
  };

  Pad2d(Sides padding_, const std::string& mode, double value);

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Sides>("padding"), argument<std::string>("mode", "constant"), argument<double>("value", 0.0));
  }
  template <class List>
  auto values(const List& list) const {
    return list(padding, mode_name(mode), value);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.rows.out(), g.cols.out()};
  }
  Geometry bind_shape(const Shapes& inputs) const;

  Sides padding;
  PadMode mode;
  double value;
};

struct Pad1d : OpBase {
  static constexpr const char* kName = "Pad1d";

  using Geometry = Pad2d::Geometry;

  Pad1d(Ends padding_, const std::string& mode, double value);

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Ends>("padding"), argument<std::string>("mode", "constant"), argument<double>("value", 0.0));
  }
  template <class List>
  auto values(const List& list) const {
    return list(padding, mode_name(mode), value);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.cols.out()};
  }
  Geometry bind_shape(const Shapes& inputs) const;

  Ends padding;
  PadMode mode;
  double value;
};

}  // namespace cnnfast
