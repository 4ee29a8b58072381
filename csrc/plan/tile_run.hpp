// What every pass of a plan is made of: a tile of images going through all nodes in an arena, and the loan of a
// workspace.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>

#include "plan/plan.hpp"

namespace cnnfast {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One tile of n images in one arena.
template <class T>
struct Plan<T>::TileRun {
  const Plan& plan;
  const Layout& layout;
  std::byte* arena;
  const T* packed;
  Index n;
  std::vector<NodeTime>* times = nullptr;

  T* at(std::size_t offset) const { return offset == kNoBuffer ? nullptr : reinterpret_cast<T*>(arena + offset); }
  T* value(int v) const { return at(layout.values[static_cast<std::size_t>(v)]); }
  T* gradient(int v) const { return at(layout.gradients[static_cast<std::size_t>(v)]); }
  T* output() const { return value(plan.output_value()); }
  T* d_output() const { return gradient(plan.output_value()); }
  Index size(int v) const { return plan.shapes_[static_cast<std::size_t>(v)].size(); }

  // Images first .. first + n of the batch, channels-last and normalised.
  void load(const Batch& batch, Index first) const {
    const Shape& shape = plan.input_shape();
    const Index pixels = shape.size();
    for (Index i = 0; i < n; ++i) {
      const Index row = batch.row(first + i) * pixels;
      T* x = value(0) + i * pixels;
      if (batch.is_u8) {
        plan.table_.from_nchw_u8(shape.channels(), shape.positions(),
                                 static_cast<const std::uint8_t*>(batch.images) + row, plan.scale_.data(),
                                 plan.shift_.data(), x);
      } else {
        plan.table_.from_nchw(shape.channels(), shape.positions(), static_cast<const T*>(batch.images) + row, x);
      }
    }
  }
  // A value out to (or, gradient, in from) NCHW.
  void store(int v, const T* from, T* to) const {
    const Shape& shape = plan.shapes_[static_cast<std::size_t>(v)];
    for (Index i = 0; i < n; ++i) {
      plan.table_.to_nchw(shape.channels(), shape.positions(), from + i * shape.size(), to + i * shape.size());
    }
  }
  void load_d_output(const T* dy) const {
    const Shape& shape = plan.output_shape();
    for (Index i = 0; i < n; ++i) {
      plan.table_.from_nchw(shape.channels(), shape.positions(), dy + i * shape.size(), d_output() + i * shape.size());
    }
  }

  void forward() const {
    for (std::size_t i = 0; i < plan.nodes_.size(); ++i) {
      const double start = times != nullptr ? seconds() : 0;
      const PlanNode& node = plan.nodes_[i];
      ForwardArgs<T> args;
      args.n = n;
      args.x = value(node.inputs[0]);
      if (node.inputs.size() > 1) args.x2 = value(node.inputs[1]);
      args.packed = packed + node.packed;
      args.y = value(node.output);
      args.saved = layout.saved.empty() ? nullptr : at(layout.saved[i]);
      args.scratch = at(layout.scratch[i]);
      std::visit([&](const auto& g) { plan.table_.of(g).forward(g, args); }, node.op);
      if (times != nullptr) (*times)[i].forward += seconds() - start;
    }
  }

  // Adds to packed_grads, or (fresh) overwrites them.
  void backward(T* packed_grads, bool fresh, Wanted wanted) const {
    for (std::size_t i = plan.nodes_.size(); i-- > 0;) {
      const double start = times != nullptr ? seconds() : 0;
      const PlanNode& node = plan.nodes_[i];
      if (wanted.input || plan.needs_gradient_[static_cast<std::size_t>(node.output)]) {
        backward_node(i, node, packed_grads, fresh, wanted);
      }
      if (times != nullptr) (*times)[i].backward += seconds() - start;
    }
  }

  void backward_node(std::size_t i, const PlanNode& node, T* packed_grads, bool fresh, Wanted wanted) const {
    const auto wants = [&](std::size_t slot) {
      return slot < node.inputs.size() &&
             (wanted.input || plan.needs_gradient_[static_cast<std::size_t>(node.inputs[slot])]);
    };
    const auto target = [&](std::size_t slot) -> T* {
      if (!wants(slot)) return nullptr;
      return node.writes_first[slot] ? gradient(node.inputs[slot]) : at(layout.branch[i][slot]);
    };
    BackwardArgs<T> args;
    args.n = n;
    args.x = value(node.inputs[0]);
    args.y = value(node.output);
    args.saved = at(layout.saved[i]);
    args.packed = packed + node.packed;
    args.dy = gradient(node.output);
    args.dx = target(0);
    args.dx2 = target(1);
    if (wanted.parameters) args.packed_grads = packed_grads + node.packed_grads;
    args.fresh = fresh;
    args.scratch = at(layout.d_scratch[i]);
    std::visit([&](const auto& g) { plan.table_.of(g).backward(g, args); }, node.op);
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      if (wants(slot) && !node.writes_first[slot]) {
        plan.table_.add(n * size(node.inputs[slot]), at(layout.branch[i][slot]), gradient(node.inputs[slot]));
      }
    }
  }
};

// A workspace out of the plan's idle ones, given back at the end.
template <class T>
struct Plan<T>::Loan {
  explicit Loan(const Plan& owner) : plan(owner), workspace(owner.borrow()) {}
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() { plan.give_back(std::move(workspace)); }
  Workspace* operator->() const { return workspace.get(); }
  Workspace& operator*() const { return *workspace; }

  // Room for `threads` arenas of a layout, packed weights, and the gradients of `shards`.
  void reserve(int threads, std::size_t arena, Index shards) {
    if (static_cast<int>(workspace->tiles.size()) < threads) workspace->tiles.resize(static_cast<std::size_t>(threads));
    for (int t = 0; t < threads; ++t) workspace->tiles[static_cast<std::size_t>(t)].reserve(arena);
    workspace->packed.reserve(static_cast<std::size_t>(plan.packed_count_) * sizeof(T));
    workspace->shard_grads.reserve(static_cast<std::size_t>(shards * plan.packed_grad_count_) * sizeof(T));
  }
  T* packed() const { return workspace->packed.template at<T>(0); }

  const Plan& plan;
  std::unique_ptr<Workspace> workspace;
};

}  // namespace cnnfast
