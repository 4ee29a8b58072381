// Whole networks through plans: forward, forward and backward, loss and gradient on uint8 images by index; layers
// one by one (exact) and as the plan optimizes them, fused or with another algorithm.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <tuple>

#include "base/error.hpp"
#include "checks.hpp"
#include "draw.hpp"
#include "plan/plan.hpp"

namespace cnnfast::selftest {

namespace {

// x = u8 * scale + shift: exact in both types, so that all paths get the same values.
constexpr double kScale = 1.0 / 64, kShift = -1.5;

// A gradient is discontinuous where the input of ReLU is zero or two candidates of a pool are equal. Numbers are drawn
// until no network is so near to such a point that rounding could reach it.
constexpr double kFarFromKinks = 2e-5;
constexpr unsigned kMaxDraws = 200;

struct Network {
  std::string name;
  Graph graph;
  Index n;
  LossKind loss = LossKind::cross_entropy;
};

struct Problem {
  std::string name;
  Graph graph;
  Index n;
  LossKind loss;
  std::vector<std::uint8_t> images;
  std::vector<std::int64_t> target;
  Values x, params, dy;
  // Expected.
  Values y, dx, dparams, loss_dparams;
  double mean_loss = 0;
  Index correct = 0;
};

// The network in plain loops: each layer applied with its slice of the flat parameters.
class PlainNetwork {
 public:
  PlainNetwork(const Graph& graph, Index n) : graph_(graph) {
    for (const GraphNode& node : graph.nodes()) {
      Shapes shapes;
      for (int value : node.inputs) shapes.push_back(graph.shape(value));
      layers_.push_back({node.op, shapes, n});
    }
  }
  Index parameter_count() const {
    Index count = 0;
    for (const Application& layer : layers_) count += layer.parameter_count();
    return count;
  }

  // All values, the input first.
  std::vector<Values> forward(const Values& x, const Values& params) const {
    std::vector<Values> values{x};
    auto window = params.begin();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto end = window + layers_[i].parameter_count();
      values.push_back(layers_[i].forward(inputs(i, values), Values(window, end)));
      window = end;
    }
    return values;
  }

  // dx and dparams.
  std::pair<Values, Values> backward(const std::vector<Values>& values, const Values& params, const Values& dy) const {
    std::vector<Values> gradients;
    for (const Values& value : values) gradients.emplace_back(value.size());
    gradients.back() = dy;
    Values dparams(params.size());
    auto end = static_cast<std::ptrdiff_t>(params.size());
    for (std::size_t i = layers_.size(); i-- > 0;) {
      const std::ptrdiff_t first = end - layers_[i].parameter_count();
      const Gradients d = layers_[i].backward(inputs(i, values), Values(params.begin() + first, params.begin() + end),
                                              gradients[i + 1]);
      std::copy(d.dparams.begin(), d.dparams.end(), dparams.begin() + first);
      end = first;
      for (std::size_t slot = 0; slot < d.dx.size(); ++slot) {
        Values& sum = gradients[static_cast<std::size_t>(graph_.nodes()[i].inputs[slot])];
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += d.dx[slot][k];
      }
    }
    return {gradients.front(), dparams};
  }

  double distance_to_kink(const std::vector<Values>& values) const {
    double nearest = 1;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      nearest = std::min(nearest, layers_[i].distance_to_kink(inputs(i, values)));
    }
    return nearest;
  }

 private:
  std::vector<Values> inputs(std::size_t layer, const std::vector<Values>& values) const {
    std::vector<Values> list;
    for (int value : graph_.nodes()[layer].inputs) list.push_back(values[static_cast<std::size_t>(value)]);
    return list;
  }

  const Graph& graph_;
  std::vector<Application> layers_;
};

// Mean loss and its gradient; the last value is rows of classes.
Values loss_gradient(Problem& p) {
  const auto classes = p.y.size() / static_cast<std::size_t>(p.n);
  Values d(p.y.size());
  for (std::size_t row = 0; row < static_cast<std::size_t>(p.n); ++row) {
    const double* y = p.y.data() + row * classes;
    const auto target = static_cast<std::size_t>(p.target[row]);
    double sum = 0;
    for (std::size_t i = 0; i < classes; ++i) sum += std::exp(y[i]);
    const bool nll = p.loss == LossKind::nll;
    p.mean_loss += ((nll ? 0 : std::log(sum)) - y[target]) / static_cast<double>(p.n);
    p.correct += std::max_element(y, y + classes) == y + target ? 1 : 0;
    for (std::size_t i = 0; i < classes; ++i) {
      d[row * classes + i] = ((nll ? 0 : std::exp(y[i]) / sum) - (i == target ? 1 : 0)) / static_cast<double>(p.n);
    }
  }
  return d;
}

