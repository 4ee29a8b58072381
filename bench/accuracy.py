"""Rounding errors of each convolution algorithm: `python -m bench.accuracy`.

Random normal images, weights and gradients, float32, compared with the float64 definition in tests/oracle.
Errors are relative to the root mean square of the result: their root mean square, and the largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from cnnfast import _core, functional

from tests import oracle

Array = np.ndarray[Any, Any]

#: kernel and image sizes for which the plan chooses each algorithm
SHAPES = ((3, 12), (3, 2), (5, 12))
CHANNELS = (16, 64, 256)
OUTPUTS = 16


def algorithm(channels: int, kernel: int, edge: int, exact: bool) -> str:
    graph = _core.Graph((channels, edge, edge))
    graph.add(_core.Conv2d(channels, OUTPUTS, kernel, 1, kernel // 2), [0])
    name: str = _core.Plan(graph, exact=exact).nodes()[0]["algorithm"]
    return name


def errors(channels: int, kernel: int, edge: int, exact: bool) -> list[tuple[float, float]]:
    """(root mean square, largest) of y, dx and dw."""
    rng = np.random.default_rng(0)
    n = 4
    x = rng.standard_normal((n, channels, edge, edge)).astype(np.float32)
    w = rng.standard_normal((OUTPUTS, channels, kernel, kernel)).astype(np.float32)
    dy = rng.standard_normal((n, OUTPUTS, edge, edge)).astype(np.float32)
    padding = kernel // 2
    y = functional.conv2d(x, w, padding=padding, exact=exact)
    dx, dw, _ = functional.conv2d_backward(dy, x, w, padding=padding, bias=False, exact=exact)
    zero = np.zeros(OUTPUTS)
    want_y = oracle.conv2d(x, w, zero, padding=padding)
    want_dx, want_dw, _ = oracle.conv2d_backward(dy, x, w, zero, padding=padding)
    found = []
    for got, want in ((y, want_y), (dx, want_dx), (dw, want_dw)):
        root = np.sqrt(np.mean(want**2))
        error = np.abs(got - want)
        found.append((float(np.sqrt(np.mean(error**2)) / root), float(error.max() / root)))
    return found


def main() -> None:
    print("| window, image, algorithm | c_in | y | dx | dw |")
    print("| --- | ---: | --- | --- | --- |")
    for kernel, edge in SHAPES:
        for exact in (True, False):
            for channels in CHANNELS:
                name = algorithm(channels, kernel, edge, exact)
                cells = " | ".join(f"{r:.1e}, {m:.1e}" for r, m in errors(channels, kernel, edge, exact))
                print(f"| {kernel}x{kernel}, {edge}x{edge}, {name} | {channels} | {cells} |")


if __name__ == "__main__":
    main()
