"""`cnnfast read`: reads pages of hand-printed letters or digits."""

from __future__ import annotations

import argparse
from typing import Any

from .. import models
from .._core import set_num_threads
from .._files import check_writable
from .._json import plain, to_json
from .._text import printable
from ..errors import CheckpointError, CnnfastError, DataError, MissingDependencyError, require
from ..nn import Module, serialization
from . import arguments, model_files
from .errors import describe, fail, note, say

DESCRIPTION = """\
Reads hand-printed letters or digits on pages, in a photo or scan, and prints the
text; letters it is not sure of are followed by a question mark.

The page may be unevenly lit, ruled or squared, skewed, turned, or photographed
obliquely on a table.
PNG, JPEG, BMP, GIF, TIFF, WebP, PNM; HEIC with the package pillow-heif, the first
page of a PDF with pypdfium2. Requires scipy (pip install "cnnfast[read]").

Exit code: 0 if every page was read, 1 if one could not be.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "read", run, "read pages of letters or digits", DESCRIPTION)
    add = command.add_argument
    add("pages", nargs="+", metavar="PAGE", help="image file of a page")
    kind = command.add_mutually_exclusive_group()
    kind.add_argument("--letters", action="store_true", help="read letters with the model of the package")
    kind.add_argument("--digits", action="store_true", help="read digits with the model of the package")
    kind.add_argument("--model", metavar="FILE", help="model file (default: as --letters)")
    add("--words", metavar="FILE", help="text file of words, which decides between letters that look alike")
    add(
        "--show",
        type=_drawing,
        metavar="FILE",
        help="write the page with a box for each letter, as PNG or JPEG; one page",
    )
    arguments.add_threads(command)
    arguments.add_json(command, "text, boxes, confidence and alternatives")


def _drawing(text: str) -> str:
    if not text.lower().endswith((".png", ".jpg", ".jpeg")):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .png or .jpg")
    return text


def run(options: argparse.Namespace) -> int:
    require("PIL", "reading images")
    require("scipy.ndimage", "reading pages")
    if options.threads is not None:
        set_num_threads(options.threads)
    if options.show is not None:
        if len(options.pages) > 1:
            raise CnnfastError(f"--show: {len(options.pages)} pages; need one")
        check_writable("--show", options.show)
    from ..pages import word_list  # here: other commands need not wait for it

    words = None if options.words is None else word_list.read(options.words)
    model, style = _model(options)
    results = [_read(file, model, style, words, options) for file in options.pages]
    if options.json:
        say(to_json({"pages": results}))
    return 1 if any("error" in result for result in results) else 0


def _model(options: argparse.Namespace) -> tuple[Module, str]:
    from ..pages import checked

    if options.model is None:
        return models.pretrained("digits" if options.digits else "letters"), (
            "mnist" if options.digits else "emnist"
        )
    model = serialization.load(options.model)
    try:
        checked(model)
    except ValueError as error:
        raise CheckpointError(f"{options.model}: {error}") from None
    return model, "mnist" if model_files.training_data(options.model) == "mnist" else "emnist"


def _read(
    file: str, model: Module, style: Any, words: list[str] | None, options: argparse.Namespace
) -> dict[str, Any]:
    from ..pages import read_page, source

    try:
        page = read_page(file, model, words=words, style=style)
        pages = source.count(file)
    except (DataError, MissingDependencyError, OSError) as error:
        text = describe(error)
        fail(text)
        return {"file": file, "error": text}
    if pages > 1:
        note(f"note: {printable(file)} has {pages} pages; only the first is read")
    if options.show is not None:
        page.draw(options.show)
        note(f"written {options.show}")
    if not options.json:
        if len(options.pages) > 1:
            say(f"{printable(file)}:")
        say(page.marked)
    result: dict[str, Any] = plain({"file": file, **page.to_dict()})
    return result
