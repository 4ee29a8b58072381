"""States with torchvision's names load by name, directly and from safetensors, and give PyTorch's outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.interop.torch import load_safetensors

torch = pytest.importorskip("torch")
twins = pytest.importorskip("tests.support.torchvision_twins")
save_file = pytest.importorskip("safetensors.torch").save_file

#: The network here, small and with other weights; its twin in PyTorch; side of an image.
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any], int]] = {
    "resnet18": (
        lambda: models.resnet(18, seed=1, width=8, size=64, num_classes=5),
        lambda: twins.ResNet([2, 2, 2, 2], False, 8, 5),
        64,
    ),
    "resnet50": (
        lambda: models.resnet(50, seed=1, width=8, size=64, num_classes=5),
        lambda: twins.ResNet([3, 4, 6, 3], True, 8, 5),
        64,
    ),
    "googlenet": (
        lambda: models.googlenet(seed=1, auxiliary=True, size=64, width=8, num_classes=5),
        lambda: twins.GoogLeNet(8, 5),
        64,
    ),
    "alexnet": (
        lambda: models.alexnet(seed=1, size=67, hidden=6, num_classes=5),
        lambda: twins.AlexNet(6, 5),
        67,
    ),
    "vgg11": (
        lambda: models.vgg(11, seed=1, size=64, width=4, hidden=6, num_classes=5),
        lambda: twins.VGG("1 1 2 2 2", False, 4, 6, 5),
        64,
    ),
    "vgg11-bn": (
        lambda: models.vgg(11, seed=1, batch_norm=True, size=64, width=4, hidden=6, num_classes=5),
        lambda: twins.VGG("1 1 2 2 2", True, 4, 6, 5),
        64,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("source", ["state", "float32 file", "float16 file", "bfloat16 file"])
def test_states_of_torchvision(name: str, source: str, rng: np.random.Generator, tmp_path: Path) -> None:
    build, twin_of, side = NETWORKS[name]
    model, twin = build(), twins.seeded(twin_of)
    if source == "state":
        model.load_state_dict(twin.state_dict())
    else:
        kind = getattr(torch, source.split()[0])
        state = {key: v.to(kind) if v.is_floating_point() else v for key, v in twin.state_dict().items()}
        save_file(state, tmp_path / "w.safetensors")
        assert load_safetensors(tmp_path / "w.safetensors", model) == ([], [])
        twin.load_state_dict(state)  # rounded likewise
    x = rng.standard_normal((2, 3, side, side), dtype=np.float32)
    with torch.no_grad():
        want = twin(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model(x), want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
