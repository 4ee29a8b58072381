"""`orthogonal`: orthogonal weights."""

from __future__ import annotations

import numpy as np

from ..._checks import check_number
from ..._types import Array, Shape
from .fan import as_matrix
from .initializer import INFINITY, Initializer


def orthogonal(gain: float = 1.0) -> Initializer:
    """Rows (or columns, whichever are fewer) orthogonal to each other and of length `gain`, drawn uniformly;
    all axes but the first count as one.

    The last bits depend on NumPy's LAPACK.

    Source: Saxe, McClelland and Ganguli 2013, arXiv:1312.6120; Mezzadri 2006, arXiv:math-ph/0609050, for the
    signs that make it uniform.
    """
    gain = check_number("init.orthogonal", "gain", gain, 0, INFINITY)

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        rows, columns = as_matrix("init.orthogonal", shape)
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= gain * np.copysign(1.0, np.diagonal(r))
        return (q.T if rows < columns else q).reshape(shape)

    return Initializer("orthogonal", {"gain": gain}, draw)
