// Settings of convolutions and products.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

namespace {

void bind_conv1d(py::module_& m) {
  bind_op<Conv1d>(m).def(
      py::init([](const py::object& in, const py::object& out, const py::object& kernel, const py::object& stride,
                  const py::object& pad, const py::object& dilation, const py::object& groups, const py::object& bias) {
        const char* op = Conv1d::kName;
        const Index c_in = integer({op, "in_channels"}, in), c_out = integer({op, "out_channels"}, out);
        const Index size = integer({op, "kernel_size"}, kernel), step = integer({op, "stride"}, stride);
        const Index apart = integer({op, "dilation"}, dilation);
        const Ends sides = ends({op, "padding"}, pad, on_line(size, step, {}, apart));
        return Bound<Conv1d>({c_in, c_out, on_line(size, step, sides, apart), integer({op, "groups"}, groups),
                              boolean({op, "bias"}, bias)});
      }),
      "in_channels"_a, "out_channels"_a, "kernel_size"_a, "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1,
      "groups"_a = 1, "bias"_a = true);
}

void bind_conv_transpose2d(py::module_& m) {
  bind_op<ConvTranspose2d>(m).def(
      py::init([](const py::object& in, const py::object& out, const py::object& kernel, const py::object& stride,
                  const py::object& pad, const py::object& output_padding, const py::object& groups,
                  const py::object& bias, const py::object& dilation) {
        const char* op = ConvTranspose2d::kName;
        const Index c_in = integer({op, "in_channels"}, in), c_out = integer({op, "out_channels"}, out);
        const Sliding window{pair({op, "kernel_size"}, kernel), pair({op, "stride"}, stride),
                             padding({op, "padding"}, pad), pair({op, "dilation"}, dilation)};
        return Bound<ConvTranspose2d>({c_in, c_out, window, pair({op, "output_padding"}, output_padding),
                                       integer({op, "groups"}, groups), boolean({op, "bias"}, bias)});
      }),
      "in_channels"_a, "out_channels"_a, "kernel_size"_a, "stride"_a = 1, "padding"_a = 0, "output_padding"_a = 0,
      "groups"_a = 1, "bias"_a = true, "dilation"_a = 1);
}

void bind_conv_transpose1d(py::module_& m) {
  bind_op<ConvTranspose1d>(m).def(
      py::init([](const py::object& in, const py::object& out, const py::object& kernel, const py::object& stride,
                  const py::object& pad, const py::object& output_padding, const py::object& groups,
                  const py::object& bias, const py::object& dilation) {
        const char* op = ConvTranspose1d::kName;
        const Index c_in = integer({op, "in_channels"}, in), c_out = integer({op, "out_channels"}, out);
        const Sliding window = on_line(integer({op, "kernel_size"}, kernel), integer({op, "stride"}, stride),
                                       ends({op, "padding"}, pad), integer({op, "dilation"}, dilation));
        return Bound<ConvTranspose1d>({c_in, c_out, window, integer({op, "output_padding"}, output_padding),
                                       integer({op, "groups"}, groups), boolean({op, "bias"}, bias)});
      }),
      "in_channels"_a, "out_channels"_a, "kernel_size"_a, "stride"_a = 1, "padding"_a = 0, "output_padding"_a = 0,
      "groups"_a = 1, "bias"_a = true, "dilation"_a = 1);
}

}  // namespace

void register_products(py::module_& m) {
  bind_conv1d(m);
  bind_conv_transpose1d(m);
  bind_conv_transpose2d(m);
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
