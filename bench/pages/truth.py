"""What is written on a page: lines of words of letters with their boxes, as truth and as a reader's result.

The JSON form is that of the files beside the images of `--save` and of the folder pages/:
{"ways": [...], "lines": [[{"text": "cat", "boxes": [[left, top, right, bottom], ...]}, ...], ...]}.
`boxes` may be null if they are not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the image
SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Letter:
    text: str
    box: Box | None = None
    confidence: float = 1.0


Word = list[Letter]


@dataclass
class Page:
    """Lines of words of letters, in reading order; `ways` names how the page was photographed."""

    lines: list[list[Word]] = field(default_factory=list)
    ways: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Lower case, words separated by a space, lines by a newline."""
        lines = (" ".join("".join(letter.text for letter in word) for word in line) for line in self.lines)
        return "\n".join(lines).lower()

    def letters(self) -> Iterator[tuple[Letter, int, int]]:
        """Each letter with the number of its line, and that of its word on the page."""
        words = 0
        for i, line in enumerate(self.lines):
            for word in line:
                for letter in word:
                    yield letter, i, words
                words += 1

    @property
    def has_boxes(self) -> bool:
        return all(letter.box is not None for letter, _, _ in self.letters())

    def to_dict(self) -> dict[str, Any]:
        def word(letters: Word) -> dict[str, Any]:
            boxes = [letter.box and [round(edge, 1) for edge in letter.box] for letter in letters]
            known = None if None in boxes else boxes
            return {"text": "".join(letter.text for letter in letters), "boxes": known}

        return {"ways": list(self.ways), "lines": [[word(w) for w in line] for line in self.lines]}

    @classmethod
    def from_dict(cls, data: dict[str, Any], name: str = "page") -> Page:
        """Raises ValueError if a word has another number of boxes than characters."""

        def word(given: dict[str, Any]) -> Word:
            text, boxes = given["text"], given.get("boxes")
            if boxes is not None and len(boxes) != len(text):
                raise ValueError(f"{name}: {text!r} has {len(boxes)} boxes; expected {len(text)}")
            return [Letter(text[i], tuple(boxes[i]) if boxes else None) for i in range(len(text))]

        return cls([[word(w) for w in line] for line in data["lines"]], tuple(data.get("ways", ())))

    @classmethod
    def from_text(cls, text: str) -> Page:
        """A page without boxes."""
        return cls(
            [
                [[Letter(c) for c in word] for word in line.split()]
                for line in text.splitlines()
                if line.strip()
            ]
        )


def load_folder(folder: Path) -> Sequence[tuple[Path, Page]]:
    """The images of a folder that have a JSON file of the same name, with their truth."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        beside = path.with_suffix(".json")
        if path.suffix.lower() in SUFFIXES and beside.exists():
            found.append((path, Page.from_dict(json.loads(beside.read_text("utf-8")), beside.name)))
    return found
