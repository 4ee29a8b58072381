#include "reference.hpp"

#include <algorithm>
#include <cmath>

#include "pool_windows.hpp"

namespace cnnfast::selftest {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Inputs of every formula below; results are written to `y`, or to `dx` and `dparams`.
struct Problem {
  const Shapes& shapes;
  Index n;
  const std::vector<Values>& x;
  const Values& params;

  Index size() const { return shapes[0].size(); }
  Index channels() const { return shapes[0].channels(); }
  Index positions() const { return shapes[0].positions(); }
};

// Calls f(index in x, index in weight, index in y, output channel) for every product of the convolution.
template <class F>
void for_each_product(const Conv2d& op, const Problem& p, const F& f) {
  const Shape &in = p.shapes[0], out = op.output_shape(p.shapes);
  const Index h = in[1], w = in[2], in_group = op.c_in / op.groups;
  Index y = 0;
  for (Index image = 0; image < p.n; ++image) {
    for (Index co = 0; co < op.c_out; ++co) {
      for (Index row = 0; row < out[1]; ++row) {
        for (Index col = 0; col < out[2]; ++col, ++y) {
          for (Index i = 0; i < in_group; ++i) {
            const Index ci = co / (op.c_out / op.groups) * in_group + i;
            for (Index k = 0; k < op.window.kernel.h; ++k) {
              const Index xi = row * op.window.stride.h - op.window.pad.top + k * op.window.dilation.h;
              if (xi < 0 || xi >= h) continue;
              for (Index l = 0; l < op.window.kernel.w; ++l) {
                const Index xj = col * op.window.stride.w - op.window.pad.left + l * op.window.dilation.w;
                if (xj < 0 || xj >= w) continue;
                f(at(((image * op.c_in + ci) * h + xi) * w + xj),
                  at(((co * in_group + i) * op.window.kernel.h + k) * op.window.kernel.w + l), at(y), at(co));
              }
            }
          }
        }
      }
    }
  }
}

void forward(const Conv2d& op, const Problem& p, Values& y) {
  const Index weights = op.parameters()[0].shape.size();
  const Index pixels = op.output_shape(p.shapes).positions();
  if (op.bias) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = p.params[at(weights + static_cast<Index>(i) / pixels % op.c_out)];
  }
  for_each_product(
      op, p, [&](std::size_t xi, std::size_t wi, std::size_t yi, std::size_t) { y[yi] += p.x[0][xi] * p.params[wi]; });
}

void backward(const Conv2d& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  const Index weights = op.parameters()[0].shape.size();
  const Index pixels = op.output_shape(p.shapes).positions();
  if (op.bias) {
    for (std::size_t i = 0; i < dy.size(); ++i) {
      d.dparams[at(weights + static_cast<Index>(i) / pixels % op.c_out)] += dy[i];
    }
  }
  for_each_product(op, p, [&](std::size_t xi, std::size_t wi, std::size_t yi, std::size_t) {
    d.dx[0][xi] += dy[yi] * p.params[wi];
    d.dparams[wi] += dy[yi] * p.x[0][xi];
  });
}

// Calls f(index in x, index in weight, index in y) for every product: those of the convolution from y to x.
template <class F>
void for_each_product(const ConvTranspose2d& op, const Problem& p, const F& f) {
  const Sliding& s = op.window;
  const Conv2d conv(op.c_out, op.c_in, s.kernel, s.stride, s.pad, s.dilation, op.groups, false);
  const Shapes out{op.output_shape(p.shapes)};
  for_each_product(conv, Problem{out, p.n, p.x, p.params},
                   [&](std::size_t yi, std::size_t wi, std::size_t xi, std::size_t) { f(xi, wi, yi); });
}
void forward(const ConvTranspose2d& op, const Problem& p, Values& y) {
  const Index weights = op.parameters()[0].shape.size(), pixels = op.output_shape(p.shapes).positions();
  if (op.bias) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = p.params[at(weights + static_cast<Index>(i) / pixels % op.c_out)];
  }
  for_each_product(op, p, [&](std::size_t xi, std::size_t wi, std::size_t yi) { y[yi] += p.x[0][xi] * p.params[wi]; });
}
void backward(const ConvTranspose2d& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  const Index weights = op.parameters()[0].shape.size(), pixels = op.output_shape(p.shapes).positions();
  if (op.bias) {
    for (std::size_t i = 0; i < dy.size(); ++i) {
      d.dparams[at(weights + static_cast<Index>(i) / pixels % op.c_out)] += dy[i];
    }
  }
  for_each_product(op, p, [&](std::size_t xi, std::size_t wi, std::size_t yi) {
    d.dx[0][xi] += dy[yi] * p.params[wi];
    d.dparams[wi] += dy[yi] * p.x[0][xi];
  });
}

