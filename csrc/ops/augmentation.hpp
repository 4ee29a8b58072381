// Augmentation: random changes of an image of bytes before the first layer, as a list of steps. No loops here.
//
// Lengths are pixels, angles degrees, values those of bytes (0 to 255). Every range is drawn from uniformly. `p` is the
// probability that a step is applied to an image.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/shape.hpp"

namespace cnnfast {

struct Interval {
  double low = 0, high = 0;
};

// Rotation, scale and shear about the center, then a shift by a fraction of the size.
struct AffineStep {
  static constexpr const char* kName = "affine";
  double p = 1;
  Interval degrees, scale{1, 1}, shear_x, shear_y;
  double translate_x = 0, translate_y = 0;
  double fill = 0;
};

// Moves each corner inward by at most half of this fraction of the size.
struct PerspectiveStep {
  static constexpr const char* kName = "perspective";
  double p = 0.5;
  double distortion_scale = 0.5;
  double fill = 0;
};

// Smooth displacements: a cubic B-spline with uniform coefficients. `sigma` is the standard deviation of the spline's
// kernel; the displacements are as large, on average, as those of uniform noise times `alpha` after a Gaussian filter
// of this sigma (Simard et al. 2003).
struct ElasticStep {
  static constexpr const char* kName = "elastic";
  double p = 1;
  double alpha = 50, sigma = 5;
  double fill = 0;
};

// alternating: each image is mirrored every other epoch, `p` is not used.
struct FlipStep {
  static constexpr const char* kName = "flip";
  double p = 0.5;
  bool vertical = false, alternating = false;
};

// A crop of the image's size from the image with `padding` pixels around it.
struct CropStep {
  static constexpr const char* kName = "crop";
  double p = 1;
  double padding = 4;
  bool reflect = false;  // else `fill`
  double fill = 0;
};

// Sets a rectangle to `value`. scale: its fraction of the area; ratio: its height / width, drawn logarithmically.
struct EraseStep {
  static constexpr const char* kName = "erase";
  double p = 0.5;
  Interval scale{0.02, 0.33}, ratio{0.3, 3.3};
  double value = 0;
};

struct NoiseStep {
  static constexpr const char* kName = "noise";
  double p = 1;
  double sigma = 0;
};

// Inverts `count` pixels, drawn with replacement.
struct PixelFlipStep {
  static constexpr const char* kName = "pixel_flip";
  double p = 1;
  double count = 0;
};

// Multiplies all values, then their distances from the mean.
struct JitterStep {
  static constexpr const char* kName = "jitter";
  double p = 1;
  Interval brightness{1, 1}, contrast{1, 1};
};

// Grayscale dilation (positive) or erosion (negative) by so many pixels; a fraction blends two images.
struct ThicknessStep {
  static constexpr const char* kName = "thickness";
  double p = 1;
  Interval pixels;
};

using AugmentationStep = std::variant<AffineStep, PerspectiveStep, ElasticStep, FlipStep, CropStep, EraseStep,
                                      NoiseStep, PixelFlipStep, JitterStep, ThicknessStep>;

// Each image with the next one of the batch: a weighted mean (MixUp, Zhang et al. 2018), or a rectangle of it (CutMix,
// Yun et al. 2019). The weight is drawn from Beta(alpha, alpha).
struct Mixing {
  enum class Kind { none, mixup, cutmix };
  Kind kind = Kind::none;
  double p = 1, alpha = 1;
};

// What is drawn for one image: its own weight, and for CutMix the rectangle taken from the other image.
struct Mix {
  double weight = 1;
  Index top = 0, left = 0, h = 0, w = 0;
};

struct Augmentation {
  std::vector<AugmentationStep> steps;
  Mixing mixing;
};

// What the random numbers of an image follow from, besides its row in the data set.
struct AugmentationKey {
  std::uint64_t seed = 0, epoch = 0;
};

}  // namespace cnnfast
