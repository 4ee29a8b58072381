"""Recipes of `cnnfast train`: files of its options, NAME.txt in this folder.

A file has comments after #, and options as on the command line. The first comment line is the summary that
`--help` shows.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of all recipes, in the order of the alphabet."""
    return sorted(file.removesuffix(".txt") for file in os.listdir(_FOLDER) if file.endswith(".txt"))


def summary(name: str) -> str:
    """What a recipe trains, in one line."""
    return _text(name).splitlines()[0].removeprefix("#").strip()


def options(name: str) -> list[str]:
    """The options of a recipe, as arguments of `cnnfast train`."""
    return shlex.split(_text(name), comments=True)


def expanded(arguments: Sequence[str], name: str) -> list[str]:
    """Arguments of a command line with those of the recipe after the word "train": options that the user
    gives, too, come later, and therefore replace them.
    """
    start = list(arguments).index("train") + 1
    return [*arguments[:start], *options(name), *arguments[start:]]


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
