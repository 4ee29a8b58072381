#include "plan/algorithm.hpp"

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
  return static_cast<double>(g.kernel.h * g.kernel.w) * static_cast<double>(g.h_out * g.w_out) * static_cast<double>(g.c_in * g.c_out);
}

// The kernels take whole vectors of channels, or exactly half of one.
bool whole(Index channels, int lanes) { return channels % lanes == 0 || (lanes >= 8 && 2 * channels == lanes); }

}  // namespace

int winograd_tile(const Conv2d::Geometry& g, int lanes) {
  const bool window = g.kernel.h == g.kernel.w && (g.kernel.h == 3 || g.kernel.h == 5);
  const bool dense = window && g.stride.h == 1 && g.stride.w == 1;
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

std::string algorithm_name(const PlacedOp& op) {
  const auto* conv = std::get_if<Conv2d::Geometry>(&op);
  const auto* fused = std::get_if<ConvPool::Geometry>(&op);
  if (fused != nullptr) conv = &fused->conv;
  if (const auto* activated = std::get_if<ConvActivation::Geometry>(&op)) conv = &activated->conv;
  if (conv == nullptr || conv->winograd == 0) return fused != nullptr ? "direct, pool-sparse" : "direct";
  const std::string edge = std::to_string(conv->winograd);
  return "winograd " + edge + "x" + edge;
}

}  // namespace cnnfast
