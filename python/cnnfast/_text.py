"""Sanitizes text for output: removes control characters and passwords."""

from __future__ import annotations

import re

#: User and query of a URL.
_USER = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(\w://[^\s?#]*)\?[^\s#\"')]*")


def printable(text: str, keep: str = "") -> str:
    """The text with control characters escaped as in a Python string, except those in `keep`.

    Example:
        >>> printable("\\x1b[2Ja.png")
        '\\\\x1b[2Ja.png'
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text
    )


def redacted(text: str) -> str:
    """The text with user names, passwords and queries of URLs replaced by ``***``.

    Example:
        >>> redacted("http://me:secret@example.org/a?token=secret answered 404")
        'http://***@example.org/a?*** answered 404'
    """
    return _QUERY.sub(r"\1?***", _USER.sub("***@", text))


def scaled(value: float, unit: str = "") -> str:
    """A number with three digits and a decimal prefix.

    Example:
        >>> scaled(93_012_345, "B"), scaled(7_630_000_000), scaled(312)
        ('93.0 MB', '7.63 G', '312')
    """
    prefixes = iter(("", "k", "M", "G", "T"))
    prefix = next(prefixes)
    while value >= 999.5 and prefix != "T":
        value, prefix = value / 1000, next(prefixes)
    digits = 0 if prefix == "" else 2 - (value >= 9.995) - (value >= 99.95)
    return f"{value:.{digits}f} {prefix}{unit}".rstrip()
