"""States with torchvision's names load by name, directly and from safetensors, and give PyTorch's outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.interop.torch import from_timm, load_safetensors

from tests.support.marks import quick_only

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


@pytest.mark.parametrize("name", quick_only(NETWORKS, ["alexnet", "vgg11-bn"]))
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


def test_a_published_googlenet_without_its_auxiliary_classifiers(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    _, twin_of, side = NETWORKS["googlenet"]
    twin = twins.seeded(twin_of)
    save_file(twin.state_dict(), tmp_path / "w.safetensors")
    model = models.googlenet(seed=1, width=8, size=64, num_classes=5)
    missing, unexpected = load_safetensors(tmp_path / "w.safetensors", model, strict=False)
    assert missing == []
    assert {name.split(".")[0] for name in unexpected} == {"aux1", "aux2"}
    x = rng.standard_normal((2, 3, side, side), dtype=np.float32)
    with torch.no_grad():
        want = twin(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model(x), want, rtol=1e-4, atol=1e-4 * np.abs(want).max())


@pytest.mark.parametrize("name", ["vgg11", "vgg11-bn"])
def test_timm_vgg(name: str, rng: np.random.Generator, tmp_path: Path) -> None:
    """timm's VGG computes the fully connected layers as convolutions, of 7x7 and of 1x1."""
    build, twin_of, side = NETWORKS[name]
    twin = twins.seeded(twin_of)
    state = dict(twin.state_dict())
    for ours, theirs, kernel in (
        ("classifier.0", "pre_logits.fc1", 7),
        ("classifier.3", "pre_logits.fc2", 1),
    ):
        weight = state.pop(f"{ours}.weight")
        state[f"{theirs}.weight"] = weight.reshape(len(weight), -1, kernel, kernel)
        state[f"{theirs}.bias"] = state.pop(f"{ours}.bias")
    state["head.fc.weight"], state["head.fc.bias"] = (
        state.pop("classifier.6.weight"),
        state.pop("classifier.6.bias"),
    )

    x = rng.standard_normal((2, 3, side, side), dtype=np.float32)
    F = torch.nn.functional
    with torch.no_grad():
        y = F.adaptive_avg_pool2d(twin.features(torch.from_numpy(x)), 7)
        for fc in ("pre_logits.fc1", "pre_logits.fc2"):
            y = F.conv2d(y, state[f"{fc}.weight"], state[f"{fc}.bias"]).relu()
        want = F.linear(y.flatten(1), state["head.fc.weight"], state["head.fc.bias"]).numpy()

    direct, from_file = build(), build()
    direct.load_state_dict(from_timm(state))
    save_file(state, tmp_path / "w.safetensors")
    load_safetensors(tmp_path / "w.safetensors", from_file, convert=from_timm)
    np.testing.assert_array_equal(direct.flat_parameters, from_file.flat_parameters)
    np.testing.assert_allclose(direct(x), want, rtol=1e-4, atol=1e-4 * np.abs(want).max())


def test_timm_resnet_has_the_names_of_torchvision() -> None:
    build, twin_of, _ = NETWORKS["resnet18"]
    state = twins.seeded(twin_of).state_dict()
    assert from_timm(state) == dict(state)
    build().load_state_dict(from_timm(state))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "twin_of"),
    [
        (lambda: models.resnet(18), lambda: twins.ResNet([2, 2, 2, 2], False, 64, 1000)),
        (lambda: models.alexnet(), lambda: twins.AlexNet(4096, 1000)),
        (lambda: models.vgg(16), lambda: twins.VGG("2 2 3 3 3", False, 64, 4096, 1000)),
        (lambda: models.googlenet(auxiliary=True), lambda: twins.GoogLeNet(1, 1000)),
    ],
    ids=["resnet18", "alexnet", "vgg16", "googlenet"],
)
def test_full_size(
    build: Callable[[], nn.Module], twin_of: Callable[[], Any], rng: np.random.Generator
) -> None:
    twin = twins.seeded(twin_of)
    with nn.blank_parameters():
        model = build()
    model.load_state_dict(twin.state_dict())
    x = rng.standard_normal((1, 3, 224, 224), dtype=np.float32)
    with torch.no_grad():
        want = twin(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model(x), want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
