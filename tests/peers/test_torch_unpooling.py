"""`max_unpool1d` and `max_unpool2d` beside PyTorch, at random geometries."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import functional

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("axes", [1, 2])
def test_max_unpool(axes: int, dtype: str) -> None:
    pool = functional.max_pool2d if axes == 2 else functional.max_pool1d
    unpool = functional.max_unpool2d if axes == 2 else functional.max_unpool1d
    backward = functional.max_unpool2d_backward if axes == 2 else functional.max_unpool1d_backward
    theirs = getattr(torch.nn.functional, f"max_unpool{axes}d")
    for trial in range(50):
        rng = np.random.default_rng(trial)
        kernel = int(rng.integers(1, 4))
        stride, padding = kernel + int(rng.integers(0, 2)), int(rng.integers(0, kernel // 2 + 1))
        x = rng.standard_normal((2, int(rng.integers(1, 5)), *rng.integers(kernel, 10, axes))).astype(dtype)
        y, indices = pool(x, kernel, stride, padding, return_indices=True)
        tensor = torch.from_numpy(y).requires_grad_()
        want = theirs(tensor, torch.from_numpy(indices), kernel, stride, padding, x.shape)
        got = unpool(y, indices, kernel, stride, padding, x.shape)
        np.testing.assert_array_equal(got, want.detach().numpy(), err_msg=f"trial {trial}")
        dy = rng.standard_normal(x.shape).astype(dtype)
        want.backward(torch.from_numpy(dy))
        np.testing.assert_array_equal(backward(dy, indices), tensor.grad.numpy(), err_msg=f"trial {trial}")