// Calls f(index in x, index in y) for every value that is copied.
template <class F>
void for_each_copy(const Upsample2d& op, const Problem& p, const F& f) {
  const Shape &in = p.shapes[0], out = op.output_shape(p.shapes);
  Index y = 0;
  for (Index plane = 0; plane < p.n * in[0]; ++plane) {
    for (Index row = 0; row < out[1]; ++row) {
      for (Index col = 0; col < out[2]; ++col, ++y) {
        const bool zero = op.kind == Resampling::insert_zeros && (row % op.factor.h != 0 || col % op.factor.w != 0);
        if (!zero) f(at((plane * in[1] + row / op.factor.h) * in[2] + col / op.factor.w), at(y));
      }
    }
  }
}
template <class F>
void for_each_copy(const Downsample2d& op, const Problem& p, const F& f) {
  const Shape &in = p.shapes[0], out = op.output_shape(p.shapes);
  Index y = 0;
  for (Index plane = 0; plane < p.n * in[0]; ++plane) {
    for (Index row = 0; row < out[1]; ++row) {
      for (Index col = 0; col < out[2]; ++col, ++y) {
        f(at((plane * in[1] + row * op.factor.h) * in[2] + col * op.factor.w), at(y));
      }
    }
  }
}
// The input of each output along one axis; -1: none.
std::vector<Index> sources(PadMode mode, Index in, Index before, Index after) {
  std::vector<Index> places;
  for (Index place = -before; place < in + after; ++place) {
    Index source = place;
    if (mode == PadMode::replicate) source = std::clamp<Index>(place, 0, in - 1);
    if (mode == PadMode::reflect) source = in - 1 - std::abs(in - 1 - std::abs(place));
    places.push_back(source >= 0 && source < in ? source : -1);
  }
  return places;
}
// Only the rules of PyTorch's "nearest" and "nearest-exact", in integers.
std::vector<Index> sources(const ResizeRule& rule, Index in, Index out) {
  const Index half = rule.coordinates == Coordinates::half_pixel ? 1 : 0;
  std::vector<Index> places;
  for (Index i = 0; i < out; ++i) places.push_back((2 * i + half) * in / (2 * out));
  return places;
}
template <class F>
void for_each_copy(const Shape& in, Index n, const std::vector<Index>& rows, const std::vector<Index>& cols,
                   const F& f) {
  std::size_t y = 0;
  for (Index plane = 0; plane < n * in[0]; ++plane) {
    for (Index row : rows) {
      for (Index col : cols) {
        if (row >= 0 && col >= 0) f(at((plane * in[1] + row) * in[2] + col), y);
        ++y;
      }
    }
  }
}
template <class F>
void for_each_copy(const Pad2d& op, const Problem& p, const F& f) {
  const Shape& in = p.shapes[0];
  for_each_copy(in, p.n, sources(op.mode, in[1], op.padding.top, op.padding.bottom),
                sources(op.mode, in[2], op.padding.left, op.padding.right), f);
}
template <class F>
void for_each_copy(const Resize2d& op, const Problem& p, const F& f) {
  const Shape& in = p.shapes[0];
  for_each_copy(in, p.n, sources(op.rule, in[1], op.size->h), sources(op.rule, in[2], op.size->w), f);
}
template <class O>
void add_copies(const O& op, const Problem& p, Values& y) {
  for_each_copy(op, p, [&](std::size_t xi, std::size_t yi) { y[yi] += p.x[0][xi]; });
}
template <class O>
void add_copies_back(const O& op, const Problem& p, const Values& dy, Gradients& d) {
  for_each_copy(op, p, [&](std::size_t xi, std::size_t yi) { d.dx[0][xi] += dy[yi]; });
}
void forward(const Upsample2d& op, const Problem& p, Values& y) { add_copies(op, p, y); }
void backward(const Upsample2d& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  add_copies_back(op, p, dy, d);
}
void forward(const Downsample2d& op, const Problem& p, Values& y) { add_copies(op, p, y); }
void backward(const Downsample2d& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  add_copies_back(op, p, dy, d);
}

