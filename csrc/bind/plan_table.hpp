// A plan as text.
#pragma once

#include <iomanip>
#include <sstream>
#include <string>

#include "bind/arrays.hpp"
#include "plan/plan.hpp"

namespace cnnfast::bind {

// The nodes of one program.
template <class T>
void write_nodes(std::ostream& out, const Program& program) {
  const auto kilobytes = [](Index elements) {
    return static_cast<double>(elements * static_cast<Index>(sizeof(T))) / 1024;
  };
  out << std::left << std::setw(28) << "operation" << std::setw(22) << "algorithm" << std::setw(15) << "output"
      << std::right << std::setw(10) << "KB/image" << std::setw(10) << "MFLOP" << std::setw(10) << "executed" << "\n";
  Index macs = 0, executed = 0;
  for (const PlanNode& node : program.nodes) {
    const Shape& shape = program.shapes[static_cast<std::size_t>(node.output)];
    out << std::left << std::setw(28) << node.op_name << std::setw(22) << node.algorithm << std::setw(15)
        << to_string(shape) << std::right << std::setw(10) << kilobytes(shape.size() * (1 + node.saved))
        << std::setprecision(3) << std::setw(10) << 2e-6 * static_cast<double>(node.macs) << std::setw(10)
        << 2e-6 * static_cast<double>(node.executed) << std::setprecision(1) << "\n";
    macs += node.macs;
    executed += node.executed;
  }
  out << std::setprecision(3) << std::left << std::setw(75) << "forward, one image" << std::right << std::setw(10)
      << 2e-6 * static_cast<double>(macs) << std::setw(10) << 2e-6 * static_cast<double>(executed)
      << std::setprecision(1);
}

// What `print(plan)` shows. Inference has a table of its own where it runs other nodes than training.
template <class T>
std::string table(const Plan<T>& plan) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1);
  const Program& inference = plan.program(false);
  const Program& training = plan.program(true);
  out << "Plan: " << dtype_name<T>() << " on " << to_string(plan.isa()) << ", input " << to_string(plan.input_shape())
      << ", " << plan.parameter_count() - plan.buffer_count() << " parameters, ";
  if (plan.has_buffers()) out << plan.buffer_count() << " in buffers, ";
  out << static_cast<double>(training.packed_bytes) / 1024 << " KB packed\n";
  for (const Program* program : {&inference, &training}) {
    const Layout& layout = program->layout;
    out << (program == &training ? "training " : "inference") << ": tiles of " << layout.tile << " images in "
        << static_cast<double>(layout.bytes) / 1024 << " KB";
    if (program->segments.size() > 1) out << ", " << program->segments.size() << " segments";
    out << "\n";
  }
  const bool same = inference.nodes.size() == training.nodes.size() && inference.steps.empty();
  if (!same) {
    bool folded = false;
    for (const ParameterStep& step : inference.steps) folded = folded || step.outputs > 0;
    out << "inference" << (folded ? ", normalization in the weights" : "") << ":\n";
    write_nodes<T>(out, inference);
    out << "\ntraining:\n";
  }
  write_nodes<T>(out, training);
  return out.str();
}

}  // namespace cnnfast::bind
