// Settings of pools.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

void register_pooling(py::module_& m) {
  bind_op<MaxPool2d>(m).def(
      py::init([](const py::object& kernel, const py::object& stride, const py::object& pad, const py::object& ceil) {
        const char* op = MaxPool2d::kName;
        const Extent size = pair({op, "kernel_size"}, kernel);
        return Bound<MaxPool2d>({size, stride.is_none() ? size : pair({op, "stride"}, stride),
                                 padding({op, "padding"}, pad), boolean({op, "ceil_mode"}, ceil)});
      }),
      "kernel_size"_a, "stride"_a = py::none(), "padding"_a = 0, "ceil_mode"_a = false);
}

}  // namespace cnnfast::bind
