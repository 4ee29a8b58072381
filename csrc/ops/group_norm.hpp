// Normalization of each image to mean 0 and variance 1: over groups of channels, or over all values.
#pragma once

#include "ops/op.hpp"

namespace cnnfast {

// Wu & He 2018, arXiv:1803.08494.
struct GroupNorm : OpBase {
  static constexpr const char* kName = "GroupNorm";
  static constexpr bool kReadsX = true;

  struct Geometry : Rows {
    Index groups = 1;
    double eps = 1e-5;
    bool affine = true;
    Index group_channels() const { return channels / groups; }
  };

  GroupNorm(Index num_groups, Index num_channels, double eps_, bool affine_)
      : groups(num_groups), channels(num_channels), eps(eps_), affine(affine_) {
    check_extent(kName, "num_groups", groups);
    check_extent(kName, "num_channels", channels);
    if (channels % groups != 0) {
      fail(kName, ": num_channels must be a multiple of num_groups, got ", channels, " and ", groups);
    }
    check_eps(kName, eps);
  }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("num_groups"), argument<Index>("num_channels"), argument<double>("eps", 1e-5),
                argument<bool>("affine", true));
  }
  template <class List>
  auto values(const List& list) const {
    return list(groups, channels, eps, affine);
  }
  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0].channels() != channels) {
      fail(kName, ": expected ", channels, " channels, got input ", to_string(inputs[0]));
    }
    return inputs[0];
  }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(output_shape(inputs)), groups, eps, affine}; }
  std::vector<Parameter> parameters() const {
    if (!affine) return {};
    return {{"weight", {channels}}, {"bias", {channels}}};
  }

  Index groups, channels;
  double eps;
  bool affine;
};

// Over all values of an image, with a weight for each. Ba, Kiros & Hinton 2016, arXiv:1607.06450.
struct LayerNorm : OpBase {
  static constexpr const char* kName = "LayerNorm";
  static constexpr bool kReadsX = true;

  struct Geometry : Rows {
    double eps = 1e-5;
    bool affine = true;
  };

  LayerNorm(Shape normalized_shape, double eps_, bool elementwise_affine)
      : shape(std::move(normalized_shape)), eps(eps_), affine(elementwise_affine) {
    if (shape.rank() < 1 || shape.rank() > 3) {
      fail(kName, ": normalized_shape must have one to three axes, got ", to_string(shape));
    }
    double product = 1;
    for (Index extent : shape.dims()) {
      check_extent(kName, "normalized_shape", extent);
      product *= static_cast<double>(extent);
    }
    if (product > static_cast<double>(kMaxElements)) {
      fail(kName, ": normalized_shape ", to_string(shape), " has more than ", kMaxElements, " elements");
    }
    check_eps(kName, eps);
  }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Shape>("normalized_shape"), argument<double>("eps", 1e-5),
                argument<bool>("elementwise_affine", true));
  }
  template <class List>
  auto values(const List& list) const {
    return list(shape, eps, affine);
  }
  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0] != shape) {
      fail(kName, ": expected an input of shape ", to_string(shape), " (normalized_shape), got ", to_string(inputs[0]));
    }
    return shape;
  }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(output_shape(inputs)), eps, affine}; }
  std::vector<Parameter> parameters() const {
    if (!affine) return {};
    return {{"weight", shape}, {"bias", shape}};
  }

  Shape shape;
  double eps;
  bool affine;
};

}  // namespace cnnfast