void forward(const Pad2d& op, const Problem& p, Values& y) {
  std::fill(y.begin(), y.end(), op.value);
  for_each_copy(op, p, [&](std::size_t xi, std::size_t yi) { y[yi] = p.x[0][xi]; });
}
void backward(const Pad2d& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  add_copies_back(op, p, dy, d);
}
void forward(const Resize2d& op, const Problem& p, Values& y) { add_copies(op, p, y); }
void backward(const Resize2d& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  add_copies_back(op, p, dy, d);
}

// Sequences are images of one row.
Conv2d on_image(const Conv1d& op) {
  const Sliding& s = op.window;
  return Conv2d(op.c_in, op.c_out, s.kernel, s.stride, s.pad, s.dilation, op.groups, op.bias);
}
ConvTranspose2d on_image(const ConvTranspose1d& op) {
  const Sliding& s = op.window;
  const Extent extra{0, op.output_padding};
  return ConvTranspose2d(op.c_in, op.c_out, s.kernel, s.stride, s.pad, extra, op.groups, op.bias, s.dilation);
}
Upsample2d on_image(const Upsample1d& op) { return Upsample2d({1, op.factor}, upsampling_mode(op.kind)); }
Pad2d on_image(const Pad1d& op) {
  return op.values([](const Ends& padding, const auto& mode, double value) {
    return Pad2d({padding.before, padding.after, 0, 0}, mode, value);
  });
}
Resize2d on_image(const Resize1d& op) {
  return Resize2d(Extent{1, *op.size}, {}, op.rule.nearest_mode(), op.rule.coordinate_transformation_mode());
}
Downsample2d on_image(const Downsample1d& op) { return Downsample2d({1, op.factor}); }

template <class O>
void forward_on_image(const O& op, const Problem& p, Values& y) {
  const Shapes images{{p.shapes[0][0], 1, p.shapes[0][1]}};
  forward(on_image(op), Problem{images, p.n, p.x, p.params}, y);
}
template <class O>
void backward_on_image(const O& op, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  const Shapes images{{p.shapes[0][0], 1, p.shapes[0][1]}};
  backward(on_image(op), Problem{images, p.n, p.x, p.params}, y, dy, d);
}
void forward(const Conv1d& op, const Problem& p, Values& y) { forward_on_image(op, p, y); }
void forward(const ConvTranspose1d& op, const Problem& p, Values& y) { forward_on_image(op, p, y); }
void forward(const Upsample1d& op, const Problem& p, Values& y) { forward_on_image(op, p, y); }
void forward(const Downsample1d& op, const Problem& p, Values& y) { forward_on_image(op, p, y); }
void forward(const Pad1d& op, const Problem& p, Values& y) { forward_on_image(op, p, y); }
void forward(const Resize1d& op, const Problem& p, Values& y) { forward_on_image(op, p, y); }
void backward(const Conv1d& op, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  backward_on_image(op, p, y, dy, d);
}
void backward(const ConvTranspose1d& op, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  backward_on_image(op, p, y, dy, d);
}
void backward(const Upsample1d& op, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  backward_on_image(op, p, y, dy, d);
}
void backward(const Downsample1d& op, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  backward_on_image(op, p, y, dy, d);
}

void backward(const Pad1d& op, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  backward_on_image(op, p, y, dy, d);
}
void backward(const Resize1d& op, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  backward_on_image(op, p, y, dy, d);
}

std::size_t winner(const Values& x, const std::vector<std::size_t>& window) {
  std::size_t best = window.front();
  for (std::size_t i : window) best = x[i] > x[best] ? i : best;
  return best;
}

