// The arguments of a call on a plan, checked against the plan: images, targets, row indices, flat blocks.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "bind/arguments.hpp"
#include "bind/arrays.hpp"
#include "plan/augment_batch.hpp"
#include "plan/plan.hpp"

namespace cnnfast::bind {

// Images as the engine reads them, and the array that keeps them alive.
struct Images {
  py::array keep;
  Batch batch;
};

// A loss with its settings, or the name of a plain one.
inline Loss loss_of(py::handle value) {
  if (py::isinstance<Loss>(value)) return py::cast<Loss>(value);
  return loss_kind(text({"loss", "loss"}, value));
}

// Targets of n rows as arrays, checked against the loss and the output of a row.
template <class T>
struct Targets {
  Integers classes;
  py::array_t<T, py::array::c_style> values;
  Target<T> target;

  Targets(const Loss& loss, const Shape& output, py::handle value, Index n, const char* row) {
    check_loss(loss, output);
    const py::array given = array("target", value);
    const bool probabilities =
        loss.kind == LossKind::cross_entropy && given.ndim() == output.rank() + 1 && has_dtype<T>(given);
    if (loss.targets_are_classes() && !probabilities) {
      classes = class_numbers(output, value, n, row);
      target.classes = classes.data();
      positions = output.positions();
      return;
    }
    values = typed<T>("target", value);
    const Shape want = shape_of(new_array<T>(n, output));
    if (shape_of(values) != want) {
      fail("target: expected the shape of the output, ", to_string(want), ", got ", to_string(shape_of(values)));
    }
    target.values = values.data();
  }

  // The classes of a row, which an error names as `named`.
  void check_classes(const Loss& loss, Index row, Index named, Index n_classes, const std::string& what) const {
    for (Index at = 0; at < positions; ++at) {
      const std::int64_t label = target.classes[row * positions + at];
      if (label == loss.ignore_index || (label >= 0 && label < n_classes)) continue;
      fail("target: values must be from 0 to ", n_classes - 1, " (", what, "), got ", label, " at position ",
           named * positions + at);
    }
  }

 private:
  Index positions = 1;

  // A class per row, or per position of it.
  static Integers class_numbers(const Shape& output, py::handle value, Index n, const char* row) {
    if (output.rank() == 1) {
      auto found = indices("target", value);
      if (static_cast<Index>(found.size()) != n) {
        fail("target: expected ", n, " entries, one ", row, ", got ", found.size());
      }
      return found;
    }
    auto found = integers("target", value);
    std::vector<Index> dims = output.dims();
    dims.front() = n;
    if (shape_of(found) != Shape(dims)) {
      fail("target: expected shape ", to_string(Shape(dims)), ", a class for each position, got ",
           to_string(shape_of(found)));
    }
    return found;
  }
};

template <class T>
Images images(const Plan<T>& plan, py::handle value) {
  const py::array x = array("x", value);
  Images result;
  result.batch.is_u8 = has_dtype<std::uint8_t>(x);
  if (!result.batch.is_u8 && !has_dtype<T>(x)) {
    fail_type("x: expected dtype ", dtype_name<T>(), " or uint8, got ", dtype_of(x), "; use x.astype(np.",
              dtype_name<T>(), ")");
  }
  const Shape& want = plan.input_shape();
  const Shape got = shape_of(x);
  std::vector<Index> dims = got.dims();
  // One channel may be left out: (n, h, w) for (n, 1, h, w).
  if (want.rank() == 3 && want[0] == 1 && got.rank() == 3) dims.insert(dims.begin() + 1, 1);
  if (dims.empty() || !std::equal(dims.begin() + 1, dims.end(), want.dims().begin(), want.dims().end())) {
    std::string expected = "(n";
    for (Index d : want.dims()) expected += ", " + std::to_string(d);
    fail("x: expected shape ", expected, "), got ", to_string(got));
  }
  if (result.batch.is_u8) {
    result.keep = contiguous<std::uint8_t>(x);
  } else {
    result.keep = contiguous<T>(x);
  }
  result.batch.images = result.keep.data();
  result.batch.n = dims.front();
  return result;
}

// Parameters to read and gradients to write: two blocks of the plan's length.
template <class T>
struct Blocks {
  const T* params;
  T* grads;
  Blocks(const Plan<T>& plan, py::handle params_in, py::handle grads_in)
      : params(block<T>("params", params_in, plan.parameter_count(), false)),
        grads(block<T>("grads", grads_in, plan.parameter_count(), true)) {
    if (params < grads + plan.parameter_count() && grads < params + plan.parameter_count()) {
      fail("grads: must not share memory with params");
    }
  }
};

// Images, targets and index of a loss call, checked against the plan.
template <class T>
struct LabeledBatch {
  Images in;
  Targets<T> targets;
  Integers index, origin;

  LabeledBatch(const Plan<T>& plan, const Loss& loss, py::handle x, py::handle target, const py::object& index_in,
               const py::object& origin_in = py::none())
      : in(images(plan, x)), targets(loss, plan.output_shape(), target, in.batch.n, "an image") {
    rows = in.batch.n;
    if (!index_in.is_none()) {
      index = indices("index", index_in);
      check_range("index", index.data(), static_cast<Index>(index.size()), rows, "rows of x");
      in.batch.index = index.data();
      in.batch.n = static_cast<Index>(index.size());
    }
    if (!origin_in.is_none()) {
      origin = indices("origin", origin_in);
      if (static_cast<Index>(origin.size()) != rows) {
        fail("origin: expected ", rows, " entries, one a row of x, got ", origin.size());
      }
      in.batch.origin = origin.data();
    }
    if (in.batch.n == 0) fail("x: the batch is empty; a mean loss needs at least one image");
    if (targets.target.classes == nullptr) return;
    const Index classes = plan.output_shape().channels();
    const std::string what = concat("the network has ", classes, " outputs");
    for (Index i = 0; i < in.batch.n; ++i) {
      targets.check_classes(loss, in.batch.row(i), in.batch.data_set_row(i), classes, what);
    }
  }

  // Weights of the rows of x.
  void weigh(const py::object& given) {
    if (given.is_none()) return;
    weights = typed<double>("sample_weight", given);
    if (weights.ndim() != 1 || weights.shape(0) != rows) {
      fail("sample_weight: expected ", rows, " entries, one a row of x, got shape ", to_string(shape_of(weights)));
    }
    in.batch.weights = weights.data();
  }

  void augment(const Augmentation& augmentation, const AugmentationKey& key, const Shape& image) {
    if (!in.batch.is_u8 || image.rank() != 3) {
      fail("augmentation: needs uint8 images (n, c, h, w), got ", dtype_of(in.keep), " of shape ",
           to_string(shape_of(in.keep)));
    }
    in.batch.augmentation = &augmentation;
    in.batch.augmentation_key = key;
    if (augmentation.mixing.kind == Mixing::Kind::none) return;
    if (targets.target.classes == nullptr) fail("augmentation: mixing of images needs class numbers as targets");
    mixes = draw_mixes(in.batch, image);
    in.batch.mixes = mixes.data();
  }

 private:
  Index rows = 0;
  py::array_t<double, py::array::c_style> weights;
  std::vector<Mix> mixes;
};

}  // namespace cnnfast::bind
