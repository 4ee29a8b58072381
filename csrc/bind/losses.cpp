// Losses: their settings, and the losses of rows of an array.
#include <pybind11/stl.h>

#include <optional>

#include "bind/batch.hpp"
#include "bind/module.hpp"
#include "train/batch_loss.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

Loss make_loss(const std::string& kind, std::vector<double> weight, double label_smoothing, std::int64_t ignore_index,
               double delta) {
  Loss loss(loss_kind(kind));
  loss.weight = std::move(weight);
  loss.label_smoothing = label_smoothing;
  loss.ignore_index = ignore_index;
  loss.delta = delta;
  return loss;
}

// Shape of a row's output; flat where the loss does not ask for channels.
Shape row_shape(const Loss& loss, const py::array& x) {
  const std::vector<Index> dims = shape_of(x).dims();
  const Shape row(std::vector<Index>(dims.begin() + 1, dims.end()));
  return loss.targets_are_classes() || !loss.weight.empty() ? row : Shape{row.size()};
}

// Losses (of rows or their positions, or of elements), their gradients, and what a mean is taken over.
template <class T>
py::tuple row_losses(const Loss& loss, const py::array& given, py::handle target, Isa isa) {
  const auto x = contiguous<T>(given);
  const Index n = static_cast<Index>(x.shape(0));
  const Shape row = row_shape(loss, x), whole = shape_of(x);
  const Shape rest(std::vector<Index>(whole.dims().begin() + 1, whole.dims().end()));
  const Targets<T> targets(loss, rest, target, n, "a row");
  if (targets.target.classes != nullptr) {
    for (Index i = 0; i < n; ++i) targets.check_classes(loss, i, i, row.channels(), "classes");
  }
  Batch batch;
  batch.n = n;
  const KernelTable<T>& table = kernel_table<T>(isa);
  const BatchLoss<T> loss_of(table, loss, targets.target, batch, row);
  py::array_t<T> gradient = new_array<T>(n, rest);
  const Shape map(std::vector<Index>(rest.dims().begin() + (rest.rank() > 0 ? 1 : 0), rest.dims().end()));
  py::array_t<T> losses = new_array<T>(n, loss.targets_are_classes() ? map : rest);
  loss_of.nchw(x.data(), losses.mutable_data(), gradient.mutable_data());
  return py::make_tuple(std::move(losses), std::move(gradient), loss_of.divisor());
}

py::tuple row_losses_of(const Loss& loss, const char* name, py::handle x_in, py::handle target,
                        const std::optional<std::string>& isa_name) {
  const Isa isa = isa_name ? isa_from_name(*isa_name) : default_isa();
  const py::array x = array(name, x_in);
  if (loss.targets_are_classes() && (x.ndim() < 2 || x.shape(1) == 0)) {
    fail(name, ": expected shape (n, classes, ...), got ", to_string(shape_of(x)));
  }
  if (x.ndim() == 0) fail(name, ": expected shape (n, ...), got ()");
  if (has_dtype<float>(x)) return row_losses<float>(loss, x, target, isa);
  if (has_dtype<double>(x)) return row_losses<double>(loss, x, target, isa);
  fail_type(name, ": expected dtype float32 or float64, got ", dtype_of(x), "; use ", name, ".astype(np.float32)");
}

// Losses and gradients of a plain loss, without the divisor.
void bind_plain_loss(py::module_& m, const char* function, LossKind kind, const char* name) {
  m.def(
      function,
      [kind, name](py::handle x, py::handle target, const std::optional<std::string>& isa) {
        const py::tuple all = row_losses_of(kind, name, x, target, isa);
        return py::make_tuple(all[0], all[1]);
      },
      py::arg(name), "target"_a, "isa"_a = py::none());
}

}  // namespace

void register_losses(py::module_& m) {
  py::class_<Loss>(m, "Loss", "Settings of a loss.")
      .def(py::init(&make_loss), "kind"_a, "weight"_a = std::vector<double>{}, "label_smoothing"_a = 0.0,
           "ignore_index"_a = -100, "delta"_a = 1.0);
  m.def(
      "row_losses",
      [](const Loss& loss, py::handle x, py::handle target, const std::optional<std::string>& isa) {
        return row_losses_of(loss, "x", x, target, isa);
      },
      "loss"_a, "x"_a, "target"_a, "isa"_a = py::none());
  bind_plain_loss(m, "cross_entropy", LossKind::cross_entropy, "logits");
  bind_plain_loss(m, "nll", LossKind::nll, "log_probs");
}

}  // namespace cnnfast::bind
