// Settings of activations.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

void register_activations(py::module_& m) {
  bind_op<LeakyReLU>(m).def(py::init([](const py::object& slope) {
                              return Bound<LeakyReLU>(LeakyReLU(number({LeakyReLU::kName, "negative_slope"}, slope)));
                            }),
                            "negative_slope"_a = 0.01);

  bind_op<ELU>(m).def(
      py::init([](const py::object& alpha) { return Bound<ELU>(ELU(number({ELU::kName, "alpha"}, alpha))); }),
      "alpha"_a = 1.0);

  bind_op<GELU>(m).def(py::init([](const py::object& approximate) {
                         return Bound<GELU>(GELU(text({GELU::kName, "approximate"}, approximate)));
                       }),
                       "approximate"_a = "none");

  bind_op<Softplus>(m).def(
      py::init([](const py::object& beta, const py::object& threshold) {
        const char* op = Softplus::kName;
        return Bound<Softplus>(Softplus(number({op, "beta"}, beta), number({op, "threshold"}, threshold)));
      }),
      "beta"_a = 1.0, "threshold"_a = 20.0);

  bind_plain<ReLU>(m);
  bind_plain<SELU>(m);
  bind_plain<SiLU>(m);
  bind_plain<Mish>(m);
  bind_plain<Sigmoid>(m);
  bind_plain<Tanh>(m);
  bind_plain<Hardswish>(m);
  bind_plain<Hardsigmoid>(m);
}

}  // namespace cnnfast::bind
