// Conversion of NumPy arrays: dtype, rank and shape are checked once, here; data becomes C-contiguous.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "base/error.hpp"
#include "base/shape.hpp"
#include "bind/gil.hpp"

namespace cnnfast::bind {

namespace py = pybind11;

template <class T>
constexpr const char* dtype_name() {
  return sizeof(T) == 4 ? "float32" : "float64";
}

inline std::string dtype_of(const py::array& a) { return py::cast<std::string>(py::str(a.dtype())); }

inline bool is_masked(py::handle value) {
  return py::isinstance(value, py::module_::import("numpy.ma").attr("MaskedArray"));
}

inline py::array array(const char* name, py::handle value) {
  if (!py::isinstance<py::array>(value)) {
    fail_type(name, " must be a NumPy array, got ",
              py::cast<std::string>(py::str(py::type::handle_of(value).attr("__name__"))));
  }
  const auto* const plain = reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_);
  if (py::type::handle_of(value).ptr() != plain && is_masked(value)) {
    fail_type(name, " is a masked array, which is not supported; use ", name,
              ".filled(...) with a value of your choice");
  }
  return py::reinterpret_borrow<py::array>(value);
}

inline Shape shape_of(const py::array& a) {
  std::vector<Index> dims;
  for (py::ssize_t i = 0; i < a.ndim(); ++i) dims.push_back(static_cast<Index>(a.shape(i)));
  return Shape(std::move(dims));
}

template <class T>
bool has_dtype(const py::array& a) {
  return py::isinstance<py::array_t<T>>(a);
}

// The array itself where it is C-contiguous and aligned, else a copy.
template <class T>
py::array_t<T, py::array::c_style> contiguous(const py::array& a) {
  return taking_gil([&] { return py::array_t<T, py::array::c_style>::ensure(a); });  // NumPy copies without the GIL
}

template <class T>
py::array_t<T, py::array::c_style> typed(const char* name, py::handle value) {
  const py::array a = array(name, value);
  if (!has_dtype<T>(a)) {
    fail_type(name, ": expected dtype ", dtype_name<T>(), ", got ", dtype_of(a), "; use ", name, ".astype(np.",
              dtype_name<T>(), ")");
  }
  return contiguous<T>(a);
}

// A flat block that is written in place or read: one axis, contiguous, exactly `size` elements.
template <class T>
T* block(const char* name, py::handle value, Index size, bool writable) {
  py::array a = array(name, value);
  if (!has_dtype<T>(a)) fail_type(name, ": expected dtype ", dtype_name<T>(), ", got ", dtype_of(a));
  if (a.ndim() != 1 || static_cast<Index>(a.size()) != size) {
    fail(name, ": expected a flat block of ", size, " elements, got shape ", to_string(shape_of(a)));
  }
  if (size > 1 && a.strides(0) != static_cast<py::ssize_t>(sizeof(T)))
    fail(name, ": expected a contiguous block, got a stride of ", a.strides(0), " bytes");
  if (writable && !a.writeable()) fail(name, ": the block is read-only");
  return static_cast<T*>(const_cast<void*>(a.data()));
}

// Class or row numbers.
using Integers = py::array_t<std::int64_t, py::array::c_style>;
inline Integers integers(const char* name, py::handle value) {
  const py::array a = array(name, value);
  if (!has_dtype<std::int64_t>(a)) {
    fail_type(name, ": expected dtype int64, got ", dtype_of(a), "; use ", name, ".astype(np.int64)");
  }
  return contiguous<std::int64_t>(a);
}

// ... of n rows.
inline Integers indices(const char* name, py::handle value) {
  const Integers a = integers(name, value);
  if (a.ndim() != 1) fail(name, ": expected one axis (n,), got shape ", to_string(shape_of(a)));
  return a;
}

inline void check_range(const char* name, const std::int64_t* values, Index n, Index end, const char* what) {
  for (Index i = 0; i < n; ++i) {
    if (values[i] < 0 || values[i] >= end) {
      fail(name, ": values must be from 0 to ", end - 1, " (", what, "), got ", values[i], " at position ", i);
    }
  }
}

template <class T>
py::array_t<T> new_array(Index n, const Shape& shape) {
  std::vector<py::ssize_t> dims{static_cast<py::ssize_t>(n)};
  for (Index d : shape.dims()) dims.push_back(static_cast<py::ssize_t>(d));
  return py::array_t<T>(dims);
}

}  // namespace cnnfast::bind
