// Python arguments to the engine's types, with messages that name the operation, the argument and the value.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "ops/pad.hpp"
#include "ops/resize.hpp"
#include "ops/window.hpp"

namespace cnnfast::bind {

namespace py = pybind11;

// The owner and name of an argument, for messages: "Conv2d: kernel_size".
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
Sides sides(const Where& where, py::handle value);      // 1 or (left, right, top, bottom)
Scale scale(const Where& where, py::handle value);      // 1.5 or (1.5, 2)
Shape shape(const Where& where, py::handle value);      // (c, h, w)
bool is_same(const Where& where, py::handle value);     // "same", or "valid", which is no padding

py::tuple to_tuple(const Shape& shape);
py::tuple to_tuple(const Extent& extent);
py::tuple to_tuple(const Padding& padding);
py::tuple to_tuple(const Ends& ends);
py::tuple to_tuple(const Sides& sides);
py::tuple to_tuple(const Scale& scale);

// How an argument of type T is read, and what the stub calls the values it may have.
template <class T>
struct FromPython;

template <auto Read>
struct ReadBy {
  static auto read(const Where& where, py::handle value) { return Read(where, value); }
};
template <>
struct FromPython<Index> : ReadBy<integer> {
  static std::string type() { return "int"; }
};
template <>
struct FromPython<double> : ReadBy<number> {
  static std::string type() { return "float"; }
};
template <>
struct FromPython<bool> : ReadBy<boolean> {
  static std::string type() { return "bool"; }
};
template <>
struct FromPython<std::string> : ReadBy<text> {
  static std::string type() { return "str"; }
};
template <>
struct FromPython<Extent> : ReadBy<pair> {
  static std::string type() { return "Pair"; }
};
template <>
struct FromPython<Padding> : ReadBy<padding> {
  static std::string type() { return "Padding"; }
};
template <>
struct FromPython<Ends> : ReadBy<ends> {
  static std::string type() { return "Ends"; }
};
template <>
struct FromPython<Sides> : ReadBy<sides> {
  static std::string type() { return "Sides"; }
};
template <>
struct FromPython<Scale> : ReadBy<scale> {
  static std::string type() { return "Scale"; }
};
template <>
struct FromPython<Shape> : ReadBy<shape> {
  static std::string type() { return "Sequence[int]"; }
};
template <class T>
struct FromPython<std::optional<T>> {
  static std::optional<T> read(const Where& where, py::handle value) {
    return value.is_none() ? std::nullopt : std::optional<T>(FromPython<T>::read(where, value));
  }
  static std::string type() { return FromPython<T>::type() + " | None"; }
};
template <class T>
struct FromPython<std::variant<T, Same>> {
  static std::variant<T, Same> read(const Where& where, py::handle value) {
    if (!py::isinstance<py::str>(value)) return FromPython<T>::read(where, value);
    return is_same(where, value) ? std::variant<T, Same>(Same()) : T();
  }
  static std::string type() { return FromPython<T>::type() + " | PaddingName"; }
};

}  // namespace cnnfast::bind
