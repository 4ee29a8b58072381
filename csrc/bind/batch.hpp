// What a call on a plan brings along, checked against the plan: images, targets, row numbers, flat blocks.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "plan/plan.hpp"

namespace cnnfast::bind {

// Images as the engine reads them, and the array that keeps them alive.
struct Images {
  py::array keep;
  Batch batch;
};

inline Loss loss_from_name(const std::string& name) {
  if (name == "cross_entropy") return Loss::cross_entropy;
  if (name == "nll") return Loss::nll;
  fail("loss must be \"cross_entropy\" or \"nll\", got \"", name, "\"");
}

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
struct Labelled {
  Images in;
  py::array_t<std::int64_t, py::array::c_style> target, index;

  Labelled(const Plan<T>& plan, py::handle x, py::handle target_in, const py::object& index_in)
      : in(images(plan, x)), target(indices("target", target_in)) {
    if (plan.output_shape().rank() != 1) {
      fail("loss: the network must end in a vector of class scores (classes,), its output is ",
           to_string(plan.output_shape()));
    }
    const Index rows = in.batch.n;
    if (static_cast<Index>(target.size()) != rows) {
      fail("target: expected ", rows, " entries, one an image, got ", target.size());
    }
    if (!index_in.is_none()) {
      index = indices("index", index_in);
      check_range("index", index.data(), static_cast<Index>(index.size()), rows, "rows of x");
      in.batch.index = index.data();
      in.batch.n = static_cast<Index>(index.size());
    }
    if (in.batch.n == 0) fail("x: the batch is empty; a mean loss needs at least one image");
    const Index classes = plan.output_shape().size();
    for (Index i = 0; i < in.batch.n; ++i) {
      const std::int64_t label = target.data()[in.batch.row(i)];
      if (label < 0 || label >= classes) {
        fail("target: values must be from 0 to ", classes - 1, " (the network has ", classes, " outputs), got ", label,
             " at position ", in.batch.row(i));
      }
    }
  }
};

}  // namespace cnnfast::bind