template <class O, std::enable_if_t<is_max_pool<O>, int> = 0>
void forward(const O& op, const Problem& p, Values& y) {
  for_each_window(op, p.shapes[0], p.n,
                  [&](std::size_t yi, const auto& window, Index) { y[yi] = p.x[0][winner(p.x[0], window)]; });
}
template <class O, std::enable_if_t<is_max_pool<O>, int> = 0>
void backward(const O& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for_each_window(op, p.shapes[0], p.n,
                  [&](std::size_t yi, const auto& window, Index) { d.dx[0][winner(p.x[0], window)] += dy[yi]; });
}

template <class O, std::enable_if_t<is_average_pool<O>, int> = 0>
void forward(const O& op, const Problem& p, Values& y) {
  for_each_window(op, p.shapes[0], p.n, [&](std::size_t yi, const auto& window, Index padded) {
    for (std::size_t i : window) y[yi] += p.x[0][i] / divisor(op, window.size(), padded);
  });
}
template <class O, std::enable_if_t<is_average_pool<O>, int> = 0>
void backward(const O& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for_each_window(op, p.shapes[0], p.n, [&](std::size_t yi, const auto& window, Index padded) {
    for (std::size_t i : window) d.dx[0][i] += dy[yi] / divisor(op, window.size(), padded);
  });
}

void forward(const Linear& op, const Problem& p, Values& y) {
  for (Index image = 0; image < p.n; ++image) {
    for (Index o = 0; o < op.out; ++o) {
      double sum = op.bias ? p.params[at(op.out * op.in + o)] : 0;
      for (Index i = 0; i < op.in; ++i) sum += p.x[0][at(image * op.in + i)] * p.params[at(o * op.in + i)];
      y[at(image * op.out + o)] = sum;
    }
  }
}
void backward(const Linear& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for (Index image = 0; image < p.n; ++image) {
    for (Index o = 0; o < op.out; ++o) {
      const double g = dy[at(image * op.out + o)];
      if (op.bias) d.dparams[at(op.out * op.in + o)] += g;
      for (Index i = 0; i < op.in; ++i) {
        d.dx[0][at(image * op.in + i)] += g * p.params[at(o * op.in + i)];
        d.dparams[at(o * op.in + i)] += g * p.x[0][at(image * op.in + i)];
      }
    }
  }
}

void forward(const RBF& op, const Problem& p, Values& y) {
  for (Index i = 0; i < p.n * op.out; ++i) {
    for (Index k = 0; k < op.in; ++k) {
      const double d = p.x[0][at(i / op.out * op.in + k)] - p.params[at(i % op.out * op.in + k)];
      y[at(i)] += op.scale * d * d;
    }
  }
}
void backward(const RBF& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for (Index i = 0; i < p.n * op.out; ++i) {
    for (Index k = 0; k < op.in; ++k) {
      const std::size_t xi = at(i / op.out * op.in + k), wi = at(i % op.out * op.in + k);
      const double slope = 2 * op.scale * dy[at(i)] * (p.x[0][xi] - p.params[wi]);
      d.dx[0][xi] += slope;
      if (!op.fixed) d.dparams[wi] -= slope;
    }
  }
}

void forward(const ChannelBias&, const Problem& p, Values& y) {
  for (Index i = 0; i < p.n * p.size(); ++i) {
    y[at(i)] = p.x[0][at(i)] + p.params[at(i / p.positions() % p.channels())];
  }
}
void backward(const ChannelBias&, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  d.dx[0] = dy;
  for (Index i = 0; i < p.n * p.size(); ++i) d.dparams[at(i / p.positions() % p.channels())] += dy[at(i)];
}

void forward(const PositionBias&, const Problem& p, Values& y) {
  for (Index i = 0; i < p.n * p.size(); ++i) y[at(i)] = p.x[0][at(i)] + p.params[at(i % p.size())];
}
void backward(const PositionBias&, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  d.dx[0] = dy;
  for (Index i = 0; i < p.n * p.size(); ++i) d.dparams[at(i % p.size())] += dy[at(i)];
}

std::size_t slope_of(const PReLU& op, const Problem& p, Index i) {
  return op.num_parameters == 1 ? 0 : at(i / p.positions() % p.channels());
}
void forward(const PReLU& op, const Problem& p, Values& y) {
  for (Index i = 0; i < p.n * p.size(); ++i) {
    const double x = p.x[0][at(i)];
    y[at(i)] = x > 0 ? x : p.params[slope_of(op, p, i)] * x;
  }
}
void backward(const PReLU& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for (Index i = 0; i < p.n * p.size(); ++i) {
    const double x = p.x[0][at(i)], g = dy[at(i)];
    d.dx[0][at(i)] = x > 0 ? g : p.params[slope_of(op, p, i)] * g;
    if (x <= 0) d.dparams[slope_of(op, p, i)] += g * x;
  }
}

