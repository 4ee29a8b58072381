"""How far batch normalization may be from its definition in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: Relative to the largest value.
ROUNDING = {"float32": 2e-5, "float64": 1e-12}


def close(got: Array, want: Array, dtype: str, what: str) -> None:
    assert got.dtype == dtype
    scale = max(1.0, float(np.abs(want).max(initial=0)))
    np.testing.assert_allclose(got, want, rtol=0, atol=ROUNDING[dtype] * scale, err_msg=what)
