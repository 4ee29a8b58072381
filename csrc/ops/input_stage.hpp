// The input stage: what happens to an image of bytes before the first layer, as a list of steps. No loops here.
#pragma once

#include <variant>
#include <vector>

namespace cnnfast {

// x * scale + shift, with a number for each channel or one for all. Empty: 1 / 255 and 0.
struct Normalize {
  std::vector<double> scale, shift;
};

using InputStep = std::variant<Normalize>;

// Steps in order. Images of floats are taken as they are.
struct InputStage {
  std::vector<InputStep> steps;
};

}  // namespace cnnfast
