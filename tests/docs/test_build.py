"""Building from source says what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(os.name == "nt", reason="compilers are not looked for on the PATH there")
def test_without_a_compiler_it_says_what_to_install(tmp_path: Path) -> None:
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip("cmake is not installed")
    done = subprocess.run(
        [cmake, "-S", ROOT, "-B", tmp_path / "build", "-G", "Unix Makefiles"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    for words in (
        "cnnfast: no C++ compiler was found",
        "apt install g++",
        "dnf install gcc-c++",
        "xcode-select",
    ):
        assert words in done.stderr
    assert "CMAKE_CXX_COMPILER" not in done.stderr
