// Flat blocks of parameters and gradients, on all threads where they are large: optimiser steps, the norm, the search
// for what is not finite.
#include "bind/arrays.hpp"
#include "bind/gil.hpp"
#include "bind/module.hpp"
#include "kernels/table.hpp"
#include "runtime/threads.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

// A block of one length and element type, written in place; null for None.
template <class T>
T* state(const char* name, py::handle value, Index size) {
  return value.is_none() ? nullptr : block<T>(name, value, size, true);
}

// ... that must not be None.
template <class T>
T* kept(const char* name, py::handle value, Index size) {
  return block<T>(name, value, size, true);
}

template <class T>
T* at(T* start, Index i) {
  return start == nullptr ? nullptr : start + i;
}

// Elements a thread must have to be worth waking.
constexpr Index kElementsPerThread = Index{1} << 16;

// Calls f(first, count), without the GIL, for parts of `size` pieces of `piece` elements, one for each thread.
template <class F>
void in_parts(Index size, Index piece, const F& f) {
  const auto parts = static_cast<int>(std::min<Index>(get_num_threads(), 1 + size * piece / kElementsPerThread));
  Tasks tasks(parts);
  without_gil([&] {
    parallel(parts, [&](const Team&) {
      for (int part = 0; tasks.next(part);) {
        const Index first = size * part / parts;
        f(first, size * (part + 1) / parts - first);
      }
    });
  });
}
template <class F>
void in_parts(Index size, const F& f) {
  in_parts(size, 1, f);
}

// The largest |x|; NaN if a value is not finite.
template <class T>
double magnitude(const py::array& values) {
  const auto x = contiguous<T>(values);
  const T* data = x.data();
  std::mutex mutex;
  T largest = 0;
  in_parts(static_cast<Index>(x.size()), [&](Index first, Index count) {
    const T found = kernel_table<T>(default_isa()).magnitude(count, data + first);
    const std::lock_guard<std::mutex> guard(mutex);
    if (!(found <= largest)) largest = std::isnan(largest) ? largest : found;
  });
  return static_cast<double>(largest);
}

