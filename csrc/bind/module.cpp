#include "bind/module.hpp"

#include "base/error.hpp"

namespace py = pybind11;

namespace {

// pybind11 takes the GIL of the main interpreter while it loads, which in a sub-interpreter would wait forever. True
// with an ImportError set where this is one.
bool in_sub_interpreter() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return false;
  PyErr_SetString(PyExc_ImportError,
                  "cnnfast works in the main interpreter only, not in a sub-interpreter; use threads or processes");
  return true;
}

}  // namespace

// The function that Python calls; it calls the one that pybind11 defines.
#define PyInit__core cnnfast_init_core
PYBIND11_MODULE(_core, m) {
  if (in_sub_interpreter()) throw py::error_already_set();  // Python 3.13 calls PyInit in the main interpreter
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
  cnnfast::bind::register_apply_op(m);
  cnnfast::bind::register_losses(m);
  cnnfast::bind::register_augmentation(m);  // before the plan, whose signatures name its class
  cnnfast::bind::register_plan(m);
  cnnfast::bind::register_blocks(m);
  cnnfast::bind::register_system(m);
}

#undef PyInit__core
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() { return in_sub_interpreter() ? nullptr : cnnfast_init_core(); }
