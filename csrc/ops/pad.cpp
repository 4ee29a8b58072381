#include "ops/pad.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace cnnfast {

std::string to_string(const Sides& s) { return concat("(", s.left, ", ", s.right, ", ", s.top, ", ", s.bottom, ")"); }

std::string mode_name(PadMode mode) {
  switch (mode) {
    case PadMode::constant: return "constant";
    case PadMode::reflect: return "reflect";
    case PadMode::replicate: return "replicate";
  }
  return {};
}

namespace {

PadMode pad_mode(const char* op, const std::string& mode) {
  if (mode == "constant") return PadMode::constant;
  if (mode == "reflect") return PadMode::reflect;
  if (mode == "replicate" || mode == "edge") return PadMode::replicate;
  fail(op, ": mode must be \"constant\", \"reflect\", \"replicate\" or \"edge\", got \"", mode, "\"");
}

template <class Amounts>
void check_padding(const char* op, std::initializer_list<Index> sides, const Amounts& padding, const char* names,
                   PadMode mode, double value) {
  const bool constant = mode == PadMode::constant;
  const Index least = constant ? -kMaxExtent : 0;
  for (Index side : sides) {
    if (side >= least && side <= kMaxExtent) continue;
    fail(op, ": padding must be from ", least, " to ", kMaxExtent,
         constant ? "" : concat(" where mode is \"", mode_name(mode), "\""), ", got ", to_string(padding), " ", names);
  }
  if (!constant && value != 0) {
    fail(op, ": value is only used by mode \"constant\", got value ", value, " for mode \"", mode_name(mode), "\"");
  }
}

// Fails if the input is cropped entirely, or a reflection would reach beyond its other end.
template <class Amounts>
void check_axis(const char* op, const PadAxis& axis, const char* name, const Shape& input, const Amounts& padding,
                const char* names) {
  if (axis.first() >= axis.end()) {
    fail(op, ": padding ", to_string(padding), " ", names, " crops all of input ", to_string(input));
  }
  const Index most = std::max(axis.before, axis.after);
  if (axis.mode == PadMode::reflect && most >= axis.in) {
    fail(op, ": reflected padding must be smaller than the input, got padding ", to_string(padding), " ", names,
         " for input ", to_string(input), "; need ", name, " > ", most);
  }
}

constexpr const char* kSides = "[left, right, top, bottom]";
constexpr const char* kEnds = "[before, after]";

}  // namespace

Pad2d::Pad2d(Sides padding_, const std::string& mode_, double value_)
    : padding(padding_), mode(pad_mode(kName, mode_)), value(value_) {
  check_padding(kName, {padding.left, padding.right, padding.top, padding.bottom}, padding, kSides, mode, value);
}

Pad2d::Geometry Pad2d::bind_shape(const Shapes& inputs) const {
  const Shape& in = inputs[0];
  check_image(kName, in, 0);
  const Geometry g{
      in[0], {mode, in[1], padding.top, padding.bottom}, {mode, in[2], padding.left, padding.right}, value};
  check_axis(kName, g.rows, "h", in, padding, kSides);
  check_axis(kName, g.cols, "w", in, padding, kSides);
  return g;
}

Pad1d::Pad1d(Ends padding_, const std::string& mode_, double value_)
    : padding(padding_), mode(pad_mode(kName, mode_)), value(value_) {
  check_padding(kName, {padding.before, padding.after}, padding, kEnds, mode, value);
}

Pad2d::Geometry Pad1d::bind_shape(const Shapes& inputs) const {
  const Shape& in = inputs[0];
  check_line(kName, in, 0);
  const Geometry g{in[0], {mode, 1, 0, 0}, {mode, in[1], padding.before, padding.after}, value};
  check_axis(kName, g.cols, "l", in, padding, kEnds);
  return g;
}

}  // namespace cnnfast
