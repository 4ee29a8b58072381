"""Images whose axes are not where a network expects them: refused, with what would mend it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cnnfast import nn

from tests.support.refusal import refused


def size_free(channels: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def fixed(channels: int = 1) -> nn.Sequential:
    model = size_free(channels)
    model.input_shape = (channels, 28, 20)
    return model


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("method", ["__call__", "predict", "predict_proba", "forward"])
def test_one_image_with_channels_last_is_not_a_row_of_narrow_ones(channels, method):
    with refused(
        ValueError,
        f"Sequential: uint8 x of shape (28, 20, {channels}) is not taken for 28 images of 20x{channels}, as "
        f"it could be one of {channels} channels; for one image use x.transpose(2, 0, 1)[None], for "
        "images so narrow x[:, None]",
    ):
        getattr(size_free(channels), method)(np.zeros((28, 20, channels), np.uint8))


def test_the_cures_work():
    x = np.zeros((28, 20, 3), np.uint8)
    assert size_free(3)(x.transpose(2, 0, 1)[None]).shape == (1, 4)
    assert size_free(1)(x[:, None]).shape == (28, 4)
    model = size_free(1)
    model(x[:, None])
    with pytest.raises(ValueError, match="is not taken for"):  # also when the plan is there
        model(x)


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 28, 2), (5, 28, 5), (10, 4, 4), (10, 3, 4), (1, 7, 3)])
def test_other_rows_of_gray_images_are_taken(shape):
    assert size_free()(np.zeros(shape, np.uint8)).shape == (shape[0], 4)


@pytest.mark.parametrize(
    ("channels", "shape", "dtype", "cure"),
    [
        (1, (28, 20), np.uint8, "; use x[None, None] for one image"),
        (1, (28, 20), np.float32, "; use x[None, None] for one image"),
        (3, (3, 28, 20), np.uint8, "; use x[None] for one image"),
        (3, (3, 28, 20), np.float32, "; use x[None] for one image"),
        (1, (1, 28, 20), np.float32, "; use x[None] for one image"),
        (3, (28, 20, 3), np.float32, "; use x.transpose(2, 0, 1)[None] for one image"),
        (1, (28, 20, 1), np.float32, "; use x.transpose(2, 0, 1)[None] for one image"),
        (3, (5, 28, 20, 3), np.uint8, "; use x.transpose(0, 3, 1, 2)"),
        (1, (5, 28, 20, 1), np.float32, "; use x.transpose(0, 3, 1, 2)"),
        (3, (5, 28, 20, 4), np.float32, ""),
        (3, (5, 28, 20), np.float32, ""),
    ],
)
@pytest.mark.parametrize("build", [size_free, fixed])
def test_what_does_not_fit_is_refused_with_the_order_that_would(build, channels, shape, dtype, cure):
    x = np.zeros(shape, dtype)
    model = build(channels)
    got = re.escape(f"got {shape}") if build is fixed else "."
    with pytest.raises(ValueError, match=got) as caught:
        model(x)
    assert str(caught.value).partition("; use x")[2] == cure.partition("; use x")[2]
    if cure:
        model(eval(cure.partition("use ")[2].removesuffix(" for one image"), {"x": x}))


def test_the_image_of_a_network_of_fixed_size_is_named_as_given():
    with refused(
        ValueError,
        "Sequential: x must have shape (n, 1, 28, 20), got (28, 20, 1); use x.transpose(2, 0, 1)[None] for "
        "one image",
    ):
        fixed()(np.zeros((28, 20, 1), np.uint8))