// Draws numbers and computes the expected results in plain loops.
Problem solve(const Network& network) {
  const Graph& graph = network.graph;
  const PlainNetwork plain(graph, network.n);
  for (unsigned seed = 1; seed <= kMaxDraws; ++seed) {
    Problem p{network.name, graph, network.n, network.loss, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    Draw draw(seed);
    for (Index i = 0; i < p.n * graph.shapes().front().size(); ++i) {
      p.images.push_back(static_cast<std::uint8_t>(draw.below(192)));
      p.x.push_back(p.images.back() * kScale + kShift);
    }
    p.params = draw.values(plain.parameter_count(), 0.25);
    const std::vector<Values> values = plain.forward(p.x, p.params);
    if (plain.distance_to_kink(values) < kFarFromKinks) continue;
    p.y = values.back();
    p.dy = draw.values(static_cast<Index>(p.y.size()));
    for (Index i = 0; i < p.n; ++i) p.target.push_back(draw.below(graph.shapes().back().size()));
    std::tie(p.dx, p.dparams) = plain.backward(values, p.params, p.dy);
    p.loss_dparams = plain.backward(values, p.params, loss_gradient(p)).second;
    return p;
  }
  fail("network ", network.name, ": no draw stays away from kinks; make it smaller");
}

class Builder {
 public:
  Builder(std::string name, Shape input, Index n) : network_{std::move(name), Graph(std::move(input)), n} {}
  // Adds after the last value, or after those named.
  Builder& add(Op op, std::vector<int> inputs = {}) {
    const int last = static_cast<int>(network_.graph.nodes().size());
    network_.graph.add(std::move(op), inputs.empty() ? std::vector<int>{last} : inputs, concat("layer", last));
    return *this;
  }
  Builder& conv(Index c_in, Index c_out, Index kernel, Index stride, Index pad, bool bias = true) {
    const Padding padding{pad, pad, pad, pad};
    return add(Conv2d(c_in, c_out, {kernel, kernel}, {stride, stride}, padding, {}, 1, bias));
  }
  Builder& pool(Index kernel, Index stride, Index pad = 0, bool ceil_mode = false) {
    return add(MaxPool2d({kernel, kernel}, Extent{stride, stride}, {pad, pad, pad, pad}, ceil_mode));
  }
  Network with(LossKind loss) {
    network_.loss = loss;
    return network_;
  }
  Network done() { return network_; }

 private:
  Network network_;
};

std::vector<Network> networks() {
  return {
      Builder("letters, 1 image", {1, 16, 16}, 1)
          .conv(1, 16, 3, 1, 0)
          .pool(2, 2)
          .add(GELU("none"))
          .conv(16, 33, 3, 1, 0)
          .pool(2, 2, 0, true)
          .add(GELU("tanh"))
          .add(Flatten())
          .add(Linear(297, 26, true))
          .done(),
      Builder("letters, 37 images", {1, 14, 14}, 37)
          .conv(1, 8, 5, 1, 0)
          .pool(2, 2)
          .add(GELU("none"))
          .conv(8, 5, 3, 1, 1)
          .add(ReLU())
          .pool(2, 2, 0, true)
          .add(Flatten())
          .add(Linear(45, 19, true))
          .add(ReLU())
          .add(Linear(19, 10, false))
          .done(),
      Builder("dense 3x3", {3, 13, 14}, 3)
          .conv(3, 32, 3, 1, 1)
          .add(GELU("none"))
          .conv(32, 32, 3, 1, 1, false)
          .add(GELU("none"))
          .conv(32, 19, 3, 1, 0)
          .pool(3, 2, 1)
          .add(Flatten())
          .add(Linear(684, 7, true))
          .done(),
      Builder("groups and dilation", {5, 11, 12}, 4)
          .add(Conv2d(5, 40, {3, 3}, {1, 1}, Padding{1, 1, 1, 1}, {}, 5, true))
          .add(ReLU())
          .add(Conv2d(40, 40, {3, 3}, {2, 1}, Padding{1, 1, 1, 1}, {}, 40, false))
          .add(Conv2d(40, 8, {2, 3}, {1, 1}, Padding{0, 1, 2, 2}, {1, 2}, 4, true))
          .add(GELU("none"))
          .add(Flatten())
          .add(Linear(576, 5, true))
          .done(),
      Builder("dense 3x3, one image", {16, 12, 11}, 1)
          .conv(16, 64, 3, 1, 1)
          .add(GELU("none"))
          .conv(64, 16, 3, 1, 1)
          .add(GELU("none"))
          .add(Flatten())
          .add(Linear(2112, 5, true))
          .done(),
      Builder("residual", {5, 7, 6}, 6)
          .conv(5, 8, 3, 2, 1)
          .add(ChannelBias(8))
          .add(ReLU())
          .conv(8, 8, 3, 1, 1)
          .add(Add(), {3, 4})
          .add(PositionBias(8, 4, 3))
          .add(Softmax())
          .add(Flatten())
          .add(Linear(96, 10, true))
          .add(LogSoftmax())
          .with(LossKind::nll),
      // Values 1 (convolution) and 2 (ReLU) have several readers; value 6 concatenates three branches and the input.
      Builder("branches", {3, 8, 7}, 5)
          .conv(3, 8, 3, 1, 1)
          .add(ReLU())
          .conv(8, 5, 1, 1, 0)
          .add(GELU("none"), {1})
          .pool(3, 1, 1)
          .add(Concat(), {3, 5, 2, 0})
          .conv(24, 16, 3, 1, 1)
          .add(ReLU())
          .pool(2, 2)
          .add(Reshape({12, -1}))
          .add(Flatten(2, -1))
          .add(Flatten())
          .add(Linear(192, 7, true))
          .done(),
  };
}

template <class T>
void check_plan(const Plan<T>& plan, const Problem& p, Report& report) {
  const std::vector<T> params(p.params.begin(), p.params.end()), x(p.x.begin(), p.x.end()),
      dy(p.dy.begin(), p.dy.end());
  std::vector<T> y(p.y.size()), dx(x.size()), grads(params.size());
  report.require(plan.parameter_count() == static_cast<Index>(params.size()), "the plan has other parameters");

  Batch batch;
  batch.images = x.data(), batch.n = p.n;
  for (std::int64_t version : {-1, 1, 1}) {  // packed for the call; packed and kept; reused
    plan.forward(batch, {params.data(), version}, y.data());
    report.compare("forward", y.data(), p.y);
  }
  const Tape tape = plan.forward_train(batch, params.data(), 0, y.data());
  report.compare("forward_train", y.data(), p.y);
  plan.backward(dy.data(), tape, params.data(), grads.data(), dx.data());
  report.compare("dx", dx.data(), p.dx);
  report.compare("dparams", grads.data(), p.dparams);

  std::vector<std::int64_t> backwards;
  for (Index i = p.n; i-- > 0;) backwards.push_back(i);
  batch.images = p.images.data(), batch.is_u8 = true, batch.index = backwards.data();
  const StepResult step = plan.loss_and_grad(batch, {p.target.data()}, p.loss, params.data(), 0, {}, grads.data());
  report.compare("dparams of the loss", grads.data(), p.loss_dparams);
  report.compare("loss", &step.loss, {p.mean_loss});
  report.require(step.correct == p.correct, "another number of correct answers");
  T largest = 0;
  for (const T grad : grads) largest = std::max(largest, std::abs(grad));
  report.require(step.largest == static_cast<double>(largest), "another largest gradient");
}

// Two steps, one after the other, for images of bytes; none for images of numbers.
template <class T>
void check_input_stage(Isa isa, Report& report) {
  report.begin(isa, kElement<T>, "input stage", kFormulaTolerance<T>);
  report.begin_case("two normalizations");
  const std::vector<std::uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};  // two images of (3, 1, 2)
  const std::vector<std::int64_t> index = {1};
  const InputStage stage{{Normalize{{0.5, 1, 2}, {1}}, Normalize{{-2}, {0, 0.25, 0}}}};
  const BoundInputStage<T> bound(kernel_table<T>(isa), stage, Shape({3, 1, 2}));
  std::vector<T> x(6);
  Batch batch;
  batch.images = bytes.data(), batch.is_u8 = true, batch.n = 1, batch.index = index.data();
  bound.load(batch, 0, 0, x.data());
  report.compare("bytes", x.data(), {-9, -19.75, -46, -10, -21.75, -50});
  const std::vector<T> numbers(bytes.begin(), bytes.end());
  batch.images = numbers.data(), batch.is_u8 = false;
  bound.load(batch, 0, 0, x.data());
  report.compare("numbers", x.data(), {7, 9, 11, 8, 10, 12});
  report.begin_case("no step");
  bool refused = false;
  try {
    const BoundInputStage<T> empty(kernel_table<T>(isa), {}, Shape({3, 1, 2}));
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  report.require(refused, "bytes need a step that reads them");
  report.end();
}

template <class T>
void check_type(Isa isa, const std::vector<Problem>& problems, Report& report) {
  check_input_stage<T>(isa, report);
  for (bool exact : {true, false}) {
    // Direct kernels round like the loops; other algorithms may add larger numbers.
    const double tolerance = exact ? 10 * kSumTolerance<T> : sizeof(T) == 4 ? 1e-3 : 1e-10;
    report.begin(isa, kElement<T>, exact ? "plan, exact" : "plan", tolerance);
    for (const Problem& p : problems) {
      report.begin_case(p.name);
      check_plan(Plan<T>(p.graph, {{Normalize{{kScale}, {kShift}}}}, isa, exact), p, report);
    }
    report.end();
  }
}

}  // namespace

void check_plans(Isa isa, Report& report) {
  static const std::vector<Problem> problems = [] {
    std::vector<Problem> solved;
    for (const Network& network : networks()) solved.push_back(solve(network));
    return solved;
  }();
  check_type<float>(isa, problems, report);
  if (has_kernels<double>(isa)) check_type<double>(isa, problems, report);
}

}  // namespace cnnfast::selftest
