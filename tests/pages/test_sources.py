"""Pages in HEIC and PDF files, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
import cnnfast as cf
from cnnfast.cli import main
from cnnfast.errors import DataError
from cnnfast.pages import source
from PIL import Image

from tests.support.drawings import bare_png, words


def page() -> Image.Image:
    return Image.fromarray(np.pad(words("REAP   FACT", 60, bold=1), 40, constant_values=255)).convert("RGB")


def test_pixels_are_reduced_by_an_integer_then_to_the_side() -> None:
    assert source.reduced(Image.new("RGB", (4032, 3024)), 2000).shape == (3, 1512, 2016)
    assert source.reduced(Image.new("L", (2900, 1450)), 2000).shape == (3, 1000, 2000)
    assert source.reduced(Image.new("RGBA", (300, 200)), 2000).shape == (3, 200, 300)


def test_heic(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    heif.from_pillow(page()).save(tmp_path / "a.heic", quality=90)
    assert cf.read_page(tmp_path / "a.heic").text == cf.read_page(page()).text
    (tmp_path / "cut.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:900])
    with pytest.raises(DataError, match=r"cut\.heic: the image is damaged: "):
        cf.read_page(tmp_path / "cut.heic")


def test_pdf_of_several_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    file = tmp_path / "a.pdf"
    page().save(file, save_all=True, append_images=[page()], resolution=100)
    assert main(["read", str(file)]) == 0
    out = capsys.readouterr()
    assert len(out.out.split()) == 2
    assert f"note: {file} has 2 pages; only the first is read" in out.err
    (tmp_path / "cut.pdf").write_bytes(file.read_bytes()[:500])
    with pytest.raises(DataError, match=r"cut\.pdf: the image is damaged: "):
        cf.read_page(tmp_path / "cut.pdf")


def test_images_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(bare_png(20_000, 8000))
    with pytest.raises(
        DataError, match=r"bomb\.png: the image has more than 64 million pixels; reduce it first"
    ):
        cf.read_page(tmp_path / "bomb.png")
    page().save(tmp_path / "a.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:1500])
    with pytest.raises(DataError, match=r"cut\.jpg: the image is damaged: "):
        cf.read_page(tmp_path / "cut.jpg")
    with pytest.raises(FileNotFoundError):
        cf.read_page(tmp_path / "none.png")


# ------------------------------------------------------------------ the command


def test_command_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, empty = tmp_path / "a.png", tmp_path / "empty.txt"
    page().save(file)
    empty.write_text("")
    for arguments, message in (
        (["--words", str(tmp_path / "none.txt")], "none.txt: No such file or directory"),
        (["--words", str(empty)], f"{empty}: holds no words"),
        (["--show", str(tmp_path / "none" / "a.png")], "--show"),
        (["--model", str(tmp_path / "none.safetensors")], "none.safetensors"),
    ):
        assert main(["read", str(file), *arguments]) == 1, arguments
        assert message in capsys.readouterr().err
    assert main(["read", str(file), "--show", "a.xyz"]) == 2
    assert "argument --show: 'a.xyz' does not end in .png or .jpg" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "scipy.ndimage", None)
    assert main(["read", str(file)]) == 1
    assert 'needs the package scipy: pip install "cnnfast[read]"' in capsys.readouterr().err


def test_command_refuses_a_model_that_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page().save(tmp_path / "a.png")
    color = tmp_path / "color.safetensors"
    cf.nn.Sequential(cf.nn.Flatten(), cf.nn.Linear(12, 2)).save(color)
    assert main(["read", str(tmp_path / "a.png"), "--model", str(color)]) == 1
    message = f"{color}: read_page: the model does not take images of one letter"
    assert message in capsys.readouterr().err
