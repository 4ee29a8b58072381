"""`lenet5`, `all_conv`, `resnet_cifar` beside PyTorch with the same weights: gradients, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.interop.torch import TorchModel

torch = pytest.importorskip("torch")

BUILDS: dict[str, Callable[[], nn.Sequential]] = {
    "lenet5": lambda: models.lenet5(seed=1),
    "all_conv": lambda: models.all_conv(seed=1, dropout=False),
    "resnet_cifar": lambda: models.resnet_cifar(8, seed=1),
    "plain_cifar": lambda: models.plain_cifar(8, seed=1),
}


@pytest.mark.parametrize("name", BUILDS)
def test_same_gradients(name: str, rng: np.random.Generator) -> None:
    model = BUILDS[name]().to("float64")
    assert model.input_shape is not None
    x, target = rng.standard_normal((3, *model.input_shape)), np.array([0, 1, 2])
    twin = TorchModel(model)
    loss, grads = model.loss_and_grad(x, target)
    want_loss, want = twin.loss_and_grad(twin.tensor(x), torch.from_numpy(target))
    assert abs(float(loss) - float(want_loss)) <= 1e-9
    assert list(grads) == list(want)
    for key, grad in grads.items():
        np.testing.assert_allclose(grad, want[key], rtol=1e-7, atol=1e-9, err_msg=key)
