"""Images of a letter, however they come, end as the same 28x28 image; what is none is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets
from cnnfast.vision import (
    load_image,
    normalize,
    prepare,
    to_model_input,
)

from tests.support.drawings import drawing, photo, similarity

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """What the drawing looks like to a network, taken from the cleanest image of it."""
    return to_model_input(drawing())


def gray(image: object) -> np.ndarray:
    return np.asarray(image.convert("L"))  # type: ignore[attr-defined]


# ------------------------------------------------------------------ the form of the result


def test_the_result_is_a_small_dark_page_with_full_ink(expected: np.ndarray) -> None:
    assert expected.shape == (28, 28)
    assert expected.dtype == np.uint8
    assert expected.max() == 255
    assert not expected[[0, -1]].any()
    assert not expected[:, [0, -1]].any()


def test_the_letter_is_upright_and_not_mirrored(expected: np.ndarray) -> None:
    """The drawing is an R-like shape: stem at the left, bowl at the top right, leg at the bottom right."""
    stem, bowl, gap = expected[4:24, 4:10], expected[3:14, 14:24], expected[20:25, 11:15]
    assert stem.mean() > 60
    assert bowl.max() > 200
    assert gap.mean() < 40


def test_the_box_around_the_letter_is_centred_with_its_longer_side_as_in_emnist(expected: np.ndarray) -> None:
    rows, columns = (np.flatnonzero((expected >= 128).any(axis)) for axis in (1, 0))
    assert rows[-1] - rows[0] + 1 in (22, 23)
    assert abs((rows[0] + rows[-1]) / 2 - 13.5) <= 0.5
    assert abs((columns[0] + columns[-1]) / 2 - 13.5) <= 0.5


def test_proportions_are_kept() -> None:
    page = np.full((400, 400), 255, np.uint8)
    page[50:350, 180:220] = 0
    bar = to_model_input(page) >= 128
    assert bar.any(1).sum() in (22, 23)
    assert bar.any(0).sum() in (2, 3, 4)


def test_mnist_style_is_smaller_and_centred_by_mass() -> None:
    page = np.full((300, 300), 255, np.uint8)
    page[40:260, 60:100] = 0
    page[220:260, 60:240] = 0  # an L: its mass lies low and left
    small = to_model_input(page, style="mnist").astype(float)
    at = np.arange(28) + 0.5
    assert small.sum(1) @ at / small.sum() == pytest.approx(14.5, abs=0.15)
    assert small.sum(0) @ at / small.sum() == pytest.approx(14.5, abs=0.15)
    assert (small >= 128).any(1).sum() in (19, 20, 21)


def test_another_size() -> None:
    assert to_model_input(drawing(), size=64).shape == (64, 64)


def test_a_small_framed_image_is_taken_as_it_is() -> None:
    x = np.zeros((28, 28), np.uint8)
    x[5:20, 3:6] = 255
    x[5:20, 6] = 77
    np.testing.assert_array_equal(to_model_input(x), x)
    np.testing.assert_array_equal(to_model_input(255 - x), x)
    np.testing.assert_array_equal(to_model_input(x, style="mnist"), x)


def test_a_small_image_without_full_ink_is_not_taken_as_it_is() -> None:
    x = np.zeros((28, 28), np.uint8)
    x[5:20, 3:6] = 150
    assert to_model_input(x).max() == 255


# ------------------------------------------------------------------ ways to make the image

WAYS: dict[str, Callable[[], object]] = {
    "white on black": lambda: 255 - gray(drawing()),
    "another place and size": lambda: drawing(page=(900, 500), at=(500, 60), scale=0.7),
    "small": lambda: drawing().resize((60, 60), Image.Resampling.BOX),
    "colored": lambda: drawing(ink="navy", paper="lightyellow", mode="RGB"),
    "light from the side": lambda: photo(drawing(), slope=0.35),
    "light from the side on a dark page": lambda: 0.1 + 0.6 * (1 - photo(drawing(), slope=0.1)),
    "noisy": lambda: photo(drawing(), slope=0.2, noise=0.06),
    "faint pencil": lambda: photo(drawing(), slope=0.2, noise=0.01, strength=0.25),
    "half in the shadow": lambda: photo(drawing(), shadow=0.6),
    "table at the edge": lambda: photo(drawing(), table=20),
    "dust": lambda: photo(drawing(), dust=True),
    "one bit": lambda: drawing().convert("1"),
    "palette": lambda: drawing(mode="RGB").convert("P"),
    "cmyk": lambda: drawing(mode="RGB").convert("CMYK"),
    "16 bit": lambda: gray(drawing()).astype(np.uint16) * 257,
    "12 bit in 16": lambda: gray(drawing()).astype(np.uint16) * 16,
    "32 bit": lambda: Image.fromarray(gray(drawing()).astype(np.int32) * 257),
    "float pillow": lambda: Image.fromarray(gray(drawing()).astype(np.float32)),
    "float array": lambda: gray(drawing()) / 255.0,
    "bool array": lambda: gray(drawing()) > 127,
    "color array": lambda: np.asarray(drawing(mode="RGB")),
    "not contiguous": lambda: np.asfortranarray(gray(drawing())),
    "read-only": lambda: np.frombuffer(gray(drawing()).tobytes(), np.uint8).reshape(300, 300),
}


@pytest.mark.parametrize("way", WAYS)
def test_however_the_image_was_made_the_network_sees_the_same(way: str, expected: np.ndarray) -> None:
    prepared = prepare(WAYS[way]())  # type: ignore[arg-type]
    assert similarity(prepared.pixels, expected) > 0.96
    assert prepared.warning == ""


@pytest.mark.parametrize("ink_level", [0, 255], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_ink_on_a_transparent_page(mode: str, ink_level: int, expected: np.ndarray) -> None:
    opacity = Image.fromarray(255 - gray(drawing()))
    flat = Image.new("L", opacity.size, ink_level)
    image = Image.merge("LA", (flat, opacity)).convert(mode)
    assert similarity(to_model_input(image), expected) > 0.96


def test_a_page_with_transparent_surroundings(expected: np.ndarray) -> None:
    image = drawing().convert("LA")
    opacity = Image.new("L", image.size, 0)
    opacity.paste(255, (20, 20, 290, 290))
    image.putalpha(opacity)
    assert similarity(to_model_input(image), expected) > 0.96


def test_a_palette_with_a_transparent_colour(expected: np.ndarray, tmp_path: Path) -> None:
    image = drawing().convert("1").convert("P")
    image.save(tmp_path / "a.png", transparency=image.getpixel((0, 0)))
    assert similarity(load_image(tmp_path / "a.png"), expected) > 0.96


def test_hairlines_are_thickened_to_what_a_network_knows() -> None:
    line = np.zeros((120, 30), np.float32)
    line[10:110, 14:16] = 1
    assert normalize.stroke_width(normalize.thicken(line)) == pytest.approx(
        normalize.MIN_STROKE_WIDTH, rel=0.1
    )
    wide = np.zeros((120, 30), np.float32)
    wide[10:110, 10:22] = 1
    assert normalize.thicken(wide) is wide


@pytest.mark.parametrize("side", [300, 1000, pytest.param(4000, marks=pytest.mark.slow)])
def test_a_line_of_one_pixel_survives_any_reduction(side: int) -> None:
    scale = side / 300
    page = (side, side)
    at = (round(80 * scale), round(50 * scale))
    thin = to_model_input(drawing(page, at, scale, width=0))
    wide = to_model_input(drawing(page, at, scale, width=8))
    assert similarity(thin, wide) > 0.85


def test_the_dot_of_an_i_is_part_of_it() -> None:
    page = np.full((200, 200), 255, np.uint8)
    page[80:160, 95:107] = 0
    page[45:57, 95:107] = 0
    rows = (to_model_input(page) >= 128).any(1)
    assert (np.diff(rows.astype(int)) == 1).sum() == 2


def test_a_bold_letter_that_fills_the_image() -> None:
    page = np.zeros((100, 100), np.uint8)
    page[10:90, 10:90] = 255
    page[35:65, 35:65] = 0
    for image in (page, 255 - page):
        x = to_model_input(image)
        assert x[14, 14] < 60
        assert x[5, 14] > 200


def test_letter_cut_out_tightly() -> None:
    """The ring around the image is mostly ink, but most of the image is page."""
    page = np.full((200, 120), 255, np.uint8)
    for rows in (slice(0, 20), slice(90, 110), slice(180, 200)):
        page[rows] = 0
    page[:, :20] = 0
    x = to_model_input(page)
    assert x[14, 7] > 150
    assert x[9, 14] < 60


# ------------------------------------------------------------------ cut out tightly, dark or light


# ------------------------------------------------------------------ is it one letter?


# ------------------------------------------------------------------ nothing to read


# ------------------------------------------------------------------ wrong arguments


# ------------------------------------------------------------------ the parts


# ------------------------------------------------------------------ real letters


def drawn_large(letter: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A dataset image as a pen would have made it: 224 pixels, crisp, dark on an unevenly lit page."""
    large = np.asarray(Image.fromarray(letter.astype(np.float32) / 255).resize((224, 224)))
    page = np.zeros((300, 400), np.float32)
    top, left = rng.integers(5, 70), rng.integers(5, 170)
    page[top : top + 224, left : left + 224] = np.clip(0.5 + 6 * (large - 0.5), 0, 1)
    return photo(Image.fromarray(np.rint(255 * (1 - page)).astype(np.uint8)), slope=0.25, noise=0.04)


