"""AlexNet, ZFNet, VGG, ResNet and its plain twins: sizes of the papers, names of torchvision."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from cnnfast import models, nn, optim
from cnnfast.nn.summary import rows
from cnnfast.training.trainer import Trainer

from tests.support.marks import quick_only
from tests.support.refusal import refused

PARAMETERS = {
    "alexnet": 61_100_840,
    "alexnet-paper": 60_965_224,
    "zfnet": 62_357_608,
    "googlenet": 6_624_904,
    "googlenet-paper": 6_998_552,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg16-bn": 138_365_992,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "plain18": 11_515_688,
    "plain34": 21_623_848,
}
SMALL = {
    "alexnet": partial(models.alexnet, size=67, hidden=8, num_classes=3),
    "alexnet-paper": partial(models.alexnet, variant="paper", size=67, hidden=8, num_classes=3),
    "zfnet": partial(models.zfnet, size=67, hidden=8, num_classes=3),
    "vgg11": partial(models.vgg, 11, size=32, width=8, hidden=32, dropout=0.0, num_classes=3),
    "vgg11-bn avgpool": partial(
        models.vgg, 11, batch_norm=True, head="avgpool", size=32, width=4, num_classes=3
    ),
    "googlenet": partial(models.googlenet, auxiliary=True, size=64, width=8, num_classes=3),
    "googlenet-paper": partial(
        models.googlenet, variant="paper", auxiliary=True, size=80, width=8, num_classes=3
    ),
    "resnet50": partial(models.resnet, 50, size=32, width=4, num_classes=3),
    "plain18": partial(models.plain, 18, size=32, width=4, num_classes=3),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_number_of_parameters(name):
    info = models.info(name)
    assert info.parameters == PARAMETERS[name]
    assert info.output_shape == (1000,)
    assert info.input_shape == ((3, 227, 227) if name == "alexnet-paper" else (3, 224, 224))


@pytest.mark.parametrize("name", quick_only(SMALL, ["googlenet", "plain18"]))
def test_config_state_and_a_falling_loss(name, rng):
    model = SMALL[name](seed=1)
    twin = nn.from_config(model.to_config())
    assert twin.to_config() == model.to_config()
    twin.load_state_dict(model.state_dict())
    x = rng.standard_normal((6, *model.input_shape)).astype(np.float32)
    np.testing.assert_array_equal(twin(x), model(x))
    trainer, labels = Trainer(model, optim.Adam(lr=1e-3), seed=0), np.arange(6) % 3
    losses = [trainer.step(x, labels) for _ in range(12)]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


@pytest.mark.parametrize(("variant", "parameters"), [("torchvision", 13_004_888), ("paper", 13_378_280)])
def test_googlenet_with_auxiliary_classifiers(variant, parameters):
    with nn.blank_parameters():
        model = models.googlenet(variant=variant, auxiliary=True)
    assert model.num_parameters() == parameters
    assert model.auxiliary == {"aux1": 0.3, "aux2": 0.3}
    assert (model.preprocessing == nn.Preprocessing(0.5, 0.5)) == (variant == "torchvision")
    inputs = {name: model.inputs()[name] for name in model.auxiliary}
    assert inputs == {"aux1": ("inception4a",), "aux2": ("inception4d",)}


def test_sizes_of_alexnet():
    """The sizes of the paper's figure 2, and of torchvision."""
    with nn.blank_parameters():
        paper, other = models.alexnet(variant="paper"), models.alexnet()
    shapes = [row.output_shape for row in rows(paper) if row.operation in ("Conv2d", "MaxPool2d")]
    assert shapes == [
        *((96, 55, 55), (96, 27, 27), (256, 27, 27), (256, 13, 13)),
        *((384, 13, 13), (384, 13, 13), (256, 13, 13), (256, 6, 6)),
    ]
    assert [row.parameters for row in rows(paper) if row.parameters] == [
        *(34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000)
    ]
    names = ["features.0", "features.3", "features.6", "features.8", "features.10"]
    names += ["classifier.1", "classifier.4", "classifier.6"]
    assert [name.rpartition(".")[0] for name in other.parameters()][::2] == names


