// Settings of normalization and dropout.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

namespace {

std::optional<double> optional_number(const Where& where, py::handle value) {
  return value.is_none() ? std::nullopt : std::optional<double>(number(where, value));
}

template <class Norm>
void bind_batch_norm(py::module_& m) {
  bind_op<Norm>(m).def(py::init([](const py::object& features, const py::object& eps, const py::object& momentum,
                                   const py::object& affine, const py::object& held) {
                         const char* op = Norm::kName;
                         Norm norm(integer({op, "num_features"}, features), number({op, "eps"}, eps),
                                   optional_number({op, "momentum"}, momentum), boolean({op, "affine"}, affine));
                         norm.held = boolean({op, "held"}, held);
                         return Bound<Norm>(std::move(norm));
                       }),
                       "num_features"_a, "eps"_a = 1e-5, "momentum"_a = 0.1, "affine"_a = true, "held"_a = false);
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
  bind_op<GroupNorm>(m).def(
      py::init([](const py::object& groups, const py::object& channels, const py::object& eps,
                  const py::object& affine) {
        const char* op = GroupNorm::kName;
        return Bound<GroupNorm>(GroupNorm(integer({op, "num_groups"}, groups), integer({op, "num_channels"}, channels),
                                          number({op, "eps"}, eps), boolean({op, "affine"}, affine)));
      }),
      "num_groups"_a, "num_channels"_a, "eps"_a = 1e-5, "affine"_a = true);
  bind_op<LayerNorm>(m).def(
      py::init([](const py::object& normalized, const py::object& eps, const py::object& affine) {
        const char* op = LayerNorm::kName;
        return Bound<LayerNorm>(LayerNorm(shape({op, "normalized_shape"}, normalized), number({op, "eps"}, eps),
                                          boolean({op, "elementwise_affine"}, affine)));
      }),
      "normalized_shape"_a, "eps"_a = 1e-5, "elementwise_affine"_a = true);
  bind_op<LocalResponseNorm>(m).def(
      py::init([](const py::object& size, const py::object& alpha, const py::object& beta, const py::object& k) {
        const char* op = LocalResponseNorm::kName;
        return Bound<LocalResponseNorm>(LocalResponseNorm(integer({op, "size"}, size), number({op, "alpha"}, alpha),
                                                          number({op, "beta"}, beta), number({op, "k"}, k)));
      }),
      "size"_a, "alpha"_a = 1e-4, "beta"_a = 0.75, "k"_a = 1.0);

  bind_dropout<Dropout>(m);
  bind_dropout<Dropout2d>(m);
}

}  // namespace cnnfast::bind
