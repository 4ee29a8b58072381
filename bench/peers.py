"""The other libraries that networks are compared with, if they are installed. None is a dependency."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cnnfast.benchmark.networks import Peer
from cnnfast.benchmark.peers import TorchPeer
from cnnfast.benchmark.timing import Options

from bench.figure import Remark
from bench.jax_peer import Jax
from bench.onnx_peers import OnnxRuntime, OpenVino
from bench.tensorflow_peer import TensorFlow


@dataclass(frozen=True)
class Candidate:
    make: Callable[[], Peer]
    packages: tuple[str, ...]

    @property
    def missing(self) -> list[str]:
        return [package for package in self.packages if importlib.util.find_spec(package) is None]


CANDIDATES = (
    Candidate(TorchPeer, ("torch",)),
    Candidate(lambda: TorchPeer(channels_last=True), ("torch",)),
    Candidate(OnnxRuntime, ("onnxruntime", "onnx")),
    Candidate(OpenVino, ("openvino", "onnx")),
    Candidate(Jax, ("jax",)),
    Candidate(TensorFlow, ("tensorflow",)),
    Candidate(lambda: TensorFlow(xla=True), ("tensorflow",)),
)
#: Packages whose versions are recorded in the results.
PACKAGES = ("torch", "onnxruntime", "openvino", "jax", "tensorflow", "tensorflow-cpu")


def peers() -> list[Peer]:
    return [candidate.make() for candidate in CANDIDATES if not candidate.missing]


def peer_remarks(options: Options) -> Iterator[Remark]:
    """A remark for each peer that is not installed."""
    for candidate in CANDIDATES:
        if candidate.missing:
            verb = "is" if len(candidate.missing) == 1 else "are"
            yield Remark(candidate.make().name, f"{' and '.join(candidate.missing)} {verb} not installed")
