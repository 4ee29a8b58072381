// Python arguments to the engine's types, with messages that name the operation, the argument and the value.
#pragma once

#include <pybind11/pybind11.h>

#include "ops/window.hpp"

namespace cnnfast::bind {

namespace py = pybind11;

// Where an argument stands, for messages: "Conv2d: kernel_size".
struct Where {
  const char* owner;
  const char* argument;
};

Index integer(const Where& where, py::handle value);
double number(const Where& where, py::handle value);
bool boolean(const Where& where, py::handle value);
std::string text(const Where& where, py::handle value);
Extent pair(const Where& where, py::handle value);      // 3 or (3, 5)
Padding padding(const Where& where, py::handle value);  // 1, (1, 2) [h, w] or ((top, bottom), (left, right))
Ends ends(const Where& where, py::handle value);        // 1 or (1, 2) [before, after]
Shape shape(const Where& where, py::handle value);      // (c, h, w)
// The same, or "same" or "valid" for a window that slides so.
Padding padding(const Where& where, py::handle value, const Sliding& sliding);
Ends ends(const Where& where, py::handle value, const Sliding& sliding);

py::tuple to_tuple(const Shape& shape);
py::tuple to_tuple(const Extent& extent);
py::tuple to_tuple(const Padding& padding);
py::tuple to_tuple(const Ends& ends);

}  // namespace cnnfast::bind
