// What inference and training share: weights in the layout of the kernels.
#include "plan/plan.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

// Tasks are slices of nodes.
template <class T>
void Plan<T>::pack(const Program& program, const T* params, std::byte* packed, bool training, Tasks& tasks) const {
  for (int i = 0; tasks.next(i);) {
    const NodeSlice& task = program.slices[static_cast<std::size_t>(i)];
    const PlanNode& node = program.nodes[task.node];
    std::visit(
        [&](const auto& g) { table_.of(g).pack(g, params + node.params, packed + node.packed, training, task.slice); },
        node.op);
  }
}

template class Plan<float>;
template class Plan<double>;

}  // namespace cnnfast
