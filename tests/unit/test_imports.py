"""The package has no import cycle, import of a higher layer or of a private name; the checker finds them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_imports.py"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="the tests run without a checkout: no tools")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_imports", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_package_has_no_violation(tool: ModuleType) -> None:
    assert tool.violations(TOOL.parents[1] / "python" / "cnnfast") == []


HIGHER = "losses imports nn.a, which is of a higher layer"
CYCLE = {"nn/a.py": "from .b import f", "nn/b.py": "def g():\n    from .a import f"}
HINT = {
    "nn/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import f",
    "nn/b.py": "from .a import f",
}
PRIVATE = {"nn/a.py": "from ..losses import _hidden", "losses.py": ""}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (CYCLE, "import cycle: nn.a, nn.b"),
        (HINT, ""),
        (PRIVATE, "imports the private name _hidden of losses"),
        ({"nn/a.py": "from .. import nn"}, ""),
        ({"losses.py": "import cnnfast.nn.a", "nn/a.py": ""}, HIGHER),
        ({"losses.py": "from .nn.a import f", "nn/a.py": ""}, HIGHER),
        ({"losses.py": "from . import __version__"}, "imports __version__ from the package itself"),
        ({"unknown.py": ""}, "unknown is in no layer"),
    ],
)
def test_violations_are_found(tool: ModuleType, files: dict[str, str], expected: str, tmp_path: Path) -> None:
    for name in ("__init__.py", "nn/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = "\n".join(tool.violations(tmp_path))
    assert bool(found) == bool(expected)
    assert expected in found
