"""The data and the file of the page that `Explanation` writes."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.datasets import ImageDataset
from cnnfast.explanation import Explanation, page_data
from cnnfast.explanation.arrays import Arrays

from tests.explain.test_explain_terms import BUILDS, explained
from tests.support.marks import quick_only

RNG = np.random.default_rng(0)


def decoded(data: dict[str, Any], reference: str) -> np.ndarray[Any, Any]:
    entry = data["arrays"][reference]
    flat = np.frombuffer(base64.b64decode(entry["data"]), np.dtype(entry["dtype"]).newbyteorder("<"))
    return flat.reshape(entry["shape"])


def data_of(explanation: Explanation) -> dict[str, Any]:
    """As a browser reads it from the page."""
    found = re.search(
        r'<script type="application/json" id="cnnfast-data">(.*?)</script>', explanation.html(), re.S
    )
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def d4() -> Explanation:
    model = models.d4(seed=0)
    model.classes = tuple("0123456789")
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:16] = 255
    train = ImageDataset(
        RNG.integers(0, 256, (20, 28, 28), np.uint8), np.arange(20) % 10, tuple("0123456789")
    )
    return cf.explain(model, image, backward=True, train=train, title="a <b> & c")


def test_values_and_gradients(d4: Explanation) -> None:
    data = data_of(d4)
    assert d4.backward
    for k, entry in enumerate(data["values"]):
        assert tuple(entry["shape"]) == d4.network.values[k].shape
        gradient = decoded(data, data["backward"]["gradients"][k])
        np.testing.assert_array_equal(gradient, d4.backward.gradients[k])
        if entry["name"] == "flatten":
            assert entry["array"] is None
        else:
            np.testing.assert_array_equal(decoded(data, entry["array"]), d4.network.values[k])


def test_rules_and_parameters(d4: Explanation) -> None:
    data = data_of(d4)
    state = d4.network.model.state_dict()
    conv, relu, pool, *_, output = data["steps"]
    assert {
        key: conv["rule"][key]
        for key in ("kind", "kernel", "stride", "padding", "dilation", "groups", "transposed")
    } == {
        "kind": "window_sum",
        "kernel": [3, 3],
        "stride": [1, 1],
        "padding": [[1, 1], [1, 1]],
        "dilation": [1, 1],
        "groups": 1,
        "transposed": False,
    }
    np.testing.assert_array_equal(decoded(data, conv["rule"]["weight"]), state["conv1.weight"])
    assert conv["parameters"]["weight"] == conv["rule"]["weight"]
    assert data["arrays"][conv["rule"]["weight"]]["dtype"] == "float32"
    assert (relu["rule"]["kind"], relu["rule"]["formula"]) == ("function", "max(x, 0)")
    np.testing.assert_array_equal(decoded(data, relu["slopes"]), d4.network.values[1] > 0)
    curve = {name: decoded(data, reference) for name, reference in relu["rule"]["curve"].items()}
    np.testing.assert_array_equal(curve["y"], np.maximum(curve["x"], 0))
    assert (pool["rule"]["kind"], pool["rule"]["bins"]) == ("window_max", None)
    assert (output["rule"]["kind"], output["inputs"], output["text"]) == ("linear", [9], "Linear(64, 10)")
    assert [step["section"] for step in data["steps"]] == [
        *("convolution", "activation", "pooling") * 2,
        *("flatten", "linear", "activation", "linear"),
    ]
    assert sum(conv["histogram"]["counts"]) == 72
    assert pool["receptive_field"]["first"][0][:3] == [0, 1, 3]
    assert output["receptive_field"] is None


def test_summary_evidence_and_backward(d4: Explanation) -> None:
    data = data_of(d4)
    assert data["model"]["parameters"] == 52138
    assert data["model"]["preprocessing"] == {"mean": 0.1307, "std": 0.3081}
    probabilities = decoded(data, data["output"]["probabilities"])
    np.testing.assert_allclose(probabilities.sum(), 1)
    assert data["output"]["prediction"] == probabilities.argmax() == data["backward"]["target"]
    backward = data["backward"]
    assert (backward["loss"], backward["at"]) == ("cross_entropy", 10)
    assert backward["value"] == pytest.approx(-np.log(probabilities.max()))
    assert backward["optimizer"]["after"] < backward["optimizer"]["before"] == backward["value"]
    evidence = data["evidence"]
    assert [cam["layer"] for cam in evidence["grad_cam"]] == [
        "conv1",
        "relu1",
        "pool1",
        "conv2",
        "relu2",
        "pool2",
    ]
    assert decoded(data, evidence["occlusion"]["array"]).shape == (28, 28)
    assert decoded(data, evidence["input_gradient"]["array"]).shape == (1, 28, 28)
    assert len(evidence["neighbors"]) == 8
    assert decoded(data, evidence["neighbors"][0]["image"]).dtype == np.uint8


@pytest.mark.parametrize("name", quick_only(BUILDS, ["d4", "lenet5 paper", "cnn1d"]))
def test_every_network_has_a_page(name: str) -> None:
    explanation = explained(name, backward=True)
    data = data_of(explanation)
    kinds = {step["rule"]["kind"] for step in data["steps"]}
    assert kinds <= {*page_data._SECTIONS, "copy", "softmax", "rbf"}
    references = set(re.findall(r'"(a\d+)"', json.dumps({k: v for k, v in data.items() if k != "arrays"})))
    assert references == set(data["arrays"])


@pytest.mark.parametrize(("name", "most"), [("d4", 1.0), ("hello-dl-letters", 3.0)])
def test_sizes_in_megabytes(name: str, most: float) -> None:
    assert len(explained(name, backward=True).html().encode()) <= most * 1e6


def test_the_file_is_self_contained(d4: Explanation, tmp_path: Path) -> None:
    d4.save(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text == d4.html()
    assert "<title>a &lt;b&gt; &amp; c</title>" in text
    assert "<!-- cnnfast:" not in text
    assert '"cnnfast/data.js": "data:text/javascript;base64,' in text
    assert not re.search(r'(src|href)="?(https?:)?//', text)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_names_from_outside_cannot_end_the_script() -> None:
    model = nn.Sequential({"a": nn.Linear(2, 2)}, input_shape=(2,), seed=0)
    model.classes = ("</script><script>alert(1)</script>", "b")
    assert data_of(cf.explain(model, np.ones(2, np.float32)))["model"]["classes"] == list(model.classes)


def test_chosen_layers_have_rules_and_the_others_only_names() -> None:
    explanation = explained("d4", layers=["pool1", "output"], backward=True)
    data = data_of(explanation)
    assert [step["name"] for step in data["steps"] if not step["hidden"]] == ["pool1", "output"]
    assert [step["rule"] is None for step in data["steps"]] == [step["hidden"] for step in data["steps"]]
    kept = [k for k, value in enumerate(data["values"]) if value["array"] is not None]
    assert kept == [0, 2, 3, 9, 10]
    assert [k for k, gradient in enumerate(data["backward"]["gradients"]) if gradient] == kept
    assert [cam["layer"] for cam in data["evidence"]["grad_cam"]] == ["pool1"]
    assert len(explanation.html()) < len(explained("d4", backward=True).html()) / 2


def test_a_page_that_would_be_too_large_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_data, "_MOST_BYTES", 400_000)
    text = (
        r"^explain: the page would have 1 MB, at most 0 are possible; choose some layers by "
        r"layers=\[\.\.\.\], on the command line by --layers$"
    )
    with pytest.raises(ValueError, match=text):
        explained("d4").html()
    assert explained("d4", layers=["pool1"]).html()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([0.0, 255.0]), "uint8"),
        (np.array([-0.0, 1.0]), "float32"),
        (np.array([0.5, -2.0]), "float32"),
        (np.array([0.1]), "float64"),
        (np.array([np.nan, 0.0]), "float64"),
        (np.array([-1, 70000]), "int32"),
        (np.zeros((0, 3)), "uint8"),
    ],
)
def test_arrays_are_stored_without_loss_in_the_smallest_type(
    values: np.ndarray[Any, Any], dtype: str
) -> None:
    arrays = Arrays()
    reference = arrays.add(values)
    assert arrays.entries[reference]["dtype"] == dtype
    found = decoded({"arrays": arrays.entries}, reference)
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(values))
    assert arrays.add(values.copy()) == reference
    assert len(arrays.entries) == 1
