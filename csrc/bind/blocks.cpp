// Flat blocks of parameters and gradients: optimizer steps, norms, the search for values that are not finite.
#include <cmath>

#include "bind/arrays.hpp"
#include "bind/gil.hpp"
#include "bind/module.hpp"
#include "train/optimizer_steps.hpp"
#include "train/reductions.hpp"

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
double magnitude_of(const py::array& values) {
  const auto x = contiguous<T>(values);
  return without_gil([&] { return static_cast<double>(max_magnitude(static_cast<Index>(x.size()), x.data())); });
}

template <class T>
double squared_norm_of(const py::array& values) {
  const auto x = contiguous<T>(values);
  return without_gil([&] { return squared_norm(static_cast<Index>(x.size()), x.data()); });
}

template <class T>
void sgd_step(const py::array& params, py::handle grads, py::handle momentum_buffer, const SgdSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = kept<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* m = state<T>("momentum_buffer", momentum_buffer, size);
  without_gil([&] { cnnfast::sgd_step(size, s, p, g, m); });
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
  without_gil([&] { cnnfast::adam_step(size, s, p, g, m, v, largest); });
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
  without_gil([&] { cnnfast::rmsprop_step(size, s, p, g, v, a, m); });
}

template <class T>
void adagrad_step(const py::array& params, py::handle grads, py::handle sum, const AdagradSettings& s) {
  const Index size = static_cast<Index>(params.size());
  T* p = kept<T>("params", params, size);
  const T* g = block<T>("grads", grads, size, false);
  T* v = kept<T>("sum", sum, size);
  without_gil([&] { cnnfast::adagrad_step(size, s, p, g, v); });
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
         bool nesterov, double weight_decay, bool first, bool maximize) {
        const py::array p = array("params", params);
        if (momentum != 0 && momentum_buffer.is_none()) {
          fail("sgd_step: momentum ", momentum, " needs a momentum_buffer, got None");
        }
        const SgdSettings s{lr, momentum, dampening, weight_decay, nesterov, first, maximize};
        by_dtype("params", p, [&](auto zero) { sgd_step<decltype(zero)>(p, grads, momentum_buffer, s); });
      },
      "params"_a, "grads"_a, "momentum_buffer"_a, "lr"_a, "momentum"_a = 0.0, "dampening"_a = 0.0, "nesterov"_a = false,
      "weight_decay"_a = 0.0, "first"_a = false, "maximize"_a = false);
  m.def(
      "adam_step",
      [](py::handle params, py::handle grads, py::handle exp_avg, py::handle exp_avg_sq, std::int64_t step, double lr,
         double beta1, double beta2, double eps, double weight_decay, bool decoupled, py::handle max_exp_avg_sq,
         bool maximize) {
        if (step < 1) fail("adam_step: step counts from 1, got ", step);
        const py::array p = array("params", params);
        const double t = static_cast<double>(step);
        const AdamSettings s{
            lr, beta1, beta2, eps, weight_decay, 1 - std::pow(beta1, t), 1 - std::pow(beta2, t), decoupled, maximize};
        by_dtype("params", p,
                 [&](auto zero) { adam_step<decltype(zero)>(p, grads, exp_avg, exp_avg_sq, max_exp_avg_sq, s); });
      },
      "params"_a, "grads"_a, "exp_avg"_a, "exp_avg_sq"_a, "step"_a, "lr"_a, "beta1"_a = 0.9, "beta2"_a = 0.999,
      "eps"_a = 1e-8, "weight_decay"_a = 0.0, "decoupled"_a = false, "max_exp_avg_sq"_a = py::none(),
      "maximize"_a = false);
  m.def(
      "rmsprop_step",
      [](py::handle params, py::handle grads, py::handle square_avg, py::handle grad_avg, py::handle momentum_buffer,
         double lr, double alpha, double eps, double weight_decay, double momentum, bool maximize) {
        const py::array p = array("params", params);
        if (momentum != 0 && momentum_buffer.is_none()) {
          fail("rmsprop_step: momentum ", momentum, " needs a momentum_buffer, got None");
        }
        const RmspropSettings s{lr, alpha, eps, weight_decay, momentum, maximize};
        by_dtype("params", p,
                 [&](auto zero) { rmsprop_step<decltype(zero)>(p, grads, square_avg, grad_avg, momentum_buffer, s); });
      },
      "params"_a, "grads"_a, "square_avg"_a, "grad_avg"_a, "momentum_buffer"_a, "lr"_a, "alpha"_a = 0.99,
      "eps"_a = 1e-8, "weight_decay"_a = 0.0, "momentum"_a = 0.0, "maximize"_a = false);
  m.def(
      "adagrad_step",
      [](py::handle params, py::handle grads, py::handle sum, double lr, double eps, double weight_decay,
         bool maximize) {
        const py::array p = array("params", params);
        const AdagradSettings s{lr, eps, weight_decay, maximize};
        by_dtype("params", p, [&](auto zero) { adagrad_step<decltype(zero)>(p, grads, sum, s); });
      },
      "params"_a, "grads"_a, "sum"_a, "lr"_a, "eps"_a = 1e-10, "weight_decay"_a = 0.0, "maximize"_a = false);
}

}  // namespace

void register_blocks(py::module_& m) {
  m.def(
      "all_finite",
      [](py::handle values) {
        const py::array x = array("values", values);
        return std::isfinite(by_dtype("values", x, [&](auto zero) { return magnitude_of<decltype(zero)>(x); }));
      },
      "values"_a);
  m.def(
      "magnitude",
      [](py::handle values) {
        const py::array x = array("values", values);
        return by_dtype("values", x, [&](auto zero) { return magnitude_of<decltype(zero)>(x); });
      },
      "values"_a);
  m.def(
      "squared_norm",
      [](py::handle values) {
        const py::array x = array("values", values);
        return by_dtype("values", x, [&](auto zero) { return squared_norm_of<decltype(zero)>(x); });
      },
      "values"_a);
  register_steps(m);
}

}  // namespace cnnfast::bind
