"""Picture files: every kind that is read; what is refused, by name and reason: bombs, torsos, forgeries."""

from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from cnnfast.errors import DataError
from cnnfast.pictures import load_picture, to_model_input

from tests.drawings import bare_png, drawing, similarity

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """What the drawing looks like to a network, taken from the cleanest picture of it."""
    return to_model_input(drawing())


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tif", "webp", "pgm"])
def test_kinds_of_files(ending: str, expected: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / f"letter.{ending}"
    drawing().save(file)
    assert similarity(load_picture(file), expected) > 0.98
    assert similarity(load_picture(str(file)), expected) > 0.98


@pytest.mark.parametrize("kind", ["16 bit png", "16 bit big-endian tiff"])
def test_deep_files(kind: str, expected: np.ndarray, tmp_path: Path) -> None:
    values = np.asarray(drawing()).astype(np.uint16) * 257
    if kind == "16 bit png":
        file = tmp_path / "deep.png"
        Image.fromarray(values).save(file)
    else:
        file = tmp_path / "deep.tif"
        file.write_bytes(big_endian_tiff(values))
    assert similarity(load_picture(file), expected) > 0.98


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
    assert similarity(load_picture(tmp_path / "turned.jpg"), expected) > 0.98


def test_the_first_frame_of_an_animation(expected: np.ndarray, tmp_path: Path) -> None:
    blank = Image.new("L", (300, 300), 255)
    drawing().save(tmp_path / "two.gif", save_all=True, append_images=[blank])
    assert similarity(load_picture(tmp_path / "two.gif"), expected) > 0.98


def test_a_large_photo(expected: np.ndarray, tmp_path: Path) -> None:
    drawing().resize((6000, 6000)).save(tmp_path / "large.jpg")
    assert similarity(load_picture(tmp_path / "large.jpg"), expected) > 0.98


def refusal(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_picture(file)
    return str(caught.value)


def test_a_small_file_that_would_unpack_to_gigabytes(tmp_path: Path) -> None:
    text = "the picture has more than 64 million pixels; reduce it first"
    for n, width in enumerate((8001, 20_000, 2_000_000)):  # ours, pillow's warning, pillow's error
        file = tmp_path / f"bomb{n}.png"
        file.write_bytes(bare_png(width, 8000))
        assert refusal(file) == f"{file}: {text}"


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"%PDF-1.4", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_not_a_picture(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(content)
    assert refusal(file) == (
        f"{file}: not a picture of a known kind (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM); "
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
            with contextlib.suppress(DataError):
                assert load_picture(file).shape == (28, 28)


def test_a_damaged_picture_says_so(tmp_path: Path) -> None:
    content = bytearray(bare_png(16, 16))
    data = zlib.compress(b"\0" * (17 * 16))
    content[-12 - 4 - len(data) : -12 - 4] = b"x" * len(data)
    file = tmp_path / "a.png"
    file.write_bytes(content)
    assert refusal(file).startswith(f"{file}: the picture is damaged: ")


def test_blank_small_and_missing_files(tmp_path: Path) -> None:
    blank, small = tmp_path / "blank.png", tmp_path / "small.png"
    Image.new("L", (100, 100), 255).save(blank)
    Image.new("L", (7, 30), 255).save(small)
    assert (
        refusal(blank) == f"{blank}: no letter found: the page is blank, or the ink too faint to tell from it"
    )
    assert refusal(small) == f"{small}: the picture is 7x30 pixels; need at least 8x8"
    with pytest.raises(FileNotFoundError):
        load_picture(tmp_path / "none.png")
    with pytest.raises(IsADirectoryError):
        load_picture(tmp_path)
