// Number types of the self-test (numbers/types.hpp). With weights in bfloat16, all results have the bits of the float32
// kernels with weights that were rounded before; with sums in float64, results are rounded once.
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.hpp"
#include "checks.hpp"
#include "draw.hpp"
#include "guarded.hpp"
#include "plan/plan.hpp"
#include "variant_list.hpp"

#define CNNFAST_DECLARE(isa)                            \
  namespace cnnfast::isa {                              \
  void use_bfloat16_weights(KernelTable<float>& table); \
  void use_wide_sums(KernelTable<float>& table);        \
  }
CNNFAST_FLOAT_VARIANTS(CNNFAST_DECLARE)
#undef CNNFAST_DECLARE

namespace cnnfast::selftest {

namespace {

using Floats = std::vector<float>;

// By variant, the table of float32 with some kernels replaced.
struct Tables {
  std::map<Isa, KernelTable<float>> bfloat16_weights, wide_sums;
  Tables() {
    for (Isa isa : available_isas()) {
      bfloat16_weights[isa] = wide_sums[isa] = kernel_table<float>(isa);
#define CNNFAST_USE(name)                              \
  if (isa == Isa::name) {                              \
    name::use_bfloat16_weights(bfloat16_weights[isa]); \
    name::use_wide_sums(wide_sums[isa]);               \
  }
      CNNFAST_FLOAT_VARIANTS(CNNFAST_USE)
#undef CNNFAST_USE
    }
  }
};
const Tables& tables() {
  static const Tables all;
  return all;
}

// To 8 significant bits.
Floats rounded(Floats values) {
  for (float& v : values) {
    int exponent = 0;
    const float fraction = std::frexp(v, &exponent);
    v = std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
  }
  return values;
}
Floats floats(const Values& values) { return Floats(values.begin(), values.end()); }

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// ---- one operation --------------------------------------------------------------------------------

struct Case {
  Op op;
  Shape shape;
  Index n;
};

struct Results {
  Floats y, dx, dparams;
  std::size_t packed_bytes = 0;
  bool intact = false;
};

template <class O>
Results apply(const KernelTable<float>& table, const O& op, const Case& c, const Floats& params) {
  const auto g = planned(op.bind_shape({c.shape}));
  const auto& kernels = table.of(g);
  const KernelSizes sizes = kernels.sizes(g, c.n);
  Draw draw(5);
  const Index y_size = c.n * op.output_shape({c.shape}).size();
  const Guarded<float> x = guarded<float>(draw.values(c.n * c.shape.size())),
                       p = guarded<float>(Values(params.begin(), params.end()));
  const Guarded<float> y(y_size), dy = guarded<float>(draw.values(y_size)), dx(x.size()), dp(p.size());
  const Guarded<float> packed_grads(sizes.packed_grads), scratch(sizes.forward_scratch),
      d_scratch(sizes.backward_scratch);
  const Guarded<std::byte> packed(sizes.packed * static_cast<Index>(kernels.packed_element));
  for (int part : {1, 0}) kernels.pack(g, p.data(), packed.data(), true, {part, 2});

  const float* xs[] = {x.data()};
  float* dxs[] = {dx.data()};
  ForwardArgs<float> f;
  f.n = c.n, f.x = x.data(), f.xs = xs, f.packed = packed.data(), f.y = y.data(), f.scratch = scratch.data();
  kernels.forward(g, f);
  BackwardArgs<float> b;
  b.n = c.n, b.x = x.data(), b.xs = xs, b.y = y.data(), b.packed = packed.data(), b.dy = dy.data();
  b.dx = dx.data(), b.dxs = dxs, b.packed_grads = packed_grads.data(), b.accumulate = false,
  b.scratch = d_scratch.data();
  kernels.backward(g, b);
  dp.fill(0);
  if (sizes.packed_grads > 0) kernels.unpack(g, packed_grads.data(), dp.data(), {});

  const auto copy = [](const Guarded<float>& values) { return Floats(values.data(), values.data() + values.size()); };
  const bool intact = packed.intact() && y.intact() && dx.intact() && dp.intact() && packed_grads.intact();
  return {copy(y), copy(dx), copy(dp), static_cast<std::size_t>(packed.size()), intact};
}

// Less than a vector of outputs, odd numbers of them and several blocks; windows with padding, strides, dilation.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (Index out : {1, 3, 8, 10, 19, 33, 130}) {
    for (Index n : {1, 7}) all.push_back({Linear(21, out, out != 8), {21}, n});
  }
  const auto conv = [&](Index in, Index out, Extent kernel, Extent stride, Index pad, Extent dilation, Index groups,
                        Index n) {
    all.push_back(
        {Conv2d(in, out, kernel, stride, Padding{pad, pad, pad, pad}, dilation, groups, groups != 2), {in, 9, 7}, n});
  };
  conv(1, 5, {3, 3}, {1, 1}, 0, {1, 1}, 1, 1);
  conv(3, 16, {3, 3}, {1, 1}, 1, {1, 1}, 1, 2);
  conv(5, 33, {3, 2}, {2, 1}, 1, {1, 1}, 1, 3);
  conv(19, 70, {1, 1}, {1, 1}, 0, {1, 1}, 1, 1);
  conv(7, 19, {1, 1}, {2, 3}, 0, {1, 1}, 1, 2);
  conv(6, 38, {3, 3}, {2, 2}, 1, {2, 1}, 2, 1);
  conv(9, 15, {2, 3}, {1, 1}, 2, {1, 2}, 3, 2);
  all.push_back({ConvTranspose2d(5, 19, {3, 3}, {2, 2}, Padding{1, 1, 1, 1}, {1, 1}, 1, true, {}), {5, 4, 5}, 1});
  all.push_back({ConvTranspose2d(6, 10, {2, 3}, {3, 1}, Padding{}, {2, 0}, 2, false, {}), {6, 3, 4}, 2});
  return all;
}

