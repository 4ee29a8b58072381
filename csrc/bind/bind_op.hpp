// How an operation's settings become a Python class: a constructor that names what is wrong; the rest is common.
#pragma once

#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/op_handle.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

template <class O>
py::class_<Bound<O>, OpHandle> bind_op(py::module_& m) {
  return py::class_<Bound<O>, OpHandle>(m, O::kName);
}
// ... for one without settings.
template <class O>
void bind_plain(py::module_& m) {
  bind_op<O>(m).def(py::init([] { return Bound<O>(O{}); }));
}

void register_products(py::module_& m);
void register_pooling(py::module_& m);
void register_pointwise(py::module_& m);
void register_normalization(py::module_& m);
void register_activations(py::module_& m);
void register_structure(py::module_& m);

}  // namespace cnnfast::bind
