"""`pretrained`: the trained models that come with the package."""

from __future__ import annotations

from pathlib import Path

from .. import _names
from ..nn import Module
from ..nn.serialization import load

_FOLDER = Path(__file__).parent / "trained"


def pretrained(name: str) -> Module:
    """A trained model that comes with the package: "digits" or "letters".

    "digits" is `d4`, trained on MNIST; "letters" is `hello_dl_letters`, trained on handwritten letters of
    EMNIST, a to z, upper and lower case in one class. They read images of 28x28, light on dark, as
    `cnnfast.vision.prepare` makes them. README.md beside their files (`pretrained_path`) tells what they were
    trained on, how often they are right, and what they are not made for.

    Args:
        name: One of `pretrained_names()`.

    Raises:
        ValueError: Another name.

    Example:
        >>> from cnnfast import models
        >>> models.pretrained("digits").classes[:3]
        ('0', '1', '2')
    """
    return load(pretrained_path(name))


def pretrained_names() -> list[str]:
    """The names that `pretrained` takes.

    Example:
        >>> from cnnfast import models
        >>> models.pretrained_names()
        ['digits', 'letters']
    """
    return sorted(file.stem for file in _FOLDER.glob("*.safetensors"))


def pretrained_path(name: str) -> Path:
    """The file that `pretrained(name)` loads; argument and error as there.

    Example:
        >>> from cnnfast import models
        >>> models.pretrained_path("letters").name
        'letters.safetensors'
    """
    known = pretrained_names()
    found = _names.find(name, known)
    if found is None:
        hint = _names.did_you_mean(name, known) or f"; there are {', '.join(known)}"
        raise ValueError(f"pretrained: no trained model is named {name!r}{hint}")
    return _FOLDER / f"{found}.safetensors"
