"""Drawings of networks: what is in the boxes, which are connected, and that none overlap."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.nn import layered_layout
from cnnfast.nn.drawing import svg

SVG = "{http://www.w3.org/2000/svg}"


def boxes(text: str) -> list[list[str]]:
    """The lines of text of each box."""
    root = ElementTree.fromstring(text)
    return [[span.text or "" for span in label.iter(f"{SVG}tspan")] for label in root.iter(f"{SVG}text")][1:]


def kinds(text: str) -> list[str]:
    return [group.get("class", "") for group in ElementTree.fromstring(text).iter(f"{SVG}g")][1:]


def inception(channels: int) -> nn.Branches:
    return nn.Branches(
        nn.Conv2d(channels, 4, 1),
        nn.Sequential(nn.Conv2d(channels, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 3, padding=1)),
        nn.Sequential(nn.MaxPool2d(3, 1, padding=1), nn.Conv2d(channels, 4, 1)),
    )


INCEPTION = nn.Sequential(inception(3), inception(12), input_shape=(3, 8, 8), seed=0)


def test_boxes_hold_name_settings_shape_and_parameters() -> None:
    model = nn.Sequential(
        {
            "conv": nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
            "norm": nn.BatchNorm2d(8),
            "relu": nn.ReLU(),
            "pool": nn.MaxPool2d(2),
            "flat": nn.Flatten(),
            "fc": nn.Linear(128, 10),
        },
        input_shape=(3, 16, 16),
    )
    assert boxes(svg(model)) == [
        ["input", "3x16x16"],
        [
            "conv Conv2d",
            "3 to 8, kernel 3x3, stride 2, padding 1",
            "+ BatchNorm2d + ReLU",
            "8x8x8, 232 parameters",
        ],
        ["pool MaxPool2d", "kernel 2x2, stride 2", "+ Flatten", "128"],
        ["fc Linear", "128 to 10", "10, 1,290 parameters"],
    ]
    assert kinds(svg(model)) == ["other", "convolution", "pool", "linear"]


def test_a_value_with_two_readers_ends_its_box() -> None:
    block = nn.Residual(nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 1)))
    model = nn.Sequential(nn.Conv2d(4, 4, 1), block, nn.ReLU(), input_shape=(4, 5, 5))
    titles = [lines[0] for lines in boxes(svg(model))]
    assert titles == ["input", "0 Conv2d", "1.body.0 ReLU", "1.body.1 Conv2d", "1.add Add"]
    assert boxes(svg(model))[-1] == ["1.add Add", "+ ReLU", "4x5x5"]
    assert svg(model).count('marker-end="url(#arrow)"') == 5
    assert kinds(svg(model))[-1] == "join"


def test_auxiliary_outputs_are_named() -> None:
    g = nn.Graph.builder()
    body = g.add(nn.Linear(4, 3), g.input, name="body")
    side = g.add(nn.Linear(3, 2), body, name="side")
    output = g.add(nn.Linear(3, 2), body, name="output")
    model = g.build(output, auxiliary={side: 0.3}, input_shape=(4,))
    found = {lines[0]: lines[-1] for lines in boxes(svg(model))}
    assert found["side Linear"] == "auxiliary output, loss times 0.3"
    assert found["output Linear"] == "2, 8 parameters"


def test_names_are_escaped() -> None:
    model = nn.Sequential({"a<b>&\x1b": nn.ReLU()}, input_shape=(2,))
    assert boxes(svg(model))[1][0] == r"a<b>&\x1b ReLU"


@pytest.mark.parametrize(
    "model", [models.d4(), models.resnet_cifar(8), INCEPTION], ids=["d4", "resnet8", "inception"]
)
def test_boxes_do_not_overlap_and_arrows_lead_down(model: nn.Module) -> None:
    text = svg(model)
    root = ElementTree.fromstring(text)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    rects = [
        [float(rect.get(key, "")) for key in ("x", "y", "width", "height")]
        for rect in root.iter(f"{SVG}rect")
        if rect.get("x")
    ]
    for (x, y, w, h), (u, v, p, q) in combinations(rects, 2):
        assert x + w < u or u + p < x or y + h < v or v + q < y
    assert min(x for x, *_ in rects) >= 0
    assert max(x + w for x, _, w, _ in rects) < width
    assert max(y + h for _, y, _, h in rects) < height
    for path in re.findall(r'<path d="(M[^"]+)" fill="none"', text):
        assert all(upper <= lower for upper, lower in pairwise(heights(path)))


def heights(path: str) -> list[float]:
    """The y of the points that a path passes through."""
    found = []
    for command, numbers in re.findall(r"([MVC])([^MVC]+)", path):
        values = [float(number) for number in numbers.split()]
        found.append(values[0] if command == "V" else values[-1])
    return found


def test_branches_are_side_by_side_and_a_shortcut_is_beside_its_body() -> None:
    sizes = [(50.0, 20.0)] * 6
    layout = layered_layout.layered(sizes, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (4, 5), (0, 5)])
    (_, y1), (_, y2), (_, y3) = layout.centers[1:4]
    assert y1 == y2 == y3
    assert len({x for x, _ in layout.centers[1:4]}) == 3
    long = layout.paths[-1]
    assert len({x for x, _ in long[2:-2]}) == 1  # vertical beside the others
    (at,) = {x for x, _ in long[2:-2]}
    assert all(abs(at - x) >= 25 for x, _ in layout.centers[1:5])
    assert layout.size[1] == 4 * 20 + 3 * layered_layout.GAP_Y


def test_an_unbranched_path_is_a_straight_line() -> None:
    layout = layered_layout.layered([(80.0, 20.0), (30.0, 20.0), (60.0, 20.0)], [(0, 1), (1, 2)])
    assert [x for x, _ in layout.centers] == [40.0, 40.0, 40.0]
    assert layout.size == (80.0, 60 + 2 * layered_layout.GAP_Y)


def test_increasing_is_the_nearest_sequence(rng: np.random.Generator) -> None:
    values, weights = rng.normal(size=7), rng.uniform(0.5, 2, 7)
    found = np.array(layered_layout.increasing(list(values), list(weights)))
    assert (np.diff(found) >= 0).all()
    loss = (weights * (found - values) ** 2).sum()
    for _ in range(200):
        other = np.sort(found + rng.normal(scale=0.1, size=7))
        assert loss <= (weights * (other - values) ** 2).sum() + 1e-12


def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "net.svg"
    path.write_text("old", encoding="utf-8")
    models.d4().draw(path)
    assert path.read_text(encoding="utf-8") == svg(models.d4())
    assert list(tmp_path.iterdir()) == [path]


def test_refusals(tmp_path: Path) -> None:
    model = models.d4()
    with pytest.raises(ValueError, match=r"^Sequential\.draw: path must end in \.svg, got 'net\.png'$"):
        model.draw("net.png")
    with pytest.raises(TypeError, match=r"^Sequential\.draw: path must be the name of a file, got 3$"):
        model.draw(3)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="none"):
        model.draw(tmp_path / "none" / "net.svg")
    with pytest.raises(
        ValueError, match=r"^ReLU\.draw: needs an input_shape, this module has none of its own$"
    ):
        nn.ReLU().draw(tmp_path / "net.svg")
    assert list(tmp_path.iterdir()) == []
