#include "plan/graph.hpp"

#include <cmath>

#include "base/error.hpp"

namespace cnnfast {

const char* op_name(const Op& op) {
  if (const auto* external = get_if<External>(&op)) return external->layer->name().c_str();
  return visit([](const auto& o) { return std::decay_t<decltype(o)>::kName; }, op);
}

int op_inputs(const Op& op) {
  return visit([](const auto& o) { return std::decay_t<decltype(o)>::kInputs; }, op);
}

namespace {

// Every extent positive and the whole small enough: then no later product overflows.
void check_shape(const char* who, const Shape& shape) {
  double elements = 1;
  for (Index d : shape.dims()) {
    if (d < 1 || d > kMaxExtent) {
      fail(who, ": every extent of a shape must be from 1 to ", kMaxExtent, ", got ", to_string(shape));
    }
    elements *= static_cast<double>(d);
  }
  if (shape.rank() < 1 || shape.rank() > 3) {
    fail(who, ": expected a shape of one to three axes, got ", to_string(shape));
  }
  if (elements > static_cast<double>(kMaxElements)) {
    fail(who, ": shape ", to_string(shape), " has ", elements, " elements; at most ", kMaxElements, " are possible");
  }
}

}  // namespace

Shape output_shape(const Op& op, const Shapes& inputs) {
  const int count = op_inputs(op), given = static_cast<int>(inputs.size());
  if (count == kAnyNumber && (given < 1 || given > kMaxInputs)) {
    fail(op_name(op), ": takes 1 to ", kMaxInputs, " inputs, got ", given);
  }
  if (count != kAnyNumber && given != count) {
    fail(op_name(op), ": takes ", count, count == 1 ? " input, got " : " inputs, got ", given);
  }
  for (const Shape& shape : inputs) check_shape(op_name(op), shape);
  const Shape out = visit([&](const auto& o) { return o.output_shape(inputs); }, op);
  check_shape(op_name(op), out);
  return out;
}

Graph::Graph(Shape input) {
  check_shape("Graph", input);
  shapes_.push_back(std::move(input));
}

int Graph::add(Op op, std::vector<int> inputs, std::string name) {
  const std::string who = name.empty() ? std::string() : "layer \"" + name + "\": ";
  Shapes shapes;
  for (int value : inputs) {
    if (value < 0 || value >= static_cast<int>(shapes_.size())) {
      fail(who, op_name(op), ": input value ", value, " does not exist; the graph has values 0 to ",
           shapes_.size() - 1);
    }
    shapes.push_back(shapes_[static_cast<std::size_t>(value)]);
  }
  try {
    shapes_.push_back(output_shape(op, shapes));
  } catch (const std::invalid_argument& error) {
    fail(who, error.what());
  }
  nodes_.push_back({std::move(op), std::move(name), std::move(inputs)});
  return static_cast<int>(nodes_.size());
}

void Graph::set_auxiliary(int value, double weight) {
  if (value < 1) fail("Graph: the input cannot be an auxiliary output");
  shape(value);  // checks that it exists
  if (!(weight > 0) || !std::isfinite(weight)) {
    fail("Graph: the weight of an auxiliary output must be above 0, got ", weight);
  }
  nodes_[static_cast<std::size_t>(value) - 1].auxiliary = weight;
}

void Graph::check_auxiliary() const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].auxiliary == 0) continue;
    const std::string who = "layer \"" + nodes_[i].name + "\": ";
    if (i + 1 == nodes_.size()) fail(who, "the output cannot be an auxiliary output, too");
    if (shapes_[i + 1] == shapes_.back()) continue;
    fail(who, "an auxiliary output must have the shape of the output ", to_string(shapes_.back()), ", got ",
         to_string(shapes_[i + 1]));
  }
}

const Shape& Graph::shape(int value) const {
  if (value < 0 || value >= static_cast<int>(shapes_.size())) {
    fail("Graph: value ", value, " does not exist; the graph has values 0 to ", shapes_.size() - 1);
  }
  return shapes_[static_cast<std::size_t>(value)];
}

}  // namespace cnnfast
