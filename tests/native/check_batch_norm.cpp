// Batch normalization in training, over tiles, shards and threads, compared with mean and variance of the whole batch.
#include <cmath>

#include "base/error.hpp"
#include "checks.hpp"
#include "draw.hpp"
#include "plan/plan.hpp"
#include "reference.hpp"

namespace cnnfast::selftest {

namespace {

struct Problem {
  Index n, channels, positions;
  bool relu;
};
constexpr double kEps = 1e-3;

// Everything in double over NCHW: y, and the gradients from dy.
struct Expected {
  Values y, dx, dparams, found;
};
Expected reference(const Problem& p, const Values& x, const Values& params, const Values& dy) {
  const Index c = p.channels, m = p.n * p.positions;
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  Expected e{Values(x.size()), Values(x.size()), Values(at(4 * c)), Values(at(4 * c))};
  for (Index channel = 0; channel < c; ++channel) {
    const auto for_each = [&](const auto& f) {
      for (Index i = 0; i < m; ++i) f(at((i / p.positions * c + channel) * p.positions + i % p.positions));
    };
    const double count = static_cast<double>(m), weight = params[at(channel)], bias = params[at(c + channel)];
    double mean = 0, spread = 0, s = 0, q = 0;
    for_each([&](std::size_t i) { mean += x[i] / count; });
    for_each([&](std::size_t i) { spread += (x[i] - mean) * (x[i] - mean); });
    const double deviation = std::sqrt(spread / count + kEps);
    const auto normal = [&](std::size_t i) { return (x[i] - mean) / deviation; };
    const auto slope = [&](std::size_t i) { return p.relu && normal(i) * weight + bias <= 0 ? 0 : dy[i]; };
    for_each([&](std::size_t i) {
      const double y = normal(i) * weight + bias;
      e.y[i] = p.relu && y <= 0 ? 0 : y;
      s += slope(i);
      q += slope(i) * normal(i);
    });
    for_each([&](std::size_t i) { e.dx[i] = weight * (slope(i) - s / count - normal(i) * q / count) / deviation; });
    e.dparams[at(channel)] = q, e.dparams[at(c + channel)] = s;
    e.found[at(2 * c + channel)] = mean, e.found[at(3 * c + channel)] = spread / (count - 1);
  }
  return e;
}

template <class T>
void check_type(Isa isa, Report& report) {
  report.begin(isa, sizeof(T) == 4 ? "float32" : "float64", "BatchNorm in training", 10 * kSumTolerance<T>);
  for (const Problem& p : {Problem{2, 1, 1, false}, Problem{7, 3, 6, true}, Problem{33, 19, 4, true},
                           Problem{40, 16, 9, false}, Problem{19, 33, 1, true}}) {
    report.begin_case(concat(p.n, " images of ", p.channels, " x ", p.positions, p.relu ? " with relu" : ""));
    Graph graph({p.channels, 1, p.positions});
    graph.add(BatchNorm2d(p.channels, kEps, 0.25, true), {0}, "norm");
    if (p.relu) graph.add(ReLU(), {1}, "relu");
    const Plan<T> plan(graph, {{Normalize{}}}, isa, false);
    Draw draw(11);
    const Values x = draw.values(p.n * p.channels * p.positions), dy = draw.values(p.n * p.channels * p.positions);
    const Values params = draw.values(4 * p.channels);
    const std::vector<T> xt(x.begin(), x.end()), dyt(dy.begin(), dy.end()), pt(params.begin(), params.end());
    std::vector<T> y(x.size()), dx(x.size()), grads(params.size());
    Batch batch;
    batch.images = xt.data(), batch.n = p.n;
    const Tape tape = plan.forward_train(batch, pt.data(), 0, y.data());
    const Expected expected = reference(p, x, params, dy);
    report.compare("y", y.data(), expected.y);
    plan.backward(dyt.data(), tape, pt.data(), grads.data(), dx.data());
    if (p.n > 2) report.compare("dx", dx.data(), expected.dx);  // dx of two values is 0
    report.compare("dparams", grads.data(), expected.dparams);
    std::fill(grads.begin(), grads.end(), T(0));
    plan.store_batch_statistics(tape, grads.data());
    report.compare("mean and variance", grads.data(), expected.found);
  }
  report.end();
}

}  // namespace

void check_batch_norm(Isa isa, Report& report) {
  check_type<float>(isa, report);
  if (has_kernels<double>(isa)) check_type<double>(isa, report);
}

}  // namespace cnnfast::selftest
