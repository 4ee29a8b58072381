"""Rows of all networks of `cnnfast.models`, such as "zoo train resnet20 batch 32"; only with `--only zoo`,
as all of them take hours.
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnfast import models
from cnnfast.benchmark.networks import Network, network_rows
from cnnfast.benchmark.timing import Options, Row

from bench.peers import peers

GROUP = "zoo"
#: Width of an image, from which a network counts as large.
LARGE = 200
#: The large networks that are trained, too.
TRAINED = ("resnet18",)
#: Batch sizes with `--quick`.
QUICK_BATCHES = (1, 32)


def zoo_rows(options: Options) -> Iterator[Row]:
    """Training and inference of every network, compared with every installed library."""
    if options.only is not None and GROUP in options.only:
        yield from network_rows(options, networks(), peers(), f"{GROUP} ", quick_batches=QUICK_BATCHES)


def networks() -> list[Network]:
    """All networks with their batch sizes."""
    return [network(name) for name in models.list()]


def network(name: str) -> Network:
    """A network with its batch sizes: small ones train with 32 and 128 images and infer 1 and 256, large ones
    infer 1 and 8.
    """
    build = Network.shipped(name).build
    if models.info(name).input_shape[-1] < LARGE:
        return Network(name, build, training=(32, 128), inference=(1, 256))
    return Network(name, build, training=(8,) if name in TRAINED else (), inference=(1, 8))
