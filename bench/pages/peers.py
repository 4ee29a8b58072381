"""Readers of the same image files: cnnfast, Tesseract as a program, EasyOCR as a package."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cnnfast as cf
from cnnfast.nn import serialization

from bench.memory import forget_peak, resident
from bench.pages.layout import Letters
from bench.pages.truth import Box, Letter, Page

#: One block of lines, English. A list of the allowed characters would lose most of its spaces.
TESSERACT = ("--psm", "6", "-l", "eng", "-c", "hocr_char_boxes=1", "hocr")
POLL = 0.005  # seconds


@dataclass(frozen=True)
class Reading:
    """What a reader made of a page, or the error; peak resident memory of its process in megabytes."""

    page: Page
    seconds: float
    megabytes: float | None = None
    error: str | None = None


Reader = Callable[[Path], Reading]


def readers(model: str | None = None) -> tuple[dict[str, Reader], dict[str, str]]:
    """Those that can run here, and why others are left out."""
    found: dict[str, Reader] = {}
    left_out: dict[str, str] = {}
    for name, make in (
        ("cnnfast", lambda: _cnnfast(model)),
        ("tesseract", _tesseract),
        ("easyocr", _easyocr),
    ):
        try:
            found[name] = make()
        except LookupError as error:
            left_out[name] = error.args[0]
    return found, left_out


def in_process(read: Callable[[Path], Page]) -> Reader:
    """Measures a function. An error of the reader counts as a page without letters."""

    def reader(path: Path) -> Reading:
        linux = Path("/proc/self/clear_refs").exists()
        if linux:
            forget_peak()
        start = time.perf_counter()
        page, problem = Page(), None
        try:
            page = read(path)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        return Reading(page, time.perf_counter() - start, resident("VmHWM") if linux else None, problem)

    return reader


def _cnnfast(model: str | None) -> Reader:
    if importlib.util.find_spec("scipy") is None:
        raise LookupError('scipy is not installed (pip install "cnnfast[read]")')
    loaded = _letters_model(model)
    return in_process(lambda path: from_read_page(cf.read_page(path, loaded)))


def _letters_model(path: str | None) -> Any:
    return serialization.load(path) if path else cf.models.pretrained("letters")


def from_read_page(read: Any) -> Page:
    """The result of `cf.read_page`."""
    lines = [
        [
            [Letter(x.text, tuple(map(float, x.box)), x.confidence) for x in word.letters]
            for word in line.words
        ]
        for line in read.lines
    ]
    return Page(lines)


def single_letters(model: str | None, letters: Letters) -> Reader:
    """What the classifier says of the data set's own images of the letters, in the true boxes: how well a
    page can be read at best. Needs the file of the page's truth beside the image.
    """
    classify = _letters_model(model)

    def read(path: Path) -> Page:
        data = json.loads(path.with_suffix(".json").read_text("utf-8"))
        page = Page.from_dict(data)
        probabilities = classify.predict_proba(letters.images[data["rows"]])
        answers = iter(zip(probabilities.argmax(1), probabilities.max(1), strict=True))

        def answer(letter: Letter) -> Letter:
            best, confidence = next(answers)
            return Letter(letters.names[best], letter.box, float(confidence))

        return Page([[[answer(letter) for letter in word] for word in line] for line in page.lines])

    return in_process(read)


def _tesseract() -> Reader:
    program = shutil.which("tesseract")
    if program is None:
        raise LookupError("there is no program 'tesseract' (Debian: apt-get install tesseract-ocr)")

    def reader(path: Path) -> Reading:
        command = [program, str(path), "stdout", *TESSERACT]
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            peak = None
            while True:
                peak = peak_of(process.pid) or peak
                try:
                    out = process.communicate(timeout=POLL)[0]
                    break
                except subprocess.TimeoutExpired:
                    continue
        seconds = time.perf_counter() - start
        if process.returncode:
            return Reading(Page(), seconds, peak, f"tesseract: exit code {process.returncode}")
        return Reading(from_hocr(out.decode()), seconds, peak)

    return reader


def peak_of(pid: int) -> float | None:
    """Peak resident memory of a running process so far, in megabytes; None where /proc does not have it."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("ascii"))
    except OSError:
        return None
    return int(found[1]) * 1024 / 1e6 if found else None


def from_hocr(text: str) -> Page:
    """Tesseract's HTML with a box and a confidence (percent) for each character."""
    root = ElementTree.fromstring(text)
    lines = []
    for line in of_class(root, "ocr_line", "ocr_header", "ocr_textfloat", "ocr_caption"):
        words = [[character(x) for x in of_class(word, "ocrx_cinfo")] for word in of_class(line, "ocrx_word")]
        lines.append([word for word in words if word])
    return Page([line for line in lines if line])


def of_class(element: ElementTree.Element, *names: str) -> Iterator[ElementTree.Element]:
    return (inner for inner in element.iter() if inner.get("class") in names)


def character(element: ElementTree.Element) -> Letter:
    """`title` is like "x_bboxes 10 20 30 40; x_conf 98.5"."""
    properties = dict(part.strip().split(" ", 1) for part in element.get("title", "").split(";"))
    left, top, right, bottom = (float(edge) for edge in properties["x_bboxes"].split())
    box: Box = (left, top, right, bottom)
    return Letter("".join(element.itertext()), box, float(properties["x_conf"]) / 100)


def _easyocr() -> Reader:
    """EasyOCR gives words, not letters, so that only its text is compared."""
    if importlib.util.find_spec("easyocr") is None:
        raise LookupError("easyocr is not installed (pip install easyocr)")
    import easyocr

    try:
        reader = easyocr.Reader(["en"], gpu=False, download_enabled=False, verbose=False)
    except FileNotFoundError:
        raise LookupError(
            "easyocr has no weights on this machine; it downloads them when first used"
        ) from None
    return in_process(lambda path: from_words(reader.readtext(str(path))))


def from_words(found: list[tuple[list[list[float]], str, float]]) -> Page:
    """Words (four corners, text, confidence) in lines: a word whose middle is below the line's begins one."""
    words = sorted(
        (sum(y for _, y in at) / 4, min(x for x, _ in at), max(y for _, y in at), text)
        for at, text, _ in found
    )
    lines: list[list[tuple[float, str]]] = []
    bottom = float("-inf")
    for middle, left, low, text in words:
        if middle > bottom:
            lines.append([])
            bottom = low
        lines[-1].append((left, text))
    return Page.from_text("\n".join(" ".join(text for _, text in sorted(line)) for line in lines))
