#include "plan/node_parts.hpp"

#include <algorithm>

namespace cnnfast {

namespace {

struct RowRange {
  Index first, end;
};

// Every row of the output depends on a row of the input.
bool rows_overlap_input(const Window& w) { return w.pad.top < w.reach_h() && w.pad.bottom < w.reach_h(); }

// Restricts `window` to these rows of its output; returns its first input row.
Index restrict_rows(Window& window, const RowRange& rows) {
  const Index from = rows.first * window.stride.h - window.pad.top;
  const Index to = (rows.end - 1) * window.stride.h - window.pad.top + window.reach_h();
  const Index first = std::max<Index>(from, 0), end = std::min(to, window.h);
  window.pad.top = first - from;
  window.pad.bottom = to - end;
  window.h = end - first;
  window.h_out = rows.end - rows.first;
  return first;
}

// How the output of an operation is divided: into ranges of its `units` rows.
template <class G>
struct RowParts {
  static Index units(const G&) { return 1; }
  static NodePart part(const G& g, const RowRange&) { return {g}; }
};

template <>
struct RowParts<PlannedConv> {
  static Index units(const PlannedConv& g) { return rows_overlap_input(g) ? g.h_out : 1; }
  static NodePart part(const PlannedConv& g, const RowRange& rows) {
    PlannedConv some = g;
    const Index x = restrict_rows(some, rows) * g.w * g.c_in;
    return {some, x, rows.first * g.w_out * g.c_out};
  }
};

template <>
struct RowParts<ConvActivation::Geometry> {
  using Conv = RowParts<PlannedConv>;
  static Index units(const ConvActivation::Geometry& g) { return Conv::units(g.conv); }
  static NodePart part(const ConvActivation::Geometry& g, const RowRange& rows) {
    const NodePart conv = Conv::part(g.conv, rows);
    ConvActivation::Geometry some = g;
    some.conv = get<PlannedConv>(conv.op);
    return {some, conv.x, conv.y};
  }
};

template <>
struct RowParts<ConvPool::Geometry> {
  static Index units(const ConvPool::Geometry& g) { return rows_overlap_input(g.conv) ? g.h_out : 1; }
  static NodePart part(const ConvPool::Geometry& g, const RowRange& rows) {
    ConvPool::Geometry some = g;
    some.h_out = rows.end - rows.first;
    // A row of the convolution outside of every window is not computed, as without parts.
    const bool last = rows.end == g.h_out;
    const Index x =
        restrict_rows(some.conv, {2 * rows.first, last ? g.conv.h_out : 2 * rows.end}) * g.conv.w * g.conv.c_in;
    return {some, x, rows.first * g.w_out * g.conv.c_out};
  }
};

// Rows of sliding windows; adaptive pools are too cheap to divide.
template <class G>
struct PoolRowParts {
  static Index units(const G& g) { return rows_overlap_input(g) && !g.adaptive ? g.h_out : 1; }
  static NodePart part(const G& g, const RowRange& rows) {
    G some = g;
    const Index first = restrict_rows(some, rows), end = first + some.h;
    // What extends past the padding (`ceil_mode`) must not become padding, which a mean may count.
    some.pad.bottom = std::min(some.pad.bottom, g.h + g.pad.bottom - end);
    return {some, first * g.w * g.channels, rows.first * g.w_out * g.channels};
  }
};
template <>
struct RowParts<MaxPool2d::Geometry> : PoolRowParts<MaxPool2d::Geometry> {};
template <>
struct RowParts<AvgPool2d::Geometry> : PoolRowParts<AvgPool2d::Geometry> {};

// The number of slices for kernels that divide their work; 0 for all others.
constexpr Index kChannels = 64;  // in a block of outputs: kernels have none wider

template <class G>
Index slices(const G&) {
  return 0;
}
Index slices(const Linear::Geometry& g) { return (g.out + kChannels - 1) / kChannels; }
Index slices(const PlannedConv& g) {
  if (g.algorithm.winograd == 0) return 0;
  return std::max(g.tile_rows() * g.tile_cols(), (g.c_out + kChannels - 1) / kChannels);
}
Index slices(const ConvActivation::Geometry& g) { return slices(g.conv); }
Index slices(const ConvPool::Geometry& g) { return slices(g.conv); }

}  // namespace

Index max_parts(const BoundOp& op) {
  return visit(
      [](const auto& g) {
        const Index own = slices(g);
        return own > 0 ? own : RowParts<std::decay_t<decltype(g)>>::units(g);
      },
      op);
}

NodePart part_of(const BoundOp& op, Index part, Index parts) {
  if (parts == 1) return {op};
  return visit(
      [&](const auto& g) -> NodePart {
        if (slices(g) > 0) return {g, 0, 0, {static_cast<int>(part), static_cast<int>(parts)}};
        using C = RowParts<std::decay_t<decltype(g)>>;
        const Index units = C::units(g);
        return C::part(g, {units * part / parts, units * (part + 1) / parts});
      },
      op);
}

}  // namespace cnnfast
