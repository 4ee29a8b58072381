#include "bind/module.hpp"

#include "base/error.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, m) {
  m.doc() = "C++ core of cnnfast: operations, plans and kernels.";
  m.attr("__version__") = CNNFAST_VERSION;
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const cnnfast::TypeMismatch& error) {
      PyErr_SetString(PyExc_TypeError, error.what());
    }
  });
  cnnfast::bind::register_ops(m);
  cnnfast::bind::register_losses(m);
  cnnfast::bind::register_plan(m);
  cnnfast::bind::register_blocks(m);
  cnnfast::bind::register_system(m);
}