def test_sizes_of_zfnet():
    """The sides of the paper's figure 3."""
    with nn.blank_parameters():
        model = models.zfnet()
    sides = [row.output_shape[1] for row in rows(model) if row.operation in ("Conv2d", "MaxPool2d")]
    assert sides == [110, 55, 26, 13, 13, 13, 13, 6]


def test_memory_of_vgg16():
    """The table of Stanford's CS231n, by layer: 15.2 million values an image with the input.

    The slide's sum is "24M * 4 bytes = 93 MB"; its own rows add up to 15.2 million, 61 MB.
    """
    with nn.blank_parameters():
        model = models.vgg(16)
    table = [row for row in rows(model) if row.operation in ("Conv2d", "MaxPool2d", "Linear")]
    values = [row.bytes // 4 for row in table]
    assert values[:6] == [3_211_264, 3_211_264, 802_816, 1_605_632, 1_605_632, 401_408]
    assert values[-4:] == [25_088, 4_096, 4_096, 1_000]
    assert sum(values) + 3 * 224 * 224 == 15_237_608
    assert sum(values[:2]) > 0.4 * sum(values)
    assert max(row.parameters for row in table) == 102_764_544
    assert table[-3].parameters > 0.7 * model.num_parameters()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: models.alexnet(variant="x"), 'alexnet: variant must be "torchvision" or "paper", got \'x\''),
        (
            lambda: models.googlenet(variant="x"),
            'googlenet: variant must be "torchvision" or "paper", got \'x\'',
        ),
        (
            lambda: models.googlenet(variant="paper", auxiliary=True, size=78, width=4),
            "googlenet: auxiliary classifiers need images of at least 79x79, got 78x78",
        ),
        (lambda: models.vgg(12), "vgg: depth must be 11, 13, 16, 19, got 12"),
        (lambda: models.vgg(11, head="gap"), 'vgg: head must be "fc" or "avgpool", got \'gap\''),
        (lambda: models.plain(50), "plain: depth must be 18 or 34, got 50"),
        (lambda: models.resnet(20), "resnet: depth must be 18, 34, 50, 101, 152, got 20"),
        (
            lambda: models.vgg(11, size=16, hidden=8),
            'layer "features.20": MaxPool2d: kernel 2x2 does not fit input (512, 1, 1) [c, h, w]; '
            "need h >= 2 and w >= 2",
        ),
    ],
)
def test_wrong_settings(build, message):
    with refused(ValueError, message):
        build()


def test_kaiming_initialization():
    model = models.resnet(18, width=32, size=32, num_classes=10)
    for name in ("conv1", "layer1.0.conv1", "layer4.1.conv2", "layer2.0.downsample.0"):
        weight = model.state_dict()[f"{name}.weight"]
        fan_out = weight.shape[0] * weight[0, 0].size
        assert abs(weight.std() / np.sqrt(2 / fan_out) - 1) < 0.1
    again = models.resnet(18, width=32, size=32, num_classes=10)
    np.testing.assert_array_equal(again.flat_parameters, model.flat_parameters)


@pytest.mark.parametrize(("depth", "norm"), [(18, "bn2"), (50, "bn3")])
def test_zero_init_residual(depth, norm, rng):
    model = models.resnet(depth, size=32, width=4, num_classes=3, zero_init_residual=True)
    for name, value in model.parameters().items():
        if ".bn" in name and name.endswith("weight"):
            assert value.any() != (f".{norm}." in name)
    block = model["layer1"][1]
    x = np.abs(rng.standard_normal((1, block["conv1"].weight.shape[1], 5, 5), dtype=np.float32))
    np.testing.assert_array_equal(block(x), x)
