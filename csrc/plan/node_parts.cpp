#include "plan/node_parts.hpp"

#include <algorithm>

namespace cnnfast {

namespace {

struct RowRange {
  Index first, end;
};

// Every row of the output depends on a row of the input; every column on a column.
bool rows_overlap_input(const Window& w) { return w.pad.top < w.reach_h() && w.pad.bottom < w.reach_h(); }
bool cols_overlap_input(const Window& w) { return w.pad.left < w.reach_w() && w.pad.right < w.reach_w(); }

// Restricts one axis of a window, of this size and padding, to a range of its output; returns the first input.
Index restrict_axis(Index& size, Index& before, Index& after, Index stride, Index reach, const RowRange& range) {
  const Index from = range.first * stride - before, to = (range.end - 1) * stride - before + reach;
  const Index first = std::max<Index>(from, 0), end = std::min(to, size);
  before = first - from;
  after = to - end;
  size = end - first;
  return first;
}
Index restrict_rows(Window& w, const RowRange& rows) {
  w.h_out = rows.end - rows.first;
  return restrict_axis(w.h, w.pad.top, w.pad.bottom, w.stride.h, w.reach_h(), rows);
}
Index restrict_cols(Window& w, const RowRange& cols) {
  w.w_out = cols.end - cols.first;
  return restrict_axis(w.w, w.pad.left, w.pad.right, w.stride.w, w.reach_w(), cols);
}

// How the output of an operation is divided: into ranges of its `units` rows, or columns of a single row.
template <class G>
struct RowParts {
  static Index units(const G&) { return 1; }
  static NodePart part(const G& g, const RowRange&) { return {g}; }
};

template <>
struct RowParts<PlannedConv> {
  static bool single(const PlannedConv& g) { return g.h == 1 && g.h_out == 1; }
  static Index units(const PlannedConv& g) {
    if (single(g)) return cols_overlap_input(g) ? g.w_out : 1;
    return rows_overlap_input(g) ? g.h_out : 1;
  }
  static NodePart part(const PlannedConv& g, const RowRange& rows) {
    PlannedConv some = g;
    if (single(g)) {
      const Index x = restrict_cols(some, rows) * g.c_in;
      return {some, x, rows.first * g.c_out};
    }
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

constexpr Index kChannels = 64;  // in a block of outputs: kernels have none wider

Index largest_part(Index count, Index parts) { return (count + parts - 1) / parts; }
Index blocks_of(Index channels) { return (channels + kChannels - 1) / kChannels; }

// The number of slices for kernels that divide their work; 0 for all others.
template <class G>
Index slices(const G&) {
  return 0;
}
Index slices(const Linear::Geometry& g) { return blocks_of(g.out); }
Index slices(const PlannedConv& g) {
  if (g.algorithm.winograd != 0) return std::max(g.tile_rows() * g.tile_cols(), blocks_of(g.c_out));
  // By rows each thread reads all weights, by blocks of channels all inputs.
  const bool more_weights = g.kernel.h * g.kernel.w * g.c_out > g.h * g.w;
  return g.groups == 1 && more_weights ? blocks_of(g.c_out) : 0;
}
Index slices(const ConvActivation::Geometry& g) { return slices(g.conv); }
Index slices(const ConvPool::Geometry& g) { return g.conv.algorithm.winograd == 0 ? 0 : slices(g.conv); }

// Whether parts are slices, not rows.
template <class G>
bool in_slices(const G& g, Index) {
  return slices(g) > 0;
}
bool in_slices(const PlannedConv& g, Index parts) {
  const Index own = slices(g), rows = RowParts<PlannedConv>::units(g);
  if (own == 0 || g.algorithm.winograd != 0) return own > 0;
  // The largest slice must not be larger than the largest part of rows.
  return parts > rows || largest_part(own, parts) * rows <= largest_part(rows, parts) * own;
}
bool in_slices(const ConvActivation::Geometry& g, Index parts) { return in_slices(g.conv, parts); }

}  // namespace

Index max_parts(const BoundOp& op) {
  return visit([](const auto& g) { return std::max(slices(g), RowParts<std::decay_t<decltype(g)>>::units(g)); }, op);
}

NodePart part_of(const BoundOp& op, Index part, Index parts) {
  if (parts == 1) return {op};
  return visit(
      [&](const auto& g) -> NodePart {
        if (in_slices(g, parts)) return {g, 0, 0, {static_cast<int>(part), static_cast<int>(parts)}};
        using C = RowParts<std::decay_t<decltype(g)>>;
        const Index units = C::units(g);
        return C::part(g, {units * part / parts, units * (part + 1) / parts});
      },
      op);
}

}  // namespace cnnfast
