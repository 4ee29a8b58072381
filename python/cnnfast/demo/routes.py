"""What the page asks for: a method and a path to a function of the session."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .._json import to_json
from ..errors import DataError
from .session import Session

JSON, BINARY, HTML = "application/json", "application/octet-stream", "text/html; charset=utf-8"
#: Bytes of a request: JSON, a drawing, an image file.
SMALL, LARGE = 10_000, 16_000_000


class Reply(NamedTuple):
    """A response.

    Attributes:
        body: Its bytes.
        kind: Their type.
        filename: Under which a browser stores it; empty: it is shown.
        is_whole: A page in one file, with its scripts and styles inside.
    """

    body: bytes
    kind: str = JSON
    filename: str = ""
    is_whole: bool = False


class Route(NamedTuple):
    """A function of the session, the query and the body, and how long that may be."""

    run: Callable[[Session, Mapping[str, str], bytes], Reply]
    limit: int = 0


def _json(value: Any) -> Reply:
    return Reply(to_json(value).encode())


def _drawing(session: Session, query: Mapping[str, str], body: bytes) -> Reply:
    """The body is a gray image, row by row, 0 black."""
    width, height = (
        int(query.get(name, "0")) if query.get(name, "").isdecimal() else 0 for name in ("w", "h")
    )
    if not (8 <= width <= 1024 and 8 <= height <= 1024 and width * height == len(body)):
        raise ValueError(f"a drawing of {width}x{height} has {len(body)} bytes; sizes are 8 to 1024")
    try:
        return _json(session.classify(np.frombuffer(body, np.uint8).reshape(height, width), ink="dark"))
    except DataError as error:  # a drawing that has just begun: no mistake of the user
        return _json({"nothing": str(error)})


def _command(session: Session, query: Mapping[str, str], body: bytes) -> Reply:
    asked = _object(body)
    return _json(session.command(_text(asked, "action"), asked.get("value")))


def _teach(session: Session, query: Mapping[str, str], body: bytes) -> Reply:
    asked = _object(body)
    return _json(session.teach(_number(asked), _text(asked, "label")))


def _learning(session: Session, query: Mapping[str, str], body: bytes) -> Reply:
    since = query.get("since", "0")
    return _json(session.learning(int(since) if since.isdecimal() and len(since) < 16 else 0))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("the request must be a JSON object")
    return found


def _tune(session: Session, query: Mapping[str, str], body: bytes) -> Reply:
    return _json(session.tune(_number(_object(body))))


def _explanation(session: Session, query: Mapping[str, str], body: bytes) -> Reply:
    text = query.get("drawing", "")
    number = int(text) if text.isdecimal() and len(text) < 16 else 0
    return Reply(session.explanation(number).encode(), HTML, is_whole=True)


def _number(asked: Mapping[str, Any]) -> int:
    found = asked.get("drawing")
    return found if isinstance(found, int) else 0


def _text(asked: Mapping[str, Any], name: str) -> str:
    found = asked.get(name)
    if not isinstance(found, str):
        raise ValueError(f"{name} must be a text")
    return found


#: By method and path behind the token.
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "about"): Route(lambda session, query, body: _json(session.about())),
    ("GET", "learning"): Route(_learning),
    ("GET", "explanation"): Route(_explanation),
    ("GET", "drawings.npz"): Route(
        lambda session, query, body: Reply(session.drawings(), BINARY, "drawings.npz")
    ),
    ("GET", "model.safetensors"): Route(
        lambda session, query, body: Reply(session.model_file(), BINARY, "model.safetensors")
    ),
    ("POST", "drawing"): Route(_drawing, 1024 * 1024),
    ("POST", "image"): Route(lambda session, query, body: _json(session.classify(body)), LARGE),
    ("POST", "teach"): Route(_teach, SMALL),
    ("POST", "tune"): Route(_tune, SMALL),
    ("POST", "restore"): Route(lambda session, query, body: _json(session.restore()), SMALL),
    ("POST", "command"): Route(_command, SMALL),
}
