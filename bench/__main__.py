"""`python -m bench`: kernel rows, then training and inference rows beside PyTorch, as text and JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cnnfast.benchmark import Options, run_rows, shipped_rows
from cnnfast.errors import CnnfastError

from bench.kernels import kernel_rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and batches; not to quote")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of both libraries (default: all)")
    parser.add_argument("--only", metavar="REGEX", help="only rows whose name contains this")
    parser.add_argument("--json", metavar="PATH", help="write all samples and conclusions here")
    given = parser.parse_args(arguments)
    if given.threads is not None and given.threads < 1:
        parser.error(f"argument --threads: must be at least 1, got {given.threads}")
    options = Options(quick=given.quick, threads=given.threads, only=given.only)
    try:
        run_rows(options, [kernel_rows, shipped_rows], given.json, print)
    except (CnnfastError, OSError, ValueError, AssertionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