// Calls f(index in a, index in b, index in y) for every product.
template <class F>
void for_each_product(const MatMul&, const Problem& p, const F& f) {
  const Index rows = p.shapes[0][0], inner = p.shapes[0][1], cols = p.shapes[1][1];
  for (Index image = 0; image < p.n; ++image) {
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j) {
        for (Index k = 0; k < inner; ++k) {
          f(at((image * rows + i) * inner + k), at((image * inner + k) * cols + j), at((image * rows + i) * cols + j));
        }
      }
    }
  }
}
void forward(const MatMul& op, const Problem& p, Values& y) {
  for_each_product(op, p, [&](std::size_t a, std::size_t b, std::size_t yi) { y[yi] += p.x[0][a] * p.x[1][b]; });
}
void backward(const MatMul& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for_each_product(op, p, [&](std::size_t a, std::size_t b, std::size_t yi) {
    d.dx[0][a] += dy[yi] * p.x[1][b];
    d.dx[1][b] += dy[yi] * p.x[0][a];
  });
}

constexpr double kPi = 3.14159265358979323846;

// Value and slope of elementwise functions.
using At = std::pair<double, double>;
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

At at(const ReLU&, double x) { return {std::max(x, 0.0), x > 0 ? 1 : 0}; }
At at(const LeakyReLU& op, double x) { return x > 0 ? At{x, 1} : At{op.negative_slope * x, op.negative_slope}; }
At at(const ELU& op, double x) { return x > 0 ? At{x, 1} : At{op.alpha * std::expm1(x), op.alpha * std::exp(x)}; }
At at(const SELU& op, double x) {
  const double scale = op.gamma * op.alpha;
  return x > 0 ? At{op.gamma * x, op.gamma} : At{scale * std::expm1(x), scale * std::exp(x)};
}
At at(const GELU& op, double x) {
  if (op.tanh) {
    const double k = std::sqrt(2 / kPi), t = std::tanh(k * (x + 0.044715 * x * x * x));
    return {0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x)};
  }
  const double phi = std::erfc(-x / std::sqrt(2.0)) / 2;
  return {x * phi, phi + x * std::exp(-x * x / 2) / std::sqrt(2 * kPi)};
}
At at(const SiLU&, double x) {
  const double s = logistic(x);
  return {x * s, s * (1 + x * (1 - s))};
}
At at(const Mish&, double x) {
  const double t = std::tanh(std::log1p(std::exp(x)));
  return {x * t, t + x * (1 - t * t) * logistic(x)};
}
At at(const Sigmoid&, double x) { return {logistic(x), logistic(x) * logistic(-x)}; }
// 1 / cosh^2, because 1 - tanh^2 loses digits for large x.
At at(const Tanh&, double x) { return {std::tanh(x), 1 / (std::cosh(x) * std::cosh(x))}; }
At at(const ScaledTanh& op, double x) {
  const double c = std::cosh(op.beta * x);
  return {op.alpha * std::tanh(op.beta * x), op.alpha * op.beta / (c * c)};
}
At at(const Softplus& op, double x) {
  const double bx = op.beta * x;
  return bx > op.threshold ? At{x, 1} : At{std::log1p(std::exp(bx)) / op.beta, logistic(bx)};
}
At at(const Hardswish&, double x) { return x <= -3 ? At{0, 0} : x >= 3 ? At{x, 1} : At{x * (x + 3) / 6, x / 3 + 0.5}; }
At at(const Hardsigmoid& op, double x) {
  const double y = op.alpha * x + op.beta;
  return y <= 0 ? At{0, 0} : y >= 1 ? At{1, 0} : At{y, op.alpha};
}
At clamped(double low, double high, double x) { return x <= low ? At{low, 0} : x >= high ? At{high, 0} : At{x, 1}; }
At at(const Hardtanh& op, double x) { return clamped(op.min_val, op.max_val, x); }
At at(const ReLU6&, double x) { return clamped(0, 6, x); }

