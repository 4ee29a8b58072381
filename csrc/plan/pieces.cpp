#include "plan/pieces.hpp"

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

// How an operation's output is cut: into `count` units of rows, the last of them perhaps smaller.
template <class G>
struct Cutting {
  static Index units(const G&) { return 1; }
  static Piece piece(const G& g, const RowRange&) { return {g, 0, 0}; }
};

template <>
struct Cutting<Conv2d::Geometry> {
  static Index rows_each(const Conv2d::Geometry& g) { return std::max<Index>(1, g.winograd); }
  static Index units(const Conv2d::Geometry& g) {
    return rows_see_input(g) ? (g.h_out + rows_each(g) - 1) / rows_each(g) : 1;
  }
  static Piece piece(const Conv2d::Geometry& g, const RowRange& units) {
    const RowRange rows{units.first * rows_each(g), std::min(units.end * rows_each(g), g.h_out)};
    Conv2d::Geometry part = g;
    const Index x = cut(part, rows) * g.w * g.c_in;
    return {part, x, rows.first * g.w_out * g.c_out};
  }
};

template <>
struct Cutting<ConvActivation::Geometry> {
  using Conv = Cutting<Conv2d::Geometry>;
  static Index units(const ConvActivation::Geometry& g) { return g.position_bias ? 1 : Conv::units(g.conv); }
  static Piece piece(const ConvActivation::Geometry& g, const RowRange& units) {
    const Piece conv = Conv::piece(g.conv, units);
    ConvActivation::Geometry part = g;
    part.conv = std::get<Conv2d::Geometry>(conv.op);
    return {part, conv.x, conv.y};
  }
};

// A unit is a row of windows, or the rows of windows of a row of Winograd's tiles.
template <>
struct Cutting<ConvPool::Geometry> {
  static Index rows_each(const ConvPool::Geometry& g) { return std::max<Index>(1, g.conv.winograd / 2); }
  static Index units(const ConvPool::Geometry& g) {
    return rows_see_input(g.conv) ? (g.h_out + rows_each(g) - 1) / rows_each(g) : 1;
  }
  static Piece piece(const ConvPool::Geometry& g, const RowRange& units) {
    const RowRange rows{units.first * rows_each(g), std::min(units.end * rows_each(g), g.h_out)};
    ConvPool::Geometry part = g;
    part.h_out = rows.end - rows.first;
    // A convolution's row that no window sees stays uncomputed, as in the whole.
    const bool last = rows.end == g.h_out;
    const Index x = cut(part.conv, {2 * rows.first, last ? g.conv.h_out : 2 * rows.end}) * g.conv.w * g.conv.c_in;
    return {part, x, rows.first * g.w_out * g.conv.c_out};
  }
};

// Rows of windows that slide; adaptive ones are not worth the trouble.
template <class G>
struct CuttingOfPool {
  static Index units(const G& g) { return rows_see_input(g) && !g.adaptive ? g.h_out : 1; }
  static Piece piece(const G& g, const RowRange& rows) {
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

}  // namespace

Index most_pieces(const PlacedOp& op) {
  return std::visit([](const auto& g) { return Cutting<std::decay_t<decltype(g)>>::units(g); }, op);
}

Piece piece_of(const PlacedOp& op, Index part, Index parts) {
  if (parts == 1) return {op, 0, 0};
  return std::visit(
      [&](const auto& g) -> Piece {
        using C = Cutting<std::decay_t<decltype(g)>>;
        const Index units = C::units(g);
        return C::piece(g, {units * part / parts, units * (part + 1) / parts});
      },
      op);
}

}  // namespace cnnfast
