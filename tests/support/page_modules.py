"""The scripts of the explain page as an import map, so that tests can import single modules."""

from __future__ import annotations

import base64
import json
from importlib.resources import files


def import_map() -> str:
    """A script element: `cnnfast/NAME.js` -> the file as a data: URL."""
    static = files("cnnfast.explanation").joinpath("static")
    urls = {
        f"cnnfast/{file.name}": "data:text/javascript;base64," + base64.b64encode(file.read_bytes()).decode()
        for file in static.iterdir()
        if file.name.endswith(".js")
    }
    return f'<script type="importmap">{json.dumps({"imports": urls})}</script>'
