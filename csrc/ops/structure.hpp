// Operations that rearrange or combine values.
#pragma once

#include <algorithm>

#include "ops/op.hpp"

namespace cnnfast {

// Any shape of as many elements, in NCHW order; one extent may be -1, which is then what is left.
struct Reshape : OpBase {
  static constexpr const char* kName = "Reshape";
  // The same numbers in NCHW order under another shape: positions x channels on both sides.
  struct Geometry {
    Index channels = 1, positions = 1;          // of the input
    Index channels_out = 1, positions_out = 1;  // of the output
    Index size() const { return channels * positions; }
    // Channels-last, both sides are laid out alike.
    bool alike() const {
      return channels == channels_out || (channels == 1 && positions_out == 1) || (positions == 1 && channels_out == 1);
    }
    bool passes_gradient() const { return alike(); }
  };
  static Geometry between(const Shape& from, const Shape& to) {
    return {from.channels(), from.positions(), to.channels(), to.positions()};
  }

  explicit Reshape(Shape wanted) : shape(std::move(wanted)) {
    if (shape.rank() < 1 || shape.rank() > 3) {
      fail(kName, ": shape must have one to three axes (the batch is not one of them), got ", to_string(shape));
    }
    int open = 0;
    for (Index extent : shape.dims()) {
      open += extent == -1 ? 1 : 0;
      if (extent != -1 && (extent < 1 || extent > kMaxExtent)) {
        fail(kName, ": every extent of shape must be from 1 to ", kMaxExtent, ", or -1 for what is left, got ",
             to_string(shape));
      }
    }
    if (open > 1) fail(kName, ": only one extent of shape can be -1, got ", to_string(shape));
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Shape>("shape"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(shape);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Index elements = inputs[0].size();
    double given = 1;  // the product may be huge
    for (Index extent : shape.dims()) given *= extent == -1 ? 1.0 : static_cast<double>(extent);
    std::vector<Index> dims = shape.dims();
    Index* open = nullptr;
    for (Index& extent : dims) open = extent == -1 ? &extent : open;
    const bool fits = given <= static_cast<double>(elements) && elements % static_cast<Index>(given) == 0;
    if (!fits || (open == nullptr && static_cast<Index>(given) != elements)) {
      fail(kName, ": cannot make ", to_string(shape), " of ", to_string(inputs[0]), ", which has ", elements,
           " elements");
    }
    if (open != nullptr) *open = elements / static_cast<Index>(given);
    return Shape(std::move(dims));
  }
  Geometry bind_shape(const Shapes& inputs) const { return between(inputs[0], output_shape(inputs)); }

  Shape shape;
};

// Axes start_dim to end_dim as one, counted with the batch as axis 0, from the end if negative.
struct Flatten : OpBase {
  static constexpr const char* kName = "Flatten";

  Flatten() = default;
  Flatten(Index start, Index end) : start_dim(start), end_dim(end) {
    if (start == 0)
      fail(kName, ": start_dim must not be 0, the batch stays an axis of its own; 1 is the first that can");
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("start_dim", 1), argument<Index>("end_dim", -1));
  }
  template <class List>
  auto values(const List& list) const {
    return list(start_dim, end_dim);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Shape& in = inputs[0];
    const int first = axis("start_dim", start_dim, in), last = axis("end_dim", end_dim, in);
    if (last < first) {
      fail(kName, ": start_dim ", start_dim, " lies behind end_dim ", end_dim, " in an input of shape ", to_string(in));
    }
    std::vector<Index> dims(in.dims().begin(), in.dims().begin() + first + 1);
    for (int i = first + 1; i <= last; ++i) dims.back() *= in[i];
    dims.insert(dims.end(), in.dims().begin() + last + 1, in.dims().end());
    return Shape(std::move(dims));
  }
  Reshape::Geometry bind_shape(const Shapes& inputs) const { return Reshape::between(inputs[0], output_shape(inputs)); }

