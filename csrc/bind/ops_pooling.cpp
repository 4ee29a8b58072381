// Settings of pools.
#include "bind/bind_op.hpp"
#include "bind/pool_indices.hpp"

namespace cnnfast::bind {

namespace {

std::optional<Index> optional_integer(const Where& where, py::handle value) {
  return value.is_none() ? std::nullopt : std::optional<Index>(integer(where, value));
}

// kernel_size and stride, which is kernel_size where it is None.
struct Sizes2d {
  Extent kernel, stride;
  Sizes2d(const char* op, py::handle kernel_size, py::handle step)
      : kernel(pair({op, "kernel_size"}, kernel_size)), stride(step.is_none() ? kernel : pair({op, "stride"}, step)) {}
};
struct Sizes1d {
  Index kernel, stride;
  Sizes1d(const char* op, py::handle kernel_size, py::handle step)
      : kernel(integer({op, "kernel_size"}, kernel_size)),
        stride(step.is_none() ? kernel : integer({op, "stride"}, step)) {}
};

void bind_max(py::module_& m) {
  bind_op<MaxPool2d>(m).def(
      py::init([](const py::object& kernel, const py::object& stride, const py::object& pad, const py::object& ceil,
                  const py::object& dilation) {
        const char* op = MaxPool2d::kName;
        const Sizes2d size(op, kernel, stride);
        return Bound<MaxPool2d>({size.kernel, size.stride, padding({op, "padding"}, pad),
                                 boolean({op, "ceil_mode"}, ceil), pair({op, "dilation"}, dilation)});
      }),
      "kernel_size"_a, "stride"_a = py::none(), "padding"_a = 0, "ceil_mode"_a = false, "dilation"_a = 1);
  bind_op<MaxPool1d>(m).def(
      py::init([](const py::object& kernel, const py::object& stride, const py::object& pad, const py::object& ceil,
                  const py::object& dilation) {
        const char* op = MaxPool1d::kName;
        const Sizes1d size(op, kernel, stride);
        return Bound<MaxPool1d>({size.kernel, size.stride, ends({op, "padding"}, pad), boolean({op, "ceil_mode"}, ceil),
                                 integer({op, "dilation"}, dilation)});
      }),
      "kernel_size"_a, "stride"_a = py::none(), "padding"_a = 0, "ceil_mode"_a = false, "dilation"_a = 1);
  m.def("max_pool_indices", &max_pool_indices, "op"_a, "x"_a, "isa"_a = py::none());
}

void bind_average(py::module_& m) {
  bind_op<AvgPool2d>(m).def(
      py::init([](const py::object& kernel, const py::object& stride, const py::object& pad, const py::object& ceil,
                  const py::object& include, const py::object& divisor) {
        const char* op = AvgPool2d::kName;
        const Sizes2d size(op, kernel, stride);
        return Bound<AvgPool2d>({size.kernel, size.stride, padding({op, "padding"}, pad),
                                 boolean({op, "ceil_mode"}, ceil), boolean({op, "count_include_pad"}, include),
                                 optional_integer({op, "divisor_override"}, divisor)});
      }),
      "kernel_size"_a, "stride"_a = py::none(), "padding"_a = 0, "ceil_mode"_a = false, "count_include_pad"_a = true,
      "divisor_override"_a = py::none());
  bind_op<AvgPool1d>(m).def(
      py::init([](const py::object& kernel, const py::object& stride, const py::object& pad, const py::object& ceil,
                  const py::object& include) {
        const char* op = AvgPool1d::kName;
        const Sizes1d size(op, kernel, stride);
        return Bound<AvgPool1d>({size.kernel, size.stride, ends({op, "padding"}, pad), boolean({op, "ceil_mode"}, ceil),
                                 boolean({op, "count_include_pad"}, include)});
      }),
      "kernel_size"_a, "stride"_a = py::none(), "padding"_a = 0, "ceil_mode"_a = false, "count_include_pad"_a = true);
}

template <class O>
void bind_adaptive_2d(py::module_& m) {
  bind_op<O>(m).def(
      py::init([](const py::object& windows) { return Bound<O>(O(pair({O::kName, "output_size"}, windows))); }),
      "output_size"_a);
}
template <class O>
void bind_adaptive_1d(py::module_& m) {
  bind_op<O>(m).def(
      py::init([](const py::object& windows) { return Bound<O>(O(integer({O::kName, "output_size"}, windows))); }),
      "output_size"_a);
}

}  // namespace

void register_pooling(py::module_& m) {
  bind_max(m);
  bind_average(m);
  bind_adaptive_2d<AdaptiveMaxPool2d>(m);
  bind_adaptive_2d<AdaptiveAvgPool2d>(m);
  bind_adaptive_1d<AdaptiveMaxPool1d>(m);
  bind_adaptive_1d<AdaptiveAvgPool1d>(m);
}

}  // namespace cnnfast::bind
