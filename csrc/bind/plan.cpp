// Graph, Plan and Tape. A Python Plan holds a plan of one element type; arrays are checked here, and the
// GIL is released while the engine runs.
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <variant>

#include "bind/arguments.hpp"
#include "bind/batch.hpp"
#include "bind/gil.hpp"
#include "bind/module.hpp"
#include "bind/op_handle.hpp"
#include "bind/plan_table.hpp"
#include "bind/shard_exchange.hpp"
#include "plan/plan.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

// A long inference checks for Ctrl-C after every so many images. With external layers all of them are in memory at
// once.
constexpr Index kSliceImages = 4096, kExternalSliceImages = 256;

struct PyTape {
  std::shared_ptr<const void> plan;  // keeps the plan's address alive and unique
  Tape tape;
};

template <class T>
py::array forward(const Plan<T>& plan, py::handle x, py::handle params, std::int64_t version) {
  const Images in = images(plan, x);
  const T* p = block<T>("params", params, plan.parameter_count(), false);
  py::array_t<T> y = new_array<T>(in.batch.n, plan.output_shape());
  T* out = y.mutable_data();
  const std::size_t image_bytes =
      static_cast<std::size_t>(plan.input_shape().size()) * (in.batch.is_u8 ? 1 : sizeof(T));
  const Index slice_images = plan.has_external_layers() ? kExternalSliceImages : kSliceImages;
  for (Index first = 0; first < in.batch.n; first += slice_images) {
    Batch slice = in.batch;
    slice.images = static_cast<const std::byte*>(in.batch.images) + static_cast<std::size_t>(first) * image_bytes;
    slice.n = std::min(slice_images, in.batch.n - first);
    without_gil([&] { plan.forward(slice, {p, version}, out + first * plan.output_shape().size()); });
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  return std::move(y);
}

template <class T>
py::tuple forward_train(const std::shared_ptr<Plan<T>>& plan, py::handle x, py::handle params, std::uint64_t seed) {
  const Images in = images(*plan, x);
  const T* p = block<T>("params", params, plan->parameter_count(), false);
  py::array_t<T> y = new_array<T>(in.batch.n, plan->output_shape());
  T* out = y.mutable_data();
  PyTape result{plan, without_gil([&] { return plan->forward_train(in.batch, p, seed, out); })};
  return py::make_tuple(std::move(y), std::move(result));
}

template <class T>
py::array backward(const Plan<T>& plan, py::handle dy_in, const PyTape& tape, py::handle params, py::handle grads) {
  const auto dy = typed<T>("dy", dy_in);
  const py::array_t<T> shape_of_dy = new_array<T>(tape.tape.n, plan.output_shape());
  if (shape_of(dy) != shape_of(shape_of_dy)) {
    fail("dy: expected the shape of the output, ", to_string(shape_of(shape_of_dy)), ", got ", to_string(shape_of(dy)));
  }
  const Blocks<T> blocks(plan, params, grads);
  py::array_t<T> dx = new_array<T>(tape.tape.n, plan.input_shape());
  T* out = dx.mutable_data();
  const T* d = dy.data();
  without_gil([&] { plan.backward(d, tape.tape, blocks.params, blocks.grads, out); });
  return std::move(dx);
}

using Pairs = std::vector<std::pair<Index, Index>>;

std::vector<Range> parameter_ranges(const char* name, const Pairs& given, Index count) {
  std::vector<Range> ranges;
  for (const auto& [first, end] : given) {
    if (first < 0 || end < first || end > count) {
      fail(name, ": expected ranges (first, end) of ", count, " parameters, got (", first, ", ", end, ")");
    }
    ranges.push_back({first, end});
  }
  return ranges;
}

template <class T>
py::tuple loss_and_grad(const Plan<T>& plan, py::handle x, py::handle target, py::handle params, py::handle grads,
                        const py::object& index, py::handle loss_in, std::uint64_t seed, const Pairs& frozen_in,
                        const py::object& origin, const Augmentation* augmentation, std::uint64_t augmentation_seed,
                        std::uint64_t epoch, const py::object& sample_weight, const py::object& exchange_in) {
  const Loss loss = loss_of(loss_in);
  LabeledBatch<T> data(plan, loss, x, target, index, origin);
  data.weigh(sample_weight);
  if (augmentation != nullptr) data.augment(*augmentation, {augmentation_seed, epoch}, plan.input_shape());
  const Blocks<T> blocks(plan, params, grads);
  const std::vector<Range> frozen = parameter_ranges("frozen", frozen_in, plan.parameter_count());
  std::optional<PyShardExchange> exchange;
  if (!exchange_in.is_none()) exchange.emplace(exchange_in);
  const StepResult result = without_gil([&] {
    return plan.loss_and_grad(data.in.batch, data.targets.target, loss, blocks.params, seed, frozen, blocks.grads,
                              exchange ? &*exchange : nullptr);
  });
  return py::make_tuple(result.loss, result.correct, result.weight, result.counted, result.largest);
}

// Updates running averages by the batch statistics in `grads` from the last `loss_and_grad`, or by those of a tape.
template <class T>
void update_buffers(const Plan<T>& plan, py::handle params, py::handle grads, const PyTape* tape) {
  if (tape != nullptr && tape->tape.plan != &plan) fail("update_buffers: the tape was made by another plan");
  T* p = block<T>("params", params, plan.parameter_count(), true);
  const Blocks<T> blocks(plan, params, grads);
  if (tape != nullptr && tape->tape.n == 0) return;
  if (tape != nullptr) plan.store_batch_statistics(tape->tape, blocks.grads);
  plan.update_buffers(p, blocks.grads);
}

template <class T>
py::list profile(const Plan<T>& plan, py::handle x, const py::object& target, py::handle params, int repeats,
                 py::handle loss_in, const std::string& gradients) {
  if (repeats < 1) fail("profile: repeats must be at least 1, got ", repeats);
  if (gradients != "both" && gradients != "input" && gradients != "weights") {
    fail("profile: gradients must be \"both\", \"input\" or \"weights\", got \"", gradients, "\"");
  }
  const RequiresGrad wanted{gradients != "weights", gradients != "input"};
  const Loss loss = loss_of(loss_in);
  const T* p = block<T>("params", params, plan.parameter_count(), false);
  std::vector<NodeTime> times;
  if (target.is_none()) {
    const Images in = images(plan, x);
    times = without_gil([&] { return plan.profile(in.batch, nullptr, loss, p, repeats, wanted); });
  } else {
    const LabeledBatch<T> data(plan, loss, x, target, py::none());
    times =
        without_gil([&] { return plan.profile(data.in.batch, &data.targets.target, loss, p, repeats, {false, true}); });
  }
  py::list rows;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const PlanNode& node = plan.program(true).nodes[i];
    rows.append(py::dict("name"_a = node.name, "op"_a = node.op_name, "forward"_a = times[i].forward,
                         "backward"_a = times[i].backward, "macs"_a = node.macs));
  }
  return rows;
}

