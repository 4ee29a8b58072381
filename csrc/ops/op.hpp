// The interface of an operation, and defaults for it.
//
// An operation is two plain structs: its settings (what the user writes; checked when built) and its
// Geometry (settings bound to an input shape: all that a kernel needs). No loops and no pointers here.
//
//   Shape output_shape(inputs)      checks the inputs, names who and what when they do not fit
//   Geometry bind_shape(inputs)     the numbers that a kernel needs
//   arguments(list)                 list(names, types and defaults of the constructor's arguments), in its order
//   values(list)                    list(what they were); arguments behind the last value are no settings
//   parameters()                    names and shapes, in the order they lie in the flat block
//   macs(inputs)                    multiply-accumulates for one image
//   kInputs, kReadsX, kReadsY, kSaved    number of inputs, and what backward needs
//   kIdentityInInference, kWeightRowPerOutput, inference_map()    what simplifies a plan for inference
//
// What a plan asks of a Geometry is in traits.hpp.
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/shape.hpp"
#include "ops/argument.hpp"

namespace cnnfast {

struct Parameter {
  const char* name;
  Shape shape;
  bool trained = true;  // false: a buffer, which has no gradient
};

using Shapes = std::vector<Shape>;

// Operations by their types.
template <class... Types>
struct TypeList {};

template <class... A>
constexpr TypeList<A...> join(TypeList<A...> all) {
  return all;
}
template <class... A, class... B, class... Lists>
constexpr auto join(TypeList<A...>, TypeList<B...>, Lists... lists) {
  return join(TypeList<A..., B...>(), lists...);
}

// y = (x - mean) / sqrt(var + eps), then * weight + bias where affine; parameters in the order weight, bias, mean, var.
struct ChannelMap {
  Index channels = 0;
  bool affine = true;
  double eps = 0;
};

// Buffers that a training batch updates: averages of its first `count` statistics, then, where cumulative, the number
// of batches.
struct RunningAverages {
  Index first = 0, count = 0;  // among the parameters of the operation
  bool cumulative = false;     // means over all batches instead of a momentum
  bool frozen = false;         // not updated
  double momentum = 0;
};

constexpr int kAnyNumber = -1;   // of inputs, from one on
constexpr int kMaxInputs = 128;  // of one operation

struct OpBase {
  static constexpr int kInputs = 1;
  static constexpr bool kReadsX = false;  // backward reads the input
  static constexpr bool kReadsY = false;  // backward reads the output
  static constexpr int kSaved = 0;        // elements that forward saves for backward, per output element
  static constexpr bool kIdentityInInference = false;
  static constexpr bool kWeightRowPerOutput = false;  // a row of weights for each output channel, then `bias`

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list();
  }
  template <class List>
  auto values(const List& list) const {
    return list();
  }
  std::vector<Parameter> parameters() const { return {}; }
  Index macs(const Shapes&) const { return 0; }
  // In inference a map of each channel, which a plan folds into the weights before it.
  std::optional<ChannelMap> inference_map() const { return std::nullopt; }
};

// Geometry of the operations that treat a value as positions x channels.
struct Rows {
  Index positions = 1;
  Index channels = 1;
  Index size() const { return positions * channels; }
};

inline Rows rows_of(const Shape& shape) { return {shape.positions(), shape.channels()}; }

// An operation that keeps the shape; `Tag` makes each one's Geometry a type of its own.
template <class Tag>
struct SameShape : OpBase {
  struct Geometry : Rows {};
  Shape output_shape(const Shapes& inputs) const { return inputs[0]; }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(inputs[0])}; }
};

inline void check_extent(const char* op, const char* argument, Index value) {
  if (value < 1 || value > kMaxExtent) {
    fail(op, ": ", argument, " must be from 1 to ", kMaxExtent, ", got ", value);
  }
}

inline void check_eps(const char* op, double eps) {
  if (!std::isfinite(eps) || eps <= 0) fail(op, ": eps must be a finite number above 0, got ", eps);
}

inline void check_elements(const char* op, const char* what, std::initializer_list<Index> extents) {
  double product = 1;
  for (Index e : extents) product *= static_cast<double>(e);
  if (product > static_cast<double>(kMaxElements)) {
    fail(op, ": ", what, " would have ", product, " elements; at most ", kMaxElements, " are possible");
  }
}

}  // namespace cnnfast
