// Settings of what rearranges or joins values.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

namespace {

template <class O, class Factor>
void bind_upsample(py::module_& m, const Factor& factor) {
  bind_op<O>(m).def(py::init([factor](const py::object& scale_factor, const py::object& mode) {
                      const Where where{O::kName, "scale_factor"};
                      return Bound<O>(O(factor(where, scale_factor), text({O::kName, "mode"}, mode)));
                    }),
                    "scale_factor"_a, "mode"_a = "nearest");
}
template <class O, class Factor>
void bind_downsample(py::module_& m, const Factor& factor) {
  bind_op<O>(m).def(
      py::init([factor](const py::object& every) { return Bound<O>(O(factor(Where{O::kName, "factor"}, every))); }),
      "factor"_a);
}

}  // namespace

void register_structure(py::module_& m) {
  bind_upsample<Upsample1d>(m, integer);
  bind_upsample<Upsample2d>(m, pair);
  bind_downsample<Downsample1d>(m, integer);
  bind_downsample<Downsample2d>(m, pair);

  bind_op<Reshape>(m).def(py::init([](const py::object& wanted) {
                            return Bound<Reshape>(Reshape(shape({Reshape::kName, "shape"}, wanted)));
                          }),
                          "shape"_a);

  bind_op<Flatten>(m).def(py::init([](const py::object& start, const py::object& end) {
                            const char* op = Flatten::kName;
                            return Bound<Flatten>({integer({op, "start_dim"}, start), integer({op, "end_dim"}, end)});
                          }),
                          "start_dim"_a = 1, "end_dim"_a = -1);

  bind_plain<Add>(m);
  bind_plain<Concat>(m);
}

}  // namespace cnnfast::bind