template <class T>
py::list parameters(const Plan<T>& plan) {
  py::list rows;
  for (const PlanNode& node : plan.program(true).nodes) {
    Index offset = node.params;
    for (const NamedShape& p : node.parameters) {
      rows.append(py::make_tuple(p.name, offset, to_tuple(p.shape)));
      offset += p.shape.size();
    }
  }
  return rows;
}

template <class T>
py::list nodes(const Plan<T>& plan) {
  py::list rows;
  for (const PlanNode& node : plan.program(true).nodes) {
    const Shape& out = plan.program(true).shapes[static_cast<std::size_t>(node.output)];
    rows.append(py::dict("name"_a = node.name, "op"_a = node.op_name, "algorithm"_a = node.algorithm,
                         "inputs"_a = node.inputs, "output_shape"_a = to_tuple(out), "parameters"_a = node.param_count,
                         "macs"_a = node.macs, "bytes"_a = out.size() * static_cast<Index>(sizeof(T))));
  }
  return rows;
}

// A plan of either element type behind one Python class.
struct PyPlan {
  std::variant<std::shared_ptr<Plan<float>>, std::shared_ptr<Plan<double>>> either;

  template <class F>
  auto with(const F& f) const {
    return std::visit([&](const auto& plan) { return f(*plan); }, either);
  }
};

