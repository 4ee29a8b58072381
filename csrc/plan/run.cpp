// What inference and training share: weights in the layout of the kernels.
#include <algorithm>

#include "plan/plan.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

// Tasks are slices of `nodes`. `backward`: the pass for which nodes on its path are packed, too; null without one.
template <class T>
void Plan<T>::pack(const Program& program, const T* params, std::byte* packed, const GradientPath* backward,
                   Segment nodes, Tasks& tasks) const {
  const auto before = [](const NodeSlice& slice, std::size_t node) { return slice.node < node; };
  const auto first = std::lower_bound(program.slices.begin(), program.slices.end(), nodes.first, before);
  const auto end = std::lower_bound(first, program.slices.end(), nodes.end, before);
  for (int i = 0; tasks.next(i) && i < end - first;) {
    const NodeSlice& task = first[i];
    const PlanNode& node = program.nodes[task.node];
    const bool training = backward != nullptr && task.node >= backward->first;
    visit(
        [&](const auto& g) { table_.of(g).pack(g, params + node.params, packed + node.packed, training, task.slice); },
        node.op);
  }
}

template void Plan<float>::pack(const Program&, const float*, std::byte*, const GradientPath*, Segment, Tasks&) const;
template void Plan<double>::pack(const Program&, const double*, std::byte*, const GradientPath*, Segment, Tasks&) const;

}  // namespace cnnfast
