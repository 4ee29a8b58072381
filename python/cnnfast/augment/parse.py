"""Augmentations by name or as text: `as_augmentation`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

from .. import _names
from .._checks import type_of
from .augmentation import Augmentation
from .geometric import Affine, Crop, ElasticTransform, HorizontalFlip, Perspective, VerticalFlip
from .mixing import CutMix, Mixing, MixUp
from .pixels import ColorJitter, Erasing, GaussianNoise, PixelFlip, StrokeThickness
from .step import Step

STEPS: dict[str, type[Step] | type[Mixing]] = {
    kind.__name__: kind
    for kind in (
        Affine,
        Perspective,
        ElasticTransform,
        HorizontalFlip,
        VerticalFlip,
        Crop,
        Erasing,
        GaussianNoise,
        PixelFlip,
        ColorJitter,
        StrokeThickness,
        MixUp,
        CutMix,
    )
}

#: In a name, not before a number.
_HYPHEN = re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])")

#: What `fit` accepts.
Augment = Augmentation | Step | Mixing | Iterable[Step | Mixing] | str | None

#: Augmentations by name.
PRESETS: dict[str, Augmentation] = {
    # Handwritten characters: another slant, size, place and pen.
    "characters": Augmentation(
        [
            StrokeThickness(0.5),
            Affine(degrees=10, translate=0.08, scale=(0.85, 1.15), shear=10),
            ElasticTransform(alpha=20, sigma=4),
        ]
    ),
    # Small photographs, as in CIFAR-10.
    "photos": Augmentation([HorizontalFlip(alternating=True), Crop(4, padding_mode="reflect")]),
    # The corruption of hello-dl's robustness test: a shift of up to 2 of 28 pixels, 5 inverted pixels.
    "shift-and-flip": Augmentation([Crop(2), PixelFlip(5)]),
}


def as_augmentation(who: str, value: object) -> Augmentation | None:
    """An augmentation from what `fit` accepts.

    Args:
        who: For messages.
        value: None, an Augmentation, a step, a list of steps, or text as in `parse`.

    Raises:
        TypeError, ValueError: Anything else, or an invalid setting.
    """
    if value is None or isinstance(value, Augmentation):
        return value
    if isinstance(value, str):
        return parse(value, who)
    if isinstance(value, (Step, Mixing)):
        return Augmentation([value])
    if isinstance(value, Iterable):
        return Augmentation(value)
    found = f"the class {value.__name__}; write {value.__name__}(...)" if _is_step(value) else type_of(value)
    raise TypeError(f"{who}: augment must be steps of cnnfast.augment or their names, got {found}")


def _is_step(value: object) -> TypeGuard[type[Step | Mixing]]:
    return isinstance(value, type) and issubclass(value, (Step, Mixing))


def parse(text: str, who: str = "augment") -> Augmentation:
    """An augmentation from text: names of `PRESETS` and steps with arguments, joined by "+".

    Args:
        text: For example "characters", or "affine(degrees=10, translate=0.1) + pixel_flip(5)".
        who: For messages.

    Raises:
        ValueError: Text that cannot be parsed, an unknown name, argument or value.

    Example:
        >>> parse("affine(degrees=10) + pixel_flip(5)")
        Augmentation([Affine(degrees=10, translate=0.0, scale=(1.0, 1.0), shear=0.0, fill=0.0, p=1.0), \
PixelFlip(count=5, p=1.0)])
    """
    try:
        tree = ast.parse(_HYPHEN.sub("_", text.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            f"{who}: cannot read the augmentation {text!r}; expected for example "
            f"'affine(degrees=10, translate=0.1) + pixel_flip(5)'"
        ) from None
    steps: list[Step | Mixing] = []
    for node in _terms(tree):
        steps += _steps_of(who, node)
    return Augmentation(steps)


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    pending, terms = [node], []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            pending += [node.left, node.right]
        else:
            terms.append(node)
    return reversed(terms)


def _steps_of(who: str, node: ast.expr) -> tuple[Step | Mixing, ...]:
    call = node if isinstance(node, ast.Call) else None
    name = call.func if call else node
    text = ast.unparse(name)
    known = [*PRESETS, *STEPS]
    found = _names.find(text, known)
    if not isinstance(name, ast.Name) or found is None:
        hint = _names.did_you_mean(text, known)
        raise ValueError(f"{who}: unknown augmentation {text!r}; known are {', '.join(known)}{hint}")
    if found in PRESETS:
        if call is not None:
            raise ValueError(f"{who}: the augmentation {found!r} takes no arguments, got {ast.unparse(call)}")
        preset = PRESETS[found]
        return preset.steps if preset.mixing is None else (*preset.steps, preset.mixing)
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    if call is not None:
        arguments = [_value(who, found, value) for value in call.args]
        keywords = {str(item.arg): _value(who, found, item.value) for item in call.keywords}
    try:
        return (STEPS[found](*arguments, **keywords),)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{who}: {_without_init(found, str(error))}") from None


def _value(who: str, step: str, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        raise ValueError(
            f"{who}: {step}: arguments must be numbers, pairs or quoted names, got {ast.unparse(node)}"
        ) from None


def _without_init(step: str, message: str) -> str:
    """Python's message about wrong arguments without the method that a user did not call."""
    for prefix in (f"{step}.__init__()", "Mixing.__init__()", "__init__()"):
        message = message.replace(prefix, step)
    return message
