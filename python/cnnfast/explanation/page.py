"""One self-contained HTML file from the page's data and the files in static/."""

from __future__ import annotations

import base64
import html as escaping
from importlib.resources import files
from typing import Any

from .._json import to_json


def html(data: dict[str, Any], title: str) -> str:
    """The page."""
    text = to_json(data).replace("<", "\\u003c")
    static = {file.name: file.read_bytes() for file in files(__package__).joinpath("static").iterdir()}
    parts = {
        "title": escaping.escape(title),
        "styles": _styles(static),
        "modules": _modules(static),
        "data": f'<script type="application/json" id="cnnfast-data">{text}</script>',
    }
    page = static["page.html"].decode()
    for name, content in parts.items():
        page = page.replace(f"<!-- cnnfast:{name} -->", content, 1)
    return page


def _styles(static: dict[str, bytes]) -> str:
    sheets = [static[name].decode() for name in sorted(static) if name.endswith(".css")]
    return f"<style>{''.join(sheets)}</style>"


def _modules(static: dict[str, bytes]) -> str:
    """An import map from cnnfast/NAME.js to the file as a data: URL."""
    urls = {
        f"cnnfast/{name}": "data:text/javascript;base64," + base64.b64encode(static[name]).decode()
        for name in sorted(static)
        if name.endswith(".js")
    }
    return f'<script type="importmap">{to_json({"imports": urls})}</script>'
