"""Building from source says what is missing."""

from __future__ import annotations

import os
import runpy
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


@pytest.mark.parametrize(
    ("listing", "code"),
    [
        ("_ZN7cnnfast4avx24loopEv T 0\nlocal t 0\n", 0),
        ("DW.ref.__gxx_personality_v0 V 0\n__clang_call_terminate W 0\n__real@3f800000 R 0\n", 0),
        ("_ZSt4sortv W 0\n", 1),
    ],
    ids=["own names", "names of the compiler", "shared"],
)
def test_variants_share_no_symbols(
    listing: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        of_variant = listing.replace("avx2", command[-1])
        return subprocess.CompletedProcess(command, 0, stdout=of_variant)

    tool = runpy.run_path(str(ROOT / "tools" / "check_symbols.py"))
    monkeypatch.setattr(subprocess, "run", run)
    arguments = ["check", "--nm", "nm", "--stamp", str(tmp_path / "stamp"), "avx2=avx2", "avx512=avx512"]
    monkeypatch.setattr("sys.argv", arguments)
    assert tool["main"]() == code
    result = capsys.readouterr().err.splitlines()
    assert result[:1] == (["symbol _ZSt4sortv is defined by variants avx2, avx512"] if code else [])
    assert (tmp_path / "stamp").exists() == (not code)
