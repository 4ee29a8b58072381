// Settings of convolutions and products.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

void register_products(py::module_& m) {
  bind_op<Conv2d>(m).def(py::init([](const py::object& in, const py::object& out, const py::object& kernel,
                                     const py::object& stride, const py::object& pad, const py::object& bias) {
                           const char* op = Conv2d::kName;
                           return Bound<Conv2d>({integer({op, "in_channels"}, in), integer({op, "out_channels"}, out),
                                                 pair({op, "kernel_size"}, kernel), pair({op, "stride"}, stride),
                                                 padding({op, "padding"}, pad), boolean({op, "bias"}, bias)});
                         }),
                         "in_channels"_a, "out_channels"_a, "kernel_size"_a, "stride"_a = 1, "padding"_a = 0,
                         "bias"_a = true);

  bind_op<Linear>(m).def(py::init([](const py::object& in, const py::object& out, const py::object& bias) {
                           const char* op = Linear::kName;
                           return Bound<Linear>({integer({op, "in_features"}, in), integer({op, "out_features"}, out),
                                                 boolean({op, "bias"}, bias)});
                         }),
                         "in_features"_a, "out_features"_a, "bias"_a = true);
}

}  // namespace cnnfast::bind
