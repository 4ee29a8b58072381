// How several processes train on one batch together. Each computes some of its shards and then receives what the others
// have computed: statistics of shards, gradients of shards, operands of whole-batch weight gradients, losses of images.
// Partial sums are not exchanged. Every process adds up all shards in order, so that any number of processes gives the
// same bits.
//
// All processes run the same steps with the same plan, instruction set, parameters, seed and batch.
#pragma once

#include <cstddef>

#include "base/error.hpp"
#include "base/range.hpp"

namespace cnnfast {

class ShardExchange {
 public:
  ShardExchange() = default;
  ShardExchange(const ShardExchange&) = delete;
  ShardExchange& operator=(const ShardExchange&) = delete;
  virtual ~ShardExchange() = default;

  // The shards that this process computes, of `shards` of the batch. May be empty: a small batch has few shards. Each
  // shard is computed by one process.
  virtual Range own(Index shards) const = 0;

  // `rows` is an array of `count` rows of `row_bytes` bytes, of which this process has computed the rows `computed`.
  // On return it has all of them. A step calls this several times, from one thread, in the same order and for
  // arrays of the same size in all processes.
  //
  // An exception ends the step: gradients are unchanged, and the caller receives the exception. The other processes
  // wait for this one's rows, so an implementation makes gather fail in all of them (by closing connections, or by a
  // timeout). After that the processes are no longer at the same call, and the exchange is not used again.
  virtual void gather(void* rows, std::size_t row_bytes, Index count, const Range& computed) = 0;
};

// The shards that this process computes; without an exchange, all.
inline Range own_shards(const ShardExchange* exchange, Index shards) {
  if (exchange == nullptr) return {0, shards};
  const Range own = exchange->own(shards);
  if (own.first < 0 || own.end < own.first || own.end > shards) {
    fail("exchange: own(", shards, ") must return (first, end) with 0 <= first <= end <= ", shards, ", got (",
         own.first, ", ", own.end, ")");
  }
  return own;
}

}  // namespace cnnfast
