// The GIL, released while the engine computes, and taken where it calls Python.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>
#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace cnnfast::bind {

// Calls f, which waits for the GIL. Once the interpreter finalizes, a thread that waits for it must not run on: Python
// up to 3.13 calls pthread_exit there, whose unwinding would run destructors that need the GIL, and ends the process
// where one of them is noexcept. Such a thread stays here until the process has ended, as Python 3.14 does it.
template <class F>
auto taking_gil(const F& f) {
#if defined(__GLIBCXX__)
  try {
    return f();
  } catch (const abi::__forced_unwind&) {
    while (true) std::this_thread::sleep_for(std::chrono::hours(24));
  }
#else
  return f();
#endif
}

// Calls f without the GIL. In place of pybind11's gil_scoped_release, which takes it back in a destructor.
template <class F>
auto without_gil(const F& f) {
  PyThreadState* const state = PyEval_SaveThread();
  const auto take = [&] { taking_gil([&] { PyEval_RestoreThread(state); }); };
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      take();
    } else {
      auto result = f();
      take();
      return result;
    }
  } catch (...) {
    take();
    throw;
  }
}

// Calls f with the GIL, on a thread of Python that has released it.
template <class F>
auto with_gil(const F& f) {
  struct Gil {
    PyGILState_STATE before = taking_gil([] { return PyGILState_Ensure(); });
    ~Gil() { PyGILState_Release(before); }
  };
  const Gil gil;
  return f();
}

}  // namespace cnnfast::bind