At at(const Softsign&, double x) { return {x / (1 + std::abs(x)), 1 / ((1 + std::abs(x)) * (1 + std::abs(x)))}; }

template <class O, bool KeepsSlope>
void forward(const ElementwiseOp<O, KeepsSlope>& op, const Problem& p, Values& y) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = at(static_cast<const O&>(op), p.x[0][i]).first;
}
template <class O, bool KeepsSlope>
void backward(const ElementwiseOp<O, KeepsSlope>& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for (std::size_t i = 0; i < dy.size(); ++i) d.dx[0][i] = dy[i] * at(static_cast<const O&>(op), p.x[0][i]).second;
}

// Calls f(indices of the channels of one position) for every position of every image.
template <class F>
void for_each_position(const Problem& p, const F& f) {
  std::vector<std::size_t> row(at(p.channels()));
  for (Index image = 0; image < p.n; ++image) {
    for (Index position = 0; position < p.positions(); ++position) {
      for (Index c = 0; c < p.channels(); ++c) row[at(c)] = at(image * p.size() + c * p.positions() + position);
      f(row);
    }
  }
}
double log_sum_exp(const Values& x, const std::vector<std::size_t>& row) {
  double most = x[row.front()], sum = 0;
  for (std::size_t i : row) most = std::max(most, x[i]);
  for (std::size_t i : row) sum += std::exp(x[i] - most);
  return most + std::log(sum);
}

void forward(const Softmax&, const Problem& p, Values& y) {
  for_each_position(p, [&](const auto& row) {
    const double all = log_sum_exp(p.x[0], row);
    for (std::size_t i : row) y[i] = std::exp(p.x[0][i] - all);
  });
}
void backward(const Softmax&, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  for_each_position(p, [&](const auto& row) {
    double mean = 0;
    for (std::size_t i : row) mean += dy[i] * y[i];
    for (std::size_t i : row) d.dx[0][i] = y[i] * (dy[i] - mean);
  });
}

void forward(const LogSoftmax&, const Problem& p, Values& y) {
  for_each_position(p, [&](const auto& row) {
    const double all = log_sum_exp(p.x[0], row);
    for (std::size_t i : row) y[i] = p.x[0][i] - all;
  });
}
void backward(const LogSoftmax&, const Problem& p, const Values& y, const Values& dy, Gradients& d) {
  for_each_position(p, [&](const auto& row) {
    double sum = 0;
    for (std::size_t i : row) sum += dy[i];
    for (std::size_t i : row) d.dx[0][i] = dy[i] - std::exp(y[i]) * sum;
  });
}

void forward(const Flatten&, const Problem& p, Values& y) { y = p.x[0]; }
void backward(const Flatten&, const Problem&, const Values&, const Values& dy, Gradients& d) { d.dx[0] = dy; }

void forward(const Reshape&, const Problem& p, Values& y) { y = p.x[0]; }
void backward(const Reshape&, const Problem&, const Values&, const Values& dy, Gradients& d) { d.dx[0] = dy; }

// Calls f(input, index in it, index in y) for every value.
template <class F>
void for_each_part(const Problem& p, const F& f) {
  std::size_t y = 0;
  for (Index image = 0; image < p.n; ++image) {
    for (std::size_t i = 0; i < p.shapes.size(); ++i) {
      const Index size = p.shapes[i].size();
      for (Index k = 0; k < size; ++k) f(i, at(image * size + k), y++);
    }
  }
}
void forward(const Concat&, const Problem& p, Values& y) {
  for_each_part(p, [&](std::size_t i, std::size_t xi, std::size_t yi) { y[yi] = p.x[i][xi]; });
}
void backward(const Concat&, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for_each_part(p, [&](std::size_t i, std::size_t xi, std::size_t yi) { d.dx[i][xi] = dy[yi]; });
}

