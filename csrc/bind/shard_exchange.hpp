// A ShardExchange that calls a Python object.
#pragma once

#include "bind/arrays.hpp"
#include "train/shard_exchange.hpp"

namespace cnnfast::bind {

// The object has the methods own(shards), which returns (first, end), and gather(rows, first, end). `rows` is an array
// of bytes, one row for each shard or image: a copy, so that Python cannot keep a pointer to the engine's memory. Its
// rows first .. end - 1 are computed; gather fills the others, whose bytes are 255 before (NaN in floating point).
//
// Made and destroyed with the GIL, called without it.
class PyShardExchange final : public ShardExchange {
 public:
  explicit PyShardExchange(py::handle object);
  Range own(Index shards) const override;
  void gather(void* rows, std::size_t row_bytes, Index count, const Range& computed) override;

 private:
  py::object own_, gather_;
};

}  // namespace cnnfast::bind