void check_case(Isa isa, const Case& c, Report& report) {
  report.begin_case(concat(op_name(c.op), ", ", c.n, " of ", to_string(c.shape)));
  Floats params = floats(Draw(3).values(Application{c.op, {c.shape}, c.n}.parameter_count()));
  params[0] = 1 + 0x1p-8F, params[1] = 1 + 3 * 0x1p-8F;  // to the even one of two: 1, and 1 + 2^-6
  visit(
      [&](const auto& op) {
        const Results got = apply(tables().bfloat16_weights.at(isa), op, c, params);
        const Results expected = apply(kernel_table<float>(isa), op, c, rounded(params));
        report.require(same_bits(got.y, expected.y), "y has other bits");
        report.require(same_bits(got.dx, expected.dx), "dx has other bits");
        report.require(same_bits(got.dparams, expected.dparams), "dparams has other bits");
        report.require(2 * got.packed_bytes == expected.packed_bytes, "packed weights are not half as large");
        report.require(got.intact, "a kernel wrote beside its buffer");
      },
      c.op);
}

// ---- a plan ---------------------------------------------------------------------------------------

// Weights of three kinds of layers in bfloat16, between layers whose parameters remain float32 (ChannelBias, PReLU) or
// that have none.
Graph network() {
  Graph graph({3, 11, 10});
  int last = 0;
  const auto add = [&](Op op) { last = graph.add(std::move(op), {last}, concat("layer", last)); };
  add(Conv2d(3, 16, {3, 3}, {1, 1}, Padding{1, 1, 1, 1}, {}, 1, false));
  add(ChannelBias(16));
  add(PReLU(16, 0.25));
  add(Conv2d(16, 16, {3, 3}, {2, 1}, Padding{1, 1, 1, 1}, {}, 16, true));  // lanewise
  add(MaxPool2d({2, 2}, Extent{2, 2}, {}, false));
  add(Flatten());
  add(Linear(240, 19, true));
  add(ReLU());
  add(Linear(19, 5, false));
  return graph;
}

// Offsets of ChannelBias and PReLU among the parameters, whose values are not packed as bfloat16.
constexpr Index kFirstExact = 3 * 16 * 9, kEndExact = kFirstExact + 32;

