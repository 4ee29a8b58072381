// Batch normalization: what the shards of a batch collected, combined in order and in double.
#pragma once

#include <math.h>

#include "kernels/simd/isa.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// Of a shard, forward: number of values per channel, means, sums of squared distances from them. Backward: sums of dz
// and of dz (x - mean), dz being the gradient before the activation.
template <class T>
struct BatchNormTotals {
  using G = BatchNorm2d::Geometry;

  // Mean, the variance that running averages take, 1 / sqrt(var + eps).
  static void combine(const G& g, const CombineArgs<T>& a) {
    T *mean = a.statistics, *unbiased = mean + g.channels, *inverse = unbiased + g.channels;
    if (g.use_running_stats) {
      const T *kept = a.params + g.trained(), *var = kept + g.channels;
      for (Index c = 0; c < g.channels; ++c) {
        mean[c] = kept[c];
        inverse[c] = static_cast<T>(1 / ::sqrt(static_cast<double>(var[c]) + g.eps));
        unbiased[c] = var[c];
      }
      return;
    }
    for (Index c = 0; c < g.channels; ++c) {
      double count = 0, m = 0, spread = 0;
      for (Index shard = 0; shard < a.shards; ++shard) {
        const double* p = a.sums + shard * a.stride;
        const double added = p[0], distance = p[1 + c] - m, all = count + added;
        m += distance * added / all;
        spread += p[1 + g.channels + c] + distance * distance * count * added / all;
        count = all;
      }
      mean[c] = static_cast<T>(m);
      inverse[c] = static_cast<T>(1 / ::sqrt(spread / count + g.eps));
      unbiased[c] = static_cast<T>(spread / (count - 1));
    }
  }

  // Means of dz and of dz (x - mean), and the parameters' gradients.
  static void d_combine(const G& g, const CombineArgs<T>& a) {
    const double count = static_cast<double>(a.n * g.positions);
    const T* inverse = a.statistics + 2 * g.channels;
    T *s = a.d_statistics, *q = s + g.channels;
    for (Index c = 0; c < g.channels; ++c) {
      double sum = 0, product = 0;
      for (Index shard = 0; shard < a.shards; ++shard) {
        const double* p = a.sums + shard * a.stride;
        sum += p[c];
        product += p[g.channels + c];
      }
      // Frozen statistics do not depend on x: dx = dz a.
      s[c] = g.use_running_stats ? T(0) : static_cast<T>(sum / count);
      q[c] = g.use_running_stats ? T(0) : static_cast<T>(product / count);
      if (!g.affine) continue;
      a.packed_grads[c] = static_cast<T>(product * static_cast<double>(inverse[c]));
      a.packed_grads[g.channels + c] = static_cast<T>(sum);
    }
  }
};

CNNFAST_KERNELS_END
