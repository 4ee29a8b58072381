// Settings of biases and soft maxima.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

void register_pointwise(py::module_& m) {
  bind_op<ChannelBias>(m).def(
      py::init([](const py::object& channels) {
        return Bound<ChannelBias>(ChannelBias(integer({ChannelBias::kName, "channels"}, channels)));
      }),
      "channels"_a);

  bind_op<PositionBias>(m).def(
      py::init([](const py::object& channels, const py::object& height, const py::object& width) {
        const char* op = PositionBias::kName;
        return Bound<PositionBias>(PositionBias(integer({op, "channels"}, channels), integer({op, "height"}, height),
                                                integer({op, "width"}, width)));
      }),
      "channels"_a, "height"_a, "width"_a);

  bind_plain<Softmax>(m);
  bind_plain<LogSoftmax>(m);
}

}  // namespace cnnfast::bind
