#include "plan/algorithm.hpp"

#include <algorithm>

namespace cnnfast {

namespace {

// Vector operations for one image, forward. The products are counted in multiply-adds of whole vectors; a tile's
// transforms take about 6 operations for each of its frequencies, on its input and on its output.
double winograd_cost(const Conv2d::Geometry& g, Index m) {
  const auto tiles = static_cast<double>(((g.h_out + m - 1) / m) * ((g.w_out + m - 1) / m));
  const Index edge = m + g.kernel.h - 1;
  const auto frequencies = static_cast<double>(edge * edge);
  const auto in = static_cast<double>(g.c_in), out = static_cast<double>(g.c_out);
  return tiles * frequencies * (in * out + 6 * (in + out));
}

double direct_cost(const Conv2d::Geometry& g) {
  return static_cast<double>(g.kernel.h * g.kernel.w) * static_cast<double>(g.h_out * g.w_out) *
         static_cast<double>(g.c_in * g.c_out);
}

// The kernels need multiples of a vector of channels, or exactly half of one.
bool whole(Index channels, int lanes) { return channels % lanes == 0 || (lanes >= 8 && 2 * channels == lanes); }

}  // namespace

int winograd_tile(const Conv2d::Geometry& g, int lanes) {
  const bool window = g.kernel.h == g.kernel.w && (g.kernel.h == 3 || g.kernel.h == 5);
  const bool dense =
      window && g.stride.h == 1 && g.stride.w == 1 && g.dilation.h == 1 && g.dilation.w == 1 && g.groups == 1;
  if (!dense || !whole(g.c_in, lanes) || !whole(g.c_out, lanes)) return 0;
  int best = 0;
  double cost = direct_cost(g) / 1.2;
  for (int m : {2, 4}) {
    if (m == 4 && g.kernel.h == 5) continue;  // needs eight points: too inaccurate
    if (winograd_cost(g, m) < cost) {
      best = m;
      cost = winograd_cost(g, m);
    }
  }
  return best;
}

// A correlation of each group fills group_out lanes of a vector, or of half a vector where there are such, but reads
// the image as it is. Lanewise, all are full, but the image is copied group_out times, and in backward dy
// group_in times.
bool goes_lanewise(const Conv2d::Geometry& g, int lanes) {
  const bool single = g.group_in() == 1 || g.group_out() == 1;  // depthwise: one plane, in one direction at least
  const Index most = std::max(1, single || lanes < 8 ? lanes / 2 : lanes / 4);
  return g.groups > 1 && g.group_in() <= most && g.group_out() <= most;
}

// Adding a tile's gradient to that of its shard reads and writes all weights, and so does adding the shards.
std::optional<BoundOp> with_whole_batch_weight_grad(const Conv2d::Geometry& g) {
  constexpr Index kRatio = 4;  // of weights to the values that are kept for an image
  const auto product = per_position(g);
  if (!product || g.c_in * g.c_out < kRatio * g.h_out * g.w_out * (g.c_in + g.c_out)) return std::nullopt;
  return *product;
}

namespace {

// The convolution of an operation that has one, fused or not.
const PlannedConv* convolution(const BoundOp& op) {
  if (const auto* conv = get_if<PlannedConv>(&op)) return conv;
  if (const auto* pooled = get_if<ConvPool::Geometry>(&op)) return &pooled->conv;
  if (const auto* transposed = get_if<ConvTranspose2d::Geometry>(&op)) return &transposed->conv;
  if (const auto* activated = get_if<ConvActivation::Geometry>(&op)) return &activated->conv;
  return nullptr;
}

// From with_whole_batch_weight_grad.
bool is_product_per_position(const BoundOp& op) {
  return visit(
      [](const auto& g) {
        if constexpr (kHasWholeBatchWeightGrad<std::decay_t<decltype(g)>>) return g.positions > 1;
        return false;
      },
      op);
}

Index ceil_divide(Index a, Index b) { return (a + b - 1) / b; }

}  // namespace

bool uses_winograd(const BoundOp& op) {
  const PlannedConv* conv = convolution(op);
  return conv != nullptr && conv->algorithm.winograd != 0;
}

std::string algorithm_name(const BoundOp& op) {
  const PlannedConv* conv = convolution(op);
  if (conv != nullptr && conv->algorithm.winograd != 0) {
    const std::string edge = std::to_string(conv->algorithm.winograd);
    return "winograd " + edge + "x" + edge;
  }
  if (conv != nullptr && conv->groups > 1) {
    return conv->group_in() == 1      ? "direct, depthwise"
           : conv->algorithm.lanewise ? "direct, small groups"
                                      : "direct, groups";
  }
  if (holds_alternative<External::Geometry>(op)) return "external";
  if (is_product_per_position(op)) return "direct, weight gradient over the batch";
  return holds_alternative<ConvPool::Geometry>(op) ? "direct, pool-sparse" : "direct";
}

Index packed_for_forward(const BoundOp& op, Index packed, Index params) {
  if (!uses_winograd(op)) return std::min(packed, params);
  const PlannedConv* conv = convolution(op);
  const Index taps = conv->kernel.h * conv->kernel.w, edge = conv->algorithm.winograd + conv->kernel.h - 1;
  return params + (edge * edge - taps) * conv->c_in * conv->c_out;
}

Index executed_macs(const BoundOp& op, Index macs) {
  if (!uses_winograd(op)) return macs;
  const PlannedConv* conv = convolution(op);
  const Index m = conv->algorithm.winograd, edge = m + conv->kernel.h - 1;
  return ceil_divide(conv->h_out, m) * ceil_divide(conv->w_out, m) * edge * edge * conv->c_in * conv->c_out;
}

}  // namespace cnnfast
