// A network as the user composes it: operations in topological order, checked as they are added.
#pragma once

#include <string>
#include <vector>

#include "ops/op_list.hpp"

namespace cnnfast {

struct GraphNode {
  Op op;
  std::string name;         // prefix of its parameters, e.g. "features.0"; may be empty
  std::vector<int> inputs;  // values
  double auxiliary = 0;     // weight of the loss of its output; 0: that is no auxiliary output
};

// Value 0 is the input; node i computes value i + 1. The last value is the output. Auxiliary outputs, which nothing
// reads, have a part in the loss: the gradient enters the network there, too.
class Graph {
 public:
  explicit Graph(Shape input);

  // Returns the new value. Errors carry the layer's name.
  int add(Op op, std::vector<int> inputs, std::string name);

  // Makes a value an auxiliary output.
  void set_auxiliary(int value, double weight);
  // Fails if an auxiliary output is the output itself, or has another shape: both have the same targets.
  void check_auxiliary() const;

  const std::vector<GraphNode>& nodes() const { return nodes_; }
  const std::vector<Shape>& shapes() const { return shapes_; }
  const Shape& shape(int value) const;

 private:
  std::vector<GraphNode> nodes_;
  std::vector<Shape> shapes_;
};

const char* op_name(const Op& op);  // valid as long as the operation
int op_inputs(const Op& op);        // or kAnyNumber
Shape output_shape(const Op& op, const Shapes& inputs);

}  // namespace cnnfast
