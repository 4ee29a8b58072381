// Kernels over whole vectors and rows: layout conversion, sums, loss and optimizers.
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "checks.hpp"
#include "draw.hpp"
#include "guarded.hpp"
#include "kernels/table.hpp"

namespace cnnfast::selftest {

namespace {

constexpr Index kSizes[] = {1, 3, 8, 16, 19, 33, 257};

template <class T>
void compare(Report& report, const char* what, const Guarded<T>& got, const Values& expected) {
  report.compare(what, got.data(), expected);
  report.require(got.intact(), concat("a kernel wrote beside ", what));
}

template <class T>
void check_borders(const KernelTable<T>& table, Report& report) {
  report.begin(table.isa, kElement<T>, "layout", kFormulaTolerance<T>);
  for (Index channels : {1, 3, 5, 16, 33}) {
    for (Index positions : {1, 4, 35}) {
      report.begin_case(concat(channels, " channels of ", positions));
      Draw draw(11);
      const Values x = draw.values(channels * positions), scale = draw.values(channels), shift = draw.values(channels);
      std::vector<std::uint8_t> u8;
      for (std::size_t i = 0; i < x.size(); ++i) u8.push_back(static_cast<std::uint8_t>(draw.below(256)));
      Values last(x.size()), last_u8(x.size());
      for (Index c = 0; c < channels; ++c) {
        for (Index p = 0; p < positions; ++p) {
          const auto from = static_cast<std::size_t>(c * positions + p),
                     to = static_cast<std::size_t>(p * channels + c);
          last[to] = x[from];
          last_u8[to] = u8[from] * scale[static_cast<std::size_t>(c)] + shift[static_cast<std::size_t>(c)];
        }
      }
      const Guarded<T> in = guarded<T>(x), a = guarded<T>(scale), b = guarded<T>(shift);
      const Guarded<T> inside(in.size()), back(in.size()), normalized(in.size());
      table.from_nchw(channels, positions, in.data(), inside.data());
      compare(report, "from_nchw", inside, last);
      table.to_nchw(channels, positions, inside.data(), back.data());
      compare(report, "to_nchw", back, x);
      table.normalize(a.data(), b.data(), {channels, positions, u8.data(), normalized.data(), {}});
      compare(report, "normalize, bytes", normalized, last_u8);
      for (std::size_t i = 0; i < last_u8.size(); ++i) {
        const std::size_t c = i % static_cast<std::size_t>(channels);
        last_u8[i] = last_u8[i] * scale[c] + shift[c];
      }
      table.normalize(a.data(), b.data(), {channels, positions, nullptr, normalized.data(), {}});
      compare(report, "normalize", normalized, last_u8);
    }
  }
  report.end();
}

template <class T>
void check_sums(const KernelTable<T>& table, Report& report) {
  report.begin(table.isa, kElement<T>, "add, sum", kFormulaTolerance<T>);
  for (Index size : kSizes) {
    report.begin_case(concat(size, " elements"));
    Draw draw(13);
    const Index count = 5, stride = size + 2;
    const Values x = draw.values(count * stride), y = draw.values(size);
    Values added = y, summed(y.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      added[i] += x[i];
      for (Index k = 0; k < count; ++k) summed[i] += x[i + static_cast<std::size_t>(k * stride)];
    }
    const Guarded<T> in = guarded<T>(x), out = guarded<T>(y), sum(size);
    table.add(size, in.data(), out.data());
    compare(report, "add", out, added);
    table.sum(size, count, stride, in.data(), sum.data());
    compare(report, "sum", sum, summed);
  }
  report.begin_case("fma_loop");
  report.require(table.fma_loop(1e4) >= 1e4, "fewer multiply-adds than asked for");
  report.end();
}

// Loss and gradient of row `x` in plain formulas: target class t, or probabilities p.
struct PlainLoss {
  double loss = 0;
  Values gradient;
};
PlainLoss plain_cross_entropy(const double* x, const Values& q) {
  double sum = 0, total = 0;
  PlainLoss plain;
  for (std::size_t i = 0; i < q.size(); ++i) sum += std::exp(x[i]);
  for (std::size_t i = 0; i < q.size(); ++i) {
    total += q[i];
    plain.loss += q[i] * (std::log(sum) - x[i]);
  }
  for (std::size_t i = 0; i < q.size(); ++i) plain.gradient.push_back(total * std::exp(x[i]) / sum - q[i]);
  return plain;
}
PlainLoss plain_element(const LossRule& rule, double x, double t, double w) {
  const double d = x - t, z = std::abs(d), sign = d > 0 ? 1 : -1;
  const double inside = d * d / 2, outside = rule.delta * (z - rule.delta / 2);
  const double huber = z < rule.delta ? inside : outside, slope = z < rule.delta ? d : sign * rule.delta;
  switch (rule.kind) {
    case LossKind::mse: return {d * d, {2 * d}};
    case LossKind::l1: return {z, {sign}};
    case LossKind::huber: return {huber, {slope}};
    case LossKind::smooth_l1: return {huber / rule.delta, {slope / rule.delta}};
    default: {
      const double s = 1 / (1 + std::exp(-x));
      return {-w * t * std::log(s) - (1 - t) * std::log(1 - s), {(1 - t) * s - w * t * (1 - s)}};
    }
  }
}

template <class T>
void check_losses(const KernelTable<T>& table, const Loss& loss, const char* name, Report& report) {
  for (Index c : {1, 3, 8, 10, 19, 33}) {
    report.begin_case(concat(name, " of ", c, " outputs", loss.weight.empty() ? "" : ", weighted"));
    Draw draw(17);
    const Index n = 5;
    const double scale = 0.25;
    const Values x = draw.values(n * c, 8);
    Values t = draw.values(n * c, 1), w(static_cast<std::size_t>(c), 1);
    for (double& v : t) v = std::abs(v);
    for (std::size_t i = 0; i < w.size() && !loss.weight.empty(); ++i) w[i] = loss.weight[i % loss.weight.size()];
    std::vector<std::int64_t> classes;
    Values each, gradient;
    double sum = 0;
    for (Index row = 0; row < n; ++row) {
      classes.push_back(draw.below(c));
      const auto at = static_cast<std::size_t>(row * c), label = static_cast<std::size_t>(classes.back());
      if (loss.kind == LossKind::cross_entropy) {
        Values q;
        const double spread = loss.label_smoothing / static_cast<double>(c);
        for (std::size_t i = 0; i < w.size(); ++i) {
          q.push_back(w[i] * (spread + (i == label ? 1 - loss.label_smoothing : 0)));
        }
        const PlainLoss plain = plain_cross_entropy(x.data() + at, q);
        each.push_back(plain.loss);
        for (double g : plain.gradient) gradient.push_back(scale * g);
      } else if (loss.kind == LossKind::nll) {
        each.push_back(-w[label] * x[at + label]);
        for (std::size_t i = 0; i < w.size(); ++i) gradient.push_back(i == label ? -scale * w[i] : 0);
      } else {
        for (std::size_t i = 0; i < w.size(); ++i) {
          const PlainLoss plain = plain_element(loss, x[at + i], t[at + i], w[i]);
          each.push_back(plain.loss);
          gradient.push_back(scale * plain.gradient.front());
        }
      }
    }
    for (double l : each) sum += l;
    const Guarded<T> in = guarded<T>(x), values = guarded<T>(t), out(static_cast<Index>(each.size()));
    const Guarded<T> weight = guarded<T>(w), d(in.size());
    LossArgs<T> a;
    a.n = n, a.c = c, a.x = in.data(), a.scale = static_cast<T>(scale), a.each = out.data(), a.dx = d.data();
    a.classes = loss.targets_are_classes() ? classes.data() : nullptr;
    a.values = loss.targets_are_classes() ? nullptr : values.data();
    a.weight = loss.weight.empty() ? nullptr : weight.data();
    const double total = table.loss(loss, a);
    if (c > 1 || !loss.targets_are_classes()) {  // with one class the loss is 0: no relative error
      compare(report, "losses", out, each);
      report.compare("sum", &total, {sum});
    }
    compare(report, "dx", d, gradient);
  }
}

template <class T>
void check_loss(const KernelTable<T>& table, Report& report) {
  report.begin(table.isa, kElement<T>, "loss", 4 * kFormulaTolerance<T>);
  Loss smoothed(LossKind::cross_entropy), huber(LossKind::huber), smooth(LossKind::smooth_l1);
  smoothed.label_smoothing = 0.25;
  huber.delta = smooth.delta = 0.5;
  check_losses(table, LossKind::cross_entropy, "cross entropy", report);
  check_losses(table, LossKind::nll, "nll", report);
  check_losses(table, LossKind::mse, "mse", report);
  check_losses(table, LossKind::l1, "l1", report);
  check_losses(table, LossKind::bce_with_logits, "bce", report);
  check_losses(table, huber, "huber", report);
  check_losses(table, smooth, "smooth l1", report);
  check_losses(table, smoothed, "smoothed cross entropy", report);
  for (LossKind kind : {LossKind::cross_entropy, LossKind::nll, LossKind::bce_with_logits}) {
    Loss weighted(kind);
    weighted.weight = {0.5, 1, 3};
    check_losses(table, weighted, kind == LossKind::nll ? "nll" : "entropy", report);
    if (kind != LossKind::cross_entropy) continue;
    weighted.label_smoothing = 0.25;
    check_losses(table, weighted, "smoothed entropy", report);
  }
  report.end();
}

// Settings are multiples of small powers of two: exact in both types.
template <class T>
void check_sgd(const KernelTable<T>& table, Report& report) {
  const SgdSettings settings[] = {
      {0.125, 0, 0, 0, false, true},        {0.125, 0, 0, 0.25, false, true},
      {0.125, 0.875, 0, 0, false, true},    {0.125, 0.875, 0.5, 0.25, false, false},
      {0.125, 0.875, 0, 0.25, true, false}, {0.125, 0.875, 0.5, 0.25, false, false, true},
  };
  report.begin(table.isa, kElement<T>, "sgd", kFormulaTolerance<T>);
  for (const SgdSettings& s : settings) {
    const double sign = s.maximize ? -1 : 1;
    for (Index size : kSizes) {
      report.begin_case(concat(size, " elements, momentum ", s.momentum, s.nesterov ? " nesterov" : ""));
      Draw draw(19);
      Values p = draw.values(size), m = draw.values(size);
      const Values grads = draw.values(size);
      const Guarded<T> params = guarded<T>(p), g = guarded<T>(grads), momentum = guarded<T>(m);
      table.sgd(size, s, params.data(), g.data(), s.momentum == 0 ? nullptr : momentum.data());
      for (std::size_t i = 0; i < p.size(); ++i) {
        double step = sign * grads[i] + s.weight_decay * p[i];
        if (s.momentum != 0) {
          m[i] = s.first ? step : s.momentum * m[i] + (1 - s.dampening) * step;
          step = s.nesterov ? step + s.momentum * m[i] : m[i];
        }
        p[i] -= s.lr * step;
      }
      compare(report, "params", params, p);
      compare(report, "momentum", momentum, m);
    }
  }
  report.end();
}

template <class T>
void check_adam(const KernelTable<T>& table, Report& report) {
  const AdamSettings settings[] = {
      {0.125, 0.875, 0.9375, 0.0078125, 0, 0.125, 0.0625, false},
      {0.125, 0.875, 0.9375, 0.0078125, 0.25, 0.5, 0.25, false},
      {0.125, 0.875, 0.9375, 0.0078125, 0.25, 0.5, 0.25, true},
      {0.125, 0.875, 0.9375, 0.0078125, 0.25, 0.5, 0.25, false, true},
  };
  report.begin(table.isa, kElement<T>, "adam", kFormulaTolerance<T>);
  for (const AdamSettings& s : settings) {
    const double sign = s.maximize ? -1 : 1;
    for (Index size : kSizes) {
      report.begin_case(concat(size, " elements, decay ", s.weight_decay, s.decoupled ? " decoupled" : ""));
      Draw draw(23);
      Values p = draw.values(size), m = draw.values(size), v = draw.values(size);
      const Values grads = draw.values(size);
      for (double& x : v) x *= x < 0 ? -1 : 1;
      const Guarded<T> params = guarded<T>(p), g = guarded<T>(grads), first = guarded<T>(m), second = guarded<T>(v);
      const bool amsgrad = s.bias_correction1 == 0.5 && !s.decoupled;
      Values top = draw.values(size);
      for (double& x : top) x *= x < 0 ? -1 : 1;
      const Guarded<T> largest = guarded<T>(top);
      table.adam(size, s, params.data(), g.data(), first.data(), second.data(), amsgrad ? largest.data() : nullptr);
      for (std::size_t i = 0; i < p.size(); ++i) {
        const double d = sign * grads[i] + (s.decoupled ? 0 : s.weight_decay * p[i]);
        if (s.decoupled) p[i] -= s.lr * s.weight_decay * p[i];
        m[i] = s.beta1 * m[i] + (1 - s.beta1) * d;
        v[i] = s.beta2 * v[i] + (1 - s.beta2) * d * d;
        if (amsgrad) top[i] = std::max(top[i], v[i]);
        p[i] -= s.lr / s.bias_correction1 * m[i] / (std::sqrt((amsgrad ? top[i] : v[i]) / s.bias_correction2) + s.eps);
      }
      compare(report, "max_exp_avg_sq", largest, top);
      compare(report, "params", params, p);
      compare(report, "exp_avg", first, m);
      compare(report, "exp_avg_sq", second, v);
    }
  }
  report.end();
}

template <class T>
void check_rmsprop(const KernelTable<T>& table, Report& report) {
  const RmspropSettings settings[] = {
      {0.125, 0.875, 0.0078125, 0, 0}, {0.125, 0.5, 0.25, 0.25, 0.5}, {0.125, 0.5, 0.25, 0.25, 0.5, true}};
  report.begin(table.isa, kElement<T>, "rmsprop", kFormulaTolerance<T>);
  for (const RmspropSettings& s : settings) {
    const double sign = s.maximize ? -1 : 1;
    for (const bool centered : {false, true}) {
      for (Index size : kSizes) {
        report.begin_case(concat(size, " elements, momentum ", s.momentum, centered ? " centered" : ""));
        Draw draw(29);
        Values p = draw.values(size), v = draw.values(size), a = draw.values(size), m = draw.values(size);
        const Values grads = draw.values(size);
        for (std::size_t i = 0; i < p.size(); ++i) v[i] = 4 + a[i] * a[i];  // far from a variance of 0
        const Guarded<T> params = guarded<T>(p), g = guarded<T>(grads), square = guarded<T>(v), mean = guarded<T>(a),
                         momentum = guarded<T>(m);
        table.rmsprop(size, s, params.data(), g.data(), square.data(), centered ? mean.data() : nullptr,
                      s.momentum == 0 ? nullptr : momentum.data());
        for (std::size_t i = 0; i < p.size(); ++i) {
          const double d = sign * grads[i] + s.weight_decay * p[i];
          v[i] = s.alpha * v[i] + (1 - s.alpha) * d * d;
          if (centered) a[i] += (1 - s.alpha) * (d - a[i]);
          double step = d / (std::sqrt(centered ? v[i] - a[i] * a[i] : v[i]) + s.eps);
          if (s.momentum != 0) step = m[i] = s.momentum * m[i] + step;
          p[i] -= s.lr * step;
        }
        compare(report, "params", params, p);
        compare(report, "square_avg", square, v);
        compare(report, "grad_avg", mean, a);
        compare(report, "momentum", momentum, m);
      }
    }
  }
  report.end();
}

template <class T>
void check_adagrad(const KernelTable<T>& table, Report& report) {
  const AdagradSettings settings[] = {{0.125, 0.0078125, 0}, {0.125, 0.25, 0.25}, {0.125, 0.25, 0.25, true}};
  report.begin(table.isa, kElement<T>, "adagrad", kFormulaTolerance<T>);
  for (const AdagradSettings& s : settings) {
    const double sign = s.maximize ? -1 : 1;
    for (Index size : kSizes) {
      report.begin_case(concat(size, " elements, decay ", s.weight_decay));
      Draw draw(31);
      Values p = draw.values(size), v = draw.values(size);
      const Values grads = draw.values(size);
      for (double& x : v) x *= x < 0 ? -1 : 1;
      const Guarded<T> params = guarded<T>(p), g = guarded<T>(grads), sum = guarded<T>(v);
      table.adagrad(size, s, params.data(), g.data(), sum.data());
      for (std::size_t i = 0; i < p.size(); ++i) {
        const double d = sign * grads[i] + s.weight_decay * p[i];
        v[i] += d * d;
        p[i] -= s.lr * d / (std::sqrt(v[i]) + s.eps);
      }
      compare(report, "params", params, p);
      compare(report, "sum", sum, v);
    }
  }
  report.end();
}

template <class T>
void check_squared_norm(const KernelTable<T>& table, Report& report) {
  report.begin(table.isa, kElement<T>, "squared_norm", kFormulaTolerance<T>);
  for (Index size : kSizes) {
    report.begin_case(concat(size, " elements"));
    Draw draw(37);
    double expected = 0;
    Values x;
    for (Index i = 0; i < size; ++i) {
      x.push_back(static_cast<double>(draw.below(19)) - 9);  // sums of small integers are exact
      expected += x.back() * x.back();
    }
    report.require(table.squared_norm(size, guarded<T>(x).data()) == expected, "the sum of squares is wrong");
  }
  report.end();
}

template <class T>
void check_type(Isa isa, Report& report) {
  const KernelTable<T>& table = kernel_table<T>(isa);
  check_borders(table, report);
  check_sums(table, report);
  check_loss(table, report);
  check_sgd(table, report);
  check_adam(table, report);
  check_rmsprop(table, report);
  check_adagrad(table, report);
  check_squared_norm(table, report);
}

}  // namespace

void check_vectors(Isa isa, Report& report) {
  check_type<float>(isa, report);
  if (has_kernels<double>(isa)) check_type<double>(isa, report);
}

}  // namespace cnnfast::selftest
