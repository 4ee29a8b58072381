// Turns the layers of a graph into the nodes of a plan, fused where that changes no output.
#include <limits>

#include "base/error.hpp"
#include "plan/algorithm.hpp"
#include "plan/plan.hpp"

namespace cnnfast {

namespace {

// The graph, and the number of readers of each value.
class Lowering {
 public:
  Lowering(const Graph& graph, bool exact, int lanes)
      : graph_(graph), exact_(exact), lanes_(lanes), readers_(graph.shapes().size(), 0) {
    for (const GraphNode& node : graph.nodes()) {
      for (int value : node.inputs) ++readers_[static_cast<std::size_t>(value)];
    }
    for (std::size_t value = 0; value + 1 < readers_.size(); ++value) {
      const bool auxiliary = value > 0 && graph.nodes()[value - 1].auxiliary > 0;
      if ((readers_[value] > 0) != auxiliary) continue;
      const std::string what = value == 0 ? "the input" : "layer \"" + graph.nodes()[value - 1].name + "\"";
      if (auxiliary) fail("Plan: ", what, " makes an auxiliary output, which no other layer can read");
      fail("Plan: ", what, " is not used by any later layer; only the last layer makes the output");
    }
  }

  std::vector<PlanNode> run() {
    std::vector<PlanNode> nodes;
    const std::size_t count = graph_.nodes().size();
    for (std::size_t i = 0; i < count;) {
      std::size_t fused = exact_ ? 0 : fuse_conv_pool(i, nodes);
      if (fused == 0 && !exact_) fused = fuse_conv_activation(i, nodes);
      if (fused == 0 && !exact_) fused = fuse_norm(i, nodes);
      if (fused == 0) {
        nodes.push_back(bind(i));
        if (!exact_) sum_over_batch(nodes.back());
        fused = 1;
      }
      i += fused;
    }
    return nodes;
  }

 private:
  template <class O>
  const O* op(std::size_t i) const {
    return i < graph_.nodes().size() ? get_if<O>(&graph_.nodes()[i].op) : nullptr;
  }
  // Node i + 1 is the only reader of node i, and reads nothing else.
  bool chained(std::size_t i) const {
    if (i + 1 >= graph_.nodes().size() || readers_[i + 1] != 1) return false;
    const auto& inputs = graph_.nodes()[i + 1].inputs;
    return inputs.size() == 1 && inputs[0] == static_cast<int>(i) + 1;
  }

  // The other input, if node i + 1 is an Add of the output of node i, which has no other reader; else negative. It was
  // computed before the chain that ends with node i, whose values have one reader each.
  int residual_input(std::size_t i) const {
    if (op<Add>(i + 1) == nullptr || readers_[i + 1] != 1) return -1;
    const auto& inputs = graph_.nodes()[i + 1].inputs;
    const int own = static_cast<int>(i) + 1;
    return inputs[0] == own ? inputs[1] : inputs[1] == own ? inputs[0] : -1;
  }

  PlanNode bind(std::size_t i) const {
    const GraphNode& source = graph_.nodes()[i];
    PlanNode node;
    node.name = source.name;
    node.op_name = op_name(source.op);
    node.inputs = source.inputs;
    node.output = static_cast<int>(i) + 1;
    node.auxiliary = source.auxiliary;
    Shapes shapes;
    for (int value : source.inputs) shapes.push_back(graph_.shape(value));
    visit(
        [&](const auto& op) {
          using O = std::decay_t<decltype(op)>;
          node.op = planned(op.bind_shape(shapes));
          for (const Parameter& p : op.parameters()) {
            node.parameters.push_back({source.name.empty() ? p.name : source.name + "." + p.name, p.shape, p.trained});
          }
          node.macs = op.macs(shapes);
          node.reads_x = O::kReadsX;
          node.reads_y = O::kReadsY;
          node.saved = O::kSaved;
        },
        source.op);
    if (auto* conv = get_if<PlannedConv>(&node.op)) {
      if (!exact_) conv->algorithm.winograd = winograd_tile(*conv, lanes_);
      conv->algorithm.lanewise = goes_lanewise(*conv, lanes_);
    }
    if (auto* transposed = get_if<ConvTranspose2d::Geometry>(&node.op)) {
      transposed->conv.algorithm.lanewise = goes_lanewise(transposed->conv, lanes_);
    }
    for (const NamedShape& p : node.parameters) node.param_count += p.shape.size();
    return node;
  }

  static void sum_over_batch(PlanNode& node) {
    const auto* conv = get_if<PlannedConv>(&node.op);
    if (conv == nullptr) return;
    if (const auto product = with_whole_batch_weight_grad(*conv)) node.op = *product;
  }

