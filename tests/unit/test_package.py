"""What `import cnnfast` offers, and what it leaves to be imported later."""

from __future__ import annotations

import subprocess
import sys

import cnnfast
import pytest

LATE = """
import sys
import cnnfast
assert "vision" in dir(cnnfast)
assert not {"cnnfast.vision", "PIL", "difflib", "torch", "rich"} & set(sys.modules)
assert cnnfast.vision is sys.modules["cnnfast.vision"]
assert "PIL" not in sys.modules
"""


def test_vision_are_imported_when_asked_for() -> None:
    subprocess.run([sys.executable, "-c", LATE], check=True, timeout=60)


def test_all_public_names_are_there() -> None:
    assert set(cnnfast.__all__) <= set(dir(cnnfast))
    for name in cnnfast.__all__:
        assert getattr(cnnfast, name) is not None


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"^module 'cnnfast' has no attribute 'pictuers'$"):
        cnnfast.pictuers  # noqa: B018
