// An operation's settings as a Python object: one base class, one subclass per operation.
#pragma once

#include "ops/op_list.hpp"

namespace cnnfast::bind {

struct OpHandle {
  Op op;
};

template <class O>
struct Bound : OpHandle {
  explicit Bound(O settings) : OpHandle{Op(std::move(settings))} {}
};

}  // namespace cnnfast::bind
