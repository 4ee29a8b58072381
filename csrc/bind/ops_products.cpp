// Settings of convolutions and products.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

void register_products(py::module_& m) {
  bind_op<Conv2d>(m).def(
      py::init([](const py::object& in, const py::object& out, const py::object& kernel, const py::object& stride,
                  const py::object& pad, const py::object& dilation, const py::object& groups, const py::object& bias) {
        const char* op = Conv2d::kName;
        const Index c_in = integer({op, "in_channels"}, in), c_out = integer({op, "out_channels"}, out);
        Sliding window{pair({op, "kernel_size"}, kernel), pair({op, "stride"}, stride), {}, {}};
        window.dilation = pair({op, "dilation"}, dilation);
        window.pad = padding({op, "padding"}, pad, window);
        return Bound<Conv2d>({c_in, c_out, window, integer({op, "groups"}, groups), boolean({op, "bias"}, bias)});
      }),
      "in_channels"_a, "out_channels"_a, "kernel_size"_a, "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1,
      "groups"_a = 1, "bias"_a = true);

  bind_op<Linear>(m).def(py::init([](const py::object& in, const py::object& out, const py::object& bias) {
                           const char* op = Linear::kName;
                           return Bound<Linear>({integer({op, "in_features"}, in), integer({op, "out_features"}, out),
                                                 boolean({op, "bias"}, bias)});
                         }),
                         "in_features"_a, "out_features"_a, "bias"_a = true);
}

}  // namespace cnnfast::bind
