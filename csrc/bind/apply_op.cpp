// Operations with several inputs on arrays.
#include <pybind11/stl.h>

#include <optional>
#include <vector>

#include "plan/apply_op.hpp"

#include "bind/arrays.hpp"
#include "bind/gil.hpp"
#include "bind/module.hpp"
#include "bind/op_handle.hpp"
#include "kernels/table.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

// Arrays of n images each, C-contiguous.
template <class T>
struct Inputs {
  std::vector<py::array_t<T, py::array::c_style>> arrays;
  std::vector<const T*> data;
  Shapes shapes;
  Index n = 0;

  explicit Inputs(const py::sequence& given) {
    for (py::handle value : given) {
      arrays.push_back(typed<T>("input", value));
      const std::vector<Index> dims = shape_of(arrays.back()).dims();
      if (dims.empty() || (!shapes.empty() && dims.front() != n)) fail("inputs: need arrays (n, ...) of one length n");
      n = dims.front();
      shapes.push_back(Shape(std::vector<Index>(dims.begin() + 1, dims.end())));
      data.push_back(arrays.back().data());
    }
  }
};

template <class T>
py::array apply(const Op& op, const py::sequence& inputs, Isa isa) {
  const Inputs<T> in(inputs);
  py::array_t<T> y = new_array<T>(in.n, output_shape(op, in.shapes));
  T* values = y.mutable_data();
  without_gil([&] { apply_op(op, in.shapes, isa, in.n, in.data, values); });
  return std::move(y);
}

template <class T>
py::list apply_backward(const Op& op, py::handle gradient, const py::sequence& inputs, Isa isa) {
  const Inputs<T> in(inputs);
  const auto dy = typed<T>("dy", gradient);
  const Shape wanted = shape_of(new_array<T>(in.n, output_shape(op, in.shapes)));
  if (shape_of(dy) != wanted) fail("dy: expected shape ", to_string(wanted), ", got ", to_string(shape_of(dy)));
  py::list all;
  std::vector<T*> dxs;
  for (const Shape& shape : in.shapes) {
    py::array_t<T> dx = new_array<T>(in.n, shape);
    dxs.push_back(dx.mutable_data());
    all.append(std::move(dx));
  }
  const T* values = dy.data();
  without_gil([&] { apply_op_backward(op, in.shapes, isa, in.n, in.data, values, dxs); });
  return all;
}

Isa isa_of(const std::optional<std::string>& name) { return name ? isa_from_name(*name) : default_isa(); }

// f(T{}) for the element type of the first input.
template <class F>
auto by_dtype(const py::sequence& inputs, const F& f) {
  const py::array first = array("input", inputs[0]);
  if (has_dtype<float>(first)) return f(float{});
  if (has_dtype<double>(first)) return f(double{});
  fail_type("input: expected dtype float32 or float64, got ", dtype_of(first));
}

}  // namespace

void register_apply_op(py::module_& m) {
  m.def(
      "apply_op",
      [](const OpHandle& h, const py::sequence& inputs, const std::optional<std::string>& isa) {
        return by_dtype(inputs, [&](auto zero) { return apply<decltype(zero)>(h.op, inputs, isa_of(isa)); });
      },
      "op"_a, "inputs"_a, "isa"_a = py::none());
  m.def(
      "apply_op_backward",
      [](const OpHandle& h, py::handle dy, const py::sequence& inputs, const std::optional<std::string>& isa) {
        return by_dtype(inputs,
                        [&](auto zero) { return apply_backward<decltype(zero)>(h.op, dy, inputs, isa_of(isa)); });
      },
      "op"_a, "dy"_a, "inputs"_a, "isa"_a = py::none());
}

}  // namespace cnnfast::bind