// Pieces of one length are summed each by itself, and their sums in order: no bit depends on the threads.
template <class T>
double squared_norm(const py::array& values) {
  constexpr Index piece = 4096;
  const auto x = contiguous<T>(values);
  const T* data = x.data();
  const Index size = static_cast<Index>(x.size()), pieces = (size + piece - 1) / piece;
  std::vector<double> sums(static_cast<std::size_t>(pieces));
  in_parts(pieces, piece, [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      sums[static_cast<std::size_t>(i)] =
          kernel_table<T>(default_isa()).squared_norm(std::min(piece, size - i * piece), data + i * piece);
    }
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

template <class T>
void sgd_step(const py::array& params, py::handle grads, py::handle momentum_buffer, const SgdSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = kept<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* m = state<T>("momentum_buffer", momentum_buffer, size);
  in_parts(size, [&](Index i, Index n) { kernel_table<T>(default_isa()).sgd(n, s, p + i, g + i, at(m, i)); });
}

template <class T>
void adam_step(const py::array& params, py::handle grads, py::handle exp_avg, py::handle exp_avg_sq,
               py::handle max_exp_avg_sq, const AdamSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = kept<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* m = kept<T>("exp_avg", exp_avg, size);
  T* v = kept<T>("exp_avg_sq", exp_avg_sq, size);
  T* largest = state<T>("max_exp_avg_sq", max_exp_avg_sq, size);
  in_parts(size, [&](Index i, Index n) {
    kernel_table<T>(default_isa()).adam(n, s, p + i, g + i, m + i, v + i, at(largest, i));
  });
}

template <class T>
void rmsprop_step(const py::array& params, py::handle grads, py::handle square_avg, py::handle grad_avg,
                  py::handle momentum_buffer, const RmspropSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = kept<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* v = kept<T>("square_avg", square_avg, size);
  T* a = state<T>("grad_avg", grad_avg, size);
  T* m = state<T>("momentum_buffer", momentum_buffer, size);
  in_parts(size, [&](Index i, Index n) {
    kernel_table<T>(default_isa()).rmsprop(n, s, p + i, g + i, v + i, at(a, i), at(m, i));
  });
}

template <class T>
void adagrad_step(const py::array& params, py::handle grads, py::handle sum, const AdagradSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = kept<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* v = kept<T>("sum", sum, size);
  in_parts(size, [&](Index i, Index n) { kernel_table<T>(default_isa()).adagrad(n, s, p + i, g + i, v + i); });
}

// f(T{}) for the element type of the block.
template <class F>
auto by_dtype(const char* name, const py::array& values, const F& f) {
  if (has_dtype<float>(values)) return f(float{});
  if (has_dtype<double>(values)) return f(double{});
  fail_type(name, ": expected dtype float32 or float64, got ", dtype_of(values));
}

void register_steps(py::module_& m) {
  m.def(
      "sgd_step",
      [](py::handle params, py::handle grads, py::handle momentum_buffer, double lr, double momentum, double dampening,
         bool nesterov, double weight_decay, bool first) {
        const py::array p = array("params", params);
        if (momentum != 0 && momentum_buffer.is_none()) {
          fail("sgd_step: momentum ", momentum, " needs a momentum_buffer, got None");
        }
        const SgdSettings s{lr, momentum, dampening, weight_decay, nesterov, first};
        by_dtype("params", p, [&](auto zero) { sgd_step<decltype(zero)>(p, grads, momentum_buffer, s); });
      },
      "params"_a, "grads"_a, "momentum_buffer"_a, "lr"_a, "momentum"_a = 0.0, "dampening"_a = 0.0, "nesterov"_a = false,
      "weight_decay"_a = 0.0, "first"_a = false);
  m.def(
      "adam_step",
      [](py::handle params, py::handle grads, py::handle exp_avg, py::handle exp_avg_sq, std::int64_t step, double lr,
         double beta1, double beta2, double eps, double weight_decay, bool decoupled, py::handle max_exp_avg_sq) {
        if (step < 1) fail("adam_step: step counts from 1, got ", step);
        const py::array p = array("params", params);
        const double t = static_cast<double>(step);
        const AdamSettings s{lr,       beta1, beta2, eps, weight_decay, 1 - std::pow(beta1, t), 1 - std::pow(beta2, t),
                             decoupled};
        by_dtype("params", p,
                 [&](auto zero) { adam_step<decltype(zero)>(p, grads, exp_avg, exp_avg_sq, max_exp_avg_sq, s); });
      },
      "params"_a, "grads"_a, "exp_avg"_a, "exp_avg_sq"_a, "step"_a, "lr"_a, "beta1"_a = 0.9, "beta2"_a = 0.999,
      "eps"_a = 1e-8, "weight_decay"_a = 0.0, "decoupled"_a = false, "max_exp_avg_sq"_a = py::none());
  m.def(
      "rmsprop_step",
      [](py::handle params, py::handle grads, py::handle square_avg, py::handle grad_avg, py::handle momentum_buffer,
         double lr, double alpha, double eps, double weight_decay, double momentum) {
        const py::array p = array("params", params);
        if (momentum != 0 && momentum_buffer.is_none()) {
          fail("rmsprop_step: momentum ", momentum, " needs a momentum_buffer, got None");
        }
        const RmspropSettings s{lr, alpha, eps, weight_decay, momentum};
        by_dtype("params", p,
                 [&](auto zero) { rmsprop_step<decltype(zero)>(p, grads, square_avg, grad_avg, momentum_buffer, s); });
      },
      "params"_a, "grads"_a, "square_avg"_a, "grad_avg"_a, "momentum_buffer"_a, "lr"_a, "alpha"_a = 0.99,
      "eps"_a = 1e-8, "weight_decay"_a = 0.0, "momentum"_a = 0.0);
  m.def(
      "adagrad_step",
      [](py::handle params, py::handle grads, py::handle sum, double lr, double eps, double weight_decay) {
        const py::array p = array("params", params);
        const AdagradSettings s{lr, eps, weight_decay};
        by_dtype("params", p, [&](auto zero) { adagrad_step<decltype(zero)>(p, grads, sum, s); });
      },
      "params"_a, "grads"_a, "sum"_a, "lr"_a, "eps"_a = 1e-10, "weight_decay"_a = 0.0);
}

}  // namespace

void register_blocks(py::module_& m) {
  m.def(
      "all_finite",
      [](py::handle values) {
        const py::array x = array("values", values);
        return std::isfinite(by_dtype("values", x, [&](auto zero) { return magnitude<decltype(zero)>(x); }));
      },
      "values"_a);
  m.def(
      "magnitude",
      [](py::handle values) {
        const py::array x = array("values", values);
        return by_dtype("values", x, [&](auto zero) { return magnitude<decltype(zero)>(x); });
      },
      "values"_a);
  m.def(
      "squared_norm",
      [](py::handle values) {
        const py::array x = array("values", values);
        return by_dtype("values", x, [&](auto zero) { return squared_norm<decltype(zero)>(x); });
      },
      "values"_a);
  register_steps(m);
}

}  // namespace cnnfast::bind
