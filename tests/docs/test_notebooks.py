"""The notebooks in examples/ are those of their scripts, were run, and run again."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "generate_notebooks.py"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="the tests run without a checkout: no examples")

NAMES = sorted(path.stem for path in (ROOT / "examples").glob("*.ipynb"))

SCRIPT = '''"""Title of it.

More.
"""

# %% First
# Text
# of two lines.
import math


# a comment
def f():
    return math.pi


# %% Second
f()
'''


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


def test_cells_of_a_script(tool: dict[str, Any]) -> None:
    assert tool["sources"](tool["notebook"](SCRIPT)) == [
        "# Title of it.\n\nMore.",
        "%matplotlib inline",
        "## First\n\nText\nof two lines.",
        "import math\n\n\n# a comment\ndef f():\n    return math.pi",
        "## Second",
        "f()",
    ]


def test_every_notebook_is_made_by_the_tool(tool: dict[str, Any]) -> None:
    assert sorted(tool["NAMES"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_those_of_their_scripts(name: str, tool: dict[str, Any]) -> None:
    assert tool["is_current"](name), f"run tools/generate_notebooks.py {name}"


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_were_run(name: str) -> None:
    path = ROOT / "examples" / f"{name}.ipynb"
    assert path.stat().st_size < 400_000
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = {output["output_type"] for cell in code for output in cell["outputs"]}
    assert kinds <= {"stream", "display_data", "execute_result"}
    assert {output.get("name") for cell in code for output in cell["outputs"]} <= {None, "stdout"}


def test_figures_are_those_of_the_notebooks(tool: dict[str, Any]) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    shown = 0
    for name in NAMES:
        made = json.loads((ROOT / "examples" / f"{name}.ipynb").read_text(encoding="utf-8"))
        for file, content in tool["figures"](name, made):
            if f"images/{file}" in pages:
                assert (ROOT / "docs" / "images" / file).read_bytes() == content, file
                assert len(content) < 150_000, file
                shown += 1
    assert shown >= 20


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_notebooks_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without data files: a page's reader may have none."""
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    monkeypatch.setenv("CNNFAST_DATA", str(tmp_path))
    done = subprocess.run([sys.executable, TOOL, "--run", name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
