#pragma once

#include "base/shape.hpp"

namespace cnnfast {

// Items first .. end - 1: images, shards, parameters.
struct Range {
  Index first, end;
};

}  // namespace cnnfast
