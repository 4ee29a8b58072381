// Learned biases: one per channel, or one per channel and position.
#pragma once

#include "ops/op.hpp"

namespace cnnfast {

struct ChannelBias : OpBase {
  static constexpr const char* kName = "ChannelBias";
  struct Geometry : Rows {
    static constexpr bool passes_gradient() { return true; }
  };

  explicit ChannelBias(Index channels_) : channels(channels_) { check_extent(kName, "channels", channels); }

  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0].channels() != channels) {
      fail(kName, ": expected ", channels, " channels, got input ", to_string(inputs[0]));
    }
    return inputs[0];
  }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(output_shape(inputs))}; }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("channels"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(channels);
  }
  std::vector<Parameter> parameters() const { return {{"bias", {channels}}}; }

  Index channels;
};

struct PositionBias : OpBase {
  static constexpr const char* kName = "PositionBias";
  struct Geometry : Rows {
    static constexpr bool passes_gradient() { return true; }
  };

  PositionBias(Index channels, Index height, Index width) : shape{channels, height, width} {
    check_extent(kName, "channels", channels);
    check_extent(kName, "height", height);
    check_extent(kName, "width", width);
    check_elements(kName, "bias", {channels, height, width});
  }

  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0] != shape) {
      fail(kName, ": expected an input of shape ", to_string(shape), ", got ", to_string(inputs[0]));
    }
    return shape;
  }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(output_shape(inputs))}; }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("channels"), argument<Index>("height"), argument<Index>("width"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(shape[0], shape[1], shape[2]);
  }
  std::vector<Parameter> parameters() const { return {{"bias", shape}}; }

  Shape shape;
};

}  // namespace cnnfast
