#include "bind/python_layer.hpp"

#include <algorithm>

#include "bind/arguments.hpp"
#include "bind/arrays.hpp"
#include "bind/call_python.hpp"
#include "bind/op_handle.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

Shape batch_shape(Index n, const Shape& image) {
  std::vector<Index> dims{n};
  dims.insert(dims.end(), image.dims().begin(), image.dims().end());
  return Shape(std::move(dims));
}

template <class T>
py::array_t<T> copy_of(const Shape& shape, const T* values) {
  py::array_t<T> array(std::vector<py::ssize_t>(shape.dims().begin(), shape.dims().end()));
  std::copy_n(values, shape.size(), array.mutable_data());
  return array;
}

template <class T>
void copy_to(const char* name, py::handle value, const Shape& shape, T* to) {
  const auto array = typed<T>(name, value);
  if (shape_of(array) != shape) {
    fail(name, ": expected shape ", to_string(shape), ", got ", to_string(shape_of(array)));
  }
  std::copy_n(array.data(), shape.size(), to);
}

template <class T>
class PyPass final : public ExternalPass<T> {
 public:
  // With the GIL.
  PyPass(py::object pass, Shape input, Shape output, Index parameters)
      : pass_(std::move(pass)), input_(std::move(input)), output_(std::move(output)), parameters_({parameters}) {}

  void forward(Index n, const T* x, const T* params, T* y) override {
    with_gil([&] {
      const py::tuple arguments = py::make_tuple(copy_of(batch_shape(n, input_), x), copy_of(parameters_, params));
      copy_to("y", call_python(pass_.method("forward"), arguments), batch_shape(n, output_), y);
    });
  }
  void backward(Index n, const T* dy, T* dx, T* grads) override {
    with_gil([&] {
      const py::tuple arguments = py::make_tuple(copy_of(batch_shape(n, output_), dy));
      const py::object result = call_python(pass_.method("backward"), arguments);
      if (!py::isinstance<py::tuple>(result) || py::len(result) != 2) fail_type("backward: expected (dx, gradients)");
      const auto both = py::reinterpret_borrow<py::tuple>(result);
      copy_to("dx", both[0], batch_shape(n, input_), dx);
      copy_to("gradients", both[1], parameters_, grads);
    });
  }

 private:
  SharedObject pass_;
  Shape input_, output_, parameters_;
};

class PyLayer final : public ExternalLayer {
 public:
  PyLayer(std::string name, const py::dict& parameters, py::object caller)
      : name_(std::move(name)), caller_(std::move(caller)) {
    for (auto [key, value] : parameters) {
      parameters_.emplace_back(text({"PythonOp", "parameters"}, key), shape({"PythonOp", "parameters"}, value));
    }
  }
  const std::string& name() const override { return name_; }
  const std::vector<std::pair<std::string, Shape>>& parameters() const override { return parameters_; }
  Shape output_shape(const Shape& input) const override {
    return with_gil([&] {
      const py::tuple arguments = py::make_tuple(to_tuple(input));
      return shape({name_.c_str(), "output shape"}, call_python(caller_.method("output_shape"), arguments));
    });
  }
  ExternalPassPointer<float> begin(const Shape& input, const Shape& output, float zero, bool training) const override {
    return pass(input, output, zero, training);
  }
  ExternalPassPointer<double> begin(const Shape& input, const Shape& output, double zero,
                                    bool training) const override {
    return pass(input, output, zero, training);
  }
  py::object settings() const { return call_python(caller_.method("settings"), py::tuple()); }

 private:
  template <class T>
  ExternalPassPointer<T> pass(const Shape& input, const Shape& output, T, bool training) const {
    Index count = 0;
    for (const auto& parameter : parameters_) count += parameter.second.size();
    return with_gil([&] {
      const py::tuple arguments = py::make_tuple(to_tuple(input), to_tuple(output), training);
      return std::make_shared<PyPass<T>>(call_python(caller_.method("begin"), arguments), input, output, count);
    });
  }

  std::string name_;
  std::vector<std::pair<std::string, Shape>> parameters_;
  SharedObject caller_;
};

struct PythonOp : OpHandle {
  explicit PythonOp(std::shared_ptr<const PyLayer> computed_by)
      : OpHandle{External(computed_by)}, layer(std::move(computed_by)) {}
  std::shared_ptr<const PyLayer> layer;
};

}  // namespace

void bind_python_layer(py::module_& m) {
  py::class_<PythonOp, OpHandle>(m, "PythonOp")
      .def(py::init([](const std::string& name, const py::dict& parameters, const py::object& caller) {
             return PythonOp(std::make_shared<PyLayer>(name, parameters, caller));
           }),
           "name"_a, "parameters"_a, "caller"_a)
      .def("settings", [](const PythonOp& op) { return op.layer->settings(); });
}

}  // namespace cnnfast::bind
