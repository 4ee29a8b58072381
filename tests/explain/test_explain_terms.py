"""`cf.explain`: the terms of any value of any network add up to what the engine computes."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.explanation import Explanation, Terms

from tests.support.small_networks import REDUCED
from tests.support.zoo import SMALL

BUILDS = {**REDUCED, **{name: partial(models.get, name) for name in SMALL}}
#: of each network: together more than 1,000 values
VALUES = 80


def explained(name: str, **settings: Any) -> Explanation:
    model = BUILDS[name](seed=0)
    assert model.input_shape is not None
    x = np.random.default_rng(1).standard_normal(model.input_shape).astype(np.float32)
    return cf.explain(model, x, **settings)


def close(terms: Terms) -> bool:
    """1e-12 of the value or, where terms cancel, of the largest term."""
    largest = max([abs(term.product) for term in terms.terms] + [abs(terms.bias), abs(terms.engine)])
    return abs(terms.value - terms.engine) <= 1e-12 * largest


@pytest.mark.parametrize("name", BUILDS)
def test_terms_of_random_values_add_up(name: str) -> None:
    explanation = explained(name)
    rng = np.random.default_rng(2)
    steps = explanation.network.steps
    for step in steps:
        shape = step.rule.output_shape
        for _ in range(math.ceil(VALUES / len(steps))):
            index = tuple(int(i) for i in rng.integers(shape))
            terms = explanation.terms(step.name, index)
            assert close(terms), (step.name, index, terms.value, terms.engine)
            assert terms.total == math.fsum([*(term.product for term in terms.terms), terms.bias])


def test_values_are_those_of_a_trace() -> None:
    model = models.hello_dl_letters(seed=0).to("float64")
    x = np.random.default_rng(0).standard_normal((1, 1, 28, 28))
    explanation = cf.explain(model, x)
    for name, y in model.trace(x).outputs.items():
        np.testing.assert_array_equal(explanation.network.values[explanation.network.find("", name)], y[0])


def test_sources_and_weights_are_named() -> None:
    model = models.d4(seed=0)
    explanation = cf.explain(model, np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8))
    (term, *_) = explanation.terms("conv2", (3, 5, 5)).largest()
    layer, at = term.source
    assert layer == "pool1"
    assert term.value == explanation.network.values[3][at]
    name, entry = term.parameter or ("", ())
    assert name == "conv2.weight"
    assert entry[0] == 3
    assert term.factor == model.state_dict()[name][entry]


@pytest.fixture
def small() -> Explanation:
    layers = {"conv": nn.Conv2d(1, 1, 2), "act": nn.ReLU(), "pool": nn.MaxPool2d(2), "flat": nn.Flatten()}
    model = nn.Sequential({**layers, "full": nn.Linear(1, 2)}, input_shape=(1, 3, 3))
    values = {"conv.weight": [[[[1, -2], [0.5, 0.25]]]], "conv.bias": [0.125]}
    values |= {"full.weight": [[2], [-3]], "full.bias": [0.5, 1]}
    model.load_state_dict({name: np.array(value, np.float32) for name, value in values.items()})
    return cf.explain(model, np.arange(9, dtype=np.float32).reshape(1, 3, 3), backward=True, target=1)


def test_text_of_a_convolution(small: Explanation) -> None:
    assert str(small.terms("conv", (0, 1, 1))).splitlines() == [
        "conv[0, 1, 1] = -0.375, the sum of 4 terms and the bias",
        "   -10 =   -2 · 5  conv.weight[0, 0, 0, 1] · input[0, 1, 2]",
        "    +4 =    1 · 4  conv.weight[0, 0, 0, 0] · input[0, 1, 1]",
        "  +3.5 =  0.5 · 7  conv.weight[0, 0, 1, 0] · input[0, 2, 1]",
        "    +2 = 0.25 · 8  conv.weight[0, 0, 1, 1] · input[0, 2, 2]",
        "  bias +0.125",
    ]


def test_text_of_functions_and_short_sums(small: Explanation) -> None:
    assert str(small.terms("act", (0, 1, 1))).splitlines()[0] == (
        "act[0, 1, 1] = max(x, 0) = 0, where the sum is -0.375"
    )
    assert str(small.terms("full", 0)).splitlines()[0] == "full[0] = 2·0.625 + 0.5 = 1.75"


def test_text_of_long_sums_ends_with_the_rest() -> None:
    explanation = explained("d4")
    *_, rest, bias = str(explanation.terms("hidden", 7)).splitlines()
    terms = explanation.terms("hidden", 7)
    left = math.fsum(term.product for term in terms.largest()[10:])
    assert rest == f"  and 774 more terms, together {left:+.6g}"
    assert bias == f"  bias {terms.bias:+.6g}"


def test_dropout_copies_and_auxiliary_outputs_are_left_out() -> None:
    model = nn.Graph(
        {
            "conv": (nn.Conv2d(1, 2, 3), "input"),
            "early": (nn.Sequential(nn.Flatten(), nn.Linear(18, 3)), "conv"),
            "drop": (nn.Dropout2d(0.9), "conv"),
            "late": (nn.Sequential(nn.Flatten(), nn.Linear(18, 3)), "drop"),
        },
        input_shape=(1, 5, 5),
        seed=0,
        auxiliary={"early": 0.3},
    )
    x = np.random.default_rng(0).standard_normal((1, 5, 5)).astype(np.float32)
    explanation = cf.explain(model, x, backward=True)
    assert explanation.network.names() == ["input", "conv", "drop", "late.0", "late.1"]
    np.testing.assert_array_equal(explanation.network.values[1], explanation.network.values[2])
    np.testing.assert_allclose(explanation.network.output, model(x[None])[0], rtol=1e-5)
    assert close(explanation.terms("drop", (1, 2, 2)))
    assert close(explanation.gradient_terms("conv", (1, 2, 2)))


def test_a_layer_in_python_is_refused_by_name() -> None:
    class Twice(nn.PythonLayer):
        def forward(self, x: Any) -> Any:
            return 2 * x

        def backward(self, dy: Any) -> Any:
            return 2 * dy

    model = nn.Sequential({"full": nn.Linear(2, 2), "own": Twice()}, input_shape=(2,))
    x = np.ones(2, np.float32)
    explanation = cf.explain(model, x, backward=True)
    assert close(explanation.terms("full", 0))
    text = "explain: layer 'own' cannot be explained: Twice is computed by Python code"
    with pytest.raises(ValueError, match=text):
        explanation.terms("own", 0)
    with pytest.raises(ValueError, match=text):
        explanation.gradient_terms("full", 0)
    with pytest.raises(ValueError, match=text):
        cf.explain(model, x, layers=["own"])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e38])
def test_weights_that_are_not_finite_are_explained_without_warnings(bad: float) -> None:
    model = models.d4(seed=0)
    model.classes = tuple("0123456789")
    weight = model.state_dict()["conv2.weight"]
    weight[3, 0] = bad
    weight[3, 1] = -bad
    model.load_state_dict({"conv2.weight": weight}, strict=False)
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    explanation = cf.explain(model, image, backward=True)
    terms = explanation.terms("conv2", (3, 5, 5))
    assert str(terms)
    assert np.isnan(terms.value) == np.isnan(terms.engine)
    assert str(explanation.gradient_terms("pool1", (0, 5, 5)))
    assert str(explanation.weight_terms("conv2.weight", (3, 0, 1, 1)))
    assert explanation.html()


def test_single_layers_and_several_operations_of_one_name() -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 6)).astype(np.float32)
    explanation = cf.explain(nn.Conv2d(2, 3, 3, seed=0), x)
    assert explanation.network.names() == ["input", "Conv2d"]
    term = explanation.terms("Conv2d", (0, 0, 0)).terms[0]
    assert (term.source, term.parameter) == (("input", (0, 0, 0)), ("weight", (0, 0, 0, 0)))
    model = nn.Residual(nn.Residual(nn.ReLU()))
    assert cf.explain(model, x).network.names() == ["input", "body.body", "body.add", "add"]


def test_errors_of_models_images_layers_and_indices() -> None:
    model = models.d4(seed=0)
    image = np.zeros((28, 28), np.uint8)
    with pytest.raises(TypeError, match=r"^explain: model must be a network of cnnfast, got str$"):
        cf.explain("d4", image)  # type: ignore[arg-type]
    text = r"^explain: image must be a NumPy array, got str; use cnnfast.vision.to_model_input\(image\)$"
    with pytest.raises(TypeError, match=text):
        cf.explain(model, "seven.png")  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"^explain: image must be uint8 or floats, got int64; use image.astype"
    ):
        cf.explain(model, image.astype(np.int64))
    text = r"^explain: image must have the shape \(1, 28, 28\), that of the network's input, got \(27, 28\)$"
    with pytest.raises(ValueError, match=text):
        cf.explain(model, image[1:])
    explanation = cf.explain(model, image)
    with pytest.raises(ValueError, match=r"^explain: there is no layer 'conv3'; did you mean 'conv2'\?$"):
        explanation.terms("conv3", (0, 0, 0))
    text = r"^explain: index must be within the shape \(8, 28, 28\) of 'conv1', got \(8, 0, 0\)$"
    with pytest.raises(ValueError, match=text):
        explanation.terms("conv1", (8, 0, 0))
    with pytest.raises(
        ValueError, match=r"^explain: 'input' is the network's input, which no layer computes$"
    ):
        explanation.terms("input", (0, 0, 0))
    with pytest.raises(
        ValueError, match=r"^explain: index must be within the shape \(10,\) of 'output', got"
    ):
        explanation.receptive_field("output", 10)
    with pytest.raises(TypeError, match=r"^explain: index must be integers, got 1.5$"):
        explanation.terms("output", 1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^explain: lr must be finite and at least 0, got -1$"):
        cf.explain(model, image, lr=-1)


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (1, 1, 28, 28)])
def test_images_of_bytes_with_and_without_channel_and_batch(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    explanation = cf.explain(models.d4(seed=0), image)
    normalized = (image.reshape(1, 28, 28) / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(explanation.network.values[0], normalized, rtol=1e-12)
