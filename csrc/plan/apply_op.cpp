#include "plan/apply_op.hpp"

#include <algorithm>

#include "base/arena.hpp"
#include "base/error.hpp"
#include "kernels/table.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

namespace {

// Multiply-adds or elements a thread must have to be worth waking.
constexpr Index kOperationWorkPerThread = Index{1} << 18;

// The operation on one image, with its values channels-last.
template <class T>
class OneImage {
 public:
  OneImage(const KernelTable<T>& table, const Op& op, const Shapes& shapes)
      : table_(table), shapes_(shapes), y_shape_(output_shape(op, shapes)) {
    visit(
        [&](const auto& o) {
          op_ = planned(o.bind_shape(shapes));
          saved_ = make(o.kSaved * y_shape_.size());
        },
        op);
    const KernelSizes sizes = visit([&](const auto& g) { return table.of(g).sizes(g, 1); }, op_);
    for (const Shape& shape : shapes) {
      xs_.push_back(make(shape.size()));
      dxs_.push_back(make(shape.size()));
    }
    y_ = make(y_shape_.size());
    dy_ = make(y_shape_.size());
    scratch_ = make(std::max(sizes.forward_scratch, sizes.backward_scratch));
  }

  void forward(const std::vector<const T*>& xs, Index image, T* y) {
    run_forward(xs, image);
    table_.to_nchw(y_shape_.channels(), y_shape_.positions(), at(y_), y + image * y_shape_.size());
  }
  void backward(const std::vector<const T*>& xs, Index image, const T* dy, const std::vector<T*>& dxs) {
    run_forward(xs, image);
    table_.from_nchw(y_shape_.channels(), y_shape_.positions(), dy + image * y_shape_.size(), at(dy_));
    std::vector<T*> gradients;
    for (const Arena& dx : dxs_) gradients.push_back(at(dx));
    BackwardArgs<T> args;
    args.n = 1, args.x = at(xs_.front()), args.xs = values_.data(), args.y = at(y_), args.saved = at(saved_);
    args.dy = at(dy_), args.dx = gradients.front(), args.dxs = gradients.data(), args.scratch = at(scratch_);
    visit([&](const auto& g) { table_.of(g).backward(g, args); }, op_);
    for (std::size_t i = 0; i < dxs.size(); ++i) {
      const Shape& shape = shapes_[i];
      table_.to_nchw(shape.channels(), shape.positions(), gradients[i], dxs[i] + image * shape.size());
    }
  }

 private:
  static Arena make(Index elements) { return Arena(static_cast<std::size_t>(elements) * sizeof(T)); }
  static T* at(const Arena& arena) { return arena.template at<T>(0); }

  void run_forward(const std::vector<const T*>& xs, Index image) {
    values_.clear();
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const Shape& shape = shapes_[i];
      table_.from_nchw(shape.channels(), shape.positions(), xs[i] + image * shape.size(), at(xs_[i]));
      values_.push_back(at(xs_[i]));
    }
    ForwardArgs<T> args;
    args.n = 1, args.x = values_.front(), args.xs = values_.data();
    args.y = at(y_), args.saved = at(saved_), args.scratch = at(scratch_);
    visit([&](const auto& g) { table_.of(g).forward(g, args); }, op_);
  }

  const KernelTable<T>& table_;
  const Shapes& shapes_;
  Shape y_shape_;
  BoundOp op_;
  std::vector<Arena> xs_, dxs_;
  Arena y_, dy_, saved_, scratch_;
  std::vector<const T*> values_;
};

// Calls f(OneImage, image) for all images, which threads take as they become free.
template <class T, class F>
void for_each_image(const Op& op, const Shapes& shapes, Isa isa, Index n, const F& f) {
  if (holds_alternative<External>(op)) fail("apply_op: ", op_name(op), " is computed outside of the engine");
  Index work = visit([&](const auto& o) { return o.macs(shapes); }, op);
  for (const Shape& shape : shapes) work += shape.size();
  const auto threads = static_cast<int>(
      std::min<Index>({get_num_threads(), 1 + n * work / kOperationWorkPerThread, std::max<Index>(n, 1)}));
  std::vector<OneImage<T>> images;
  for (int t = 0; t < threads; ++t) images.emplace_back(kernel_table<T>(isa), op, shapes);
  Tasks tasks(static_cast<int>(n));
  parallel(threads, [&](const Team& team) {
    for (int i = 0; tasks.next(i);) f(images[static_cast<std::size_t>(team.thread())], i);
  });
}

}  // namespace

template <class T>
void apply_op(const Op& op, const Shapes& shapes, Isa isa, Index n, const std::vector<const T*>& xs, T* y) {
  for_each_image<T>(op, shapes, isa, n, [&](OneImage<T>& one, Index image) { one.forward(xs, image, y); });
}

template <class T>
void apply_op_backward(const Op& op, const Shapes& shapes, Isa isa, Index n, const std::vector<const T*>& xs,
                       const T* dy, const std::vector<T*>& dxs) {
  for_each_image<T>(op, shapes, isa, n, [&](OneImage<T>& one, Index image) { one.backward(xs, image, dy, dxs); });
}

template void apply_op(const Op&, const Shapes&, Isa, Index, const std::vector<const float*>&, float*);
template void apply_op(const Op&, const Shapes&, Isa, Index, const std::vector<const double*>&, double*);
template void apply_op_backward(const Op&, const Shapes&, Isa, Index, const std::vector<const float*>&, const float*,
                                const std::vector<float*>&);
template void apply_op_backward(const Op&, const Shapes&, Isa, Index, const std::vector<const double*>&, const double*,
                                const std::vector<double*>&);

}  // namespace cnnfast
