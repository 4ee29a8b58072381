"""Image files: every kind that is read; what is refused, by name and reason: bombs, torsos, forgeries."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast.errors import DataError
from cnnfast.vision import ImageWarning, load_image, prepare, to_color_input, to_model_input

from tests.support.drawings import bare_png, drawing, similarity

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """What the drawing looks like to a network, taken from the cleanest image of it."""
    return to_model_input(drawing())


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tif", "webp", "pgm"])
def test_kinds_of_files(ending: str, expected: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / f"letter.{ending}"
    drawing().save(file)
    assert similarity(load_image(file), expected) > 0.98
    assert similarity(load_image(str(file)), expected) > 0.98


@pytest.mark.parametrize("kind", ["16 bit png", "16 bit big-endian tiff"])
def test_deep_files(kind: str, expected: np.ndarray, tmp_path: Path) -> None:
    values = np.asarray(drawing()).astype(np.uint16) * 257
    if kind == "16 bit png":
        file = tmp_path / "deep.png"
        Image.fromarray(values).save(file)
    else:
        file = tmp_path / "deep.tif"
        file.write_bytes(big_endian_tiff(values))
    assert similarity(load_image(file), expected) > 0.98


def big_endian_tiff(values: np.ndarray) -> bytes:
    h, w = values.shape
    pixels = values.astype(">u2").tobytes()
    entries = [(256, 4, w), (257, 4, h), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    entries += [(278, 4, h), (279, 4, len(pixels))]
    body = b"".join(
        struct.pack(">HHI", tag, kind, 1) + (struct.pack(">I", v) if kind == 4 else struct.pack(">HH", v, 0))
        for tag, kind, v in entries
    )
    directory = struct.pack(">H", len(entries)) + body + b"\0\0\0\0"
    return b"MM\0*" + struct.pack(">I", 8 + len(pixels)) + pixels + directory


@pytest.mark.parametrize(("mark", "turn"), [(3, 180), (6, 90), (8, 270)])
def test_the_cameras_orientation_mark_is_obeyed(
    mark: int, turn: int, expected: np.ndarray, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = mark
    drawing().rotate(turn, expand=True).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert similarity(load_image(tmp_path / "turned.jpg"), expected) > 0.98


def test_the_first_frame_of_an_animation(expected: np.ndarray, tmp_path: Path) -> None:
    blank = Image.new("L", (300, 300), 255)
    drawing().save(tmp_path / "two.gif", save_all=True, append_images=[blank])
    assert similarity(load_image(tmp_path / "two.gif"), expected) > 0.98


@pytest.mark.slow
def test_a_large_photo(expected: np.ndarray, tmp_path: Path) -> None:
    drawing().resize((6000, 6000)).save(tmp_path / "large.jpg")
    assert similarity(load_image(tmp_path / "large.jpg"), expected) > 0.98


def refusal(file: Any) -> str:
    with pytest.raises(DataError) as caught:
        load_image(file)
    return str(caught.value)


def test_a_small_file_that_would_unpack_to_gigabytes(tmp_path: Path) -> None:
    text = "the image has more than 64 million pixels; reduce it first"
    for n, width in enumerate((8001, 20_000, 2_000_000)):  # ours, pillow's warning, pillow's error
        file = tmp_path / f"bomb{n}.png"
        file.write_bytes(bare_png(width, 8000))
        assert refusal(file) == f"{file}: {text}"


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"%PDF-1.4", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_not_a_image(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(content)
    assert refusal(file) == (
        f"{file}: not an image of a known kind (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM); "
        "a photo in HEIC has to be saved as JPEG first"
    )


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tif", "webp", "pgm"])
def test_files_cut_short(ending: str, tmp_path: Path) -> None:
    whole = tmp_path / f"whole.{ending}"
    drawing().save(whole)
    content = whole.read_bytes()
    cut = tmp_path / f"cut.{ending}"
    for share in (0.3, 0.6, 0.9):
        cut.write_bytes(content[: int(len(content) * share)])
        assert refusal(cut).startswith(f"{cut}: ")


@pytest.mark.slow
def test_damaged_bytes_give_a_data_error_or_an_image(rng: np.random.Generator, tmp_path: Path) -> None:
    files = [tmp_path / f"a.{ending}" for ending in ("png", "jpg", "gif", "tif", "bmp")]
    for file in files:
        drawing().resize((64, 64)).save(file)
        content = bytearray(file.read_bytes())
        for _ in range(30):
            broken = bytearray(content)
            for at in rng.integers(0, len(broken), 4):
                broken[at] = rng.integers(256)
            file.write_bytes(broken)
            with contextlib.suppress(DataError, ImageWarning):
                assert load_image(file).shape == (28, 28)


def test_a_damaged_image_says_so(tmp_path: Path) -> None:
    content = bytearray(bare_png(16, 16))
    data = zlib.compress(b"\0" * (17 * 16))
    content[-12 - 4 - len(data) : -12 - 4] = b"x" * len(data)
    file = tmp_path / "a.png"
    file.write_bytes(content)
    assert refusal(file).startswith(f"{file}: the image is damaged: ")


def test_blank_small_and_missing_files(tmp_path: Path) -> None:
    blank, small = tmp_path / "blank.png", tmp_path / "small.png"
    Image.new("L", (100, 100), 255).save(blank)
    Image.new("L", (7, 30), 255).save(small)
    assert (
        refusal(blank) == f"{blank}: no letter found: the page is blank, or the ink too faint to tell from it"
    )
    assert refusal(small) == f"{small}: the image is 7x30 pixels; need at least 8x8"
    with pytest.raises(FileNotFoundError):
        load_image(tmp_path / "none.png")
    with pytest.raises(IsADirectoryError):
        load_image(tmp_path)


# ------------------------------------------------------------------ the same image by every way in


def turned_jpeg(tmp_path: Path, mark: int) -> Path:
    exif = Image.Exif()
    exif[0x0112] = mark
    file = tmp_path / f"turned{mark}.jpg"
    drawing().save(file, exif=exif)
    return file


@pytest.mark.parametrize(
    "mark", [6, pytest.param(1, marks=pytest.mark.slow), pytest.param(7, marks=pytest.mark.slow)]
)
def test_every_way_in_gives_the_same(mark: int, tmp_path: Path) -> None:
    file = turned_jpeg(tmp_path, mark)
    expected = load_image(file)
    with open(file, "rb") as opened, Unseekable(file) as pipe, Image.open(file) as lazy:
        for source in (str(file), file.read_bytes(), bytearray(file.read_bytes()), opened, pipe, lazy):
            np.testing.assert_array_equal(to_model_input(source), expected)
    with Image.open(file) as loaded:
        loaded.load()
        before = loaded.tobytes(), loaded.size, dict(loaded.getexif())
        np.testing.assert_array_equal(load_image(loaded), expected)
        np.testing.assert_array_equal(prepare(loaded).pixels, expected)
        assert (loaded.tobytes(), loaded.size, dict(loaded.getexif())) == before


class Unseekable(io.FileIO):
    """A file that can only be read on, like a pipe."""

    def seekable(self) -> bool:
        return False

    def seek(self, *at: int) -> int:
        raise io.UnsupportedOperation("seek")


@pytest.mark.slow
def test_a_large_photo_is_the_same_by_every_way_in(tmp_path: Path) -> None:
    drawing().resize((3000, 2000)).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        np.testing.assert_array_equal(to_model_input(image), load_image(tmp_path / "a.jpg"))


def test_wrong_file_objects(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with open(tmp_path / "a.txt") as text, pytest.raises(TypeError) as caught:
        load_image(text)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "load_image: the file object gives str; open it in binary mode: open(path, 'rb')"
    )
    with open(tmp_path / "a.txt", "rb") as binary:
        assert refusal(binary).startswith(f"{tmp_path / 'a.txt'}: not an image of a known kind")
    assert refusal(b"hello").startswith("not an image of a known kind")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == (
        f"{tmp_path / 'pipe'}: is not a regular file; pass the contents of a pipe as bytes "
        "(- for standard input)"
    )


# ------------------------------------------------------------------ every mode of pillow

MODES = (
    *(
        "1",
        "L",
        "P",
        "RGB",
        "RGBA",
        "CMYK",
        "YCbCr",
        "LAB",
        "HSV",
        "I",
        "F",
        "LA",
        "La",
        "PA",
        "RGBX",
        "RGBa",
    ),
    *("I;16", "I;16L", "I;16B", "I;16N"),
)


def in_mode(mode: str) -> Any:
    """The drawing, dark on light, in any mode."""
    page = drawing()
    flat = Image.new("L", page.size, 128)
    if mode == "LAB":
        return Image.merge("LAB", (page, flat, flat))
    if mode in ("La", "RGBa"):
        return page.convert({"La": "LA", "RGBa": "RGBA"}[mode]).convert(mode)
    if mode == "PA":
        return page.convert("P").convert("PA")
    if mode.startswith("I;16"):
        order = ">" if mode == "I;16B" else "<"
        values = (np.asarray(page).astype(np.uint16) * 257).astype(f"{order}u2")
        return Image.frombytes(mode, page.size, values.tobytes())
    return (
        page.convert("RGB").convert(mode) if mode in ("HSV", "RGBX", "YCbCr", "CMYK") else page.convert(mode)
    )


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow(mode: str, expected: np.ndarray) -> None:
    image = in_mode(mode)
    assert image.mode == mode
    assert similarity(to_model_input(image), expected) > 0.96
    colors = to_color_input(image, (32, 32))
    assert colors.shape == (3, 32, 32)
    assert colors.dtype == np.uint8
    assert colors[:, 1, 1].min() > 200  # the page is light


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.slow
def test_every_mode_through_files(mode: str, tmp_path: Path) -> None:
    """What pillow can write in this mode is read, or refused with its name."""
    image, read, refused = in_mode(mode), 0, []
    for ending in ("png", "jpg", "bmp", "gif", "tif", "webp", "ppm"):
        file = tmp_path / f"a.{ending}"
        try:
            image.save(file)
        except (OSError, KeyError, ValueError):  # pillow cannot
            continue
        try:
            load_image(file)
            read += 1
        except DataError as error:
            refused.append(str(error).startswith(f"{file}: "))
    assert all(refused)
    assert read > 0 or mode in ("HSV", "La", "RGBa", "I;16L", "I;16N", "PA")


@pytest.mark.parametrize(
    "error",
    [
        OSError("broken data stream"),
        SyntaxError("broken chunk"),
        KeyError("Image Mode"),
        RuntimeError("x"),
        MemoryError(),
        TypeError("bad tag"),
        AssertionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_decoder_raises_names_the_file(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(image: object) -> None:
        raise error

    file = tmp_path / "a.bmp"
    drawing().save(file)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    assert refusal(file).startswith(f"{file}: the image is damaged: ")


@pytest.mark.slow
def test_mutated_files_give_a_data_error_or_an_image(rng: np.random.Generator, tmp_path: Path) -> None:
    for ending in ("png", "jpg", "gif", "tif", "bmp", "webp", "ppm"):
        whole = io.BytesIO()
        small = in_mode("RGB").resize((40, 40))
        small.save(whole, {"jpg": "JPEG", "tif": "TIFF"}.get(ending, ending))
        for _ in range(12):
            content = bytearray(whole.getvalue())
            at = int(rng.integers(len(content)))
            kind = int(rng.integers(4))
            if kind == 0:
                del content[at:]
            elif kind == 1:
                content[at : at + 4] = b"\xff\xff\xff\xff"
            elif kind == 2:
                content[at:at] = bytes(rng.integers(0, 256, 8, dtype=np.uint8))
            else:
                del content[at : at + 3]
            with contextlib.suppress(DataError, ImageWarning):
                load_image(bytes(content))
