#include "plan/node_parts.hpp"

#include <algorithm>

namespace cnnfast {

namespace {

struct RowRange {
  Index first, end;
};

// Every row of the output sees some row of the input.
bool rows_see_input(const Window& w) { return w.pad.top < w.reach_h() && w.pad.bottom < w.reach_h(); }

// `window` with only these rows of its output: cuts its input and its padding, returns its first input row.
Index cut(Window& window, const RowRange& rows) {
  const Index from = rows.first * window.stride.h - window.pad.top;
  const Index to = (rows.end - 1) * window.stride.h - window.pad.top + window.reach_h();
  const Index first = std::max<Index>(from, 0), end = std::min(to, window.h);
  window.pad.top = first - from;
  window.pad.bottom = to - end;
  window.h = end - first;
  window.h_out = rows.end - rows.first;
  return first;
}

// How an operation's output is cut: into pieces of `units` of rows.
template <class G>
struct Cutting {
  static Index units(const G&) { return 1; }
  static NodePart piece(const G& g, const RowRange&) { return {g}; }
};

template <>
struct Cutting<Conv2d::Geometry> {
  static Index units(const Conv2d::Geometry& g) { return rows_see_input(g) ? g.h_out : 1; }
  static NodePart piece(const Conv2d::Geometry& g, const RowRange& rows) {
    Conv2d::Geometry part = g;
    const Index x = cut(part, rows) * g.w * g.c_in;
    return {part, x, rows.first * g.w_out * g.c_out};
  }
};

template <>
struct Cutting<ConvActivation::Geometry> {
  using Conv = Cutting<Conv2d::Geometry>;
  static Index units(const ConvActivation::Geometry& g) { return Conv::units(g.conv); }
  static NodePart piece(const ConvActivation::Geometry& g, const RowRange& rows) {
    const NodePart conv = Conv::piece(g.conv, rows);
    ConvActivation::Geometry part = g;
    part.conv = std::get<Conv2d::Geometry>(conv.op);
    return {part, conv.x, conv.y};
  }
};

template <>
struct Cutting<ConvPool::Geometry> {
  static Index units(const ConvPool::Geometry& g) { return rows_see_input(g.conv) ? g.h_out : 1; }
  static NodePart piece(const ConvPool::Geometry& g, const RowRange& rows) {
    ConvPool::Geometry part = g;
    part.h_out = rows.end - rows.first;
    // A convolution's row that no window sees stays uncomputed, as in the whole.
    const bool last = rows.end == g.h_out;
    const Index x = cut(part.conv, {2 * rows.first, last ? g.conv.h_out : 2 * rows.end}) * g.conv.w * g.conv.c_in;
    return {part, x, rows.first * g.w_out * g.conv.c_out};
  }
};

// BatchArrays of windows that slide; adaptive ones are not worth the trouble.
template <class G>
struct CuttingOfPool {
  static Index units(const G& g) { return rows_see_input(g) && !g.adaptive ? g.h_out : 1; }
  static NodePart piece(const G& g, const RowRange& rows) {
    G part = g;
    const Index first = cut(part, rows), end = first + part.h;
    // What hangs over the padding (`ceil_mode`) does not become padding, which a mean may count.
    part.pad.bottom = std::min(part.pad.bottom, g.h + g.pad.bottom - end);
    return {part, first * g.w * g.channels, rows.first * g.w_out * g.channels};
  }
};
template <>
struct Cutting<MaxPool2d::Geometry> : CuttingOfPool<MaxPool2d::Geometry> {};
template <>
struct Cutting<AvgPool2d::Geometry> : CuttingOfPool<AvgPool2d::Geometry> {};

// Slices that kernels can take of what they cut themselves; 0: they do not.
constexpr Index kChannels = 64;  // in a block of outputs: kernels have none wider

template <class G>
Index slices(const G&) {
  return 0;
}
Index slices(const Linear::Geometry& g) { return (g.out + kChannels - 1) / kChannels; }
Index slices(const Conv2d::Geometry& g) {
  if (g.winograd == 0) return 0;
  return std::max(g.tile_rows() * g.tile_cols(), (g.c_out + kChannels - 1) / kChannels);
}
Index slices(const ConvActivation::Geometry& g) { return slices(g.conv); }
Index slices(const ConvPool::Geometry& g) { return slices(g.conv); }

}  // namespace

Index max_parts(const BoundOp& op) {
  return std::visit(
      [](const auto& g) {
        const Index own = slices(g);
        return own > 0 ? own : Cutting<std::decay_t<decltype(g)>>::units(g);
      },
      op);
}

NodePart part_of(const BoundOp& op, Index part, Index parts) {
  if (parts == 1) return {op};
  return std::visit(
      [&](const auto& g) -> NodePart {
        if (slices(g) > 0) return {g, 0, 0, {static_cast<int>(part), static_cast<int>(parts)}};
        using C = Cutting<std::decay_t<decltype(g)>>;
        const Index units = C::units(g);
        return C::piece(g, {units * part / parts, units * (part + 1) / parts});
      },
      op);
}

}  // namespace cnnfast
