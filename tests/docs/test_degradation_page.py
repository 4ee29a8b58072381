"""docs/degradation.md says what the run of its plot gave."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
RESULT = DOCS / "images" / "degradation.json"

pytestmark = pytest.mark.skipif(not RESULT.exists(), reason="the tests run without a checkout: no docs")


def test_errors_are_those_of_the_run() -> None:
    page = (DOCS / "degradation.md").read_text(encoding="utf-8")
    networks = json.loads(RESULT.read_text(encoding="utf-8"))["networks"]
    expected = [
        f"| {name} | {curve['training_error'][-1]:.1%} | {curve['test_error'][-1]:.1%} |"
        for name, curve in networks.items()
    ]
    assert re.findall(r"^\| \S+-\d+ \| .*%.* \|$", page, re.MULTILINE) == expected


def test_settings_are_those_of_the_run() -> None:
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    page = (DOCS / "degradation.md").read_text(encoding="utf-8")
    assert f"the first {result['images']:,} of the training part" in page
    steps = result["images"] // result["batch"]
    assert f"{result['epochs']} epochs of {steps} batches of {result['batch']}" in page
    assert f"| learning rate | {result['lr']}, divided by 10" in page
