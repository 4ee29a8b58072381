"""Text that may be shown: it commands no terminal and tells no password."""

from __future__ import annotations

import re

#: In an address: who asks, and what is asked for.
_USER = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(\w://[^\s?#]*)\?[^\s#\"')]*")


def printable(text: str, keep: str = "") -> str:
    """The text with each control character, but for those to keep, written as in a Python string.

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
    """The text without the secrets that addresses may hold.

    Example:
        >>> redacted("http://me:secret@example.org/a?token=secret answered 404")
        'http://***@example.org/a?*** answered 404'
    """
    return _QUERY.sub(r"\1?***", _USER.sub("***@", text))
