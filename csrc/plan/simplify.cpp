#include "plan/simplify.hpp"

#include <cmath>
#include <cstring>
#include <optional>

namespace cnnfast {

namespace {

Index parameter_count(const Op& op) {
  Index count = 0;
  for (const Parameter& p : visit([](const auto& o) { return o.parameters(); }, op)) count += p.shape.size();
  return count;
}

bool is_identity(const Op& op) {
  return visit([](const auto& o) { return std::decay_t<decltype(o)>::kIdentityInInference; }, op);
}
std::optional<ChannelMap> channel_map(const Op& op) {
  return visit([](const auto& o) { return o.inference_map(); }, op);
}

// The layer with a bias, if normalization can be folded into it: its weights have one row per output.
std::optional<Op> with_bias(const Op& op) {
  return visit(
      [](auto layer) -> std::optional<Op> {
        if constexpr (decltype(layer)::kWeightRowPerOutput) {
          layer.bias = true;
          return layer;
        }
        return std::nullopt;
      },
      op);
}

class Simplifier {
 public:
  Simplifier(const Graph& graph, bool exact)
      : graph_(graph), exact_(exact), result_{Graph(graph.shapes().front()), {}} {
    readers_.assign(graph.shapes().size(), 0);
    for (std::size_t i = graph.nodes().size(); i-- > 0;) {
      if (!is_needed(i)) continue;
      for (int value : graph.nodes()[i].inputs) ++readers_[static_cast<std::size_t>(value)];
    }
  }

  Simplified run() {
    const std::size_t count = graph_.nodes().size();
    for (std::size_t i = 0; i < count; ++i) {
      const GraphNode& node = graph_.nodes()[i];
      if (!is_needed(i)) {
        from_ += parameter_count(node.op);
        value_.push_back(-1);
        continue;
      }
      // The last node must remain.
      if (!exact_ && is_identity(node.op) && i + 1 < count) {
        value_.push_back(value(node.inputs[0]));
        continue;
      }
      const std::optional<ChannelMap> norm =
          !exact_ && i + 1 < count && chained(i) ? channel_map(graph_.nodes()[i + 1].op) : std::nullopt;
      const std::optional<Op> biased = norm ? with_bias(node.op) : std::nullopt;
      if (biased) {
        fold(node, *norm, *biased, graph_.nodes()[i + 1]);
        ++i;
      } else {
        copy(node);
      }
    }
    return std::move(result_);
  }

 private:
  int value(int original) const { return value_[static_cast<std::size_t>(original)]; }
  // The output depends on node i, whose later readers are known.
  bool is_needed(std::size_t i) const { return i + 1 == graph_.nodes().size() || readers_[i + 1] > 0; }
  // Node i + 1 is the only reader of node i.
  bool chained(std::size_t i) const {
    return readers_[i + 1] == 1 && graph_.nodes()[i + 1].inputs == std::vector<int>{static_cast<int>(i) + 1};
  }
  void copy(const GraphNode& node) {
    const Index count = parameter_count(node.op);
    if (count > 0) {
      ParameterStep step;
      step.from = from_, step.to = to_, step.count = count;
      result_.steps.push_back(step);
    }
    from_ += count, to_ += count;
    add(node.op, node);
  }
  void fold(const GraphNode& node, const ChannelMap& norm, const Op& biased, const GraphNode& norm_node) {
    const Index own = parameter_count(node.op), all = parameter_count(biased);
    ParameterStep step;
    step.from = from_, step.to = to_;
    step.outputs = norm.channels;
    step.count = all - norm.channels;
    step.bias = own == all ? from_ + step.count : -1;
    step.normalization = from_ + own;
    step.affine = norm.affine, step.eps = norm.eps;
    result_.steps.push_back(step);
    from_ += own + parameter_count(norm_node.op), to_ += all;
    GraphNode merged = node;
    merged.name += "+" + norm_node.name;
    add(biased, merged);
    value_.push_back(value_.back());
  }
  void add(const Op& op, const GraphNode& node) {
    std::vector<int> inputs;
    for (int v : node.inputs) inputs.push_back(value(v));
    value_.push_back(result_.graph.add(op, std::move(inputs), node.name));
  }

  const Graph& graph_;
  bool exact_;
  Simplified result_;
  std::vector<int> readers_;
  std::vector<int> value_{0};  // in the new graph, by value of the old
  Index from_ = 0, to_ = 0;
};

}  // namespace

Simplified simplified(const Graph& graph, bool exact) {
  bool unchanged = true;
  for (const GraphNode& node : graph.nodes()) {
    const bool plain = exact || (!is_identity(node.op) && !channel_map(node.op));
    unchanged = unchanged && plain && node.auxiliary == 0;
  }
  return unchanged ? Simplified{graph, {}} : Simplifier(graph, exact).run();
}

template <class T>
void make_parameters(const ParameterStep& step, const T* params, T* to) {
  if (step.outputs == 0) {
    std::memcpy(to + step.to, params + step.from, static_cast<std::size_t>(step.count) * sizeof(T));
    return;
  }
  const Index n = step.outputs, row = step.count / n;
  const T* norm = params + step.normalization;
  const T* mean = norm + (step.affine ? 2 * n : 0);
  const T* var = mean + n;
  for (Index o = 0; o < n; ++o) {
    const double weight = step.affine ? static_cast<double>(norm[o]) : 1;
    const double shift = step.affine ? static_cast<double>(norm[n + o]) : 0;
    const double bias = step.bias < 0 ? 0 : static_cast<double>(params[step.bias + o]);
    const double s = weight / std::sqrt(static_cast<double>(var[o]) + step.eps);
    const T* w = params + step.from + o * row;
    T* scaled = to + step.to + o * row;
    for (Index i = 0; i < row; ++i) scaled[i] = static_cast<T>(s * static_cast<double>(w[i]));
    to[step.to + step.count + o] = static_cast<T>(s * (bias - static_cast<double>(mean[o])) + shift);
  }
}

template void make_parameters<float>(const ParameterStep&, const float*, float*);
template void make_parameters<double>(const ParameterStep&, const double*, double*);

}  // namespace cnnfast
