"""The result of reading a page: lines of words of letters, with boxes in pixels of the upright image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[int, int, int, int]

SURE = 0.7
"""Letters with a lower confidence are marked."""


@dataclass(frozen=True)
class Letter:
    """One character.

    Attributes:
        box: (left, top, right, bottom) in pixels of the upright image; right and bottom are exclusive.
        text: The character.
        confidence: Its probability, 0..1.
        alternatives: The three most likely characters with their probabilities.
    """

    box: Box
    text: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...]

    @property
    def is_sure(self) -> bool:
        """Whether the confidence is at least 0.7."""
        return self.confidence >= SURE


@dataclass(frozen=True)
class Word:
    """Letters without a space between them."""

    letters: tuple[Letter, ...]

    @property
    def text(self) -> str:
        return "".join(letter.text for letter in self.letters)


@dataclass(frozen=True)
class Line:
    """Words from left to right."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, eq=False)
class Page:
    """Lines from top to bottom.

    Attributes:
        lines: The lines.
        shape: (h, w) of the upright image.
        image: The upright image.
    """

    lines: tuple[Line, ...]
    shape: tuple[int, int]
    image: Image.Image

    @property
    def text(self) -> str:
        """Lines joined by a newline, words by a space."""
        return "\n".join(line.text for line in self.lines)

    @property
    def marked(self) -> str:
        """The text, with a question mark after each letter that is not sure."""
        return "\n".join(
            " ".join("".join(x.text + "?" * (not x.is_sure) for x in word.letters) for word in line.words)
            for line in self.lines
        )

    @property
    def letters(self) -> Iterator[Letter]:
        """All letters in reading order."""
        return (letter for line in self.lines for word in line.words for letter in word.letters)

    def to_dict(self) -> dict[str, Any]:
        """The page as JSON types."""
        lines = [
            {"text": line.text, "words": [[_entry(letter) for letter in word.letters] for word in line.words]}
            for line in self.lines
        ]
        return {"text": self.text, "shape": list(self.shape), "lines": lines}

    def draw(self, path: str | os.PathLike[str] | None = None) -> Image.Image:
        """The image with a box and the character for each letter: green, or red if it is not sure.

        Args:
            path: Also saved there, in the format of its ending.
        """
        from PIL import ImageDraw, ImageFont

        drawn = self.image.convert("RGB")
        pen = ImageDraw.Draw(drawn)
        width = max(1, max(self.shape) // 800)
        for letter in self.letters:
            left, top, right, bottom = letter.box
            color = "green" if letter.is_sure else "red"
            pen.rectangle((left, top, right - 1, bottom - 1), outline=color, width=width)
            font = ImageFont.load_default(max(10, (bottom - top) // 3))
            pen.text((left, top), letter.text, fill=color, font=font, anchor="lb")
        if path is not None:
            drawn.save(path)
        return drawn


def _entry(letter: Letter) -> dict[str, Any]:
    return {
        "text": letter.text,
        "box": list(letter.box),
        "confidence": letter.confidence,
        "is_sure": letter.is_sure,
        "alternatives": [{"text": text, "probability": p} for text, p in letter.alternatives],
    }
