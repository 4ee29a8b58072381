"""Images of a letter, however they come, end as the same 28x28 image; what is none is refused by name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets
from cnnfast.errors import DataError
from cnnfast.vision import (
    ImageWarning,
    as_text,
    components,
    load_image,
    normalize,
    prepare,
    reading,
    threshold,
    to_color_input,
    to_model_input,
)

from tests.support.drawings import blob, cropped, drawing, photo, similarity, words

Image = pytest.importorskip("PIL.Image")
BLANK = "no letter found: the page is blank, or the ink too faint to tell from it"


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


def in_the_middle(ink: np.ndarray) -> np.ndarray:
    return np.pad(ink, 30)


CUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "at the ink": lambda ink: ink,
    "a pixel around": lambda ink: np.pad(ink, 1),
    "room below and at the right": lambda ink: np.pad(ink, ((0, 25), (0, 25))),
    "room above and at the left": lambda ink: np.pad(ink, ((25, 0), (25, 0))),
    "border at one side": lambda ink: np.pad(ink, ((0, 0), (0, 25))),
    "into the ink": lambda ink: ink[2:-2, 2:-2],
}


@pytest.fixture(scope="module")
def large_glyphs() -> list[np.ndarray]:
    """Ink 0..255 on 0, cropped at the ink; not those that are one bar."""
    images = datasets.glyphs(40, seed=3, size=96).images
    return [255 - cropped(255 - image) for image in images if min(cropped(255 - image).shape) > 24]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.slow
def test_the_border_does_not_matter(cut: str, large_glyphs: list[np.ndarray]) -> None:
    for ink in large_glyphs[::2]:
        expected = to_model_input(255 - in_the_middle(ink))
        for image in (CUTS[cut](ink), 255 - CUTS[cut](ink)):
            assert similarity(to_model_input(image), expected) > (0.85 if cut == "into the ink" else 0.96)


@pytest.mark.parametrize("text", list("EFTLHZBDMWOSQabegk48"))
@pytest.mark.parametrize("bold", [0, 3])
@pytest.mark.slow
def test_printed_letters_cut_out_tightly(text: str, bold: int) -> None:
    page = words(text, size=90, bold=bold)
    expected = to_model_input(page)
    assert similarity(to_model_input(cropped(page)), expected) > 0.96
    assert similarity(to_model_input(255 - cropped(page)), expected) > 0.96


def test_a_letter_of_the_final_size_cut_out_tightly() -> None:
    """All four corners of an E are ink, at full strength: the border is not empty all the same."""
    page = np.full((28, 28), 255, np.uint8)
    page[:, :3] = page[:3] = page[13:16, :24] = page[-3:] = 0
    for image in (page, 255 - page):
        x = to_model_input(image)
        assert x[14, 8] > 200
        assert x[9, 18] < 60


@pytest.mark.parametrize(
    "image", [drawing(), np.pad(gray(drawing())[40:270, 70:240], 0)], ids=["margin", "cut"]
)
def test_given_ink(image: object) -> None:
    dark = gray(Image.fromarray(image) if isinstance(image, np.ndarray) else image)
    expected = to_model_input(dark)
    np.testing.assert_array_equal(to_model_input(dark, ink="dark"), expected)
    np.testing.assert_array_equal(to_model_input(255 - dark, ink="light"), to_model_input(255 - dark))
    assert similarity(to_model_input(255 - dark, ink="light"), expected) > 0.96
    with contextlib.suppress(DataError, ImageWarning):  # what is around the letter, if anything
        assert similarity(to_model_input(dark, ink="light"), expected) < 0.6


def test_given_ink_of_an_image_taken_as_it_is() -> None:
    x = np.zeros((28, 28), np.uint8)
    x[5:20, 3:9] = 255
    np.testing.assert_array_equal(to_model_input(x, ink="light"), x)
    np.testing.assert_array_equal(to_model_input(255 - x, ink="dark"), x)
    with contextlib.suppress(DataError):  # the page as the letter, or nothing
        assert (prepare(x, ink="dark").pixels != x).any()


# ------------------------------------------------------------------ is it one letter?


def warning_for(image: np.ndarray) -> str:
    return prepare(image).warning


@pytest.mark.parametrize(
    "text", ["ab", "cat", "Hello", "two\nrows", "a page of\nseveral rows\nof letters", "1 2"]
)
def test_several_letters_get_a_warning(text: str) -> None:
    assert warning_for(words(text)) == "several letters: part of a page?"
    assert warning_for(255 - words(text)) == "several letters: part of a page?"


def test_a_blob_gets_a_warning() -> None:
    y, x = np.mgrid[-1:1:200j, -1:1:200j]
    square = np.where(np.maximum(abs(x), abs(y)) < 0.6, 0, 255).astype(np.uint8)
    ellipse = np.where(np.hypot(x, 1.5 * y) < 0.8, 0, 255).astype(np.uint8)
    for image in (blob(), ellipse, square):
        try:
            assert warning_for(image) == "no strokes: a blob or part of a scene?"
        except DataError as error:  # wide enough to be taken for a shadow
            assert str(error) == BLANK  # noqa: PT017


def test_a_scene_gets_a_warning_or_is_blank(rng: np.random.Generator) -> None:
    """Random shapes of random brightness over each other, as in a photo. Few look like a letter."""
    y, x = np.mgrid[0:200, 0:200]
    passed = 0
    for _ in range(8):
        scene = np.full((200, 200), 128.0)
        for _ in range(60):
            (top, left), (a, b), level = rng.uniform(0, 200, 2), rng.uniform(5, 40, 2), rng.uniform(0, 255)
            scene[((y - top) / a) ** 2 + ((x - left) / b) ** 2 < 1] = level
        try:
            passed += warning_for(scene.astype(np.uint8)) == ""
        except DataError as error:
            assert str(error) == BLANK  # noqa: PT017
    assert passed <= 2


@pytest.mark.parametrize("bold", [0, pytest.param(4, marks=pytest.mark.slow)])
def test_printed_letters_get_no_warning(bold: int) -> None:
    for text in "aijgkmqwxABEHIKMRW01468":
        assert warning_for(words(text, size=90, bold=bold)) == "", text


def test_a_letter_of_broken_strokes_gets_no_warning() -> None:
    page = np.asarray(drawing()).copy()
    page[180:186] = 255  # through the bowl's end and the stem
    assert warning_for(page) == ""


def test_a_warning_is_issued_by_the_functions_that_return_an_array() -> None:
    for function in (to_model_input, load_image):
        with pytest.warns(ImageWarning, match="several letters") as caught:
            assert function(words("abc")).shape == (28, 28)
        assert caught[0].filename == __file__


# ------------------------------------------------------------------ nothing to read


@pytest.mark.parametrize("slope", [0.0, 0.2, 0.35])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.06])
def test_blank_pages(slope: float, noise: float) -> None:
    page = Image.new("L", (300, 300), 255)
    with pytest.raises(DataError) as caught:
        to_model_input(photo(page, slope=slope, noise=noise))
    assert str(caught.value) == BLANK


def test_a_transparent_image_is_blank() -> None:
    with pytest.raises(DataError, match=BLANK):
        to_model_input(Image.new("RGBA", (50, 50), (0, 0, 0, 0)))


# ------------------------------------------------------------------ wrong arguments

WRONG = {
    "list": (
        lambda: to_model_input([[0, 1]]),  # type: ignore[arg-type]
        TypeError,
        "to_model_input: image is a list; need a path, bytes, a binary file object, a pillow image or a "
        "NumPy array",
    ),
    "int64": (
        lambda: to_model_input(np.zeros((28, 28), np.int64)),
        TypeError,
        "to_model_input: image has dtype int64; need uint8, uint16, bool, float32 or float64: "
        "use image.astype(np.uint8) for values 0..255",
    ),
    "one row": (
        lambda: to_model_input(np.zeros(784, np.uint8)),
        ValueError,
        "to_model_input: image has shape (784,) and dtype uint8; "
        "need (h, w), or (h, w, 3) or (h, w, 4) of uint8",
    ),
    "channels first": (
        lambda: to_model_input(np.zeros((3, 28, 28), np.uint8)),
        ValueError,
        "to_model_input: image has shape (3, 28, 28) and dtype uint8; "
        "need (h, w), or (h, w, 3) or (h, w, 4) of uint8",
    ),
    "floats to 255": (
        lambda: to_model_input(np.full((28, 28), 255.0)),
        ValueError,
        "to_model_input: image holds values from 255 to 255; need floats in 0..1, or uint8",
    ),
    "nan": (
        lambda: to_model_input(np.full((28, 28), np.nan)),
        ValueError,
        "to_model_input: image holds values from nan to nan; need floats in 0..1, or uint8",
    ),
    "empty": (
        lambda: to_model_input(np.zeros((0, 28), np.uint8)),
        DataError,
        "the image is 28x0 pixels; need at least 8x8",
    ),
    "size": (
        lambda: to_model_input(drawing(), size=7),
        ValueError,
        "to_model_input: size 7; need at least 8",
    ),
    "ink": (
        lambda: to_model_input(drawing(), ink="black"),  # type: ignore[arg-type]
        ValueError,
        "to_model_input: ink 'black'; need 'auto', 'dark' or 'light'",
    ),
    "size of colors": (
        lambda: to_color_input(drawing(), (0, 9)),
        ValueError,
        "to_color_input: size (0, 9); need at least (1, 1)",
    ),
    "style": (
        lambda: to_model_input(drawing(), style="usps"),  # type: ignore[arg-type]
        ValueError,
        "to_model_input: style 'usps'; need 'emnist' or 'mnist'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case: str) -> None:
    call, kind, text = WRONG[case]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text


# ------------------------------------------------------------------ the parts


@pytest.mark.slow
def test_components_are_labeled_as_by_flood_fill(rng: np.random.Generator) -> None:
    for h, w, share in ((1, 1, 1.0), (1, 9, 0.5), (9, 1, 0.5), (17, 23, 0.4), (31, 29, 0.6), (5, 5, 0.0)):
        mask = rng.random((h, w)) < share
        labels, count = components.label(mask)
        assert ((labels > 0) == mask).all()
        assert set(np.unique(labels)) - {0} == set(range(1, count + 1))
        seen: set[int] = set()
        for y, x in np.argwhere(mask):
            component = flood(mask, int(y), int(x))
            numbers = {int(labels[p]) for p in component}
            assert len(numbers) == 1
            assert len(component) == (labels == labels[y, x]).sum()
            seen |= numbers
        assert len(seen) == count


def flood(mask: np.ndarray, y: int, x: int) -> set[tuple[int, int]]:
    found, edge = {(y, x)}, [(y, x)]
    while edge:
        y, x = edge.pop()
        for at in [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]:
            if 0 <= at[0] < mask.shape[0] and 0 <= at[1] < mask.shape[1] and mask[at] and at not in found:
                found.add(at)
                edge.append(at)
    return found


def test_otsu_splits_two_heaps_between_them(rng: np.random.Generator) -> None:
    values = np.concatenate([rng.normal(0.2, 0.02, 900), rng.normal(0.8, 0.02, 100)]).astype(np.float32)
    assert 0.3 < threshold.otsu(values) < 0.7
    assert threshold.otsu(np.full(9, 0.5, np.float32)) == 0.5


def test_soften_is_a_gaussian() -> None:
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 1
    blurred = normalize.blur(dot, 3.0).astype(float)
    y = np.arange(41) - 20.0
    assert blurred.sum() == pytest.approx(1, abs=1e-6)
    assert (blurred.sum(1) * y**2).sum() == pytest.approx(9, rel=0.01)


def test_stroke_width_of_a_bar() -> None:
    bar = np.zeros((60, 200), np.float32)
    bar[25:35, 5:195] = 1
    assert normalize.stroke_width(bar) == pytest.approx(10, rel=0.1)


def test_as_text_shows_page_and_ink() -> None:
    assert as_text(np.array([[0, 255, 0], [0, 0, 0]], np.uint8)) == "  @@\n"


def test_grey_is_reduced_to_at_most_1024() -> None:
    assert reading.to_gray(Image.new("L", (1500, 3000))).shape == (1000, 500)
    assert reading.to_gray(Image.new("L", (8, 1024))).shape == (1024, 8)


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
def test_real_characters_come_back_from_a_photo(
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