  // Conv2d, activation?, MaxPool2d, activation? at node i: the number of fused layers, or 0. A monotonic activation
  // before the pool may move after it, as the maximum is the same. Where all inputs of ReLU are negative, no gradient
  // passes; where only rounding makes a function equal for unequal inputs, the largest input gets the gradient, not the
  // first of the equal outputs.
  std::size_t fuse_conv_pool(std::size_t i, std::vector<PlanNode>& nodes) const {
    if (op<Conv2d>(i) == nullptr || !chained(i)) return 0;
    const Function before = activation(i + 1);
    const std::size_t pool = i + (before.is_monotonic() ? 2 : 1);
    if (op<MaxPool2d>(pool) == nullptr || (before.is_monotonic() && !chained(i + 1))) return 0;
    PlanNode node = bind(i);
    ConvPool::Geometry g;
    g.conv = get<PlannedConv>(node.op);
    const auto pooled = get<MaxPool2d::Geometry>(bind(pool).op);
    if (!fusible(g.conv, pooled)) return 0;
    g.h_out = pooled.h_out;
    g.w_out = pooled.w_out;

    std::size_t last = pool;
    if (before.is_monotonic()) {
      g.activation = before;
    } else if (chained(pool)) {
      g.activation = activation(pool + 1);
      if (g.activation.kind != Function::Kind::identity) last = pool + 1;
    }
    node.op = g;
    node.reads_x = ConvPool::kReadsX;
    node.saved = ConvPool::kSaved;
    return merge(std::move(node), i, last, nodes);
  }

  // (Conv2d | Conv1d), PositionBias?, Add?, activation?
  std::size_t fuse_conv_activation(std::size_t i, std::vector<PlanNode>& nodes) const {
    if (op<Conv2d>(i) == nullptr && op<Conv1d>(i) == nullptr) return 0;
    PlanNode node = bind(i);
    ConvActivation::Geometry g;
    g.conv = get<PlannedConv>(node.op);
    std::size_t last = i;
    if (chained(last) && op<PositionBias>(last + 1) != nullptr) {
      const PlanNode bias = bind(++last);
      g.position_bias = true;
      node.parameters.insert(node.parameters.end(), bias.parameters.begin(), bias.parameters.end());
      node.param_count += bias.param_count;
    }
    last = take_residual_and_activation(last, g, node);
    if (last == i) return 0;
    node.op = g;
    return merge(std::move(node), i, last, nodes);
  }

  // An operation whose kernels allow it, Add?, activation?: for batch normalization, one pass over the values instead
  // of three, in both directions.
  std::size_t fuse_norm(std::size_t i, std::vector<PlanNode>& nodes) const {
    PlanNode node = bind(i);
    std::size_t last = i;
    visit(
        [&](auto& g) {
          if constexpr (kHasResidualAndActivation<std::decay_t<decltype(g)>>) {
            last = take_residual_and_activation(i, g, node);
          }
        },
        node.op);
    if (last == i) return 0;
    return merge(std::move(node), i, last, nodes);
  }

  // Fuses Add?, activation? after layer `last` into the node; returns the new last layer.
  template <class Geometry>
  std::size_t take_residual_and_activation(std::size_t last, Geometry& g, PlanNode& node) const {
    if (const int other = residual_input(last); other >= 0) {
      g.residual = true;
      node.inputs.push_back(other);
      ++last;
    }
    if (chained(last)) {
      g.activation = activation(last + 1);
      if (g.activated()) ++last;
    }
    node.reads_y = g.activation.slope_from_y();
    node.saved = g.keeps_slope() ? 1 : 0;
    return last;
  }

  // Appends the node of layers first .. last; returns their number.
  std::size_t merge(PlanNode node, std::size_t first, std::size_t last, std::vector<PlanNode>& nodes) const {
    node.output = static_cast<int>(last) + 1;
    node.auxiliary = graph_.nodes()[last].auxiliary;
    for (std::size_t j = first + 1; j <= last; ++j) {
      node.name += "+" + graph_.nodes()[j].name;
      node.op_name += std::string("+") + op_name(graph_.nodes()[j].op);
    }
    nodes.push_back(std::move(node));
    return last - first + 1;
  }

  // The function of node i, or the identity.
  Function activation(std::size_t i) const {
    if (i >= graph_.nodes().size()) return {};
    const PlanNode node = bind(i);
    const auto* g = get_if<Elementwise::Geometry>(&node.op);
    return g == nullptr ? Function() : g->function;
  }

  static bool fusible(const Conv2d::Geometry& conv, const MaxPool2d::Geometry& pool) {
    const bool kernel = conv.kernel.h == conv.kernel.w && (conv.kernel.h == 3 || conv.kernel.h == 5) &&
                        conv.dilation.h == 1 && conv.dilation.w == 1 && conv.groups == 1;
    const bool window = pool.kernel.h == 2 && pool.kernel.w == 2 && pool.stride.h == 2 && pool.stride.w == 2;
    const bool dilated = pool.dilation.h > 1 || pool.dilation.w > 1;
    // Positions in a tile are 32-bit offsets; lanes pad c_in to at most 16.
    const double elements =
        static_cast<double>((conv.h + conv.pad.top + conv.pad.bottom) * (conv.w + conv.pad.left + conv.pad.right)) *
        static_cast<double>(conv.c_in + 16) * 16;
    const double weights = static_cast<double>(conv.c_out) * 25 * static_cast<double>(conv.c_in + 16);
    const double most = std::numeric_limits<std::int32_t>::max();
    return kernel && window && !pool.pad.any() && !dilated && conv.stride.h == 1 && conv.stride.w == 1 &&
           elements < most && weights < most;
  }

  const Graph& graph_;
  bool exact_;
  int lanes_;
  std::vector<int> readers_;
};

}  // namespace

std::vector<PlanNode> make_nodes(const Graph& graph, bool exact, int lanes) {
  return Lowering(graph, exact, lanes).run();
}

}  // namespace cnnfast
