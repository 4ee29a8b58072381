"""The benchmarks as programs: they check before they time, claim nothing they cannot, and say what ran."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cnnfast import _core, errors
from cnnfast.benchmark import runner
from cnnfast.benchmark.cpu_contention import CpuContention
from cnnfast.benchmark.peers import has_torch
from cnnfast.benchmark.timing import Effort, Options, Ratio, Row, TimedCandidate, interleave

from bench.kernels import assert_right, kernel_rows
from tests import cases, oracle

ROOT = Path(__file__).resolve().parents[2]
SHORT = Effort(rounds=2, sample=0.0)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls a row: what is tested is not the speed."""
    monkeypatch.setattr(Options, "effort", SHORT)


@pytest.fixture
def lines() -> list[str]:
    return []


# --- the timer ----------------------------------------------------------------------------------


def test_contestants_take_turns() -> None:
    called: list[str] = []
    candidates = {name: (lambda name=name: called.append(name)) for name in ("a", "b", "c")}
    seconds = interleave(candidates, Effort(rounds=4, sample=0.0))
    assert {name: len(times) for name, times in seconds.items()} == dict.fromkeys("abc", 4)
    assert called[:3] == ["a", "b", "c"]  # warming up
    starts = [called[3:][i] for i in range(0, 4 * 6, 6)]
    assert starts == ["a", "b", "c", "a"]
    assert called[3:9] == ["a", "a", "b", "b", "c", "c"]  # an untimed call before each timed one