@pytest.mark.parametrize(
    ("name", "style", "least"), [("emnist-letters-derived", "emnist", 0.92), ("mnist", "mnist", 0.94)]
)
@pytest.mark.slow
def test_real_characters_are_recovered_from_a_photo(
    name: str, style: normalize.Style, least: float, data_root: Path, rng: np.random.Generator
) -> None:
    if not all(part.available for part in datasets.status(data_root) if part.dataset == name):
        pytest.skip(f"{name} is not in CNNFAST_DATA")
    letters = datasets.load(name, train=False, root=data_root).images[:40]
    found = [similarity(to_model_input(drawn_large(x, rng), style=style), x) for x in letters]
    assert np.mean(found) > least


def test_a_letter_whose_mass_is_at_one_end_stays_inside() -> None:
    """MNIST's way puts the center of mass in the middle: a heavy bar with a long tail would stick out."""
    ink = np.zeros((150, 100), np.uint8)
    ink[10:40, 10:90] = 255
    ink[40:140, 47:53] = 255
    for turns in range(4):
        pixels = to_model_input(np.rot90(ink, turns), style="mnist").reshape(28, 28)
        rows, columns = (np.flatnonzero(pixels.max(axis) > 127) for axis in (1, 0))
        assert max(len(rows), len(columns)) >= 18, "nothing is cut off"
