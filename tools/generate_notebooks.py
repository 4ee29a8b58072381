"""Makes notebooks of the scripts in examples/, runs them, and writes the figures that pages in docs/ show.

    python tools/generate_notebooks.py [NAME ...]          all, or those named; needs nbclient and ipykernel
    python tools/generate_notebooks.py --check [NAME ...]  writes nothing; fails if a notebook is not current
    python tools/generate_notebooks.py --run [NAME ...]    runs the notebooks, writes nothing

A cell begins with `# %% Title`. The comment below it is the text of the notebook, the rest its code. The k-th
figure of the cell is docs/images/NAME-TITLE.png, for k > 1 NAME-TITLE-k.png, if a page mentions it.
"""

from __future__ import annotations

import argparse
import ast
import base64
import io
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES, DOCS = ROOT / "examples", ROOT / "docs"
NAMES = (
    "plots",
    "one_digit",
    "dimensions",
    "influence",
    "scanning_mlp",
    "three_convolutions",
    "numpy_mnist",
    "layers_by_hand",
)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
#: Longest time of a cell, and colors of a figure.
SECONDS, COLORS = 300, 128


def cells(script: str) -> Iterator[tuple[str, str, str]]:
    """(title, text, code) of each cell; the first has the script's docstring and no code of its own."""
    docstring = ast.get_docstring(ast.parse(script)) or ""
    yield "", docstring, "%matplotlib inline"
    for part in re.split(r"^# %% *", script, flags=re.MULTILINE)[1:]:
        title, _, rest = part.partition("\n")
        lines = rest.split("\n")
        length = next((k for k, line in enumerate(lines) if not line.startswith("#")), len(lines))
        text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[:length])
        yield title.strip(), text, "\n".join(lines[length:]).strip("\n")


def notebook(script: str) -> dict[str, Any]:
    """The notebook of a script, without outputs."""
    parts: list[dict[str, Any]] = []
    for number, (title, text, code) in enumerate(cells(script)):
        heading = "# " + text.partition("\n")[0] if number == 0 else f"## {title}"
        body = text.partition("\n")[2].strip("\n") if number == 0 else text
        markdown = f"{heading}\n\n{textwrap.dedent(body)}".strip()
        parts.append({"cell_type": "markdown", "id": f"text-{number}", "metadata": {}, "source": markdown})
        parts.append(
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"code-{number}",
                "metadata": {},
                "outputs": [],
                "source": code,
            }
        )
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return {"cells": parts, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def executed(made: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of a run in examples/.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    node = nbformat.from_dict(made)
    NotebookClient(node, timeout=SECONDS, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    for cell in node["cells"]:
        cell["metadata"] = {}  # without times of the run
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                output["data"] = {"image/png": with_palette(output["data"]["image/png"])}
    return dict(node)


def with_palette(image: str) -> str:
    """A PNG image in base64 with few colors, a third of its size."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(image))) as full:
        full.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def sources(made: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in made["cells"]]


def figures(name: str, made: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """File name and content of each figure."""
    title = ""
    for cell in made["cells"]:
        if cell["cell_type"] == "markdown":
            title = re.sub(r"[^a-z0-9]+", "-", cell["source"].partition("\n")[0].lower()).strip("-")
            continue
        images = [
            output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})
        ]
        for k, image in enumerate(images, 1):
            yield f"{name.replace('_', '-')}-{title}{f'-{k}' if k > 1 else ''}.png", base64.b64decode(image)


def write(name: str) -> None:
    made = executed(notebook((EXAMPLES / f"{name}.py").read_text(encoding="utf-8")))
    path = EXAMPLES / f"{name}.ipynb"
    path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    found = list(figures(name, made))
    for file, content in found:
        if f"images/{file}" in pages:
            (DOCS / "images" / file).write_bytes(content)
    print(f"{name}: {path.stat().st_size / 1000:.0f} kB; figures", *(file for file, _ in found))


def is_current(name: str) -> bool:
    """Whether the notebook has the text and code of its script."""
    path = EXAMPLES / f"{name}.ipynb"
    made = notebook((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
    return path.exists() and sources(json.loads(path.read_text(encoding="utf-8"))) == sources(made)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--run", action="store_true")
    options = parser.parse_args(words)
    names = options.names or NAMES
    if options.check:
        old = [name for name in names if not is_current(name)]
        print(
            "".join(
                f"examples/{name}.ipynb is not its script: run tools/generate_notebooks.py\n" for name in old
            )
        )
        return int(bool(old))
    for name in names:
        if options.run:
            executed(json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8")))
        else:
            write(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
