"""GoogLeNet and its auxiliary classifiers, and the same in PyTorch, with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.interop.torch import TorchModel

torch = pytest.importorskip("torch")
twins = pytest.importorskip("tests.support.torchvision_twins")
cross_entropy = torch.nn.functional.cross_entropy


def same_gradients(
    loss: float, grads: dict[str, Any], want: Any, theirs: dict[str, Any], tolerance: float
) -> None:
    assert abs(loss - want.item()) <= tolerance * want.item()
    want.backward()
    largest = max(np.abs(grad).max() for grad in grads.values())
    for name, grad in grads.items():
        other = theirs[name].grad.numpy()
        assert np.abs(grad - other).max() <= tolerance * max(np.abs(other).max(), largest / 10), name


@pytest.mark.parametrize("variant", ["torchvision", "paper"])
@pytest.mark.parametrize(("width", "size"), [(8, 80), pytest.param(64, 224, marks=pytest.mark.slow)])
def test_same_outputs_and_gradients(variant: str, width: int, size: int, rng: np.random.Generator) -> None:
    side = 1 if variant == "paper" and size == 80 else 4
    twin = twins.seeded(lambda: twins.GoogLeNet(64 // width, 5, variant == "paper", side)).double()
    model = models.googlenet(
        variant=variant, auxiliary=True, size=size, width=width, num_classes=5, dropout=0.0
    )
    model.load_state_dict(twin.state_dict())
    model.to("float64")
    x, target = rng.standard_normal((4, 3, size, size)), np.array([0, 1, 4, 2])
    tx, tt = torch.from_numpy(x), torch.from_numpy(target)
    want = twin(tx).detach().numpy()
    np.testing.assert_allclose(model(x), want, rtol=1e-8, atol=1e-8 * np.abs(want).max())
    y, aux1, aux2 = twin.train()(tx)
    total = cross_entropy(y, tt) + 0.3 * cross_entropy(aux1, tt) + 0.3 * cross_entropy(aux2, tt)
    same_gradients(*model.loss_and_grad(x, target), total, dict(twin.named_parameters()), 1e-8)


def test_conversion(rng: np.random.Generator) -> None:
    """`TorchModel` trains with auxiliary outputs, and infers without them."""
    model = models.googlenet(auxiliary=True, size=40, width=4, num_classes=5, dropout=0.0).to("float64")
    x, target = rng.standard_normal((3, 3, 40, 40)), np.array([1, 0, 4])
    other = TorchModel(model)
    loss, grads = model.loss_and_grad(x, target)
    want_loss, want = other.loss_and_grad(other.tensor(x), torch.from_numpy(target))
    assert abs(loss - want_loss) < 1e-12 * want_loss
    largest = max(np.abs(value).max() for value in want.values())
    for name, value in want.items():
        np.testing.assert_allclose(grads[name], value, rtol=1e-8, atol=1e-9 * largest, err_msg=name)
    model = models.googlenet(auxiliary=True, size=40, width=4, num_classes=5)
    other = TorchModel(model)
    del other.state["aux1.fc1.weight"]
    x32 = x.astype(np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(other(other.tensor(x32)).numpy(), model(x32), rtol=1e-4, atol=1e-6)


def test_inference_does_not_run_auxiliary_classifiers() -> None:
    model = models.googlenet(auxiliary=True, size=64, width=8, num_classes=5)
    without = models.googlenet(size=64, width=8, num_classes=5)
    assert model.plan().arena_bytes(False) == without.plan().arena_bytes(False)
    without.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("aux")})
    x = np.ones((1, 3, 64, 64), np.float32)
    np.testing.assert_array_equal(model(x), without(x))
    assert isinstance(model["aux1"], nn.Sequential)
