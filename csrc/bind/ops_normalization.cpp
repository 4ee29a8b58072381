// Settings of normalisation and dropout.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

namespace {

template <class Norm>
void bind_batch_norm(py::module_& m) {
  bind_op<Norm>(m).def(py::init([](const py::object& features, const py::object& eps, const py::object& momentum,
                                   const py::object& affine) {
                         const char* op = Norm::kName;
                         return Bound<Norm>(Norm(integer({op, "num_features"}, features), number({op, "eps"}, eps),
                                                 number({op, "momentum"}, momentum), boolean({op, "affine"}, affine)));
                       }),
                       "num_features"_a, "eps"_a = 1e-5, "momentum"_a = 0.1, "affine"_a = true);
}

template <class Drop>
void bind_dropout(py::module_& m) {
  bind_op<Drop>(m).def(py::init([](const py::object& p) { return Bound<Drop>(Drop(number({Drop::kName, "p"}, p))); }),
                       "p"_a = 0.5);
}

}  // namespace

void register_normalization(py::module_& m) {
  bind_batch_norm<BatchNorm2d>(m);
  bind_batch_norm<BatchNorm1d>(m);
  bind_dropout<Dropout>(m);
  bind_dropout<Dropout2d>(m);
}

}  // namespace cnnfast::bind
