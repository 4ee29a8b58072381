"""Types for the package's annotations."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]
Shape = tuple[int, ...]
Pair = int | tuple[int, int]
Padding = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
Ends = int | tuple[int, int]
#: (left, right, top, bottom), PyTorch's order
Sides = int | tuple[int, int, int, int]
Scale = float | tuple[float, float]
PaddingName = Literal["same", "valid"]
Seed = int | np.random.SeedSequence | None

#: dtypes the engine computes in.
FLOATS: tuple[np.dtype[Any], ...] = (np.dtype(np.float32), np.dtype(np.float64))
