#include "ops/resize.hpp"

#include <cmath>

#include "base/error.hpp"

namespace cnnfast {

namespace {

// Values of an enumeration in its order, as users write them.
constexpr const char* kNearest[] = {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"};
constexpr const char* kCoordinates[] = {"asymmetric", "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric",
                                        "align_corners"};

template <class Enum, std::size_t N>
Enum from_name(const char* op, const char* argument, const char* const (&names)[N], const std::string& name) {
  std::string known;
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
    known += concat(i == 0 ? "" : i + 1 == N ? " or " : ", ", "\"", names[i], "\"");
  }
  fail(op, ": ", argument, " must be ", known, ", got \"", name, "\"");
}

void check_one_of(const char* op, bool size, bool scale_factor) {
  if (size == scale_factor) {
    fail(op, ": needs either size or scale_factor, got ", size ? "both" : "neither");
  }
}

void check_factor(const char* op, double factor) {
  if (!std::isfinite(factor) || factor <= 0) {
    fail(op, ": scale_factor must be a finite number above 0, got ", factor);
  }
}

}  // namespace

Index ResizeAxis::source(Index place) const {
  const double position = (static_cast<double>(place) * step + start) / scale;
  double rounded = 0;
  switch (nearest) {
    case NearestMode::floor: rounded = std::floor(position); break;
    case NearestMode::ceil: rounded = std::ceil(position); break;
    case NearestMode::round_prefer_floor: rounded = std::ceil(position - 0.5); break;
    case NearestMode::round_prefer_ceil: rounded = std::floor(position + 0.5); break;
  }
  const auto last = static_cast<double>(in - 1);
  return static_cast<Index>(rounded < 0 ? 0 : rounded > last ? last : rounded);
}

ResizeRule::ResizeRule(const char* op, const std::string& nearest_mode,
                       const std::string& coordinate_transformation_mode)
    : nearest(from_name<NearestMode>(op, "nearest_mode", kNearest, nearest_mode)),
      coordinates(
          from_name<Coordinates>(op, "coordinate_transformation_mode", kCoordinates, coordinate_transformation_mode)) {}

std::string ResizeRule::nearest_mode() const { return kNearest[static_cast<std::size_t>(nearest)]; }
std::string ResizeRule::coordinate_transformation_mode() const {
  return kCoordinates[static_cast<std::size_t>(coordinates)];
}

ResizeAxis ResizeRule::to_size(Index in, Index out) const {
  const auto from = static_cast<double>(in), to = static_cast<double>(out);
  switch (coordinates) {
    case Coordinates::asymmetric: break;
    case Coordinates::pytorch_half_pixel:
      if (out == 1) return {nearest, in, out, 0, 0, 1};
      [[fallthrough]];
    case Coordinates::half_pixel:
    case Coordinates::half_pixel_symmetric: return {nearest, in, out, 2 * from, from - to, 2 * to};
    case Coordinates::align_corners: return {nearest, in, out, from - 1, 0, out == 1 ? 1 : to - 1};
  }
  return {nearest, in, out, from, 0, to};
}

ResizeAxis ResizeRule::by_factor(const char* op, Index in, double factor) const {
  const double wanted = std::floor(static_cast<double>(in) * factor);
  if (wanted < 1 || wanted > static_cast<double>(kMaxExtent)) {
    fail(op, ": scale_factor ", factor, " makes ", wanted, " of ", in, "; an extent must be from 1 to ", kMaxExtent);
  }
  const auto out = static_cast<Index>(wanted);
  switch (coordinates) {
    case Coordinates::align_corners: return to_size(in, out);
    case Coordinates::asymmetric: break;
    case Coordinates::pytorch_half_pixel:
      if (out == 1) return to_size(in, out);
      [[fallthrough]];
    case Coordinates::half_pixel: return {nearest, in, out, 1, 0.5 - 0.5 * factor, factor};
    case Coordinates::half_pixel_symmetric:  // what rounding `wanted` down cuts off, half at each end
      return {nearest, in, out, 1, 0.5 - 0.5 * factor + 0.5 * (static_cast<double>(in) * factor - wanted), factor};
  }
  return {nearest, in, out, 1, 0, factor};
}

Resize2d::Resize2d(std::optional<Extent> size_, std::optional<Scale> scale_factor_, const std::string& nearest_mode,
                   const std::string& coordinate_transformation_mode)
    : size(size_), scale_factor(scale_factor_), rule(kName, nearest_mode, coordinate_transformation_mode) {
  check_one_of(kName, size.has_value(), scale_factor.has_value());
  if (size) {
    check_extent(kName, "size", size->h);
    check_extent(kName, "size", size->w);
  } else {
    check_factor(kName, scale_factor->h);
    check_factor(kName, scale_factor->w);
  }
}

Resize2d::Geometry Resize2d::bind_shape(const Shapes& inputs) const {
  const Shape& in = inputs[0];
  check_image(kName, in, 0);
  if (size) return {in[0], rule.to_size(in[1], size->h), rule.to_size(in[2], size->w)};
  return {in[0], rule.by_factor(kName, in[1], scale_factor->h), rule.by_factor(kName, in[2], scale_factor->w)};
}

Resize1d::Resize1d(std::optional<Index> size_, std::optional<double> scale_factor_, const std::string& nearest_mode,
                   const std::string& coordinate_transformation_mode)
    : size(size_), scale_factor(scale_factor_), rule(kName, nearest_mode, coordinate_transformation_mode) {
  check_one_of(kName, size.has_value(), scale_factor.has_value());
  size ? check_extent(kName, "size", *size) : check_factor(kName, *scale_factor);
}

Resize2d::Geometry Resize1d::bind_shape(const Shapes& inputs) const {
  const Shape& in = inputs[0];
  check_line(kName, in, 0);
  const ResizeAxis one_row = rule.to_size(1, 1);
  return {in[0], one_row, size ? rule.to_size(in[1], *size) : rule.by_factor(kName, in[1], *scale_factor)};
}

}  // namespace cnnfast
