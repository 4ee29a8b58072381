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