void forward(const SelectChannels& op, const Problem& p, Values& y) {
  std::size_t yi = 0;
  for (Index image = 0; image < p.n; ++image) {
    for (Index c : op.indices.dims()) {
      for (Index k = 0; k < p.positions(); ++k) y[yi++] = p.x[0][at(image * p.size() + c * p.positions() + k)];
    }
  }
}
void backward(const SelectChannels& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  std::size_t yi = 0;
  for (Index image = 0; image < p.n; ++image) {
    for (Index c : op.indices.dims()) {
      for (Index k = 0; k < p.positions(); ++k) d.dx[0][at(image * p.size() + c * p.positions() + k)] += dy[yi++];
    }
  }
}

void forward(const Add&, const Problem& p, Values& y) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = p.x[0][i] + p.x[1][i];
}
void backward(const Add&, const Problem&, const Values&, const Values& dy, Gradients& d) { d.dx = {dy, dy}; }

void forward(const Mul&, const Problem& p, Values& y) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = p.x[0][i] * p.x[1][i];
}
void backward(const Mul&, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for (std::size_t i = 0; i < dy.size(); ++i) {
    d.dx[0][i] = dy[i] * p.x[1][i];
    d.dx[1][i] = dy[i] * p.x[0][i];
  }
}

// ---- normalization of single images ---------------------------------------------------------------

// Values of the inputs are normalized in sets of `size`: image after image, group after group.
struct Normal {
  Values value;      // (x - mean) / deviation
  Values deviation;  // of each set
};
Normal normalized(const Values& x, Index size, double eps) {
  Normal all{x, {}};
  for (std::size_t first = 0; first < x.size(); first += at(size)) {
    double mean = 0, spread = 0;
    for (std::size_t i = first; i < first + at(size); ++i) mean += x[i] / static_cast<double>(size);
    for (std::size_t i = first; i < first + at(size); ++i) spread += (x[i] - mean) * (x[i] - mean);
    all.deviation.push_back(std::sqrt(spread / static_cast<double>(size) + eps));
    for (std::size_t i = first; i < first + at(size); ++i) all.value[i] = (x[i] - mean) / all.deviation.back();
  }
  return all;
}
// dx, from the gradient of the normalized values.
Values through(const Normal& n, Index size, const Values& d) {
  Values dx(d.size());
  for (std::size_t set = 0; set < n.deviation.size(); ++set) {
    const std::size_t first = set * at(size), end = first + at(size);
    double mean = 0, product = 0;
    for (std::size_t i = first; i < end; ++i) {
      mean += d[i] / static_cast<double>(size);
      product += d[i] * n.value[i] / static_cast<double>(size);
    }
    for (std::size_t i = first; i < end; ++i) dx[i] = (d[i] - mean - n.value[i] * product) / n.deviation[set];
  }
  return dx;
}
// The index of a value's parameter: GroupNorm has one for each channel, LayerNorm one for each value.
std::size_t weight_of(const GroupNorm&, const Problem& p, std::size_t i) {
  return i / at(p.positions()) % at(p.channels());
}
std::size_t weight_of(const LayerNorm&, const Problem& p, std::size_t i) { return i % at(p.size()); }
Index set_size(const GroupNorm& op, const Problem& p) { return p.size() / op.groups; }
Index set_size(const LayerNorm&, const Problem& p) { return p.size(); }

template <class O>
void forward_normal(const O& op, const Problem& p, Values& y) {
  const std::size_t weights = p.params.size() / 2;
  y = normalized(p.x[0], set_size(op, p), op.eps).value;
  for (std::size_t i = 0; op.affine && i < y.size(); ++i) {
    const std::size_t w = weight_of(op, p, i);
    y[i] = y[i] * p.params[w] + p.params[weights + w];
  }
}
template <class O>
void backward_normal(const O& op, const Problem& p, const Values& dy, Gradients& d) {
  const std::size_t weights = p.params.size() / 2;
  const Normal n = normalized(p.x[0], set_size(op, p), op.eps);
  Values inner = dy;
  for (std::size_t i = 0; op.affine && i < dy.size(); ++i) {
    const std::size_t w = weight_of(op, p, i);
    inner[i] = dy[i] * p.params[w];
    d.dparams[w] += dy[i] * n.value[i];
    d.dparams[weights + w] += dy[i];
  }
  d.dx[0] = through(n, set_size(op, p), inner);
}
void forward(const GroupNorm& op, const Problem& p, Values& y) { forward_normal(op, p, y); }
void forward(const LayerNorm& op, const Problem& p, Values& y) { forward_normal(op, p, y); }
void backward(const GroupNorm& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  backward_normal(op, p, dy, d);
}
void backward(const LayerNorm& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  backward_normal(op, p, dy, d);
}

