// The list of operations. Kernel table, plan and the registry test all follow from it.
#pragma once

#include <variant>

#include "ops/activations.hpp"
#include "ops/bias.hpp"
#include "ops/conv2d.hpp"
#include "ops/conv_pool.hpp"
#include "ops/linear.hpp"
#include "ops/max_pool2d.hpp"
#include "ops/structure.hpp"

namespace cnnfast {

template <class... Types>
struct TypeList {};

template <class... A, class... B>
constexpr TypeList<A..., B...> join(TypeList<A...>, TypeList<B...>);

// What users compose.
using OpList =
    TypeList<Conv2d, MaxPool2d, Linear, ChannelBias, PositionBias, ReLU, GELU, Softmax, LogSoftmax, Flatten, Add>;
// What a plan makes of several of them.
using FusedList = TypeList<ConvPool, ConvActivation>;
using KernelList = decltype(join(OpList(), FusedList()));

template <class... Types>
std::variant<typename Types::Geometry...> geometries(TypeList<Types...>);
template <class... Types>
std::variant<Types...> variant_of(TypeList<Types...>);

using Op = decltype(variant_of(OpList()));            // settings
using PlacedOp = decltype(geometries(KernelList()));  // settings placed on an input

}  // namespace cnnfast