Floats run(const Plan<float>& plan, const Floats& params, Index n) {
  Draw draw(9);
  const Floats x = floats(draw.values(n * plan.input_shape().size())),
               dy = floats(draw.values(n * plan.output_shape().size()));
  Floats y(dy.size()), trained(dy.size()), dx(x.size()), grads(params.size()), loss_grads(params.size());
  Batch batch;
  batch.images = x.data(), batch.n = n;
  plan.forward(batch, {params.data()}, y.data());
  const Tape tape = plan.forward_train(batch, params.data(), 0, trained.data());
  plan.backward(dy.data(), tape, params.data(), grads.data(), dx.data());
  const std::vector<std::int64_t> classes(static_cast<std::size_t>(n), 1);
  plan.loss_and_grad(batch, {classes.data()}, LossKind::cross_entropy, params.data(), 0, {}, loss_grads.data());
  for (const Floats* more : {&trained, &dx, &grads, &loss_grads}) y.insert(y.end(), more->begin(), more->end());
  return y;
}

void check_plan(Isa isa, Report& report) {
  const Graph graph = network();
  const Plan<float> plan(graph, {{Normalize{}}}, tables().bfloat16_weights.at(isa), true),
      float32(graph, {{Normalize{}}}, isa, true);
  const Floats params = floats(Draw(2).values(plan.parameter_count(), 0.25));
  Floats weights = rounded(params);
  std::copy(params.begin() + kFirstExact, params.begin() + kEndExact, weights.begin() + kFirstExact);
  for (Index n : {1, 37}) {
    report.begin_case(concat("a plan, ", n, " images"));
    const Floats got = run(plan, params, n);
    report.require(same_bits(got, run(float32, weights, n)), "other bits than with rounded weights");
    report.require(!same_bits(got, run(float32, params, n)), "weights are not rounded");
  }
  report.require(plan.program(true).packed_bytes < float32.program(true).packed_bytes,
                 "packed weights are not smaller");
}

// ---- sums in another type than values --------------------------------------------------------------

// Images of one pixel, whose values lie alike in both layouts. Sums in float32 would be off by several roundings.
void check_wide_sums(Isa isa, const Case& c, Report& report) {
  report.begin_case(concat(op_name(c.op), ", ", c.n, " of ", to_string(c.shape)));
  const Application reference{c.op, {c.shape}, c.n};
  Draw draw(4);
  const Values x = draw.values(c.n * c.shape.size()), params = draw.values(reference.parameter_count());
  const Values expected = reference.forward({x}, params);
  visit(
      [&](const auto& op) {
        const auto g = planned(op.bind_shape({c.shape}));
        const auto& kernels = tables().wide_sums.at(isa).of(g);
        const KernelSizes sizes = kernels.sizes(g, c.n);
        const Guarded<float> in = guarded<float>(x), p = guarded<float>(params), scratch(sizes.forward_scratch);
        const Guarded<float> packed(sizes.packed), y(static_cast<Index>(expected.size()));
        kernels.pack(g, p.data(), packed.data(), false, {});
        ForwardArgs<float> f;
        f.n = c.n, f.x = in.data(), f.packed = packed.data(), f.y = y.data(), f.scratch = scratch.data();
        kernels.forward(g, f);
        report.compare("y", y.data(), expected);
        report.require(packed.intact() && y.intact() && scratch.intact(), "a kernel wrote beside its buffer");
      },
      c.op);
}

}  // namespace

void check_numbers(Isa isa, Report& report) {
  report.begin(isa, "float32", "bfloat16 weights", 0);
  for (const Case& c : cases()) check_case(isa, c, report);
  check_plan(isa, report);
  report.end();
  const Padding pad{1, 1, 1, 1};
  report.begin(isa, "float32", "sums in float64", 0x1p-24);
  for (const Case& c : {Case{Linear(999, 1, true), {999}, 1}, Case{Linear(999, 19, true), {999}, 7},
                        Case{Conv2d(300, 11, {3, 3}, {1, 1}, pad, {}, 1, true), {300, 1, 1}, 3},
                        Case{Conv2d(600, 99, {1, 1}, {1, 1}, Padding{}, {}, 3, false), {600, 1, 1}, 2}}) {
    check_wide_sums(isa, c, report);
  }
  report.end();
}

}  // namespace cnnfast::selftest
