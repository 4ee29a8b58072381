"""The scripts in examples/ run to their end, compare what they say, and would notice a difference."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the tests run without a checkout: no examples")


def run(name: str, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """The script's names, and what it printed."""
    names = runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return names, capsys.readouterr().out


def test_every_example_is_run() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in text] == []


def test_layers_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    names, printed = run("layers_by_hand.py", capsys)
    last = printed.splitlines()[-1]
    assert re.fullmatch(r"\d+ arrays by hand, all equal to the library's", last)
    assert int(last.split()[0]) > 80
    code = "".join(re.findall(r"```python\n(.*?)```", page("layers-by-hand.md"), flags=re.DOTALL))
    assert (
        figures_not_printed(page("layers-by-hand.md"), f"{code} 0.00001") == []
    )  # 0.00001 is the default eps
    cells = (EXAMPLES / "layers_by_hand.py").read_text(encoding="utf-8").count("\n# %%")
    sections = [line for line in printed.splitlines()[:-1] if not line.startswith(" ")]
    assert len(sections) == cells - 1  # all but the first compare something

    for other in ([np.full(3, 1 + 1e-9)], [np.ones(4)], []):
        with pytest.raises(AssertionError):
            names["same"]("no such thing", [np.ones(3)], other)


@pytest.mark.parametrize("digits", [True, False], ids=["MNIST", "glyphs"])
@pytest.mark.slow
def test_one_digit(
    digits: bool,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """With MNIST where it is, and with letters that need no file."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    root = request.getfixturevalue("data_root") if digits else tmp_path
    monkeypatch.setenv("CNNFAST_DATA", str(root))
    names, printed = run("one_digit.py", capsys)
    assert len(names["test"].classes) == (10 if digits else 26)
    assert printed.splitlines()[-1] == "every value computed by hand equals the library's"
    assert printed.count(", equal\n") == 9
    assert names["chosen"] == 435
    if digits:
        text = page("one-digit.md")
        assert figures_not_printed(text, printed) == []
        (accuracy,) = re.findall(r": ([\d.]+)% of mnist/test correct", printed)
        assert f"is enough for {accuracy} % of the digits" in text
        assert "number 435 of the test images: an 8" in text
        assert "image 435, a '8'" in printed

    with pytest.raises(AssertionError):
        names["same"]("no such thing", 1.0, 1.0 + 1e-9)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("dimensions.py", "every first output equals its sum of products"),
        ("influence.py", "every gradient equals the library's"),
        ("scanning_mlp.py", "the scan and the convolutions are equal"),
    ],
)
@pytest.mark.slow
def test_course(name: str, last: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    _, printed = run(name, capsys)
    assert printed.splitlines()[-1] == last


def test_figures_of_the_course(capsys: pytest.CaptureFixture[str]) -> None:
    """What docs/course.md says of the scan."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    _, printed = run("scanning_mlp.py", capsys)
    assert "13 neurons, 6 different ones" in printed
    scan, convolutions = re.findall(r"scan: (\d+) neurons; convolutions: .* = (\d+)", printed)[0]
    assert f"the scan computes {scan} neurons,\nthe convolutions {convolutions}," in page("course.md")


@pytest.mark.slow
def test_three_convolutions(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    names, printed = run("three_convolutions.py", capsys)
    assert "loops, tensordot and the library give equal outputs\nso are the gradients\n" in printed
    assert names["each"]["loops"] > 20 * names["each"]["tensordot"]
    x = np.ones((1, 1, 3, 3))
    assert names["tensordot"](x, x).item() == names["loops"](x, x).item() == 9


@pytest.mark.slow
def test_numpy_mnist(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setenv("CNNFAST_DATA", str(tmp_path))  # with letters, which need no file
    _, printed = run("numpy_mnist.py", capsys)
    assert printed.count(" equal, from ") == 15
    assert printed.splitlines()[-1] == "every layer equals the library's"


@pytest.mark.slow
def test_plots(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    names, _ = run("plots.py", capsys)
    assert names["result"].accuracy > 0.8


@pytest.mark.slow
def test_own_layer(capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = run("own_layer.py", capsys)
    assert "gradients of OwnConv: right" in printed
    assert printed.splitlines()[-1] == "same parameters after the training"


@pytest.mark.slow
def test_read_letters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setattr("sys.argv", ["read_letters.py", str(tmp_path / "letters.png")])
    _, printed = run("read_letters.py", capsys)
    word = printed.splitlines()[-1].removeprefix("predicted: ")
    # training in float32 is not the same on all instruction sets
    assert sum(one == other for one, other in zip(word, "cnnfast", strict=True)) >= 6
    assert (tmp_path / "letters.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_transfer(capsys: pytest.CaptureFixture[str]) -> None:
    names, printed = run("transfer.py", capsys)
    assert "parameters: 650 trainable, 51,488 frozen" in printed
    assert names["with_all"] > names["from_scratch"] + 0.03
    assert names["with_all"] > names["with_head"] > 0.5
    outcome = [100 * names[kind] for kind in ("with_head", "with_all", "from_scratch")]
    stated = re.findall(
        r"(\d+) % with a new head, (\d+) % after .*? and (\d+) %", page("training.md"), re.DOTALL
    )
    # training in float32 is not the same on all instruction sets
    assert np.abs(np.array(stated[0], float) - outcome).max() < 4


@pytest.mark.slow
def test_degradation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run of seconds; the same command again trains nothing."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setattr(cf.datasets, "FashionMNIST", lambda train: cf.datasets.glyphs(40, seed=int(train)))
    options = ["--depths", "8", "14", "--images", "32", "--epochs", "2", "--batch", "16", "--out"]
    monkeypatch.setattr("sys.argv", ["degradation.py", *options, str(tmp_path)])
    _, printed = run("degradation.py", capsys)
    result = json.loads((tmp_path / "degradation.json").read_text(encoding="utf-8"))
    assert (result["images"], result["epochs"], result["depths"]) == (32, 2, [8, 14])
    assert list(result["networks"]) == ["plain-8", "ResNet-8", "plain-14", "ResNet-14"]
    for name, curve in result["networks"].items():
        assert len(curve["training_error"]) == len(curve["test_error"]) == 2
        assert re.search(rf"^{name} +{curve['training_error'][-1]:.1%} ", printed, re.MULTILINE)
    assert (tmp_path / "degradation.png").read_bytes().startswith(b"\x89PNG")

    monkeypatch.setattr(cf.Trainer, "step_checked", lambda *_, **__: pytest.fail("trains again"))
    run("degradation.py", capsys)
    assert json.loads((tmp_path / "degradation.json").read_text(encoding="utf-8")) == result


# ------------------------------------------------------------------ figures on pages

DECIMAL = re.compile(r"[-−+]?(?<![\w.])\d+\.(\d{2,})(?!\w|\.\d)")


def decimals(text: str) -> list[tuple[float, int]]:
    """The numbers with two decimal places or more, and how many they have."""
    return [(float(found[0].replace("−", "-")), len(found[1])) for found in DECIMAL.finditer(text)]


def figures_not_printed(page: str, printed: str) -> list[float]:
    """Figures of a page, its Python code aside, that are not among the printed ones to a unit in their last
    place."""
    text = re.sub(r"```python\n.*?```|\]\([^)]*\)", "", page, flags=re.DOTALL)
    known = [value for value, _ in decimals(printed)]
    return [
        value
        for value, places in decimals(text)
        if not any(abs(value - other) <= 1.01 * 10.0**-places for other in known)
    ]


def page(name: str) -> str:
    return (EXAMPLES.parent / "docs" / name).read_text(encoding="utf-8")


def test_figures_on_a_page_are_compared() -> None:
    printed = "loss 0.501173, 2.7960 * -0.4242"
    assert (
        figures_not_printed("a loss of 0.5012, −0.4242, 2.80 and 0.50\n```python\n0.9999\n```", printed) == []
    )
    assert figures_not_printed("a loss of 0.5032, 0.4242 in 97.531 %; 0.49.", printed) == [
        0.5032,
        0.4242,
        97.531,
        0.49,
    ]