def test_short_calls_are_preceded_by_several_untimed_ones() -> None:
    asked: list[int] = []

    def seconds(calls: int) -> float:
        asked.append(calls)
        return 0.001 * calls

    outcome = interleave({"own clock": TimedCandidate(seconds)}, Effort(rounds=2, sample=0.1))
    assert outcome == {"own clock": pytest.approx([0.001, 0.001])}
    calls = asked[-1]
    assert 100 <= calls < 150
    assert asked[-4:] == [calls // 20, calls, calls // 20, calls]


def test_long_calls_settle_by_themselves() -> None:
    asked: list[int] = []

    def seconds(calls: int) -> float:
        asked.append(calls)
        return 3.0 * calls

    outcome = interleave({"own clock": TimedCandidate(seconds)}, Effort(rounds=3, sample=0.1))
    assert outcome == {"own clock": [3.0] * 3}
    assert asked == [1, 1, 1, 1, 1]  # warming up, settling once, three rounds


def test_ratio_is_taken_within_rounds() -> None:
    """A machine that doubles its speed halfway changes no ratio."""
    ratio = Ratio.between([1.0, 1.0, 0.5, 0.5], [3.0, 3.0, 1.5, 1.5])
    assert (ratio.low, ratio.middle, ratio.high, ratio.spread) == (3.0, 3.0, 3.0, 0.0)


def row(other: list[float], foreign: float | None = None) -> Row:
    return Row("train x batch 4", 4, "images", {"ours": [1.0, 1.0, 1.0, 1.0], "theirs": other}, foreign)


def test_row_claims_a_ratio() -> None:
    text = row([2.0, 2.0, 2.1, 2.0]).lines()
    assert text[0] == "train x batch 4"
    assert text[1].split() == ["ours", "4", "images/s", "1,000,000.0", "us"]
    assert text[2].split() == ["theirs", "2", "images/s", "2,000,000.0", "us"]
    assert text[3] == "      2.00x, quartiles 2.00 to 2.02"
    outcome = row([2.0, 2.0, 2.1, 2.0]).to_dict()
    assert outcome["median_seconds"] == {"ours": 1.0, "theirs": 2.0}
    assert outcome["ratios"]["theirs"]["claim"] is True


def test_row_claims_nothing_when_the_spread_is_wild() -> None:
    wild = row([1.0, 3.0, 2.0, 1.2])
    assert wild.lines()[3].endswith("no claim: spread 69%, quartiles 1.15 to 2.25")
    assert wild.to_dict()["ratios"]["theirs"]["claim"] is False


def test_row_claims_nothing_in_company() -> None:
    is_contended = row([2.0] * 4, foreign=0.5)
    assert is_contended.lines()[3].endswith(
        "no claim: other processes use 0.50 processors, quartiles 2.00 to 2.00"
    )
    assert is_contended.to_dict()["ratios"]["theirs"]["claim"] is False
    assert row([2.0] * 4, foreign=0.1).to_dict()["ratios"]["theirs"]["claim"] is True


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_row_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for text in (row([1.0, 3.0, 2.0, 1.2]).lines(), row([2.0] * 4, foreign=0.5).lines()):
        assert max(map(len, text)) <= columns
        assert len(text) > 3 or columns == 120
        assert " ".join(" ".join(text).split()).endswith(("quartiles 1.15 to 2.25", "quartiles 2.00 to 2.00"))


def test_row_shows_the_fraction_of_the_peak_and_missing_peers() -> None:
    outcome = Row("x", 4, "images", {"ours": [2.0]}, flops=6.0, peak=2.0, notes=("theirs: not timed",))
    assert outcome.lines()[1].endswith("us  150% of dense peak")
    assert outcome.lines()[2] == "  theirs: not timed"
    assert (outcome.to_dict()["of_peak"], outcome.to_dict()["notes"]) == (1.5, ["theirs: not timed"])
    assert row([2.0] * 4).to_dict()["of_peak"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how busy its processors are")
@pytest.mark.slow
def test_foreign_load_sees_a_neighbour_but_not_ourselves() -> None:
    command = [sys.executable, "-c", "import time\nend = time.time() + 30\nwhile time.time() < end: pass"]
    with subprocess.Popen(command) as neighbor:
        try:
            load = CpuContention()
            with contextlib.suppress(subprocess.TimeoutExpired):
                neighbor.wait(timeout=0.5)
            with_neighbour = load.cores()
        finally:
            neighbor.kill()
    assert with_neighbour is not None
    assert with_neighbour > 0.3


# --- rows of networks -------------------------------------------------------------------------------


@pytest.mark.slow
def test_run_says_what_was_measured_where(short: None, lines: list[str], tmp_path: Path) -> None:
    before = _core.get_num_threads()
    path = tmp_path / "bench.json"
    pattern = r"peak float32|(train|infer) d4 batch 1$"
    result = runner.run(quick=True, threads=3, only=pattern, json_path=path, write=lines.append)
    assert _core.get_num_threads() == before
    assert json.loads(path.read_text(encoding="utf-8")) == result
    assert {"cpu", "cores", "isa", "threads", "cnnfast"} <= set(result["machine"])
    assert result["machine"]["threads"] == 3
    assert result["options"] == {"quick": True, "threads": 3, "only": pattern}
    assert [entry["isa"] for entry in result["peak"]] == _core.available_isas()
    assert all(entry["gflops"] > 0.1 for entry in result["peak"])
    assert [r["name"] for r in result["rows"]] == ["train d4 batch 1", "infer d4 batch 1"]
    for r in result["rows"]:
        expected = ["cnnfast"] + (["torch eager", "torch channels_last"] if has_torch() else [])
        assert list(r["seconds"]) == expected
        assert all(len(times) == SHORT.rounds for times in r["seconds"].values())
    assert lines[-1] == f"written: {path}"
    assert "threads 3" in lines[0]


@pytest.mark.slow
def test_a_run_that_is_stopped_leaves_its_rows(short: None, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "bench.json"

    def stopped(options: Options) -> Iterator[runner.Result]:
        yield from itertools.islice(runner.shipped_rows(options), 1)
        raise KeyboardInterrupt

    options = Options(True, None, "train d4 batch 1$")
    with pytest.raises(KeyboardInterrupt):
        runner.run_rows(options, [stopped], path, lines.append)
    outcome = json.loads(path.read_text(encoding="utf-8"))
    assert [row["name"] for row in outcome["rows"]] == ["train d4 batch 1"]
    assert list(tmp_path.iterdir()) == [path]


def test_run_without_torch(short: None, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "torch_peers", list)
    result = runner.run(quick=True, only="d4 batch 1$", write=lines.append)
    assert [list(r["seconds"]) for r in result["rows"]] == [["cnnfast"], ["cnnfast"]]
    assert all(r["of_peak"] > 0 for r in result["rows"])


@pytest.mark.parametrize("kind", ["train", "infer"])
def test_nothing_is_timed_that_differs(
    kind: str, short: None, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from cnnfast.interop.torch import TorchModel

    given = TorchModel._values
    monkeypatch.setattr(
        TorchModel, "_values", lambda self, x: {k: 1.01 * v for k, v in given(self, x).items()}
    )
    with pytest.raises(
        errors.CnnfastError, match=r"^bench: d4: for torch eager, the [\w .]+ differs by .*: not timed$"
    ):
        runner.run(quick=True, only=f"{kind} d4 batch 64", write=lines.append)
    assert not any(line.startswith(kind) for line in lines)


def test_bad_pattern(lines: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^bench: only='\(' is not a regular expression: missing \), "):
        runner.run(only="(", write=lines.append)
    assert lines == []


# --- rows of kernels --------------------------------------------------------------------------------


def test_every_operation_has_a_kernel_row(short: None) -> None:
    rows = list(kernel_rows(Options(quick=True, only=r"kernel (add|letters linear3|relu on|letters pool2)")))
    assert [r.name.split()[1] for r in rows] == ["letters", "letters", "relu", "add"]
    for r in rows:
        assert r.to_dict()["median_seconds"]["forward"] > 0
        assert ("GFLOP/s" if r.flops["forward"] else "GB/s") in r.lines()[0]
    assert rows[1].flops["forward"] == 2 * 64 * 128 * 26


def test_wrong_kernel_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    forward, backward = oracle.PAIRS["ReLU"]
    case = next(case for case in cases.CASES if case.op == "ReLU" and case.row)
    isa = _core.available_isas()[-1]
    assert_right(case, isa, "float32")
    monkeypatch.setitem(oracle.PAIRS, "ReLU", (lambda x: forward(x) + 1, backward))
    with pytest.raises(AssertionError, match="relu on 32x13x13"):
        assert_right(case, isa, "float32")
    monkeypatch.setitem(oracle.PAIRS, "ReLU", (forward, lambda dy, x: (2 * backward(dy, x)[0],)))
    with pytest.raises(AssertionError, match="relu on 32x13x13, gradient"):
        assert_right(case, isa, "float32")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_command(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    done = bench("--quick", "--only", "kernel relu on", "--threads", "1", "--json", str(path))
    assert done.returncode == 0, done.stderr
    assert "kernel relu on 32x13x13" in done.stdout
    outcome = json.loads(path.read_text(encoding="utf-8"))
    names = [r["name"] for r in outcome["rows"] if r["name"].startswith("kernel")]  # peers may be missing
    assert names == ["kernel relu on 32x13x13"]
    assert outcome["machine"]["threads"] == 1


@pytest.mark.slow
def test_command_refuses() -> None:
    assert bench("--threads", "0").returncode == 2
    done = bench("--only", "(")
    assert done.returncode == 1
    assert done.stderr.startswith("error: bench: only='(' is not a regular expression")
