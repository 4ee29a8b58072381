// Augmentation: settings, and their effect on images for previews and tests.
#include "ops/augmentation.hpp"

#include <pybind11/stl.h>

#include <cmath>

#include "bind/arrays.hpp"
#include "bind/batch.hpp"
#include "bind/gil.hpp"
#include "bind/module.hpp"
#include "plan/augment_batch.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

using Numbers = std::vector<double>;
using NamedNumbers = std::pair<std::string, Numbers>;

// The numbers of a step, in the order of its members; Python has checked their ranges.
AffineStep read(const Numbers& v, AffineStep) {
  return {v[0], {v[1], v[2]}, {v[3], v[4]}, {v[5], v[6]}, {v[7], v[8]}, v[9], v[10], v[11]};
}
PerspectiveStep read(const Numbers& v, PerspectiveStep) { return {v[0], v[1], v[2]}; }
ElasticStep read(const Numbers& v, ElasticStep) {
  if (v[2] < 1) fail("Augmentation: sigma must be at least 1, got ", v[2]);  // the scratch memory relies on it
  return {v[0], v[1], v[2], v[3]};
}
FlipStep read(const Numbers& v, FlipStep) { return {v[0], v[1] != 0, v[2] != 0}; }
CropStep read(const Numbers& v, CropStep) { return {v[0], v[1], v[2] != 0, v[3]}; }
EraseStep read(const Numbers& v, EraseStep) { return {v[0], {v[1], v[2]}, {v[3], v[4]}, v[5]}; }
NoiseStep read(const Numbers& v, NoiseStep) { return {v[0], v[1]}; }
PixelFlipStep read(const Numbers& v, PixelFlipStep) { return {v[0], v[1]}; }
JitterStep read(const Numbers& v, JitterStep) { return {v[0], {v[1], v[2]}, {v[3], v[4]}}; }
ThicknessStep read(const Numbers& v, ThicknessStep) { return {v[0], {v[1], v[2]}}; }

constexpr std::size_t count_of(const AffineStep*) { return 12; }
constexpr std::size_t count_of(const PerspectiveStep*) { return 3; }
constexpr std::size_t count_of(const ElasticStep*) { return 4; }
constexpr std::size_t count_of(const FlipStep*) { return 3; }
constexpr std::size_t count_of(const CropStep*) { return 4; }
constexpr std::size_t count_of(const EraseStep*) { return 6; }
constexpr std::size_t count_of(const NoiseStep*) { return 2; }
constexpr std::size_t count_of(const PixelFlipStep*) { return 2; }
constexpr std::size_t count_of(const JitterStep*) { return 5; }
constexpr std::size_t count_of(const ThicknessStep*) { return 3; }

template <class Step>
bool take(const NamedNumbers& given, std::vector<AugmentationStep>& steps) {
  const auto& [name, numbers] = given;
  if (name != Step::kName) return false;
  constexpr std::size_t count = count_of(static_cast<const Step*>(nullptr));
  if (numbers.size() != count) {
    fail("Augmentation: \"", name, "\" has ", count, " numbers, got ", numbers.size());
  }
  steps.push_back(read(numbers, Step{}));
  return true;
}
template <class... Steps>
void take_any(const NamedNumbers& given, std::vector<AugmentationStep>& steps, const std::variant<Steps...>*) {
  for (double v : given.second) {
    if (!std::isfinite(v)) fail("Augmentation: a number of \"", given.first, "\" is not finite");
  }
  if (!(take<Steps>(given, steps) || ...)) fail("Augmentation: unknown step \"", given.first, "\"");
}

Mixing mixing_of(const NamedNumbers& given) {
  const auto& [name, numbers] = given;
  if (numbers.size() != 2) fail("Augmentation: \"", name, "\" has 2 numbers, got ", numbers.size());
  if (!(numbers[1] > 0)) fail("Augmentation: alpha must be larger than 0, got ", numbers[1]);
  if (name == "mixup") return {Mixing::Kind::mixup, numbers[0], numbers[1]};
  if (name == "cutmix") return {Mixing::Kind::cutmix, numbers[0], numbers[1]};
  fail("Augmentation: unknown mixing \"", name, "\"");
}

std::shared_ptr<Augmentation> make(const std::vector<NamedNumbers>& steps, const std::optional<NamedNumbers>& mixing) {
  auto result = std::make_shared<Augmentation>();
  for (const NamedNumbers& step : steps) {
    take_any(step, result->steps, static_cast<const AugmentationStep*>(nullptr));
  }
  if (mixing) result->mixing = mixing_of(*mixing);
  return result;
}

// Images (n, c, h, w) of bytes, and their rows in the data set (None: 0, 1, ...).
struct Augmented {
  py::array_t<std::uint8_t, py::array::c_style> keep;
  Integers rows;
  Batch batch;
  Shape shape;
  std::vector<Mix> mixes;

  Augmented(const Augmentation& augmentation, py::handle images, const py::object& rows_in, std::uint64_t seed,
            std::uint64_t epoch)
      : keep(typed<std::uint8_t>("images", images)) {
    const Shape all = shape_of(keep);
    if (all.rank() != 4) fail("images: expected shape (n, c, h, w), got ", to_string(all));
    shape = Shape({all[1], all[2], all[3]});
    batch.images = keep.data();
    batch.is_u8 = true;
    batch.n = shape.size() == 0 ? 0 : all[0];
    batch.augmentation = &augmentation;
    batch.augmentation_key = {seed, epoch};
    if (!rows_in.is_none()) {
      rows = indices("rows", rows_in);
      if (static_cast<Index>(rows.size()) != all[0]) {
        fail("rows: expected ", all[0], " entries, one an image, got ", rows.size());
      }
      batch.origin = rows.data();
    }
    mixes = draw_mixes(batch, shape);
    if (!mixes.empty()) batch.mixes = mixes.data();
  }
};

py::array augmented(const Augmentation& augmentation, py::handle images, const py::object& rows, std::uint64_t seed,
                    std::uint64_t epoch, const std::optional<std::string>& isa) {
  const Augmented in(augmentation, images, rows, seed, epoch);
  const KernelTable<float>& table = kernel_table<float>(isa ? isa_from_name(*isa) : default_isa());
  py::array_t<float> y = new_array<float>(in.batch.n, in.shape);
  float* out = y.mutable_data();
  without_gil([&] { augment_batch(table, in.batch, in.shape, out); });
  return std::move(y);
}

py::array own_weights(const Augmentation& augmentation, py::handle images, const py::object& rows, std::uint64_t seed,
                      std::uint64_t epoch) {
  const Augmented in(augmentation, images, rows, seed, epoch);
  py::array_t<double> y(in.batch.n);
  for (Index i = 0; i < in.batch.n; ++i) y.mutable_data()[i] = in.batch.own_weight(i);
  return std::move(y);
}

}  // namespace

void register_augmentation(py::module_& m) {
  py::class_<Augmentation, std::shared_ptr<Augmentation>>(m, "Augmentation", "Random changes of images of bytes.")
      .def(py::init(&make), "steps"_a, "mixing"_a = py::none())
      .def("apply", &augmented, "images"_a, "rows"_a = py::none(), "seed"_a = 0, "epoch"_a = 0, "isa"_a = py::none())
      .def("weights", &own_weights, "images"_a, "rows"_a = py::none(), "seed"_a = 0, "epoch"_a = 0);
}

}  // namespace cnnfast::bind
