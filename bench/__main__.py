"""`python -m bench`: kernels, convolutions, matrix products, single operations, whole networks compared with
other libraries, threads, batch sizes, augmentation, bookkeeping, CPU contention, memory and call overhead, as
text and JSON; at the end, which targets are met. The networks of `cnnfast.models` are a group of their own,
`--only zoo`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from cnnfast.benchmark.networks import network_rows
from cnnfast.benchmark.runner import Result, run_rows
from cnnfast.benchmark.timing import Options
from cnnfast.errors import CnnfastError

from bench.augmentation import augmentation_rows
from bench.bookkeeping import bookkeeping_rows
from bench.cpu_contention import contention_rows
from bench.geometry import geometry_rows
from bench.kernels import kernel_rows
from bench.memory import memory_rows
from bench.networks import NETWORKS
from bench.operations import operation_rows
from bench.overhead import overhead_rows
from bench.peers import PACKAGES, peer_remarks, peers
from bench.products import product_rows
from bench.scaling import batch_size_rows, epoch_rows, one_thread_rows, two_threads_rows
from bench.targets import summary
from bench.zoo import zoo_rows


def peer_rows(options: Options) -> Iterator[Result]:
    """Every network, compared with every installed library."""
    yield from network_rows(options, NETWORKS, peers())


SOURCES: tuple[Callable[[Options], Iterator[Result]], ...] = (
    peer_remarks,
    kernel_rows,
    geometry_rows,
    product_rows,
    operation_rows,
    peer_rows,
    zoo_rows,
    one_thread_rows,
    two_threads_rows,
    batch_size_rows,
    epoch_rows,
    augmentation_rows,
    bookkeeping_rows,
    contention_rows,
    memory_rows,
    overhead_rows,
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds and batches; do not quote the results"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="threads of all libraries (default: all)")
    parser.add_argument("--only", metavar="REGEX", help="only rows whose name contains this")
    parser.add_argument("--json", metavar="PATH", help="write all samples and results to this file")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the file of --json: only rows it lacks or the machine was too busy for",
    )
    given = parser.parse_args(arguments)
    if given.resume and given.json is None:
        parser.error("argument --resume: needs --json PATH, the file to go on with")
    if given.threads is not None and given.threads < 1:
        parser.error(f"argument --threads: must be at least 1, got {given.threads}")
    options = Options(quick=given.quick, threads=given.threads, only=given.only)
    try:
        result = run_rows(
            options,
            SOURCES,
            given.json,
            lambda line: print(line, flush=True),
            PACKAGES,
            resume=given.resume,
        )
    except (CnnfastError, OSError, ValueError, AssertionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for line in summary(result["rows"]):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
