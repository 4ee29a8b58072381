// Augmentation of an image: bytes, NCHW, to values from 0 to 255, channels-last.
#pragma once

#include "kernels/input/mixing.hpp"
#include "kernels/input/pixel_steps.hpp"
#include "kernels/input/warp.hpp"
#include "kernels/layout.hpp"

CNNFAST_KERNELS_BEGIN

template <class S, class T>
using Transforms = decltype(transform(std::declval<const S&>(), std::declval<const StepDraws&>(),
                                      std::declval<const AugmentationKey&>(), std::declval<const Positions<T>&>()));
template <class S, class T, class = void>
inline constexpr bool kIsGeometric = false;
template <class S, class T>
inline constexpr bool kIsGeometric<S, T, std::void_t<Transforms<S, T>>> = true;

// The value outside the image, of a geometric step; a flip has none, as it needs no pixel from there.
template <class S>
const double* fill_of(const S& step) {
  if constexpr (std::is_same_v<S, FlipStep>) {
    return nullptr;
  } else {
    return &step.fill;
  }
}

template <class T>
struct Augmenting {
  const Augmentation& augmentation;
  AugmentationKey key;
  Index row;
  Planes<T> image;
  Positions<T> at;
  T* padded;

  StepDraws draws(std::size_t step) const {
    const auto* flip = std::get_if<FlipStep>(&augmentation.steps[step]);
    const bool every_epoch = flip != nullptr && flip->alternating;
    return {step_key(key, step, every_epoch), static_cast<std::uint64_t>(row)};
  }

  void run() const {
    const std::size_t count = augmentation.steps.size();
    for (std::size_t first = 0; first < count;) {
      const double* fill = nullptr;
      std::size_t end = first;
      while (end < count && joins(augmentation.steps[end], fill)) ++end;
      if (end > first) {
        warp(first, end, fill == nullptr ? 0 : *fill);
        first = end;
      } else {
        std::visit([&](const auto& step) { pixels(step, draws(first)); }, augmentation.steps[first]);
        ++first;
      }
    }
  }

  // Whether the step is geometric and has the fill of those before it.
  static bool joins(const AugmentationStep& step, const double*& fill) {
    return std::visit(
        [&](const auto& s) {
          if constexpr (kIsGeometric<std::decay_t<decltype(s)>, T>) {
            const double* own = fill_of(s);
            if (own == nullptr) return true;
            if (fill != nullptr && *fill != *own) return false;
            fill = own;
            return true;
          } else {
            return false;
          }
        },
        step);
  }

  // Steps first .. end - 1: the positions go back from the last output to the input of the first.
  void warp(std::size_t first, std::size_t end, double fill) const {
    bool changed = false;
    for (std::size_t step = end; step-- > first;) {
      const StepDraws draw = draws(step);
      std::visit([&](const auto& s) { move(s, draw, changed); }, augmentation.steps[step]);
    }
    if (changed) resample(at, image.channels, static_cast<T>(fill), padded, image.values);
  }
  template <class S>
  void move(const S& step, const StepDraws& draw, bool& changed) const {
    if constexpr (kIsGeometric<S, T>) {
      if (!draw.applies(probability(step))) return;
      if (!changed) at.start();
      Positions<T> now = at;
      now.on_grid = !changed;
      transform(step, draw, key, now);
      changed = true;
    }
  }
  template <class S>
  static double probability(const S& step) {
    if constexpr (std::is_same_v<S, FlipStep>) {
      if (step.alternating) return 1;
    }
    return step.p;
  }
  template <class S>
  void pixels(const S& step, const StepDraws& draw) const {
    if constexpr (!kIsGeometric<S, T>) {
      if (draw.applies(step.p)) change(step, draw, image);
    }
  }
};

// The steps of one image; values: its planes, the result.
template <class T>
void augment_image(const Augmentation& augmentation, const AugmentArgs<T>& args, const std::uint8_t* bytes, Index row,
                   T* values, T* scratch) {
  const Index positions = args.h * args.w, size = args.channels * positions;
  T *x = scratch, *field = x + 2 * positions;
  for (Index i = 0; i < size; ++i) values[i] = static_cast<T>(bytes[i]);
  const Planes<T> image{args.channels, args.h, args.w, values, field};
  T* padded = field + 2 * positions;
  const Positions<T> at{args.h, args.w, x, x + positions, field, padded};
  Augmenting<T>{augmentation, args.key, row, image, at, padded}.run();
}

template <class T>
void augment(const Augmentation& augmentation, const AugmentArgs<T>& args) {
  const Index positions = args.h * args.w, size = args.channels * positions;
  T *values = args.scratch, *other = values + size, *scratch = other + size;
  augment_image(augmentation, args, args.bytes, args.row, values, scratch);
  if (args.mix.weight < 1) {
    augment_image(augmentation, args, args.other_bytes, args.other_row, other, scratch);
    apply(args, other, values);
  }
  from_nchw(args.channels, positions, values, args.y);
}

CNNFAST_KERNELS_END