PyPlan make_plan(const Graph& graph, const std::string& dtype, const std::vector<double>& scale,
                 const std::vector<double>& shift, const std::optional<std::string>& isa_name, bool exact) {
  const Isa isa = isa_name ? isa_from_name(*isa_name) : default_isa();
  const InputStage stage{{Normalize{scale, shift}}};
  if (dtype == "float32") return {std::make_shared<Plan<float>>(graph, stage, isa, exact)};
  if (dtype == "float64") return {std::make_shared<Plan<double>>(graph, stage, isa, exact)};
  fail("Plan: dtype must be \"float32\" or \"float64\", got \"", dtype, "\"");
}

Index checked_batch(const char* who, Index n) {
  if (n < 0) fail(who, ": n must not be negative, got ", n);
  return n;
}

void bind_graph(py::module_& m) {
  py::class_<Graph>(m, "Graph", "Operations in topological order; value 0 is the input.")
      .def(py::init([](const py::object& input) { return Graph(shape({"Graph", "input_shape"}, input)); }),
           "input_shape"_a)
      .def(
          "add",
          [](Graph& g, const OpHandle& op, std::vector<int> inputs, std::string name) {
            return g.add(op.op, std::move(inputs), std::move(name));
          },
          "op"_a, "inputs"_a, "name"_a = "")
      .def("set_auxiliary", &Graph::set_auxiliary, "value"_a, "weight"_a)
      .def("check_auxiliary", &Graph::check_auxiliary)
      .def(
          "shape", [](const Graph& g, int value) { return to_tuple(g.shape(value)); }, "value"_a)
      .def("__len__", [](const Graph& g) { return g.nodes().size(); });
}

}  // namespace

