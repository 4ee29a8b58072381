"""Targets and tables of `python -m bench`: what a row is compared with, and how it is printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cnnfast.benchmark import runner
from cnnfast.benchmark.timing import Effort, Options, Row

from bench import table, targets
from bench.figure import Figure, Remark
from bench.geometry import GEOMETRIES
from bench.kernels import kernel_rows
from bench.overhead import NAME as OVERHEAD
from bench.products import products
from bench.targets import TARGETS, Target


def row_of(name: str, *, foreign: float | None = None, **ratios: float) -> dict[str, Any]:
    """A row in which cnnfast takes 1 s and each other one its ratio, 120 % of the peak."""
    seconds = {"cnnfast": [1.0] * 4, **{key.replace("_", " "): [r] * 4 for key, r in ratios.items()}}
    return Row(name, 64, "images", seconds, foreign, flops=1.2, peak=1.0).to_dict()


# --- targets ----------------------------------------------------------------------------------------


def test_the_best_variant_of_a_peer_counts() -> None:
    row = row_of("train vgg batch 64", torch_eager=2.5, torch_channels_last=1.9, jax=1.5)
    assert targets.texts(row) == ["torch >= 2x: 1.90x, missed", "jax >= 1x: 1.50x, met"]
    row = row_of("train vgg batch 64", torch_eager=2.5, torch_channels_last=2.0)
    assert targets.texts(row) == ["torch >= 2x: 2.00x, met"]


def test_a_peer_that_was_not_there_is_no_target() -> None:
    assert targets.texts(row_of("train vgg batch 64", openvino=0.5)) == []
    assert targets.texts(row_of("infer d4 batch 256", onnxruntime=1.6)) == ["onnxruntime >= 1.5x: 1.60x, met"]


def test_an_unreliable_row_meets_no_target() -> None:
    row = row_of("train vgg batch 64", foreign=0.5, torch_eager=2.5)
    assert targets.texts(row) == ["torch >= 2x: 2.50x, no claim"]


def test_every_kind_of_target() -> None:
    letters = row_of("train hello-dl-letters batch 64 on one thread", torch_eager=6.0)
    assert targets.texts(letters) == ["torch >= 5x: 6.00x, met", "of dense peak >= 180%: 120%, missed"]
    assert targets.texts(row_of("call overhead, x")) == ["a call <= 5 us: 1000000.0 us, missed"]
    flat = row_of("time per image, train d4 batch 32 to 128", batch_32=1.05, batch_128=0.8)
    assert targets.texts(flat) == ["every one >= 0.9x and <= 1.1x: 0.80x, missed"]
    memory = Figure("memory, train hello-dl-letters batch 256 above the data set", 43.21, "MB").to_dict()
    assert targets.texts(memory) == ["<= 100 MB: 43.2 MB, met"]
    assert targets.texts(Remark("jax", "jax is not installed").to_dict()) == []


SMALL = ("d4", "numpy-mnist", "lenet")
LETTERS = "train hello-dl-letters batch"
DIRECTIONS = ("forward", "input gradient", "weight gradient")
ONE_THREAD = " on one thread"


def conv(shapes: Sequence[str], directions: Sequence[str] = DIRECTIONS) -> list[str]:
    return [f"conv {shape} batch {n} {d}" for shape in shapes for n in (1, 8) for d in directions]


WIDE = [f"3x3 {c}->{c} on {s}x{s}" for c, s in ((64, 56), (128, 28), (256, 14), (512, 7))]
STRIDED = [
    "3x3 stride 2 64->128 on 56x56",
    "7x7 stride 2 3->64 on 224x224",
    "11x11 stride 4 3->96 on 227x227",
]
POINTS = ["1x1 256->64 on 56x56", "1x1 64->256 on 56x56"]
OTHERS = [*STRIDED, "1x1 stride 2 256->512 on 56x56", "5x5 64->64 on 28x28"]
GROUPED = [g.name for g in GEOMETRIES if g.groups > 1 or g.dilation > 1]
OPERATIONS = ["op relu on 32x13x13, forward", "op batch norm 8x28x28, backward"]

#: The rows that work is asked of, and all that is asked of them.
ASKED: list[tuple[Sequence[str], Sequence[str]]] = [
    (
        [f"{LETTERS} {n}{t}" for n in (32, 64) for t in ("", ONE_THREAD)],
        ["torch >= 5x", "of dense peak >= 180%"],
    ),
    (
        [f"{LETTERS} {n}{t}" for n in (128, 256) for t in ("", ONE_THREAD)],
        ["torch >= 4x", "of dense peak >= 180%"],
    ),
    ([f"train {net} batch {n}" for net in SMALL for n in (32, 64, 128, 256)], ["torch >= 4x"]),
    (
        [f"infer {net} batch 256" for net in SMALL],
        ["torch >= 4x", "onnxruntime >= 1.5x", "openvino >= 1.5x"],
    ),
    ([f"infer {net} batch 1" for net in SMALL], ["torch >= 10x", "onnxruntime >= 2x"]),
    (["infer hello-dl-letters batch 1"], ["torch >= 10x", "onnxruntime >= 2x", "a call <= 50 us"]),
    (["infer hello-dl-letters batch 1 on one thread"], ["a call <= 50 us"]),
    ([OVERHEAD], ["a call <= 5 us"]),
    (["train vgg batch 64"], ["torch >= 2x"]),
    (conv(WIDE, DIRECTIONS[:2]), ["torch >= 1.6x"]),
    (conv(WIDE, DIRECTIONS[2:]), ["torch >= 1.4x"]),
    (conv(OTHERS), ["torch >= 1.1x"]),
    (conv(POINTS), ["torch >= 1.1x", "of dense peak >= 80%"]),
    (conv(GROUPED), ["torch >= 1x"]),
    (OPERATIONS, ["torch >= 1x"]),
    ([f"{product.name} {d}" for product in products() for d in DIRECTIONS], ["of dense peak >= 80%"]),
    (["two threads against one, train vgg batch 64"], ["one thread >= 1.85x"]),
    (
        [f"two threads against one, {kind} d4 batch 8" for kind in ("train", "infer")],
        ["one thread >= 0.97x"],
    ),
    (
        [f"zoo infer {name} batch {n}" for name in ("resnet50", "alexnet", "googlenet") for n in (1, 8)],
        ["onnxruntime >= 1.3x", "openvino >= 1.3x", "torch >= 1.5x"],
    ),
    (
        ["zoo infer vgg16 batch 8"],
        [*("onnxruntime >= 1.3x", "openvino >= 1.3x", "torch >= 1.5x"), "torch >= 2x"],
    ),
    (["zoo train resnet18 batch 8"], ["torch >= 1.5x"]),
    (["zoo train lenet5 batch 32", "zoo train cnn1d batch 128"], ["torch >= 3x"]),
    (["zoo train resnet20 batch 32", "zoo train alphago-policy batch 128"], ["torch >= 2x"]),
    (["zoo train mlp batch 128"], ["torch >= 1.5x"]),
    (["zoo infer lenet5-paper batch 1", "zoo infer mobilenet-cifar batch 256"], ["onnxruntime >= 1.5x"]),
    (["zoo infer mlp batch 256"], ["onnxruntime >= 1.1x"]),
    (["zoo infer d4 batch 256", "zoo train vgg-cifar batch 32"], []),
    (["augmentation, an epoch of hello-dl-letters over 20,000 images"], ["every one <= 1.1x"]),
    (["bookkeeping, 5 epochs of d4 over 60,000 images"], ["with bookkeeping <= 1.02x"]),
    (["beside two busy processes, train d4 batch 32, cnnfast"], ["of its speed alone >= 0.4x"]),
    (
        [
            "time per image, train d4 batch 32 to 1024",
            "time per image, epoch of d4 over 1,000 to 1,000,000 images",
        ],
        ["every one >= 0.9x and <= 1.1x"],
    ),
]


@pytest.mark.parametrize(("name", "wanted"), [(name, wanted) for names, wanted in ASKED for name in names])
def test_rows_are_compared_with_their_targets(name: str, wanted: list[str]) -> None:
    everybody = {"torch eager": 1.0, "onnxruntime": 1.0, "openvino": 1.0, "cnnfast, 1 thread": 1.0}
    special = {
        "time": "batch 64",
        "beside": "alone",
        "bookkeeping,": "with bookkeeping",
        "augmentation,": "affine",
    }
    other = special.get(name.partition(" ")[0])
    others = everybody if other is None else {other: 1.0}
    assert [text.rpartition(":")[0] for text in targets.texts(row_of(name, **others))] == wanted


def test_no_other_library_may_be_faster() -> None:
    row = row_of("train resnet batch 64", jax=2.0, tensorflow=1.5, tensorflow_xla=0.9)
    assert targets.texts(row) == ["jax >= 1x: 2.00x, met", "tensorflow >= 1x: 0.90x, missed"]


def test_every_target_has_rows() -> None:
    """Names that can be had without measuring; those of whole networks are as `benchmark` makes them."""
    names = [name for names, _ in ASKED for name in names]
    names += ["memory, train hello-dl-letters batch 256 above the data set"]
    names += ["memory, infer hello-dl-letters batch 256, growth over 1,000 calls"]
    for target in TARGETS:
        assert any(re.search(target.row, name) for name in names), target.row
    listed = {g.name for g in GEOMETRIES}
    assert {*WIDE, *OTHERS, *POINTS, *GROUPED} == listed


def test_wide_convolutions_have_one_target_each() -> None:
    names = {f"conv 3x3 512->512 on 7x7 batch 1 {d}": d for d in ("forward", "input gradient")}
    for name in names:
        assert targets.texts(row_of(name, torch_eager=1.5)) == ["torch >= 1.6x: 1.50x, missed"]
    name = "conv 3x3 512->512 on 7x7 batch 1 weight gradient"
    assert targets.texts(row_of(name, torch_eager=1.5)) == ["torch >= 1.4x: 1.50x, met"]


def test_peers_keep_no_target_beside_busy_processes() -> None:
    assert targets.texts(row_of("beside two busy processes, train d4 batch 32, torch eager", alone=0.1)) == []


def test_summary_counts() -> None:
    rows = [row_of("train vgg batch 64", torch_eager=2.5), row_of("train vgg batch 64", torch_eager=1.5)]
    assert list(targets.summary(rows)) == [
        "target  train vgg batch 64: torch >= 2x: 2.50x, met",
        "target  train vgg batch 64: torch >= 2x: 1.50x, missed",
        "targets 1 met, 1 missed, 0 no claim",
    ]
    assert list(targets.summary([])) == []


def test_every_target_has_a_bound() -> None:
    assert all(t.least is not None or t.most is not None for t in TARGETS)
    assert all(t.peers for t in TARGETS if t.of == "ratio")
    assert Target("x", "y", least=1).applies_to({"kind": "kernel", "name": "x"}) is False


# --- tables -----------------------------------------------------------------------------------------


def result(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"machine": {"cpu": "x"}, "options": {"quick": False}, "peak": [], "rows": list(rows)}


def test_table_of_contests_with_targets() -> None:
    rows = [
        row_of("train vgg batch 64", torch_eager=2.5, jax=3.0),
        row_of("train d4 batch 1", torch_eager=2.0),
    ]
    rows[1]["notes"] = ["jax: not timed, the loss differs"]
    assert list(table.tables(result(*rows))) == [
        "cpu x.",
        "",
        "| training | cnnfast, images/s | of dense peak | against torch eager (quartiles) "
        "| against jax (quartiles) | target |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        "| vgg batch 64 | 64 | 120% | 2.50x (2.50 to 2.50) | 3.00x (3.00 to 3.00) "
        "| torch >= 2x: 2.50x, met; jax >= 1x: 3.00x, met |",
        "| d4 batch 1 | 64 | 120% | 2.00x (2.00 to 2.00) |  |  |",
        "",
        "- d4 batch 1: jax: not timed, the loss differs",
        "",
        "Targets 2 met, 0 missed, 0 no claim.",
    ]


def test_table_marks_unreliable_rows() -> None:
    seconds = {"ours": [1.0] * 4, "theirs": [1.0, 3.0, 2.0, 1.2]}
    row = Row("train x batch 4", 4, "images", seconds).to_dict()
    assert list(table.tables(result(row)))[2:] == [
        "| training | ours, images/s | against theirs (quartiles) |",
        "| --- | ---: | ---: |",
        "| x batch 4 | 4 | no claim (1.15 to 2.25) |",
    ]


def test_table_of_figures_and_remarks() -> None:
    rows = [Figure("memory, infer x", 2.04, "MB"), Remark("jax", "jax is not installed")]
    assert list(table.tables(result(*(row.to_dict() for row in rows))))[2:] == [
        "| | measured | target |",
        "| --- | ---: | --- |",
        "| memory, infer x | 2.0 MB | <= 1 MB: 2.0 MB, missed |",
        "",
        "- jax: left out, jax is not installed",
        "",
        "Targets 0 met, 1 missed, 0 no claim.",
    ]


def test_table_is_made_of_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Options, "effort", Effort(rounds=2, sample=0.0))
    path = tmp_path / "bench.json"
    sources = [kernel_rows, runner.shipped_rows]
    options = Options(quick=True, only=r"peak float32|kernel (relu|d4 conv1)|infer d4 batch 1$")
    given = runner.run_rows(options, sources, path, lambda line: None)
    assert table.main([str(path)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("cpu ")
    assert "**A quick run: do not quote.**" in text
    assert re.search(r"^\| d4 conv1 3x3 1->8 on 28x28[^|]* \| \d+\.\d GFLOP/s, \d+% \|", text, re.MULTILINE)
    assert re.search(r"^\| relu on 32x13x13[^|]* \| \d+\.\d GB/s \| \d+\.\d GB/s \|$", text, re.MULTILINE)
    speed = 1 / given["rows"][-1]["median_seconds"]["cnnfast"]
    assert f"| d4 batch 1 | {speed:,.0f} |" in text
    assert table.main([]) == 2
