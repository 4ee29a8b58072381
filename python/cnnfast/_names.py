"""Lookup of names, ignoring case, hyphens and underscores, and suggestions for unknown ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

_MOST = 3

Name = TypeVar("Name", bound=str)


def find(text: object, known: Iterable[Name]) -> Name | None:
    """The known name equal to `text`, exactly or else ignoring case, hyphens, underscores and spaces; None if
    there is none, or if several match inexactly.

    Example:
        >>> find("One_Cycle", ["cosine", "one-cycle"])
        'one-cycle'
    """
    if not isinstance(text, str):
        return None
    alike = []
    for name in known:
        if name == text:
            return name
        if _key(name) == _key(text):
            alike.append(name)
    return alike[0] if len(alike) == 1 else None


def did_you_mean(text: object, known: Iterable[str]) -> str:
    """A suggestion to append to a message about an unknown name, or an empty string.

    Example:
        >>> did_you_mean("minst", ["glyphs", "mnist"])
        "; did you mean 'mnist'?"
        >>> did_you_mean("vgg", ["glyphs", "mnist"])
        ''
    """
    meant = [repr(name) for name in _similar(text, known)] if isinstance(text, str) else []
    if not meant:
        return ""
    *first, last = meant
    return f"; did you mean {', '.join(first)} or {last}?" if first else f"; did you mean {last}?"


def _similar(text: str, known: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # late: needed for wrong names only

    by_key = {_key(name): name for name in known}
    key = _key(text)
    if key in by_key:  # as "relu" for ReLU, though ReLU6 begins so, too
        return [by_key[key]]
    beginnings = [name for other, name in by_key.items() if len(key) > 1 and other.startswith(key)]
    close = [by_key[other] for other in get_close_matches(key, by_key, n=1)]
    return beginnings[:_MOST] or close


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c not in "-_ ")
