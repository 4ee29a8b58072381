// The parts of the extension module.
#pragma once

#include <pybind11/pybind11.h>

namespace cnnfast::bind {

void register_ops(pybind11::module_& m);           // settings of operations
void register_plan(pybind11::module_& m);          // Graph, Plan, Tape
void register_losses(pybind11::module_& m);        // settings of losses, losses of rows
void register_apply_op(pybind11::module_& m);      // operations with several inputs on arrays
void register_blocks(pybind11::module_& m);        // optimizer steps and norms of flat blocks
void register_augmentation(pybind11::module_& m);  // settings of augmentations
void register_system(pybind11::module_& m);        // threads, instruction sets, build

}  // namespace cnnfast::bind
