// The external layers of a program during one pass over a batch: the inputs of all images, which tiles copy in, and the
// outputs, which tiles copy out; in backward likewise the gradients of both. Between two segments one thread calls
// the layer.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/arena.hpp"
#include "plan/plan.hpp"

namespace cnnfast {

template <class T>
class ExternalLayers {
 public:
  // Begins a pass of every layer over n images.
  ExternalLayers(const Program& program, Index n, bool training) : n_(n) {
    for (const PlanNode& node : program.nodes) {
      const auto* g = get_if<External::Geometry>(&node.op);
      if (g != nullptr) states_.emplace_back(*g, n, g->layer->begin(g->input, g->output, T(), training));
    }
  }
  // The same passes with memory of its own: for a backward pass after a forward pass.
  ExternalLayers(const ExternalLayers& forward) : n_(forward.n_) {
    for (const State& state : forward.states_) states_.emplace_back(state.geometry, n_, state.pass);
  }
  ExternalLayers& operator=(const ExternalLayers&) = delete;

  // Images one behind the other, NCHW: what a layer reads (its input, or dy), and what it returns (its output, or dx).
  T* in(const PlanNode& node) const { return state(node).in.template at<T>(0); }
  const T* out(const PlanNode& node) const { return state(node).out.template at<T>(0); }

  // params: of the node.
  void forward(const PlanNode& node, const T* params) const {
    State& s = state(node);
    s.pass->forward(n_, in(node), params, s.out.template at<T>(0));
  }
  // grads: of the node's parameters.
  void backward(const PlanNode& node, T* grads) const {
    State& s = state(node);
    s.pass->backward(n_, in(node), s.out.template at<T>(0), grads);
  }

 private:
  // An input is no longer needed once the layer has returned, so that its memory holds dy in backward.
  struct State {
    State(const External::Geometry& g, Index n, ExternalPassPointer<T> begun) : geometry(g), pass(std::move(begun)) {
      const auto bytes = static_cast<std::size_t>(n * std::max(g.input.size(), g.output.size())) * sizeof(T);
      in.reserve(bytes);
      out.reserve(bytes);
    }
    External::Geometry geometry;
    ExternalPassPointer<T> pass;
    Arena in, out;
  };
  State& state(const PlanNode& node) const { return states_[static_cast<std::size_t>(node.external)]; }

  Index n_;
  mutable std::vector<State> states_;  // in the order of the nodes
};

}  // namespace cnnfast
