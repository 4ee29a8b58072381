// A convolution and the algorithm that a plan has chosen for it (csrc/plan/algorithm.hpp): what its kernels run. The
// algorithm is not part of Conv2d::Geometry, because it follows from the vector length as well, and from what a user
// asks of a plan (`exact`).
#pragma once

#include "ops/conv2d.hpp"

namespace cnnfast {

struct ConvAlgorithm {
  int winograd = 0;       // edge of the output tiles of Winograd's algorithm; 0: direct
  bool lanewise = false;  // groups of few channels: lanes run over the channels of all groups
};

struct PlannedConv : Conv2d::Geometry {
  ConvAlgorithm algorithm;

  PlannedConv() = default;
  explicit PlannedConv(const Conv2d::Geometry& g) : Conv2d::Geometry(g) {}

  // Tiles of Winograd's algorithm on an image.
  Index tile_rows() const { return (h_out + algorithm.winograd - 1) / algorithm.winograd; }
  Index tile_cols() const { return (w_out + algorithm.winograd - 1) / algorithm.winograd; }
};

// What kernels get of an operation: its Geometry, unless a plan has a choice.
template <class Geometry>
struct Planned {
  using type = Geometry;
};
template <>
struct Planned<Conv2d::Geometry> {
  using type = PlannedConv;
};
template <class Geometry>
using PlannedGeometry = typename Planned<Geometry>::type;

// With the default algorithm.
template <class Geometry>
PlannedGeometry<Geometry> planned(const Geometry& g) {
  return PlannedGeometry<Geometry>(g);
}

}  // namespace cnnfast
