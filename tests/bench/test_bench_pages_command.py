"""`python -m bench.pages` with stub readers: table, files, absent and failing readers; output of peers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bench.pages import __main__ as command
from bench.pages import generate, layout, peers, timing
from bench.pages.truth import Page

HOCR = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><body><div class="ocr_page">
<span class="ocr_line" title="bbox 1 2 90 20"><span class="ocrx_word" title="bbox 1 2 30 20">
<span class="ocrx_cinfo" title="x_bboxes 1 2 11 20; x_conf 98.5">O</span>
<span class="ocrx_cinfo" title="x_bboxes 13 2 30 20; x_conf 50">n</span></span>
<span class="ocrx_word" title="bbox 50 2 60 20">
<span class="ocrx_cinfo" title="x_bboxes 50 2 60 20; x_conf 90">a</span></span></span>
<span class="ocr_line" title="bbox 1 40 90 60"><span class="ocrx_word" title="x"> </span></span>
</div></body></html>"""


@pytest.fixture(autouse=True)
def _few_letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    images = np.zeros((26, 28, 28), np.uint8)
    images[:, 2:26, 8:20] = 255
    letters = layout.Letters(images, np.arange(26), list("abcdefghijklmnopqrstuvwxyz"))
    monkeypatch.setattr(generate, "held_out_letters", lambda: letters)
    sure = np.full(26, 0.01)
    sure[0] = 0.75
    everything_is_a = SimpleNamespace(predict_proba=lambda images: np.tile(sure, (len(images), 1)))
    monkeypatch.setattr(peers, "_letters_model", lambda path: everything_is_a)
    monkeypatch.setattr(layout, "HEIGHT", (20, 21))
    monkeypatch.setattr(generate, "LINES", (1, 2))
    monkeypatch.setattr(command, "CONTRIBUTED", tmp_path / "none")


def truthful(path: Path) -> Page:
    return Page.from_dict(json.loads(path.with_suffix(".json").read_text()))


def with_readers(monkeypatch: pytest.MonkeyPatch, **readers: Callable[[Path], Page]) -> None:
    found = {name: peers.in_process(reader) for name, reader in readers.items()}
    monkeypatch.setattr(peers, "readers", lambda model: (found, {"tesseract": "there is no such program"}))


def test_the_table_the_pages_and_the_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_readers(monkeypatch, cnnfast=truthful)
    folder, result = tmp_path / "out", tmp_path / "result.json"
    assert command.main(["--pages", "9", "--save", str(folder), "--json", str(result)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 2 * (9 + 1) + 1
    assert lines[2].startswith("| cnnfast | clean | 1 | 100.0 % | 100.0 % | 0.0 % |")
    assert lines[11].startswith("| cnnfast | all | 9 | 100.0 % | 100.0 % | 0.0 % |")
    assert lines[21].startswith("| single letters | all | 9 | 100.0 % |")
    assert lines[22] == "left out: tesseract: there is no such program"
    assert len(list(folder.glob("*.json"))) == 9
    assert (folder / "006-noise.jpg").exists()
    outcome = json.loads(result.read_text())
    assert outcome["summary"][9]["character_error_rate"] == 0
    assert [page["page"] for page in outcome["pages"]][1:3] == ["000-clean.png", "001-skew.png"]


def test_a_failing_reader_is_named_and_counts_as_nothing_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(path: Path) -> Page:
        raise ValueError("no ink")

    with_readers(monkeypatch, cnnfast=broken)
    assert command.main(["--pages", "1"]) == 0
    out = capsys.readouterr().out
    assert "| cnnfast | clean | 1 | 0.0 % |  | 100.0 % |" in out
    assert "failed: cnnfast, 000-clean.png: ValueError: no ink" in out


def test_contributed_photographs_are_a_group_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / "a.json").write_text('{"license": "CC0-1.0", "lines": [[{"text": "four"}]]}')
    monkeypatch.setattr(command, "CONTRIBUTED", tmp_path)
    with_readers(monkeypatch, cnnfast=truthful)
    assert command.main(["--pages", "0"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[2].startswith("| cnnfast | real | 1 |  |  | 0.0 % |")
    assert rows[3].startswith("left out")


def test_bad_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with_readers(monkeypatch, cnnfast=truthful)
    assert command.main(["--pages", "-1"]) == 2
    assert capsys.readouterr().err == "bench.pages: --pages and --seed must be at least 0\n"
    assert command.main(["--readers", "abbyy"]) == 2
    assert "there is no reader 'abbyy'; expected cnnfast, tesseract or easyocr" in capsys.readouterr().err


def test_single_letters_are_the_answers_to_the_images_of_the_data_set(tmp_path: Path) -> None:
    letters = generate.held_out_letters()
    [(_, path, page)] = command.write_pages(tmp_path, 1, 0, ["clean"], letters)
    reading = peers.single_letters(None, letters)(path)
    assert reading.error is None
    assert reading.page.text == re.sub("[a-z]", "a", page.text)
    assert {letter.confidence for letter, _, _ in reading.page.letters()} == {0.75}


def test_time_reads_a_page_in_a_fresh_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = []

    def measured(path: Path) -> dict[str, float]:
        with Image.open(path) as image:
            sizes.append(image.width * image.height)
        return {"letters": 300, "first": 2.0, "again": 0.5, "cpu": 0.4, "megabytes": 200.0}

    monkeypatch.setattr(timing, "measured", measured)
    monkeypatch.setattr(timing, "PIXELS", 3_000_000)
    assert command.main(["--time"]) == 0
    assert capsys.readouterr().out.splitlines()[3] == (
        "| 12 megapixels | 300 | 2.00 s | 0.50 s | 0.40 s | 200 |"
    )
    assert sizes[1] == pytest.approx(3_000_000, rel=0.01)


# --- peers ------------------------------------------------------------------------------------------


def test_absent_peers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers.shutil, "which", lambda name: None)
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    found, left_out = peers.readers()
    assert found == {}
    assert left_out == {
        "cnnfast": 'scipy is not installed (pip install "cnnfast[read]")',
        "tesseract": "there is no program 'tesseract' (Debian: apt-get install tesseract-ocr)",
        "easyocr": "easyocr is not installed (pip install easyocr)",
    }


def test_tesseract_html_becomes_a_page() -> None:
    page = peers.from_hocr(HOCR)
    assert page.text == "on a"
    assert [letter.box for letter, _, _ in page.letters()] == [
        (1, 2, 11, 20),
        (13, 2, 30, 20),
        (50, 2, 60, 20),
    ]
    assert [letter.confidence for letter, _, _ in page.letters()] == [0.985, 0.5, 0.9]


def test_words_become_lines_from_left_to_right() -> None:
    def word(x: float, y: float, text: str) -> tuple[list[list[float]], str, float]:
        return [[x, y], [x + 50, y], [x + 50, y + 20], [x, y + 20]], text, 0.9

    found = [word(100, 3, "score"), word(0, 40, "and"), word(0, 0, "four"), word(80, 38, "ten")]
    assert peers.from_words(found).text == "four score\nand ten"


def test_the_result_of_read_page() -> None:
    letter = SimpleNamespace(text="a", box=(1, 2, 3, 4), confidence=0.5, alternatives=[], is_sure=False)
    line = SimpleNamespace(words=[SimpleNamespace(letters=[letter], text="a")])
    page = peers.from_read_page(SimpleNamespace(lines=[line]))
    assert page.text == "a"
    assert page.lines[0][0][0].box == (1.0, 2.0, 3.0, 4.0)
