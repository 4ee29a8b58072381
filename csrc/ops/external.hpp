// A layer that the engine does not compute: for a whole batch at a time it calls an object of the caller, such as one
// that runs Python (bind/python_layer.hpp). It has no kernels; a plan runs it between two segments
// (plan/external_layers.hpp).
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ops/op.hpp"

namespace cnnfast {

// One pass over a batch: `forward`, then, in training, `backward`, any number of times. Arrays are NCHW and belong to
// the caller. Called by one thread at a time.
template <class T>
class ExternalPass {
 public:
  virtual ~ExternalPass() = default;
  virtual void forward(Index n, const T* x, const T* params, T* y) = 0;
  virtual void backward(Index n, const T* dy, T* dx, T* grads) = 0;  // overwrites both
};

template <class T>
using ExternalPassPointer = std::shared_ptr<ExternalPass<T>>;

class ExternalLayer {
 public:
  virtual ~ExternalLayer() = default;
  virtual const std::string& name() const = 0;  // of its type
  virtual const std::vector<std::pair<std::string, Shape>>& parameters() const = 0;
  virtual Shape output_shape(const Shape& input) const = 0;
  virtual ExternalPassPointer<float> begin(const Shape& input, const Shape& output, float, bool training) const = 0;
  virtual ExternalPassPointer<double> begin(const Shape& input, const Shape& output, double, bool training) const = 0;
};

struct External : OpBase {
  static constexpr const char* kName = "External";  // each layer has a name of its own, see op_name

  struct Geometry {
    std::shared_ptr<const ExternalLayer> layer;
    Shape input, output;
    Index parameters = 0;  // elements
  };

  explicit External(std::shared_ptr<const ExternalLayer> computed_by) : layer(std::move(computed_by)) {}

  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list;
    for (const auto& [name, shape] : layer->parameters()) list.push_back({name.c_str(), shape});
    return list;
  }
  Shape output_shape(const Shapes& inputs) const { return layer->output_shape(inputs[0]); }
  Geometry bind_shape(const Shapes& inputs) const {
    Geometry g{layer, inputs[0], output_shape(inputs)};
    for (const auto& parameter : layer->parameters()) g.parameters += parameter.second.size();
    return g;
  }

  std::shared_ptr<const ExternalLayer> layer;
};

}  // namespace cnnfast
