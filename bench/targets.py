"""Performance targets of benchmark rows, and their evaluation for the rows that were run.

A target applies to the rows whose name matches its regular expression. Another one selects the peers of a
ratio; of several variants of a peer the best counts, which has the smallest ratio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Judgment = Literal["met", "missed", "no claim"]
JsonRow = dict[str, Any]  # a row as in the JSON file


@dataclass(frozen=True)
class Target:
    """Bounds for a number of the matching rows.

    of: "ratio" to the peers; "share" (fraction) of the dense peak; "seconds" of cnnfast's call; "value" of a
        figure.
    label: name of the bounded number, if it is not a ratio to the peers.
    """

    row: str
    peers: str = ""
    of: Literal["ratio", "share", "seconds", "value"] = "ratio"
    least: float | None = None
    most: float | None = None
    label: str = ""

    def applies_to(self, row: JsonRow) -> bool:
        if row["kind"] not in ("candidates", "figure") or re.search(self.row, row["name"]) is None:
            return False
        return self.of != "ratio" or bool(self._ratios(row))

    def _ratios(self, row: JsonRow) -> dict[str, JsonRow]:
        return {name: r for name, r in row["ratios"].items() if re.search(self.peers, name)}

    def evaluate(self, row: JsonRow) -> tuple[float, Judgment]:
        """The measured number, and whether it meets the target."""
        if self.of == "ratio":
            worst = max(self._ratios(row).values(), key=lambda r: self._excess(r["of_medians"]))
            value, claim = worst["of_medians"], worst["claim"]
        elif self.of == "value":
            value, claim = row["value"], True
        else:
            first = next(iter(row["median_seconds"].values()))
            value, claim = row["of_peak"] if self.of == "share" else first, not row["is_contended"]
        if not claim:
            return value, "no claim"
        return value, "met" if self._excess(value) <= 0 else "missed"

    def _excess(self, value: float) -> float:
        """Distance outside of the bounds; inside, negative or 0."""
        below = self.least - value if self.least is not None else float("-inf")
        above = value - self.most if self.most is not None else float("-inf")
        return max(below, above)

    def text(self, row: JsonRow) -> str:
        """Text such as `torch >= 4x: 3.72x, missed`."""
        value, judgment = self.evaluate(row)
        bounds = [f">= {self._shown(self.least, row, 'g')}"] if self.least is not None else []
        bounds += [f"<= {self._shown(self.most, row, 'g')}"] if self.most is not None else []
        bounds_text = f"{self.label or self.peers} {' and '.join(bounds)}".strip()
        return f"{bounds_text}: {self._shown(value, row)}, {judgment}"

    def _shown(self, value: float, row: JsonRow, form: str = "") -> str:
        match self.of:
            case "ratio":
                return f"{value:{form or '.2f'}}x"
            case "share":
                return f"{value:.0%}"
            case "seconds":
                return f"{value * 1e6:{form or '.1f'}} us"
            case "value":
                return f"{value:{form or '.1f'}} {row['unit']}"


#: The ratio of two that take the same time, less the noise of measuring it.
NOT_SLOWER = 0.97

_SMALL = "(d4|numpy-mnist|lenet)"
_ANY = "(d4|numpy-mnist|lenet|hello-dl-letters)"
_WIDE = "^conv 3x3 (64->64 on 56|128->128 on 28|256->256 on 14|512->512 on 7)x"
_OTHER = r"^conv (3x3 stride 2|1x1|1x1 stride 2|7x7 stride 2|11x11 stride 4|5x5) \d"
_GROUPED = "^conv .* (depthwise|groups|dilation) "
_NETWORK = r"^(train|infer) .* batch \d+$"
_LETTERS = "^train hello-dl-letters batch"
_THREADS = "( on one thread)?$"
_LARGE = "^zoo infer (resnet18|resnet50|vgg16|alexnet|googlenet) batch (1|8)$"
_SMALLEST = "(lenet5|lenet5-paper|cnn1d)"
_DEEPER = "(resnet20|mobilenet-cifar|alphago-policy)"

TARGETS = (
    Target(rf"{_LETTERS} (32|64){_THREADS}", "torch", least=5),
    Target(rf"{_LETTERS} (128|256){_THREADS}", "torch", least=4),
    Target(rf"{_LETTERS} (32|64|128|256){_THREADS}", of="share", least=1.8, label="of dense peak"),
    Target(rf"^train {_SMALL} batch (32|64|128|256)$", "torch", least=4),
    Target(rf"^infer {_SMALL} batch 256$", "torch", least=4),
    Target(rf"^infer {_SMALL} batch 256$", "onnxruntime", least=1.5),
    Target(rf"^infer {_SMALL} batch 256$", "openvino", least=1.5),
    Target(rf"^infer {_ANY} batch 1$", "torch", least=10),
    Target(rf"^infer {_ANY} batch 1$", "onnxruntime", least=2),
    Target("^infer hello-dl-letters batch 1( on one thread)?$", of="seconds", most=50e-6, label="a call"),
    Target("^call overhead", of="seconds", most=5e-6, label="a call"),
    Target("^train vgg batch 64$", "torch", least=2),
    Target(_WIDE + ".* (forward|input gradient)$", "torch", least=1.6),
    Target(_WIDE + ".* weight gradient$", "torch", least=1.4),
    Target(_OTHER, "torch", least=1.1),
    Target(_GROUPED, "torch", least=1),
    Target("^op ", "torch", least=1),
    Target(r"^(product|conv 1x1) \d", of="share", least=0.8, label="of dense peak"),
    Target(_NETWORK, "jax", least=1),
    Target(_NETWORK, "tensorflow", least=1),
    Target(_LARGE, "onnxruntime", least=1.3),
    Target(_LARGE, "openvino", least=1.3),
    Target(_LARGE, "torch", least=1.5),
    Target("^zoo infer vgg16 batch (1|8)$", "torch", least=2),
    Target("^zoo train resnet18 batch 8$", "torch", least=1.5),
    Target(f"^zoo train {_SMALLEST} batch (32|128)$", "torch", least=3),
    Target(f"^zoo train {_DEEPER} batch (32|128)$", "torch", least=2),
    Target("^zoo train mlp batch (32|128)$", "torch", least=1.5),
    Target(f"^zoo infer ({_SMALLEST}|{_DEEPER}) batch (1|256)$", "onnxruntime", least=1.5),
    Target("^zoo infer mlp batch (1|256)$", "onnxruntime", least=1.1),
    Target("^two threads against one, train .* batch 64$", "1 thread", least=1.85, label="one thread"),
    Target("^two threads against one, .* batch 8$", "1 thread", least=NOT_SLOWER, label="one thread"),
    Target("^beside two busy processes, .*, cnnfast$", "alone", least=0.4, label="of its speed alone"),
    Target("^time per image, ", ".", least=0.9, most=1.1, label="every one"),
    Target("^augmentation, ", ".", most=1.1, label="every one"),
    Target("^bookkeeping, ", "with bookkeeping", most=1.02),
    Target("^memory, train hello-dl-letters batch 256", of="value", most=100),
    Target("^memory, infer ", of="value", most=1),
)


def texts(row: JsonRow) -> list[str]:
    """Every target of a row, with the measured number and whether it is met."""
    return [target.text(row) for target in TARGETS if target.applies_to(row)]


def summary(rows: Sequence[JsonRow]) -> Iterator[str]:
    """A line for each target of each row, and how many are met."""
    count = dict.fromkeys(("met", "missed", "no claim"), 0)
    for row in rows:
        for target in TARGETS:
            if target.applies_to(row):
                count[target.evaluate(row)[1]] += 1
                yield f"target  {row['name']}: {target.text(row)}"
    if any(count.values()):
        yield "targets " + ", ".join(f"{number} {judgment}" for judgment, number in count.items())
