// Each channel shifted and scaled to mean 0 and variance 1, then to a learned mean and scale. Ioffe & Szegedy 2015,
// arXiv:1502.03167.
//
// In training mean and variance are those of the whole batch (the variance divided by the number of values); running
// averages of them (with the unbiased variance) are used in inference. Without a momentum they are cumulative means
// over all batches, whose number is a buffer too.
#pragma once

#include <optional>

#include "ops/activations.hpp"

namespace cnnfast {

struct BatchNorm2d : OpBase {
  static constexpr const char* kName = "BatchNorm2d";
  static constexpr bool kReadsX = true;

  struct Geometry : Rows {
    static constexpr bool kBatchStatistics = true;
    static constexpr bool kFusesResidualAndActivation = true;

    double eps = 1e-5, momentum = 0.1;
    bool affine = true;
    bool cumulative = false;         // no momentum: cumulative means; the number of batches follows the averages
    bool use_running_stats = false;  // training uses the running averages, too, and does not update them
    // Set only by a plan: add the second input, then apply a function.
    bool residual = false;
    Function activation;
    bool activated() const { return activation.kind != Function::Kind::identity; }
    bool keeps_slope() const { return activated() && !activation.slope_from_y(); }
    Index trained() const { return affine ? 2 * channels : 0; }
    Index averages() const { return 2 * channels; }
    Index parameters() const { return trained() + averages() + (cumulative ? 1 : 0); }
    RunningAverages running() const { return {trained(), averages(), cumulative, use_running_stats, momentum}; }

    Index statistics() const { return 3 * channels; }            // of the batch: mean, unbiased variance, 1 / deviation
    Index shard_statistics() const { return 1 + 2 * channels; }  // of a shard, see StatisticsKernels
    // The variance of a single value is not defined.
    Index smallest_batch() const { return use_running_stats || positions > 1 ? 1 : 2; }
    void check_batch(Index n, const std::string& where) const {
      if (use_running_stats || n * positions > 1) return;
      fail(where, "BatchNorm: training needs more than one value a channel, got a batch of ", n, " with ", positions,
           " each; choose a batch size that leaves no single image over");
    }
  };

  BatchNorm2d(Index num_features, double eps_, std::optional<double> momentum_, bool affine_,
              bool use_running_stats_ = false)
      : BatchNorm2d(kName, num_features, eps_, momentum_, affine_, use_running_stats_) {}

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("num_features"), argument<double>("eps", 1e-5),
                argument<std::optional<double>>("momentum", 0.1), argument<bool>("affine", true),
                argument<bool>("use_running_stats", false));
  }
  template <class List>
  auto values(const List& list) const {
    return list(channels, eps, momentum, affine);
  }
  std::optional<ChannelMap> inference_map() const { return ChannelMap{channels, affine, eps}; }
  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0].rank() != 3 || inputs[0][0] != channels) {
      fail(kName, ": expected an input of shape (", channels, ", h, w), got ", to_string(inputs[0]));
    }
    return inputs[0];
  }
  Geometry bind_shape(const Shapes& inputs) const { return geometry(output_shape(inputs)); }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list;
    if (affine) list = {{"weight", {channels}}, {"bias", {channels}}};
    list.push_back({"running_mean", {channels}, false});
    list.push_back({"running_var", {channels}, false});
    if (!momentum) list.push_back({"num_batches_tracked", Shape(), false});
    return list;
  }

  Index channels;
  double eps;
  std::optional<double> momentum;
  bool affine;
  bool use_running_stats;  // not a setting of the layer: a frozen one asks a plan for it

 protected:
  BatchNorm2d(const char* name, Index num_features, double eps_, std::optional<double> momentum_, bool affine_,
              bool use_running_stats_)
      : channels(num_features), eps(eps_), momentum(momentum_), affine(affine_), use_running_stats(use_running_stats_) {
    check_extent(name, "num_features", channels);
    check_eps(name, eps);
    if (momentum && !(*momentum >= 0 && *momentum <= 1)) {
      fail(name, ": momentum must be from 0 to 1, got ", *momentum);
    }
  }
  Geometry geometry(const Shape& shape) const {
    return {rows_of(shape), eps, momentum.value_or(0), affine, !momentum, use_running_stats, false, {}};
  }
};

// The same for vectors (c,) and sequences (c, l).
struct BatchNorm1d : BatchNorm2d {
  static constexpr const char* kName = "BatchNorm1d";

  BatchNorm1d(Index num_features, double eps_, std::optional<double> momentum_, bool affine_,
              bool use_running_stats_ = false)
      : BatchNorm2d(kName, num_features, eps_, momentum_, affine_, use_running_stats_) {}

  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0].rank() > 2 || inputs[0][0] != channels) {
      fail(kName, ": expected an input of shape (", channels, ",) or (", channels, ", l), got ", to_string(inputs[0]));
    }
    return inputs[0];
  }
  Geometry bind_shape(const Shapes& inputs) const { return geometry(output_shape(inputs)); }
};

}  // namespace cnnfast
