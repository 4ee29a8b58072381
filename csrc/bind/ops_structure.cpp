// Settings of what rearranges or joins values.
#include "bind/bind_op.hpp"

namespace cnnfast::bind {

void register_structure(py::module_& m) {
  bind_plain<Flatten>(m);
  bind_plain<Add>(m);
}

}  // namespace cnnfast::bind
