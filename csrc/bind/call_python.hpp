// Calls of Python from the engine.
#pragma once

#include <pybind11/pybind11.h>

#include "bind/gil.hpp"

namespace cnnfast::bind {

// The result of method(*arguments). Where the process ends meanwhile, nothing on this thread's stack is destroyed, see
// taking_gil.
inline pybind11::object call_python(const pybind11::object& method, const pybind11::tuple& arguments) {
  PyObject* const result = taking_gil([&] { return PyObject_Call(method.ptr(), arguments.ptr(), nullptr); });
  if (result == nullptr) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::object>(result);
}

// A Python object that the engine may destroy without the GIL.
class SharedObject {
 public:
  explicit SharedObject(pybind11::object object) : object_(object.release().ptr()) {}
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;
  ~SharedObject() {
    with_gil([&] { Py_DECREF(object_); });
  }
  // With the GIL.
  pybind11::object method(const char* name) const { return pybind11::getattr(object_, name); }

 private:
  PyObject* object_;
};

}  // namespace cnnfast::bind
