// The Python interface of all operations.
#include "bind/bind_op.hpp"
#include "bind/pool_indices.hpp"
#include "bind/python_layer.hpp"
#include "plan/graph.hpp"

namespace cnnfast::bind {

namespace {

py::int_ to_python(Index value) { return value; }
py::bool_ to_python(bool value) { return py::bool_(value); }
py::float_ to_python(double value) { return py::float_(value); }
py::str to_python(const std::string& value) { return value; }
py::tuple to_python(const Shape& value) { return to_tuple(value); }
py::tuple to_python(const Extent& value) { return to_tuple(value); }
py::tuple to_python(const Padding& value) { return to_tuple(value); }
py::tuple to_python(const Ends& value) { return to_tuple(value); }
py::tuple to_python(const Sides& value) { return to_tuple(value); }
py::tuple to_python(const Scale& value) { return to_tuple(value); }
template <class T>
py::object to_python(const std::optional<T>& value) {
  return value ? py::object(to_python(*value)) : py::none();
}

struct Settings {
  py::dict all;
  template <class T>
  void operator()(const char* name, const T& value) const {
    all[name] = to_python(value);
  }
};
py::dict settings(const Op& op) {
  const Settings settings;
  visit([&](const auto& o) { for_each_setting(o, settings); }, op);
  return settings.all;
}

Shapes shapes(const Op& op, const py::args& inputs) {
  Shapes list;
  for (py::handle input : inputs) list.push_back(shape({op_name(op), "input shape"}, input));
  return list;
}

py::object bind_base(py::module_& m) {
  return py::class_<OpHandle>(m, "Op", "Frozen settings of one operation; the only home of its shape rules.")
      .def_property_readonly("name", [](const OpHandle& h) { return op_name(h.op); })
      .def("output_shape",
           [](const OpHandle& h, const py::args& inputs) { return to_tuple(output_shape(h.op, shapes(h.op, inputs))); })
      .def("parameter_shapes",
           [](const OpHandle& h) {
             py::dict result;
             for (const Parameter& p : visit([](const auto& o) { return o.parameters(); }, h.op)) {
               result[p.name] = to_tuple(p.shape);
             }
             return result;
           })
      .def("buffers",
           [](const OpHandle& h) {
             py::list names;
             for (const Parameter& p : visit([](const auto& o) { return o.parameters(); }, h.op)) {
               if (!p.trained) names.append(p.name);
             }
             return names;
           })
      .def("macs",
           [](const OpHandle& h, const py::args& inputs) {
             const Shapes list = shapes(h.op, inputs);
             output_shape(h.op, list);
             return visit([&](const auto& o) { return o.macs(list); }, h.op);
           })
      .def("settings", [](const OpHandle& h) { return settings(h.op); })
      .def("__repr__", [](py::handle self) {
        py::list parts;
        for (auto entry : py::reinterpret_borrow<py::dict>(self.attr("settings")())) {
          parts.append(py::str("{}={!r}").format(entry.first, entry.second));
        }
        return py::str("{}({})").format(self.attr("name"), py::str(", ").attr("join")(parts));
      });
}

}  // namespace

void register_ops(py::module_& m) {
  const py::object base = bind_base(m);
  bind_ops(m, base, OpList());
  bind_python_layer(m);
  m.def("operations", [] { return described(OpList()); });
  m.def("max_pool_indices", &max_pool_indices, py::arg("op"), py::arg("x"), py::arg("isa") = py::none());
}

}  // namespace cnnfast::bind
