// One operation at a time, directly from the kernel table: forward, and backward twice, to check that gradients
// of weights are added and gradients of inputs overwritten.
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>

#include "base/error.hpp"
#include "checks.hpp"
#include "draw.hpp"
#include "guarded.hpp"
#include "kernels/table.hpp"
#include "pool_windows.hpp"

namespace cnnfast::selftest {

namespace {

struct Case {
  Op op;
  Shape shape;  // of every input
  Index n;
  Shapes more = {};  // of the inputs after the first, where they differ
};

// Conversion to the engine's layout, and back.
Index channels_last(const Shape& shape, Index i) {
  const Index c = i / shape.positions() % shape.channels();
  return i / shape.size() * shape.size() + i % shape.positions() * shape.channels() + c;
}
template <class T>
Guarded<T> channels_last(const Shape& shape, const Values& values) {
  Guarded<T> buffer(static_cast<Index>(values.size()));
  for (Index i = 0; i < buffer.size(); ++i) {
    buffer.data()[channels_last(shape, i)] = static_cast<T>(values[static_cast<std::size_t>(i)]);
  }
  return buffer;
}
template <class T>
std::vector<T> nchw(const Shape& shape, const Guarded<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  for (Index i = 0; i < buffer.size(); ++i) {
    values[static_cast<std::size_t>(i)] = buffer.data()[channels_last(shape, i)];
  }
  return values;
}

Values twice(Values values) {
  for (double& v : values) v *= 2;
  return values;
}

template <class O>
Shapes input_shapes(const Case& c) {
  if (c.more.empty() && O::kInputs != kAnyNumber) return Shapes(O::kInputs, c.shape);
  Shapes all{c.shape};
  all.insert(all.end(), c.more.begin(), c.more.end());
  return all;
}

template <class T, class O>
void check_case(const KernelTable<T>& table, const O& op, const Case& c, Report& report) {
  const Application reference{c.op, input_shapes<O>(c), c.n};
  const Shape y_shape = reference.output();
  Draw draw(7);
  std::vector<Values> x;
  for (const Shape& shape : reference.shapes) x.push_back(draw.values(c.n * shape.size(), 4));
  if constexpr (is_max_pool<O> || std::is_same_v<O, ReLU>) {
    for (double& v : x[0]) v = std::round(v);  // ties and zeros
  }
  const Values params = draw.values(reference.parameter_count()), dy = draw.values(c.n * y_shape.size());

  const auto g = planned(op.bind_shape(reference.shapes));
  const auto& kernels = table.of(g);
  const KernelSizes sizes = kernels.sizes(g, c.n);
  const Guarded<T> p = guarded<T>(params), packed(sizes.packed), packed_grads(sizes.packed_grads);
  std::vector<Guarded<T>> inputs, d_inputs;
  std::vector<const T*> xs;
  std::vector<T*> dxs, nobody(x.size(), nullptr);
  for (std::size_t i = 0; i < x.size(); ++i) {
    inputs.push_back(channels_last<T>(reference.shapes[i], x[i]));
    d_inputs.emplace_back(inputs.back().size());
    xs.push_back(inputs.back().data());
    dxs.push_back(d_inputs.back().data());
  }
  const Guarded<T> y(c.n * y_shape.size()), saved(O::kSaved * y.size()), dp(p.size());
  const Guarded<T> scratch(sizes.forward_scratch), d_scratch(sizes.backward_scratch);

  for (int part : {1, 0}) kernels.pack(g, p.data(), packed.data(), true, {part, 2});
  ForwardArgs<T> f;
  f.n = c.n, f.x = xs.front(), f.xs = xs.data(), f.packed = packed.data();
  f.y = y.data(), f.saved = saved.data(), f.scratch = scratch.data();
  kernels.forward(g, f);
  report.compare("y", nchw(y_shape, y).data(), reference.forward(x, params));

  const Guarded<T> d = channels_last<T>(y_shape, dy);
  packed_grads.fill(0);
  BackwardArgs<T> b;
  b.n = c.n, b.x = f.x, b.xs = f.xs, b.y = y.data(), b.saved = saved.data(), b.packed = packed.data(), b.dy = d.data();
  b.packed_grads = packed_grads.data(), b.scratch = d_scratch.data(), b.dxs = nobody.data();
  kernels.backward(g, b);  // as for the first layer, whose dx is not needed
  b.dx = dxs.front(), b.dxs = dxs.data();
  kernels.backward(g, b);
  if constexpr (kHasWholeBatchWeightGrad<std::decay_t<decltype(g)>>) {  // once, not twice: nothing is added up
    for (int part : {2, 0, 1}) table.whole_batch_of(g).weight_grad(g, c.n, f.x, d.data(), dp.data(), {part, 3});
    for (Index i = 0; i < dp.size(); ++i) dp.data()[i] *= 2;
  } else {
    for (int part : {2, 0, 1}) kernels.unpack(g, packed_grads.data(), dp.data(), {part, 3});
  }
  const Gradients expected = reference.backward(x, params, dy);
  for (std::size_t i = 0; i < d_inputs.size(); ++i) {
    report.compare("dx", nchw(reference.shapes[i], d_inputs[i]).data(), expected.dx[i]);
  }
  report.compare("dparams", dp.data(), twice(expected.dparams));

  std::vector<const Guarded<T>*> written = {&packed, &packed_grads, &y, &saved, &dp, &scratch, &d_scratch};
  for (const Guarded<T>& d_input : d_inputs) written.push_back(&d_input);
  for (const auto* buffer : written) report.require(buffer->intact(), "a kernel wrote beside its buffer");
}

// Settings as text.
std::string to_string(bool value) { return value ? "true" : "false"; }
std::string to_string(double value) { return concat(value); }
const std::string& to_string(const std::string& value) { return value; }
std::string to_string(Index value) { return std::to_string(value); }
std::string to_string(const Scale& value) { return concat(value.h, "x", value.w); }
template <class T>
std::string to_string(const std::optional<T>& value) {
  return value ? to_string(*value) : "none";
}
template <class O>
std::string settings(const O& op) {
  std::string all;
  for_each_setting(op, [&](const char* name, const auto& value) { all += concat(" ", name, "=", to_string(value)); });
  return all;
}

template <class T>
void check_family(Isa isa, const std::vector<Case>& cases, Report& report) {
  const Op& op = cases.front().op;
  const bool sums = Application{op, {}, 0}.parameter_count() > 0 || holds_alternative<MatMul>(op);
  report.begin(isa, kElement<T>, op_name(op), sums ? kSumTolerance<T> : kFormulaTolerance<T>);
  for (const Case& c : cases) {
    visit(
        [&](const auto& o) {
          report.begin_case(concat(c.n, c.n == 1 ? " image of " : " images of ", to_string(c.shape), settings(o)));
          check_case(kernel_table<T>(isa), o, c, report);
        },
        c.op);
  }
  report.end();
}

Padding same(Index pad) { return {pad, pad, pad, pad}; }

// Channels around one, two and five vectors of every width; odd sizes; strides that skip the last pixels.
std::vector<Case> convolutions() {
  struct Row {
    Index c_in, c_out, h, w;
    Extent kernel, stride;
    Padding pad;
    Index n;
    bool bias = true;
    Extent dilation = {};
    Index groups = 1;
  };
  const Row rows[] = {
      {1, 1, 5, 5, {1, 1}, {1, 1}, {}, 1},
      {3, 5, 7, 6, {1, 1}, {2, 2}, {}, 2},
      {16, 33, 5, 4, {1, 1}, {1, 1}, {}, 3, false},
      {33, 16, 3, 3, {1, 1}, {1, 1}, same(1), 2},
      {8, 19, 1, 1, {1, 1}, {1, 1}, {}, 5},
      {1, 8, 9, 7, {3, 3}, {1, 1}, {}, 2},
      {1, 33, 6, 6, {3, 3}, {1, 1}, same(1), 1},
      {3, 16, 8, 8, {3, 3}, {1, 1}, same(1), 3},
      {5, 19, 9, 7, {3, 3}, {2, 2}, same(1), 2},
      {8, 8, 6, 6, {3, 3}, {1, 1}, {}, 2, false},
      {16, 16, 7, 9, {3, 3}, {1, 1}, same(1), 2},
      {19, 33, 7, 5, {3, 3}, {1, 1}, {}, 1},
      {33, 19, 5, 6, {3, 3}, {1, 1}, same(1), 2},
      {16, 1, 4, 5, {3, 3}, {1, 1}, same(2), 2},
      {3, 70, 5, 5, {3, 3}, {1, 1}, same(1), 1},
      {70, 3, 5, 5, {3, 3}, {1, 1}, same(1), 1},
      {8, 64, 4, 4, {3, 3}, {1, 1}, {}, 2},
      {5, 3, 3, 3, {3, 3}, {1, 1}, {}, 3},
      {1, 5, 12, 11, {5, 5}, {1, 1}, {}, 2},
      {3, 8, 7, 7, {5, 5}, {1, 1}, same(2), 2},
      {5, 16, 11, 9, {5, 5}, {2, 2}, same(2), 1},
      {16, 33, 6, 7, {5, 5}, {1, 1}, {}, 1},
      {5, 3, 6, 9, {2, 3}, {1, 2}, {0, 1, 2, 0}, 2},
      {3, 5, 8, 8, {2, 2}, {3, 3}, {}, 2},
      {1, 8, 17, 15, {7, 7}, {3, 3}, same(3), 1},
      {3, 5, 23, 23, {11, 11}, {4, 4}, same(2), 1, false},
      {5, 19, 9, 8, {3, 3}, {1, 1}, same(2), 2, true, {2, 2}},
      {3, 8, 13, 12, {3, 2}, {2, 3}, same(1), 2, false, {3, 2}},
      {3, 5, 17, 19, {4, 3}, {4, 6}, {0, 5, 2, 0}, 1, true, {2, 4}},
      {8, 8, 7, 5, {3, 3}, {1, 1}, same(1), 2, true, {1, 1}, 8},
      {33, 66, 6, 7, {3, 2}, {2, 1}, same(1), 2, true, {1, 2}, 33},
      {16, 24, 6, 6, {3, 3}, {1, 1}, same(1), 1, false, {1, 1}, 4},
      {38, 6, 5, 5, {3, 3}, {2, 2}, same(1), 2, true, {2, 1}, 2},
  };
  std::vector<Case> cases;
  for (const Row& r : rows) {
    const Conv2d conv(r.c_in, r.c_out, r.kernel, r.stride, r.pad, r.dilation, r.groups, r.bias);
    cases.push_back({conv, {r.c_in, r.h, r.w}, r.n});
  }
  return cases;
}

std::vector<Case> line_convolutions() {
  return {{Conv1d(1, 5, 3, 1, Ends{}, 1, 1, true), {1, 17}, 2},
          {Conv1d(8, 33, 4, 2, Ends{1, 2}, 1, 1, false), {8, 11}, 3},
          {Conv1d(6, 9, 3, 1, Ends{2, 2}, 2, 3, true), {6, 10}, 1},
          {Conv1d(19, 19, 5, 3, Ends{0, 4}, 1, 19, true), {19, 12}, 2}};
}
std::vector<Case> transposed_convolutions() {
  const auto image = [](Index in, Index out, const Sliding& window, Extent extra, Index groups, bool bias) {
    return ConvTranspose2d(in, out, window.kernel, window.stride, window.pad, extra, groups, bias, window.dilation);
  };
  return {{image(1, 1, {{1, 1}, {1, 1}, {}, {}}, {0, 0}, 1, true), {1, 2, 3}, 1},
          {image(5, 19, {{3, 3}, {2, 2}, same(1), {}}, {1, 1}, 1, true), {5, 4, 5}, 2},
          {image(16, 3, {{2, 4}, {3, 1}, {}, {2, 1}}, {2, 0}, 1, false), {16, 3, 4}, 1},
          {image(8, 8, {{3, 3}, {2, 2}, same(1), {}}, {1, 0}, 8, true), {8, 5, 4}, 2},
          {image(34, 6, {{3, 2}, {1, 2}, same(1), {2, 1}}, {0, 1}, 2, true), {34, 4, 3}, 2}};
}
std::vector<Case> transposed_line_convolutions() {
  return {{ConvTranspose1d(3, 8, 4, 2, {1, 1}, 0, 1, true, 1), {3, 7}, 2},
          {ConvTranspose1d(8, 12, 3, 3, {0, 2}, 2, 4, false, 2), {8, 5}, 3}};
}
std::vector<Case> upsamplings() {
  return {{Upsample2d({2, 3}, "nearest"), {19, 3, 4}, 2}, {Upsample2d({3, 2}, "zeros"), {5, 4, 3}, 3}};
}
std::vector<Case> line_upsamplings() {
  return {{Upsample1d(2, "nearest"), {5, 7}, 2}, {Upsample1d(4, "zeros"), {16, 3}, 1}};
}
std::vector<Case> downsamplings() {
  return {{Downsample2d({2, 3}), {19, 7, 8}, 2}, {Downsample2d({9, 1}), {3, 4, 3}, 1}};
}
std::vector<Case> line_downsamplings() { return {{Downsample1d(3), {5, 11}, 2}}; }

std::vector<Case> paddings() {
  return {{Pad2d({1, 2, 3, 0}, "constant", 1.5), {19, 3, 4}, 2},
          {Pad2d({-1, 2, -2, 1}, "constant", 0), {5, 4, 3}, 2},
          {Pad2d({-1, -1, -1, 0}, "constant", 0), {1, 4, 3}, 3},
          {Pad2d({3, 2, 1, 2}, "reflect", 0), {16, 3, 4}, 2},
          {Pad2d({3, 2, 0, 2}, "replicate", 0), {3, 1, 2}, 2}};
}
std::vector<Case> line_paddings() {
  return {{Pad1d({2, 3}, "reflect", 0), {5, 4}, 2}, {Pad1d({-1, 3}, "constant", 0.5), {17, 4}, 1}};
}
std::vector<Case> resizes() {
  std::vector<Case> cases;
  for (Index c : {1, 3, 16, 19, 32}) {
    cases.push_back({Resize2d(Extent{5, 3}, {}, "floor", "asymmetric"), {c, 3, 7}, 2});
    cases.push_back({Resize2d(Extent{2, 9}, {}, "round_prefer_ceil", "half_pixel"), {c, 5, 4}, 2});
  }
  return cases;
}
std::vector<Case> line_resizes() { return {{Resize1d(11, {}, "floor", "asymmetric"), {5, 4}, 2}}; }

// Windows that are adjacent, overlap, extend beyond the edge, skip pixels, or are larger than the image.
std::vector<Case> max_pools() {
  std::vector<Case> cases;
  for (Index c : {1, 3, 5, 8, 16, 19, 33}) {
    cases.push_back({MaxPool2d({2, 2}, Extent{2, 2}, {}, false), {c, 6, 7}, 2});
    cases.push_back({MaxPool2d({3, 3}, Extent{2, 2}, same(1), true), {c, 7, 8}, 1});
    cases.push_back({MaxPool2d({3, 3}, Extent{1, 1}, same(1), false, {2, 2}), {c, 7, 5}, 2});
  }
  cases.push_back({MaxPool2d({2, 2}, Extent{2, 2}, {}, true), {5, 7, 5}, 3});
  cases.push_back({MaxPool2d({3, 2}, Extent{1, 2}, {1, 0, 0, 1}, false), {3, 5, 6}, 2});
  cases.push_back({MaxPool2d({3, 3}, Extent{1, 1}, same(1), false), {5, 5, 4}, 2});
  cases.push_back({MaxPool2d({1, 1}, Extent{3, 3}, {}, false), {8, 7, 7}, 1});
  cases.push_back({MaxPool2d({2, 3}, Extent{3, 1}, {3, 0, 1, 2}, true, {4, 2}), {19, 6, 7}, 2});
  return cases;
}
std::vector<Case> average_pools() {
  std::vector<Case> cases;
  for (Index c : {1, 3, 5, 8, 16, 19, 70}) {
    cases.push_back({AvgPool2d({2, 2}, Extent{2, 2}, {}, false, true, {}), {c, 6, 7}, 2});
    cases.push_back({AvgPool2d({3, 3}, Extent{2, 2}, same(1), true, true, {}), {c, 6, 8}, 2});
    cases.push_back({AvgPool2d({3, 3}, Extent{2, 2}, same(1), true, false, {}), {c, 6, 8}, 2});
  }
  cases.push_back({AvgPool2d({3, 3}, Extent{1, 1}, same(1), false, true, {}), {5, 5, 4}, 2});
  cases.push_back({AvgPool2d({2, 3}, Extent{2, 1}, {1, 0, 0, 2}, false, true, 7), {5, 6, 5}, 2});
  cases.push_back({AvgPool2d({2, 2}, Extent{3, 3}, {}, false, true, {}), {3, 8, 7}, 2});
  cases.push_back({AvgPool2d({2, 3}, Extent{2, 1}, {1, 0, 1, 2}, true, true, {}, {3, 2}), {19, 7, 8}, 2});
  cases.push_back({AvgPool2d({3, 3}, Extent{1, 1}, same(1), false, false, {}, {2, 2}), {5, 6, 5}, 2});
  return cases;
}
std::vector<Case> max_pools_of_lines() {
  std::vector<Case> cases;
  for (Index c : {1, 3, 16, 19}) cases.push_back({MaxPool1d(2, 2, {}, false), {c, 9}, 2});
  cases.push_back({MaxPool1d(3, 2, {1, 0}, true), {5, 8}, 2});
  cases.push_back({MaxPool1d(3, 1, {2, 1}, false, 2), {5, 8}, 2});
  return cases;
}
std::vector<Case> average_pools_of_lines() {
  std::vector<Case> cases;
  for (Index c : {1, 3, 16, 19}) cases.push_back({AvgPool1d(2, 2, {}, false, true), {c, 9}, 2});
  cases.push_back({AvgPool1d(3, 2, {1, 0}, true, true), {5, 8}, 2});
  cases.push_back({AvgPool1d(4, 3, {2, 3}, true, false), {5, 8}, 2});
  return cases;
}
// One window, windows of one size, of several sizes, and more windows than positions.
template <class O>
std::vector<Case> adaptive_pools() {
  std::vector<Case> cases;
  for (Index c : {1, 5, 16, 70}) {
    for (Extent windows : {Extent{1, 1}, Extent{2, 3}, Extent{4, 5}, Extent{9, 2}}) {
      cases.push_back({O(windows), {c, 6, 7}, 2});
    }
  }
  return cases;
}
template <class O>
std::vector<Case> adaptive_pools_of_lines() {
  std::vector<Case> cases;
  for (Index windows : {1, 3, 4, 11}) cases.push_back({O(windows), {5, 9}, 2});
  return cases;
}

std::vector<Case> linears() {
  return {{Linear(1, 1, true), {1}, 1},      {Linear(5, 3, true), {5}, 2},     {Linear(33, 19, true), {33}, 3},
          {Linear(100, 10, true), {100}, 7}, {Linear(16, 64, false), {16}, 9}, {Linear(19, 130, true), {19}, 2},
          {Linear(64, 16, true), {64}, 16},  {Linear(8, 1, false), {8}, 5}};
}

std::vector<Case> distances() {
  return {{RBF(1, 1, 1, false), {1}, 1},    {RBF(5, 3, 1, false), {5}, 2},     {RBF(33, 19, -1, false), {33}, 3},
          {RBF(84, 10, -1, true), {84}, 7}, {RBF(16, 8, 0.5, false), {16}, 9}, {RBF(19, 6, 1, true), {19}, 2}};
}

// Sides of one, two and five vectors of every width, and shorter ones.
std::vector<Case> matrix_products() {
  return {{MatMul(), {1, 1}, 1, {{1, 1}}},   {MatMul(), {5, 3}, 2, {{3, 7}}},     {MatMul(), {33, 19}, 3, {{19, 8}}},
          {MatMul(), {8, 33}, 2, {{33, 1}}}, {MatMul(), {70, 16}, 1, {{16, 19}}}, {MatMul(), {16, 16}, 2}};
}

// An operation that keeps the shape, on sizes with and without a remainder of lanes.
std::vector<Case> on_all_shapes(const Op& op) {
  return {{op, {1}, 1}, {op, {5}, 3}, {op, {33}, 2}, {op, {3, 5, 7}, 2}, {op, {16, 4, 4}, 3}, {op, {19, 3, 3}, 1}};
}
std::vector<Case> position_biases() {
  return {{PositionBias(1, 1, 1), {1, 1, 1}, 2},
          {PositionBias(5, 3, 7), {5, 3, 7}, 3},
          {PositionBias(16, 4, 4), {16, 4, 4}, 2}};
}
std::vector<Case> learned_slopes() {
  std::vector<Case> cases = on_all_shapes(PReLU(1, 0.25));
  for (Index c : {1, 3, 5, 8, 16, 19, 33}) cases.push_back({PReLU(c, 0.25), {c, 3, 5}, 2});
  return cases;
}
std::vector<Case> channel_biases() {
  std::vector<Case> cases;
  for (Index c : {1, 3, 5, 8, 16, 19, 33}) cases.push_back({ChannelBias(c), {c, 3, 5}, 2});
  return cases;
}
// From images and vectors to both, and between images whose channels differ.
std::vector<Case> reshapes() {
  return {{Reshape({-1}), {5, 3, 7}, 2},      {Reshape({5, 3, 7}), {105}, 2}, {Reshape({3, -1, 5}), {5, 3, 7}, 3},
          {Reshape({5, 7, 3}), {5, 3, 7}, 2}, {Reshape({16, -1}), {8, 4}, 1}, {Flatten(2, -1), {16, 4, 4}, 3},
          {Flatten(1, 2), {19, 3, 4}, 2}};
}
std::vector<Case> concats() {
  return {{Concat(), {1, 1, 1}, 1},
          {Concat(), {5}, 3, {{3}, {33}}},
          {Concat(), {3, 5, 7}, 2, {{16, 5, 7}, {1, 5, 7}, {8, 5, 7}}},
          {Concat(), {16, 4, 4}, 3, {{19, 4, 4}}}};
}
std::vector<Case> selections() {
  return {{SelectChannels({0}), {1}, 2},
          {SelectChannels({2, 0, 2}), {3, 5, 7}, 2},
          {SelectChannels({18, 3, 4, 5, 0, 18, 18, 7, 8}), {19, 4}, 3},
          {SelectChannels({1}), {16, 4, 4}, 1}};
}
std::vector<Case> group_norms() {
  return {{GroupNorm(1, 1, 1e-5, true), {1, 3, 3}, 2},
          {GroupNorm(3, 6, 1e-5, true), {6, 5, 3}, 3},
          {GroupNorm(33, 33, 1e-3, false), {33, 7}, 2},
          {GroupNorm(4, 64, 1e-5, true), {64, 4, 4}, 2}};
}
std::vector<Case> layer_norms() {
  return {{LayerNorm({5}, 1e-5, true), {5}, 3},
          {LayerNorm({3, 5, 7}, 1e-5, true), {3, 5, 7}, 2},
          {LayerNorm({16, 9}, 1e-3, false), {16, 9}, 2},
          {LayerNorm({19, 3, 3}, 1e-5, true), {19, 3, 3}, 1}};
}
std::vector<Case> responses() {
  return {{LocalResponseNorm(5, 0.5, 0.75, 1), {3}, 2},
          {LocalResponseNorm(4, 1, 0.75, 2), {17, 2, 3}, 2},
          {LocalResponseNorm(3, 0.25, 0.5, 1), {33, 5}, 1}};
}
// Every elementwise function with its defaults, and some with other settings.
template <class O>
O with_defaults() {
  return O::arguments([](const auto&... argument) { return O(argument.fallback...); });
}
template <class O>
std::vector<Case> on_all_shapes_each(std::initializer_list<O> ops) {
  std::vector<Case> cases;
  for (const O& op : ops) {
    for (const Case& c : on_all_shapes(op)) cases.push_back(c);
  }
  return cases;
}

template <class... Ops>
std::vector<std::vector<Case>> activations(TypeList<Ops...>) {
  return {on_all_shapes(with_defaults<Ops>())...,
          on_all_shapes_each({LeakyReLU(0.0625), LeakyReLU(-0.5)}),
          on_all_shapes(ELU(0.25)),
          on_all_shapes(GELU("tanh")),
          on_all_shapes(Softplus(2, 1)),
          on_all_shapes(SELU(1.5, 0.75)),
          on_all_shapes(ScaledTanh(-0.75, 2)),
          on_all_shapes(Hardsigmoid(0.2, 0.5)),
          on_all_shapes(Hardtanh(-0.25, 2))};
}

template <class... Ops>
std::vector<const char*> names(TypeList<Ops...>) {
  return {Ops::kName...};
}

// BatchNorm1d and 2d have cases in check_batch_norm.cpp, Dropout and Dropout2d none: they are random.
void check_complete(const std::vector<std::vector<Case>>& families) {
  std::set<std::string> missing;
  for (const char* name : names(OpList())) missing.insert(name);
  for (const char* name : {"BatchNorm1d", "BatchNorm2d", "Dropout", "Dropout2d"}) missing.erase(name);
  for (const auto& cases : families) {
    for (const Case& c : cases) missing.erase(op_name(c.op));
  }
  for (const std::string& name : missing) throw std::logic_error("tests/native/check_ops.cpp: no case of " + name);
}

}  // namespace

void check_ops(Isa isa, Report& report) {
  std::vector<std::vector<Case>> families = {
      convolutions(),
      max_pools(),
      average_pools(),
      max_pools_of_lines(),
      average_pools_of_lines(),
      adaptive_pools<AdaptiveMaxPool2d>(),
      adaptive_pools<AdaptiveAvgPool2d>(),
      adaptive_pools_of_lines<AdaptiveMaxPool1d>(),
      adaptive_pools_of_lines<AdaptiveAvgPool1d>(),
      line_convolutions(),
      transposed_convolutions(),
      transposed_line_convolutions(),
      upsamplings(),
      line_upsamplings(),
      downsamplings(),
      line_downsamplings(),
      paddings(),
      line_paddings(),
      resizes(),
      line_resizes(),
      linears(),
      matrix_products(),
      distances(),
      channel_biases(),
      position_biases(),
      learned_slopes(),
      on_all_shapes(Softmax()),
      on_all_shapes(LogSoftmax()),
      on_all_shapes(Flatten()),
      reshapes(),
      on_all_shapes(Add()),
      on_all_shapes(Mul()),
      concats(),
      selections(),
      group_norms(),
      layer_norms(),
      responses(),
  };
  for (auto& cases : activations(ActivationOps())) families.push_back(std::move(cases));
  check_complete(families);
  for (const auto& cases : families) {
    check_family<float>(isa, cases, report);
    if (has_kernels<double>(isa)) check_family<double>(isa, cases, report);
  }
}

}  // namespace cnnfast::selftest
