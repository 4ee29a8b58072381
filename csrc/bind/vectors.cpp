// Optimiser steps over flat blocks.
#include "bind/arrays.hpp"
#include "bind/module.hpp"
#include "kernels/table.hpp"
#include "plan/threads.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

// Blocks of one length and element type, written in place.
template <class T>
T* state(const char* name, py::handle value, Index size) {
  return block<T>(name, value, size, true);
}

// Elements a thread must have to be worth waking.
constexpr Index kElementsPerThread = Index{1} << 16;

// Calls f(first, count) for parts of a block, one for each thread.
template <class F>
void in_parts(Index size, const F& f) {
  const auto parts = static_cast<int>(std::min<Index>(get_num_threads(), 1 + size / kElementsPerThread));
  Tasks tasks(parts);
  parallel(parts, [&](const Team&) {
    for (int part = 0; tasks.next(part);) {
      const Index first = size * part / parts;
      f(first, size * (part + 1) / parts - first);
    }
  });
}

template <class T>
bool all_finite(const py::array& values) {
  const auto x = contiguous<T>(values);
  const T* data = x.data();
  std::atomic<bool> finite{true};
  const py::gil_scoped_release release;
  in_parts(static_cast<Index>(x.size()), [&](Index first, Index count) {
    if (!kernel_table<T>(default_isa()).all_finite(count, data + first)) finite = false;
  });
  return finite;
}

template <class T>
void sgd_step(const py::array& params, py::handle grads, py::handle momentum, const SgdSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = state<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* m = momentum.is_none() ? nullptr : state<T>("momentum_buffer", momentum, size);
  const py::gil_scoped_release release;
  in_parts(size, [&](Index i, Index n) {
    kernel_table<T>(default_isa()).sgd(n, s, p + i, g + i, m == nullptr ? nullptr : m + i);
  });
}

template <class T>
void adam_step(const py::array& params, py::handle grads, py::handle exp_avg, py::handle exp_avg_sq,
               const AdamSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = state<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* m = state<T>("exp_avg", exp_avg, size);
  T* v = state<T>("exp_avg_sq", exp_avg_sq, size);
  const py::gil_scoped_release release;
  in_parts(size, [&](Index i, Index n) { kernel_table<T>(default_isa()).adam(n, s, p + i, g + i, m + i, v + i); });
}

// Calls f(T{}) for the element type of the block.
template <class F>
void by_dtype(const py::array& params, const F& f) {
  if (has_dtype<float>(params)) {
    f(float{});
  } else if (has_dtype<double>(params)) {
    f(double{});
  } else {
    fail_type("params: expected dtype float32 or float64, got ", dtype_of(params));
  }
}

}  // namespace

void register_vectors(py::module_& m) {
  m.def(
      "all_finite",
      [](py::handle values) {
        const py::array x = array("values", values);
        if (has_dtype<float>(x)) return all_finite<float>(x);
        if (has_dtype<double>(x)) return all_finite<double>(x);
        fail_type("values: expected dtype float32 or float64, got ", dtype_of(x));
      },
      "values"_a);
  m.def(
      "sgd_step",
      [](py::handle params, py::handle grads, py::handle momentum_buffer, double lr, double momentum, double dampening,
         bool nesterov, double weight_decay, bool first) {
        const py::array p = array("params", params);
        if (momentum != 0 && momentum_buffer.is_none()) {
          fail("sgd_step: momentum ", momentum, " needs a momentum_buffer, got None");
        }
        const SgdSettings s{lr, momentum, dampening, weight_decay, nesterov, first};
        by_dtype(p, [&](auto zero) { sgd_step<decltype(zero)>(p, grads, momentum_buffer, s); });
      },
      "params"_a, "grads"_a, "momentum_buffer"_a, "lr"_a, "momentum"_a = 0.0, "dampening"_a = 0.0, "nesterov"_a = false,
      "weight_decay"_a = 0.0, "first"_a = false);
  m.def(
      "adam_step",
      [](py::handle params, py::handle grads, py::handle exp_avg, py::handle exp_avg_sq, std::int64_t step, double lr,
         double beta1, double beta2, double eps, double weight_decay, bool decoupled) {
        if (step < 1) fail("adam_step: step counts from 1, got ", step);
        const py::array p = array("params", params);
        const double t = static_cast<double>(step);
        const AdamSettings s{lr,       beta1, beta2, eps, weight_decay, 1 - std::pow(beta1, t), 1 - std::pow(beta2, t),
                             decoupled};
        by_dtype(p, [&](auto zero) { adam_step<decltype(zero)>(p, grads, exp_avg, exp_avg_sq, s); });
      },
      "params"_a, "grads"_a, "exp_avg"_a, "exp_avg_sq"_a, "step"_a, "lr"_a, "beta1"_a = 0.9, "beta2"_a = 0.999,
      "eps"_a = 1e-8, "weight_decay"_a = 0.0, "decoupled"_a = false);
}

}  // namespace cnnfast::bind
