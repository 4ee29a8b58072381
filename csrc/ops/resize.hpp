// Nearest-neighbor resizing to any size, by the rules of ONNX's Resize.
#pragma once

#include <optional>
#include <string>

#include "ops/op.hpp"
#include "ops/window.hpp"

namespace cnnfast {

// Factors of height and width, not integers in general.
struct Scale {
  double h = 1;
  double w = 1;
};

enum class NearestMode { floor, ceil, round_prefer_floor, round_prefer_ceil };
enum class Coordinates { asymmetric, half_pixel, pytorch_half_pixel, half_pixel_symmetric, align_corners };

// Resizing along one axis. Output o lies at (o * step + start) / scale of the input, which is rounded to an integer and
// clamped to the input. All three are exact integers where the output size is given, so that no position is off by the
// rounding of a factor.
struct ResizeAxis {
  NearestMode nearest;
  Index in, out;
  double step, start, scale;

  Index source(Index place) const;
};

// The two settings that say how, checked.
struct ResizeRule {
  NearestMode nearest;
  Coordinates coordinates;

  ResizeRule(const char* op, const std::string& nearest_mode, const std::string& coordinate_transformation_mode);
  std::string nearest_mode() const;
  std::string coordinate_transformation_mode() const;
  // To `out` places, or by a factor.
  ResizeAxis to_size(Index in, Index out) const;
  ResizeAxis by_factor(const char* op, Index in, double factor) const;
};

struct Resize2d : OpBase {
  static constexpr const char* kName = "Resize2d";

  struct Geometry {
    Index channels;
    ResizeAxis rows, cols;
  };

  Resize2d(std::optional<Extent> size_, std::optional<Scale> scale_factor_, const std::string& nearest_mode,
           const std::string& coordinate_transformation_mode);

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<std::optional<Extent>>("size", std::nullopt),
                argument<std::optional<Scale>>("scale_factor", std::nullopt),
                argument<std::string>("nearest_mode", "floor"),
                argument<std::string>("coordinate_transformation_mode", "asymmetric"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(size, scale_factor, rule.nearest_mode(), rule.coordinate_transformation_mode());
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.rows.out, g.cols.out};
  }
  Geometry bind_shape(const Shapes& inputs) const;

  std::optional<Extent> size;
  std::optional<Scale> scale_factor;
  ResizeRule rule;
};

struct Resize1d : OpBase {
  static constexpr const char* kName = "Resize1d";

  using Geometry = Resize2d::Geometry;

  Resize1d(std::optional<Index> size_, std::optional<double> scale_factor_, const std::string& nearest_mode,
           const std::string& coordinate_transformation_mode);

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<std::optional<Index>>("size", std::nullopt),
                argument<std::optional<double>>("scale_factor", std::nullopt),
                argument<std::string>("nearest_mode", "floor"),
                argument<std::string>("coordinate_transformation_mode", "asymmetric"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(size, scale_factor, rule.nearest_mode(), rule.coordinate_transformation_mode());
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.cols.out};
  }
  Geometry bind_shape(const Shapes& inputs) const;

  std::optional<Index> size;
  std::optional<double> scale_factor;
  ResizeRule rule;
};

}  // namespace cnnfast
