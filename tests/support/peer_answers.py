"""Prints the results of a peer of the benchmark: `python -m tests.support.peer_answers KIND PEER`.

Runs in a separate process, so that warnings of the libraries at import do not matter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from cnnfast import _core, nn
from cnnfast.benchmark.networks import Network, batch_for, distance, inference_candidates, training_candidates

from bench.networks import NETWORKS
from bench.operations import SingleOperation
from bench.peers import peers
from tests.cases import CASES, Case

#: Libraries whose inputs and outputs are channels-last.
CHANNELS_LAST = ("jax", "tensorflow", "tensorflow xla")
#: OpenVINO 2026.4 exchanges a pool and the GELU after it, which changes the results.
DIFFERING = {("openvino", "hello-dl-letters")}
#: Operations with many geometries, whose cases are all tested; of the others, every third.
WINDOWED = ("Conv", "Pool", "sample", "Pad", "Resize")


def everything() -> nn.Sequential:
    """Most operations in one network."""
    branches = nn.Branches(
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Sequential(nn.Conv2d(8, 4, 3, padding=2, dilation=2), nn.LeakyReLU(0.2)),
        nn.MaxPool2d(3, 1, 1),
    )
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=((1, 2), (0, 1)), bias=False), nn.BatchNorm2d(8), nn.SiLU()),
        *(nn.AvgPool2d(2, ceil_mode=True), branches, nn.GroupNorm(5, 20), nn.GELU()),
        *(nn.Conv2d(20, 12, 3, stride=2, groups=4), nn.ELU(1.5)),
        *(nn.ConvTranspose2d(12, 6, 3, stride=2, padding=1, output_padding=1), nn.Tanh(), nn.Upsample2d(2)),
        *(nn.Residual(nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.Hardswish())), nn.Downsample2d(2)),
        *(nn.LocalResponseNorm(3, alpha=0.5), nn.ChannelBias(6), nn.SELU(), nn.AdaptiveAvgPool2d(2)),
        *(nn.Flatten(), nn.LayerNorm(24), nn.Tanh(), nn.Linear(24, 16, bias=False)),
        *(nn.BatchNorm1d(16, affine=False), nn.Softplus(), nn.Mish(), nn.Dropout(0.0), nn.Linear(16, 5)),
        input_shape=(3, 13, 14),
        seed=0,
    )
    return with_moved_averages(model)


def with_moved_averages(model: nn.Sequential) -> nn.Sequential:
    rng = np.random.default_rng(3)
    moved = {key: rng.uniform(0.5, 1.5, value.shape) for key, value in model.buffers().items()}
    model.load_state_dict({key: value.astype(np.float32) for key, value in moved.items()}, strict=False)
    return model


def on_networks(peer: Any) -> Iterator[str]:
    """A line for inference and one for training: which libraries would be timed, and the notes."""
    for network in (*NETWORKS, Network("everything", everything)):
        if (peer.name, network.name) in DIFFERING:
            continue
        for candidates in (inference_candidates, training_candidates):
            calls, notes = candidates(network, 5, 1, [peer])
            for call in calls.values():
                call()
            yield " ".join([network.name, *calls, *notes])


def on_operations(peer: Any) -> Iterator[str]:
    """A line for each case: right, refused or wrong."""
    for op in dict.fromkeys(case.op for case in CASES):
        cases = [case for case in CASES if case.op == op and case.n > 0 and _reads_one_value(case)]
        thinned = cases if any(word in op for word in WINDOWED) else cases[::3]
        for case in thinned:
            try:
                yield f"{op} {'right' if agrees(peer, case) else f'wrong {case.id}'}"
            except NotImplementedError as error:
                yield f"{op} refused {error}"


def _reads_one_value(case: Case) -> bool:
    """`SingleOperation` passes the same value to all inputs of an operation, so a matrix must be square."""
    return case.op != "MatMul" or case.inputs[0] == case.inputs[1]


def agrees(peer: Any, case: Case) -> bool:
    module: Any = SingleOperation(case)
    shapes = [case.inputs[0]] * module.inputs
    module.input_shape, module.output_shape = shapes[0], module.op.output_shape(*shapes)
    graph = _core.Graph(shapes[0])
    module.add_to(graph, 0, "")
    x = np.random.default_rng(5).standard_normal((case.n, *shapes[0]), dtype=np.float32)
    params = np.concatenate([np.empty(0, np.float32), *map(np.ravel, module.state_dict().values())])
    ours = _core.Plan(graph).forward(x, params)
    theirs = np.asarray(peer.inference(module, x, 1)())
    if peer.name in CHANNELS_LAST:
        theirs = np.moveaxis(theirs, -1, 1)
    return theirs.shape == ours.shape and distance("", ours, theirs, 1e-5) is None


def running_averages(peer: Any) -> Iterator[str]:
    """A line for each buffer that a training pass has changed: right or wrong."""
    from bench.channels_last import Program, images

    if peer.name == "jax":
        from bench.jax_operations import apply
    else:
        from bench.tensorflow_operations import apply
    layers = (
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8, momentum=0.3),
        nn.Tanh(),
        nn.Flatten(),
        nn.BatchNorm1d(72),
    )
    model = with_moved_averages(nn.Sequential(*layers, input_shape=(3, 5, 5), seed=0))
    x, _ = batch_for(model, 4)
    program = Program.of(model)
    _, moved = program.run(apply, program.weights | program.buffers, images(x), True)
    model.forward(x)
    for key, value in model.buffers().items():
        yield f"{key} {'wrong' if distance('', value, np.asarray(moved[key]), 1e-5) else 'right'}"


KINDS = {"networks": on_networks, "operations": on_operations, "averages": running_averages}


def main(words: Sequence[str]) -> None:
    kind, wanted = words
    (peer,) = (peer for peer in peers() if peer.name == wanted)
    for line in KINDS[kind](peer):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
