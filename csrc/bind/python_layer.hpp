// A layer that Python computes.
#pragma once

#include <pybind11/pybind11.h>

namespace cnnfast::bind {

// The class PythonOp(name, parameters, caller). `caller` has the methods output_shape(input_shape), settings() and
// begin(input_shape, output_shape, training), which returns an object with forward(x, params) and backward(dy). They
// get copies, NCHW, so that Python cannot keep a pointer to the engine's memory; `backward` returns dx and the flat
// gradients of the parameters.
void bind_python_layer(pybind11::module_& m);

}  // namespace cnnfast::bind
