"""Plots open no window, choose no backend, and are written to files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cnnfast import plot
from cnnfast.plot import figure as plot_figure

from tests.support.refusal import refused

pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.mark.slow
def test_nothing_is_shown_and_no_backend_chosen() -> None:
    code = (
        "import io, sys, cnnfast as cf; assert 'matplotlib' not in sys.modules; "
        "cf.plot.activation('relu').savefig(io.BytesIO()); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("ending", "begins"),
    [pytest.param("png", b"\x89PNG", marks=pytest.mark.slow), ("svg", b"<?xml"), ("pdf", b"%PDF")],
)
def test_equal_figures_are_equal_files(ending: str, begins: bytes, tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{ending}"
        plot_figure.save("test", plot.schedule("cosine"), path)
        written.append(path.read_bytes())
    assert written[0].startswith(begins)
    assert written[0] == written[1]
    with refused(ValueError, "test: the file must end in .png, .svg or .pdf, got 'a.gif'"):
        plot_figure.save("test", plot.activation("relu"), "a.gif")
