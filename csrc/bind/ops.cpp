// Settings of operations: for each a constructor that names what is wrong, and its settings as a dict.
#include "bind/op_handle.hpp"

#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "plan/graph.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

py::dict settings_of(const Conv2d& op) {
  return py::dict("in_channels"_a = op.c_in, "out_channels"_a = op.c_out, "kernel_size"_a = to_tuple(op.kernel),
                  "stride"_a = to_tuple(op.stride), "padding"_a = to_tuple(op.pad), "bias"_a = op.bias);
}
py::dict settings_of(const MaxPool2d& op) {
  return py::dict("kernel_size"_a = to_tuple(op.kernel), "stride"_a = to_tuple(op.stride),
                  "padding"_a = to_tuple(op.pad), "ceil_mode"_a = op.ceil_mode);
}
py::dict settings_of(const Linear& op) {
  return py::dict("in_features"_a = op.in, "out_features"_a = op.out, "bias"_a = op.bias);
}
py::dict settings_of(const ChannelBias& op) { return py::dict("channels"_a = op.channels); }
py::dict settings_of(const PositionBias& op) {
  return py::dict("channels"_a = op.shape[0], "height"_a = op.shape[1], "width"_a = op.shape[2]);
}
py::dict settings_of(const GELU& op) { return py::dict("approximate"_a = op.tanh ? "tanh" : "none"); }
template <class O>
py::dict settings_of(const O&) {
  return {};
}

Shapes shapes(const Op& op, const py::args& inputs) {
  Shapes list;
  for (py::handle input : inputs) list.push_back(shape({op_name(op), "input shape"}, input));
  return list;
}

void bind_base(py::module_& m) {
  py::class_<OpHandle>(m, "Op", "Frozen settings of one operation; the only home of its shape rules.")
      .def_property_readonly("name", [](const OpHandle& h) { return op_name(h.op); })
      .def("output_shape",
           [](const OpHandle& h, const py::args& inputs) { return to_tuple(output_shape(h.op, shapes(h.op, inputs))); })
      .def("parameter_shapes",
           [](const OpHandle& h) {
             py::dict result;
             for (const Parameter& p : std::visit([](const auto& o) { return o.parameters(); }, h.op)) {
               result[p.name] = to_tuple(p.shape);
             }
             return result;
           })
      .def("macs",
           [](const OpHandle& h, const py::args& inputs) {
             const Shapes list = shapes(h.op, inputs);
             output_shape(h.op, list);
             return std::visit([&](const auto& o) { return o.macs(list); }, h.op);
           })
      .def("settings", [](const OpHandle& h) { return std::visit([](const auto& o) { return settings_of(o); }, h.op); })
      .def("__repr__", [](py::handle self) {
        py::list parts;
        for (auto entry : py::reinterpret_borrow<py::dict>(self.attr("settings")())) {
          parts.append(py::str("{}={!r}").format(entry.first, entry.second));
        }
        return py::str("{}({})").format(self.attr("name"), py::str(", ").attr("join")(parts));
      });
}

template <class O>
py::class_<Bound<O>, OpHandle> bind_op(py::module_& m) {
  return py::class_<Bound<O>, OpHandle>(m, O::kName);
}
template <class O>
void bind_plain(py::module_& m) {
  bind_op<O>(m).def(py::init([] { return Bound<O>(O{}); }));
}

}  // namespace

void register_ops(py::module_& m) {
  bind_base(m);

  bind_op<Conv2d>(m).def(py::init([](const py::object& in, const py::object& out, const py::object& kernel,
                                     const py::object& stride, const py::object& pad, const py::object& bias) {
                           const char* op = Conv2d::kName;
                           return Bound<Conv2d>({integer({op, "in_channels"}, in), integer({op, "out_channels"}, out),
                                                 pair({op, "kernel_size"}, kernel), pair({op, "stride"}, stride),
                                                 padding({op, "padding"}, pad), boolean({op, "bias"}, bias)});
                         }),
                         "in_channels"_a, "out_channels"_a, "kernel_size"_a, "stride"_a = 1, "padding"_a = 0,
                         "bias"_a = true);

  bind_op<MaxPool2d>(m).def(
      py::init([](const py::object& kernel, const py::object& stride, const py::object& pad, const py::object& ceil) {
        const char* op = MaxPool2d::kName;
        const Extent size = pair({op, "kernel_size"}, kernel);
        return Bound<MaxPool2d>({size, stride.is_none() ? size : pair({op, "stride"}, stride),
                                 padding({op, "padding"}, pad), boolean({op, "ceil_mode"}, ceil)});
      }),
      "kernel_size"_a, "stride"_a = py::none(), "padding"_a = 0, "ceil_mode"_a = false);

  bind_op<Linear>(m).def(py::init([](const py::object& in, const py::object& out, const py::object& bias) {
                           const char* op = Linear::kName;
                           return Bound<Linear>({integer({op, "in_features"}, in), integer({op, "out_features"}, out),
                                                 boolean({op, "bias"}, bias)});
                         }),
                         "in_features"_a, "out_features"_a, "bias"_a = true);

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

  bind_op<GELU>(m).def(py::init([](const py::object& approximate) {
                         return Bound<GELU>(GELU(text({GELU::kName, "approximate"}, approximate)));
                       }),
                       "approximate"_a = "none");

  bind_plain<ReLU>(m);
  bind_plain<Softmax>(m);
  bind_plain<LogSoftmax>(m);
  bind_plain<Flatten>(m);
  bind_plain<Add>(m);
}

}  // namespace cnnfast::bind