  Index start_dim = 1, end_dim = -1;

 private:
  // ... as an axis of one image's shape.
  static int axis(const char* argument, Index dim, const Shape& in) {
    const Index rank = in.rank() + 1, found = dim < 0 ? dim + rank : dim;
    if (found < 1 || found >= rank) {
      fail(kName, ": ", argument, " ", dim, " is no axis of a batch of ", to_string(in), "; possible are 1 to ",
           rank - 1);
    }
    return static_cast<int>(found) - 1;
  }
};

// Two values of one shape, element by element; `Tag` makes each one's Geometry a type of its own. passes: see
// traits.hpp.
template <class Tag, bool passes>
struct Pairwise : OpBase {
  static constexpr int kInputs = 2;
  struct Geometry : Rows {
    static constexpr bool passes_gradient() { return passes; }
  };
  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0] != inputs[1]) {
      fail(Tag::kName, ": both inputs must have one shape, got ", to_string(inputs[0]), " and ", to_string(inputs[1]));
    }
    return inputs[0];
  }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(output_shape(inputs))}; }
};

// Their sum: a residual connection.
struct Add : Pairwise<Add, true> {
  static constexpr const char* kName = "Add";
};

// Their product: a gate.
struct Mul : Pairwise<Mul, false> {
  static constexpr const char* kName = "Mul";
  static constexpr bool kReadsX = true;
};

// Concatenation along the channels.
struct Concat : OpBase {
  static constexpr const char* kName = "Concat";
  static constexpr int kInputs = kAnyNumber;
  struct Geometry {
    Index positions = 1;
    Index channels = 1;  // of the output
    int inputs = 0;
    Index channels_in[kMaxInputs] = {};
  };
  Shape output_shape(const Shapes& inputs) const {
    std::vector<Index> dims = inputs[0].dims();
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      const auto& others = inputs[i].dims();
      if (others.size() != dims.size() || !std::equal(dims.begin() + 1, dims.end(), others.begin() + 1)) {
        fail(kName, ": inputs may differ only in their channels, got ", to_string(inputs[0]), " and ",
             to_string(inputs[i]));
      }
      dims[0] += others[0];
    }
    return Shape(std::move(dims));
  }
  Geometry bind_shape(const Shapes& inputs) const {
    const Shape out = output_shape(inputs);
    Geometry g;
    g.positions = out.positions();
    g.channels = out.channels();
    g.inputs = static_cast<int>(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) g.channels_in[i] = inputs[i].channels();
    return g;
  }
};

// The channels at the given indices, in their order; one may be selected several times.
struct SelectChannels : OpBase {
  static constexpr const char* kName = "SelectChannels";
  struct Geometry {
    Index positions = 1;
    Index channels = 1;          // of the input
    std::vector<Index> indices;  // of a channel of the input, for each channel of the output
  };

  explicit SelectChannels(Shape indices_) : indices(std::move(indices_)) {
    if (indices.rank() < 1) fail(kName, ": indices must select at least one channel, got ()");
    for (Index index : indices.dims()) {
      if (index < 0 || index >= kMaxExtent) {
        fail(kName, ": every index must be from 0 to ", kMaxExtent - 1, ", got ", to_string(indices));
      }
    }
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Shape>("indices"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(indices);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Index last = *std::max_element(indices.dims().begin(), indices.dims().end());
    if (last >= inputs[0].channels()) {
      fail(kName, ": there is no channel ", last, " in input ", to_string(inputs[0]), ", which has ",
           inputs[0].channels());
    }
    std::vector<Index> dims = inputs[0].dims();
    dims[0] = indices.rank();
    return Shape(std::move(dims));
  }
  Geometry bind_shape(const Shapes& inputs) const {
    const Shape out = output_shape(inputs);
    return {out.positions(), inputs[0].channels(), indices.dims()};
  }

  Shape indices;  // a list of numbers, not a shape
};

}  // namespace cnnfast
