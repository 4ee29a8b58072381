"""`cnnfast bench`: training and inference speed of the three networks, compared with PyTorch if it is
installed.

This file runs the benchmark; how networks are compared is in `networks`. `python -m bench` in a checkout adds
further rows, networks and peers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import _core, _terminal
from .._files import atomic_write, check_writable
from .._json import to_json
from . import unfinished
from .networks import SHIPPED, network_rows
from .peers import torch_peers
from .timing import Options, Row

Write = Callable[[str], None]


class Result(Protocol):
    """A result: as text, and as a dict for JSON."""

    def lines(self) -> list[str]: ...

    def to_dict(self) -> dict[str, Any]: ...


def run(
    *,
    quick: bool = False,
    threads: int | None = None,
    only: str | None = None,
    json_path: str | os.PathLike[str] | None = None,
    write: Write,
) -> dict[str, Any]:
    """Measure the multiply-add peak, and training and inference of the three networks.

    Args:
        quick: Fewer rounds and batch sizes, as a smoke test; do not quote the results.
        threads: Threads of both libraries; None uses cnnfast's current number.
        only: Regular expression to search for in row names, e.g. ``"train letters.*batch 64"``.
        json_path: File for all samples and results as JSON, rewritten after every row.
        write: Called with each line of text as soon as it is available, e.g. `print`.

    Returns:
        The content of the JSON file: machine, options, peak and rows.

    Raises:
        ValueError: `only` is not a regular expression, or `threads` is below 1.
        OSError: The JSON file cannot be written.
        CnnfastError: The outputs of the libraries differ.

    Example:
        >>> from cnnfast import benchmark
        >>> result = benchmark.run(quick=True, only="peak float32", write=lambda line: None)
        >>> sorted(result)
        ['machine', 'options', 'peak', 'rows']
    """
    return run_rows(Options(quick, threads, only), [shipped_rows], json_path, write)


def run_rows(
    options: Options,
    sources: Sequence[Callable[[Options], Iterator[Result]]],
    json_path: str | os.PathLike[str] | None,
    write: Write,
    packages: Sequence[str] = ("torch",),
    *,
    resume: bool = False,
) -> dict[str, Any]:
    """Run a benchmark: machine, peak, the rows of all sources, JSON; the number of threads is restored.

    packages: packages whose versions to record, if they are installed.
    resume: go on with the JSON file, if there is one: only what it lacks or the machine was too busy for.
    """
    if options.only is not None:
        try:
            re.compile(options.only)
        except re.error as error:
            raise ValueError(f"bench: only={options.only!r} is not a regular expression: {error}") from None
    if json_path is not None:
        check_writable("bench", json_path)
    before = _core.get_num_threads()
    try:
        if options.threads is not None:
            _core.set_num_threads(options.threads)
        about = machine(packages)
        result = unfinished.empty(about, options)
        if resume and json_path is not None and Path(json_path).exists():
            result = unfinished.read(json_path, result)
            options = dataclasses.replace(options, done=unfinished.reliable(result))
        write(_terminal.packed(f"{key} {value}" for key, value in about.items()))
        for entry in peak_rows(options):
            result["peak"].append(entry)
            write(f"{entry['name']:<24} {entry['gflops']:>8.1f} GFLOP/s on one thread")
        for source in sources:
            for row in source(options):
                unfinished.add(result["rows"], row.to_dict())
                for line in row.lines():
                    write(line)
                if json_path is not None:
                    _save(result, json_path)
    finally:
        _core.set_num_threads(before)
    if json_path is not None:
        _save(result, json_path)
        write(f"written: {json_path}")
    return result


def _save(result: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write the results so far; called after every row, as a run may take an hour and be interrupted."""
    with atomic_write("bench", path) as file:
        file.write(f"{to_json(result, indent=1)}\n".encode())


def machine(packages: Sequence[str] = ("torch",)) -> dict[str, Any]:
    """The hardware and software that speed depends on."""
    about = {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "isa": default_isa(),
        "threads": _core.get_num_threads(),
        "cnnfast": _core.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            about[package] = importlib.metadata.version(package)
    return about


def cpu_name() -> str:
    """The CPU's name, if the system provides it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def default_isa() -> str:
    """The instruction set a Plan uses by default."""
    graph = _core.Graph((1,))
    graph.add(_core.ReLU(), [0])
    return _core.Plan(graph).isa


def peak_rows(options: Options) -> Iterator[dict[str, Any]]:
    """Peak of multiply-adds on registers for each instruction set and precision: an upper bound for
    kernels."""
    for isa in _core.available_isas():
        for dtype in ("float32", "float64"):
            name = f"peak {dtype} {isa}"
            if options.includes(name):
                flops = _core.fma_peak(isa, dtype, 0.02 if options.quick else 0.2)
                yield {"name": name, "isa": isa, "dtype": dtype, "gflops": flops / 1e9}


def shipped_rows(options: Options) -> Iterator[Row]:
    """Training and inference of the networks that come with cnnfast, compared with PyTorch if it is
    installed."""
    return network_rows(options, SHIPPED, torch_peers())
