"""Shared by the subcommands: argument types with validation, and options that several of them have."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .. import _terminal, models
from .._names import did_you_mean, find
from ..augment import Augmentation, parse
from ..datasets import ImageDataset
from ..errors import CnnfastError
from .errors import fail, note

Subparsers = argparse._SubParsersAction  # noqa: SLF001 (argparse has no public name for it)
"""Type of the argument of each command's `register`; argparse has no public name for it."""


class Parser(argparse.ArgumentParser):
    """Reports wrong usage on one line and refers to `--help`, instead of printing the whole usage first.

    The default "default_action" of a command is the action if its first argument is no action and no option.
    """

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        default = self.get_default("default_action")
        first = next((i for i, arg in enumerate(args or ()) if not arg.startswith("-")), None)
        if default is not None and args is not None and first is not None:
            actions = [name for action in self._actions for name in action.choices or ()]
            if args[first] not in actions:
                args = [*args[:first], default, *args[first:]]
        return super().parse_known_args(args, namespace)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        options, extra = self.parse_known_args(args, namespace)
        if extra:
            command: argparse.ArgumentParser = getattr(options, "command", self)
            hint = did_you_mean(extra[0].partition("=")[0], command._option_string_actions)  # noqa: SLF001 (as argparse does)
            command.error(f"unrecognized arguments: {' '.join(extra)}{hint}")
        return options

    def error(self, message: str) -> NoReturn:
        fail(message)
        note(f"see `{self.prog} --help`")
        self.exit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            what = str(action.metavar or "value").lower()
            hint = did_you_mean(value, known) or f"; there are {', '.join(known)}"
            raise argparse.ArgumentError(None, f"there is no {what} {value!r}{hint}")


class HelpFormatter(argparse.HelpFormatter):
    """Wraps text to the terminal without breaking names; keeps paragraphs with indented lines unchanged."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _terminal.wrapped(text, room=width).splitlines()

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        return "\n\n".join(
            paragraph if "\n " in paragraph else _terminal.wrapped(paragraph, room=width)
            for paragraph in paragraphs
        )


def integer(least: int, most: int | None = None) -> Callable[[str], int]:
    """An integer of at least `least` and, if given, at most `most`."""
    expected = f"of at least {least}" if most is None else f"from {least} to {most}"

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer {expected}")
        return value

    return convert


def positive(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def at_least_zero(text: str) -> float:
    """A finite number, 0 or above."""
    value = _number(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return value


def fraction(text: str) -> float:
    """A number from 0 up to, but not including, 1."""
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up to but not including 1")
    return value


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """One of some names, in any case, with hyphens or underscores."""

    def convert(text: str) -> str:
        name = find(text, names)
        if name is None:
            hint = did_you_mean(text, names)
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(names)}{hint}")
        return name

    return convert


def network(text: str) -> str:
    """The name of a network."""
    names = models.list()
    name = find(text, names)
    if name is None:
        hint = did_you_mean(text, names) or "; `cnnfast models` lists them"
        raise argparse.ArgumentTypeError(f"there is no network {text!r}{hint}")
    return name


def url(text: str) -> str:
    """An http(s) URL."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not start with http:// or https://")
    return text


def pattern(text: str) -> str:
    """A regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from None
    return text


def augmentation(text: str) -> Augmentation:
    """Steps of `cnnfast.augment` as text."""
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("augment: ")) from None


def add_command(
    commands: Subparsers[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    help: str,
    description: str,
) -> argparse.ArgumentParser:
    """A subcommand that calls `run`; also takes `--debug` after its name."""
    command = commands.add_parser(name, help=help, description=description, formatter_class=HelpFormatter)
    command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    command.set_defaults(run=run, command=command)
    return command


def add_root(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--root",
        metavar="DIR",
        help="folder of the data sets (default: $CNNFAST_DATA, else the user's cache folder)",
    )


def add_augment(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--augment",
        type=augmentation,
        metavar="STEPS",
        help='random changes of the images in training: a name ("characters", "photos", "shift-and-flip") or '
        'steps such as "affine(degrees=10, translate=0.1) + pixel_flip(5)" (default: none)',
    )


def check_augmentation(chosen: Augmentation | None, data: ImageDataset) -> None:
    """Check that the images can be augmented so.

    Raises:
        CnnfastError: They cannot.
    """
    if chosen is None:
        return
    try:
        chosen.check_image("--augment", data.input_shape)
    except ValueError as error:
        raise CnnfastError(str(error)) from None


def add_threads(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--threads", type=integer(1, 1024), metavar="N", help="threads to use (default: every usable core)"
    )


def add_json(command: argparse.ArgumentParser, what: str, default: bool | str = False) -> None:
    command.add_argument("--json", action="store_true", default=default, help=f"print {what} as JSON")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
