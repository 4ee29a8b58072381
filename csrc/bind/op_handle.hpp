// An operation's settings as a Python object: one base class, one subclass per operation.
#pragma once

#include "ops/op_list.hpp"

namespace cnnfast::bind {

struct OpHandle {
  Op op;
};

}  // namespace cnnfast::bind