// Calls f(index, sum under the power, indices of the window) for every value.
template <class F>
void for_each_response(const LocalResponseNorm& op, const Problem& p, const F& f) {
  const Index step = p.positions();
  for (Index i = 0; i < p.n * p.size(); ++i) {
    const Index c = i / step % p.channels();
    std::vector<std::size_t> window;
    double sum = 0;
    for (Index k = std::max<Index>(c - op.size / 2, 0); k <= std::min(c + (op.size - 1) / 2, p.channels() - 1); ++k) {
      window.push_back(at(i + (k - c) * step));
      sum += p.x[0][window.back()] * p.x[0][window.back()];
    }
    f(at(i), op.k + op.alpha / static_cast<double>(op.size) * sum, window);
  }
}
void forward(const LocalResponseNorm& op, const Problem& p, Values& y) {
  for_each_response(op, p, [&](std::size_t i, double s, const auto&) { y[i] = p.x[0][i] * std::pow(s, -op.beta); });
}
void backward(const LocalResponseNorm& op, const Problem& p, const Values&, const Values& dy, Gradients& d) {
  for_each_response(op, p, [&](std::size_t i, double s, const auto& window) {
    d.dx[0][i] += dy[i] * std::pow(s, -op.beta);
    const double ds = dy[i] * p.x[0][i] * -op.beta * std::pow(s, -op.beta - 1);
    for (std::size_t k : window) d.dx[0][k] += ds * 2 * op.alpha / static_cast<double>(op.size) * p.x[0][k];
  });
}

// Operations that depend on the whole batch (check_batch_norm.cpp) or on random numbers are not covered here, nor those
// that the engine does not compute.
template <class O>
constexpr bool kApart =
    std::is_base_of_v<BatchNorm2d, O> || std::is_base_of_v<Dropout, O> || std::is_same_v<External, O>;
template <class O, std::enable_if_t<kApart<O>, int> = 0>
void forward(const O&, const Problem&, Values&) {
  throw std::logic_error("no reference for this operation alone");
}
template <class O, std::enable_if_t<kApart<O>, int> = 0>
void backward(const O&, const Problem&, const Values&, const Values&, Gradients&) {
  throw std::logic_error("no reference for this operation alone");
}

}  // namespace

double largest(const Values& values) {
  double most = 0;
  for (double v : values) most = std::max(most, std::abs(v));
  return most;
}

Index Application::parameter_count() const {
  Index count = 0;
  visit(
      [&](const auto& o) {
        for (const Parameter& p : o.parameters()) count += p.shape.size();
      },
      op);
  return count;
}

Values Application::forward(const std::vector<Values>& x, const Values& params) const {
  Values y(at(n * output().size()));
  visit([&](const auto& o) { selftest::forward(o, Problem{shapes, n, x, params}, y); }, op);
  return y;
}

Gradients Application::backward(const std::vector<Values>& x, const Values& params, const Values& dy) const {
  Gradients d;
  for (const Values& input : x) d.dx.emplace_back(input.size());
  d.dparams.resize(params.size());
  const Values y = forward(x, params);
  visit([&](const auto& o) { selftest::backward(o, Problem{shapes, n, x, params}, y, dy, d); }, op);
  return d;
}

double Application::distance_to_kink(const std::vector<Values>& x) const {
  double nearest = largest(x[0]);
  const auto meet = [&](double distance) {
    if (distance != 0) nearest = std::min(nearest, std::abs(distance));
  };
  visit(
      [&](const auto& o) {
        using O = std::decay_t<decltype(o)>;
        if constexpr (std::is_same_v<O, ReLU>) {
          for (double v : x[0]) meet(v);
        } else if constexpr (is_max_pool<O>) {
          for_each_window(o, shapes[0], n, [&](std::size_t, const auto& window, Index) {
            const std::size_t best = winner(x[0], window);
            for (std::size_t i : window) meet(x[0][best] - x[0][i]);
          });
        }
      },
      op);
  return nearest / largest(x[0]);
}

}  // namespace cnnfast::selftest