void register_plan(py::module_& m) {
  bind_graph(m);
  py::class_<PyTape>(m, "Tape", "What one Plan.forward_train call remembers for Plan.backward.")
      .def_property_readonly("nbytes", [](const PyTape& t) { return t.tape.memory.size(); });

  py::class_<PyPlan>(m, "Plan", "A graph made runnable. Immutable, and safe to call from several threads.")
      .def(py::init(&make_plan), "graph"_a, "dtype"_a = "float32", "scale"_a = std::vector<double>{},
           "shift"_a = std::vector<double>{}, "isa"_a = py::none(), "exact"_a = false)
      .def_property_readonly("dtype", [](const PyPlan& p) { return p.either.index() == 0 ? "float32" : "float64"; })
      .def_property_readonly("isa",
                             [](const PyPlan& p) { return p.with([](const auto& q) { return to_string(q.isa()); }); })
      .def_property_readonly(
          "input_shape",
          [](const PyPlan& p) { return p.with([](const auto& q) { return to_tuple(q.input_shape()); }); })
      .def_property_readonly(
          "output_shape",
          [](const PyPlan& p) { return p.with([](const auto& q) { return to_tuple(q.output_shape()); }); })
      .def_property_readonly("parameter_count",
                             [](const PyPlan& p) { return p.with([](const auto& q) { return q.parameter_count(); }); })
      .def_property_readonly("parameters",
                             [](const PyPlan& p) { return p.with([](const auto& q) { return parameters(q); }); })
      .def("__str__", [](const PyPlan& p) { return p.with([](const auto& q) { return table(q); }); })
      .def("nodes", [](const PyPlan& p) { return p.with([](const auto& q) { return nodes(q); }); })
      .def(
          "arena_bytes",
          [](const PyPlan& p, bool training) {
            return p.with([&](const auto& q) {
              const Layout& layout = q.program(training).layout;
              return layout.bytes + layout.thread_bytes;
            });
          },
          "training"_a = false)
      .def(
          "tile",
          [](const PyPlan& p, bool training) {
            return p.with([&](const auto& q) { return q.program(training).layout.tile; });
          },
          "training"_a = false)
      .def(
          "shards",
          [](const PyPlan& p, Index n) {
            return p.with([&](const auto& q) { return q.shards(checked_batch("shards", n)); });
          },
          "n"_a)
      .def(
          "memory",
          [](const PyPlan& p, Index n, bool training) {
            const PlanMemory m = p.with([&](const auto& q) { return q.memory(checked_batch("memory", n), training); });
            return py::dict("packed"_a = m.packed, "folded"_a = m.folded, "arenas"_a = m.arenas, "shards"_a = m.shards,
                            "batch"_a = m.batch);
          },
          "n"_a, "training"_a = false)
      .def(
          "forward",
          [](const PyPlan& p, py::handle x, py::handle params, std::int64_t version) {
            return p.with([&](const auto& q) { return forward(q, x, params, version); });
          },
          "x"_a, "params"_a, "version"_a = -1)
      .def(
          "forward_train",
          [](const PyPlan& p, py::handle x, py::handle params, std::uint64_t seed) {
            return std::visit([&](const auto& q) { return forward_train(q, x, params, seed); }, p.either);
          },
          "x"_a, "params"_a, "seed"_a = 0)
      .def(
          "backward",
          [](const PyPlan& p, py::handle dy, const PyTape& tape, py::handle params, py::handle grads) {
            return p.with([&](const auto& q) { return backward(q, dy, tape, params, grads); });
          },
          "dy"_a, "tape"_a, "params"_a, "grads"_a)
      .def(
          "loss_and_grad",
          [](const PyPlan& p, py::handle x, py::handle target, py::handle params, py::handle grads,
             const py::object& index, const py::object& loss, std::uint64_t seed, const Pairs& frozen,
             const py::object& origin, const Augmentation* augmentation, std::uint64_t augmentation_seed,
             std::uint64_t epoch, const py::object& sample_weight, const py::object& exchange) {
            return p.with([&](const auto& q) {
              return loss_and_grad(q, x, target, params, grads, index, loss, seed, frozen, origin, augmentation,
                                   augmentation_seed, epoch, sample_weight, exchange);
            });
          },
          "x"_a, "target"_a, "params"_a, "grads"_a, "index"_a = py::none(), "loss"_a = "cross_entropy", "seed"_a = 0,
          "frozen"_a = Pairs{}, "origin"_a = py::none(), "augmentation"_a = py::none(), "augmentation_seed"_a = 0,
          "epoch"_a = 0, "sample_weight"_a = py::none(), "exchange"_a = py::none())
      .def_property_readonly("smallest_batch",
                             [](const PyPlan& p) { return p.with([](const auto& q) { return q.smallest_batch(); }); })
      .def_property_readonly("has_buffers",
                             [](const PyPlan& p) { return p.with([](const auto& q) { return q.has_buffers(); }); })
      .def(
          "update_buffers",
          [](const PyPlan& p, py::handle params, py::handle grads, const PyTape* tape) {
            p.with([&](const auto& q) { update_buffers(q, params, grads, tape); });
          },
          "params"_a, "grads"_a, "tape"_a = py::none())
      .def(
          "profile",
          [](const PyPlan& p, py::handle x, const py::object& target, py::handle params, int repeats,
             const py::object& loss, const std::string& gradients) {
            return p.with([&](const auto& q) { return profile(q, x, target, params, repeats, loss, gradients); });
          },
          "x"_a, "target"_a, "params"_a, "repeats"_a = 1, "loss"_a = "cross_entropy", "gradients"_a = "both");
}

}  // namespace cnnfast::bind
