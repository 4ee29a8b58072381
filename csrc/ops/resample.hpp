// Upsampling by an integer factor, by repeated values or zeros between them, and downsampling to every f-th value.
#pragma once

#include <string>

#include "ops/op.hpp"
#include "ops/window.hpp"

namespace cnnfast {

// How pixels of a small image correspond to those of a large one, `factor` apart.
enum class Resampling {
  repeat,        // small to large: each value fills factor.h x factor.w pixels
  insert_zeros,  // small to large: each value fills one pixel, zeros lie between
  pick           // large to small: every factor-th value
};

// The names of the two upsampling modes.
inline Resampling upsampling(const char* op, const std::string& mode) {
  if (mode == "nearest") return Resampling::repeat;
  if (mode == "zeros") return Resampling::insert_zeros;
  fail(op, ": mode must be \"nearest\" or \"zeros\", got \"", mode, "\"");
}
inline std::string upsampling_mode(Resampling kind) { return kind == Resampling::repeat ? "nearest" : "zeros"; }
inline Index upsampled(Index in, Index factor, Resampling kind) {
  return kind == Resampling::repeat ? in * factor : (in - 1) * factor + 1;
}
inline Index downsampled(Index in, Index factor) { return (in - 1) / factor + 1; }

struct Upsample2d : OpBase {
  static constexpr const char* kName = "Upsample2d";

  struct Geometry {
    Resampling kind;
    Index channels;
    Extent small, large, factor;
  };

  Upsample2d(Extent scale_factor, const std::string& mode) : factor(scale_factor), kind(upsampling(kName, mode)) {
    check_extent(kName, "scale_factor", factor.h);
    check_extent(kName, "scale_factor", factor.w);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.large.h, g.large.w};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_image(kName, inputs[0], 0);
    const Extent small{inputs[0][1], inputs[0][2]};
    return {
        kind, inputs[0][0], small, {upsampled(small.h, factor.h, kind), upsampled(small.w, factor.w, kind)}, factor};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Extent>("scale_factor"), argument<std::string>("mode", "nearest"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(factor, upsampling_mode(kind));
  }

  Extent factor;
  Resampling kind;
};

struct Upsample1d : OpBase {
  static constexpr const char* kName = "Upsample1d";

  using Geometry = Upsample2d::Geometry;

  Upsample1d(Index scale_factor, const std::string& mode) : factor(scale_factor), kind(upsampling(kName, mode)) {
    check_extent(kName, "scale_factor", factor);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.large.w};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_line(kName, inputs[0], 0);
    const Index in = inputs[0][1];
    return {kind, inputs[0][0], {1, in}, {1, upsampled(in, factor, kind)}, {1, factor}};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("scale_factor"), argument<std::string>("mode", "nearest"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(factor, upsampling_mode(kind));
  }

  Index factor;
  Resampling kind;
};

struct Downsample2d : OpBase {
  static constexpr const char* kName = "Downsample2d";

  using Geometry = Upsample2d::Geometry;

  explicit Downsample2d(Extent factor_) : factor(factor_) {
    check_extent(kName, "factor", factor.h);
    check_extent(kName, "factor", factor.w);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.small.h, g.small.w};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_image(kName, inputs[0], 0);
    const Extent large{inputs[0][1], inputs[0][2]};
    return {Resampling::pick,
            inputs[0][0],
            {downsampled(large.h, factor.h), downsampled(large.w, factor.w)},
            large,
            factor};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Extent>("factor"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(factor);
  }

  Extent factor;
};

struct Downsample1d : OpBase {
  static constexpr const char* kName = "Downsample1d";

  using Geometry = Upsample2d::Geometry;

  explicit Downsample1d(Index factor_) : factor(factor_) { check_extent(kName, "factor", factor); }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.small.w};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_line(kName, inputs[0], 0);
    const Index in = inputs[0][1];
    return {Resampling::pick, inputs[0][0], {1, downsampled(in, factor)}, {1, in}, {1, factor}};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("factor"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(factor);
  }

  Index factor;
};

}  // namespace cnnfast
