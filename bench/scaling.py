"""Rows that compare cnnfast with itself: more threads, larger batches, more images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cnnfast import Trainer, _core, fit, optim
from cnnfast.benchmark.cpu_contention import CpuContention
from cnnfast.benchmark.networks import LEARNING_RATE, Network, batch_for, difference, network_rows
from cnnfast.benchmark.peers import torch_peers
from cnnfast.benchmark.timing import Candidate, Effort, Options, Row, interleave
from cnnfast.errors import CnnfastError
from cnnfast.nn import Module

from bench.figure import Remark
from bench.networks import LETTERS, NETWORKS

#: Batch sizes whose time per image is compared; the first one is the reference.
BATCHES = (64, 32, 128, 256, 512, 1024)
QUICK_BATCHES = (64, 32)
#: Images of an epoch whose time per image is compared.
IMAGES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_IMAGES = (1_000, 2_000)
#: Required free memory as a multiple of the data set; and rounds, since an epoch over the largest takes 15 s.
MARGIN = 1.5
ROUNDS = 5
ONE_THREAD = " on one thread"
#: Timed on two threads and on one: large batches, and the smallest that two threads must not slow down.
TWO_THREADS = (("train", 64), ("train", 8), ("infer", 8))


def one_thread_rows(options: Options) -> Iterator[Row | Remark]:
    """The letters network on one thread, compared with PyTorch, if other rows use several."""
    before = _core.get_num_threads()
    if before == 1:
        return
    letters = Network.shipped(LETTERS)
    try:
        _core.set_num_threads(1)
        network = Network(LETTERS, letters.build, training=(32, 64, 128, 256), inference=(1,))
        yield from network_rows(options, [network], torch_peers(), suffix=ONE_THREAD)
    finally:
        _core.set_num_threads(before)


def two_threads_rows(options: Options) -> Iterator[Row | Remark]:
    """A training step or an inference on two threads, compared with one thread."""
    before = _core.get_num_threads()
    rows = [
        (f"two threads against one, {kind} {network.name} batch {n}", kind, network, n)
        for kind, n in TWO_THREADS
        for network in NETWORKS
    ]
    wanted = [row for row in rows if options.includes(row[0])]
    if wanted and usable_cpus() < 2:
        yield Remark("two threads against one", "this process may use one CPU only")
        return
    try:
        for name, kind, network, n in wanted:
            assert_same_bits(network, n)
            make = training if kind == "train" else inference
            candidates = {
                f"cnnfast, {threads} thread{'s' if threads > 1 else ''}": make(network, n, threads)
                for threads in (2, 1)
            }
            yield Row.measured(name, n, "images", candidates, options.effort)
    finally:
        _core.set_num_threads(before)


def usable_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def assert_same_bits(network: Network, n: int) -> None:
    """Raises unless one and two threads give bitwise equal outputs and gradients."""
    found = []
    for threads in (1, 2):
        _core.set_num_threads(threads)
        model = network.build()
        x, target = batch_for(model, n)
        output = model(x)
        _, grads = model.loss_and_grad(x, target)
        found.append({"the output": output, **{f"the gradient of {key}": g for key, g in grads.items()}})
    for what, answer in found[0].items():
        if not np.array_equal(answer, found[1][what]):
            raise CnnfastError(
                f"bench: {network.name}: {what} on two threads is not the one on one thread, bit for bit: "
                "not timed"
            )


def training(network: Network, n: int, threads: int) -> Callable[[], object]:
    """A training step on that many threads."""
    model = network.build()
    x, target = batch_for(model, n)
    trainer = Trainer(model, optim.Adam(lr=LEARNING_RATE))

    def step() -> None:
        _core.set_num_threads(threads)
        trainer.step(x, target)

    return step


def batch_size_rows(options: Options) -> Iterator[Row]:
    """Time per image at each batch size, training and inference; a ratio above 1 is a slower image."""
    sizes = QUICK_BATCHES if options.quick else BATCHES
    for kind in ("train", "infer"):
        for network in NETWORKS:
            name = f"time per image, {kind} {network.name} batch {min(sizes)} to {max(sizes)}"
            if options.includes(name):
                candidates: dict[str, Candidate] = {}
                assert_batch_does_not_matter(network.build())
                for n in sizes:
                    make = training if kind == "train" else inference
                    candidates[f"batch {n}"] = make(network, n, _core.get_num_threads())
                yield per_image(name, dict(zip(candidates, sizes, strict=True)), candidates, options.effort)


def per_image(name: str, images: dict[str, int], candidates: dict[str, Candidate], effort: Effort) -> Row:
    """Candidates with different amounts of work, compared by the seconds per image."""
    load = CpuContention()
    seconds = interleave(candidates, effort)
    each = {key: [s / images[key] for s in times] for key, times in seconds.items()}
    return Row(name, 1, "images", each, load.cores())


def inference(network: Network, n: int, threads: int) -> Callable[[], object]:
    """The output of a batch on that many threads."""
    model = network.build()
    x, _ = batch_for(model, n)

    def infer() -> object:
        _core.set_num_threads(threads)
        return model(x)

    return infer


def assert_batch_does_not_matter(model: Module) -> None:
    """Raises unless an image's output in a batch of 64 equals that in a batch of 32."""
    x, _ = batch_for(model, 64)
    found = difference("the output in a batch of 32", model(x)[:32], model(x[:32]))
    if found:
        raise CnnfastError(f"bench: {found}: not timed")


def epoch_rows(options: Options) -> Iterator[Row | Remark]:
    """Time per image of an epoch of `fit` over data sets of 1,000 to 1,000,000 images.

    All images are in memory (uint8, 784 MB): reading files would be timed too, and repeating a few images
    would keep them in the caches.
    """
    sizes = QUICK_IMAGES if options.quick else IMAGES
    name = f"time per image, epoch of d4 over {min(sizes):,} to {max(sizes):,} images"
    if not options.includes(name):
        return
    free, needed = free_memory(), max(sizes) * 28 * 28
    if free is not None and free < MARGIN * needed:
        yield Remark(
            name, f"{needed / 1e6:,.0f} MB of images do not fit in {free / 1e6:,.0f} MB of free memory"
        )
        return
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (max(sizes), 28, 28), dtype=np.uint8)
    classes = rng.integers(0, 10, max(sizes))
    labels = {f"{n:,} images": n for n in sizes}
    candidates: dict[str, Candidate] = {
        key: epoch("d4", images[:n], classes[:n]) for key, n in labels.items()
    }
    effort = Effort(min(ROUNDS, options.effort.rounds), options.effort.sample)
    yield per_image(name, labels, candidates, effort)


def free_memory() -> int | None:
    """Available memory in bytes, if the system reports it."""
    meminfo = Path("/proc/meminfo")
    lines = meminfo.read_text(encoding="ascii").splitlines() if meminfo.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def epoch(
    network: str, images: np.ndarray[Any, Any], classes: np.ndarray[Any, Any], augment: str | None = None
) -> Callable[[], object]:
    """An epoch of `fit` at each call, which goes on with the same network."""
    model = Network.shipped(network).build()
    optimizer = optim.Adam(lr=LEARNING_RATE)
    return lambda: fit(
        model, (images, classes), epochs=1, optimizer=optimizer, augment=augment, progress=False
    )
