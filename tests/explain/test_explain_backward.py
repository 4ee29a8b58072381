"""`cf.explain(backward=True)`: gradients of values and weights as sums, and an optimizer step."""

from __future__ import annotations

from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.explanation import Explanation

from tests.explain.test_explain_terms import BUILDS, close, explained


@pytest.mark.parametrize("name", BUILDS)
def test_gradients_of_random_numbers_add_up(name: str) -> None:
    explanation = explained(name, backward=True)
    rng = np.random.default_rng(3)
    for step in explanation.network.steps:
        for _ in range(2):
            index = tuple(int(i) for i in rng.integers(step.rule.output_shape))
            assert close(explanation.gradient_terms(step.name, index)), (step.name, index)
        for parameter, values in step.parameters.items():
            if parameter not in step.op.buffers():
                index = tuple(int(i) for i in rng.integers(values.shape))
                terms = explanation.weight_terms(f"{step.prefix}.{parameter}", index)
                assert close(terms), (step.name, parameter, index)
    shape = explanation.network.values[0].shape
    assert close(explanation.gradient_terms("input", tuple(int(i) for i in rng.integers(shape))))


@pytest.mark.parametrize("name", ["d4", "hello-dl-letters", "resnet_cifar", "lenet5 paper"])
def test_gradients_are_those_of_a_trace(name: str) -> None:
    model = BUILDS[name](seed=0).to("float64")
    model.freeze("*")  # batch normalization by running averages
    x = np.random.default_rng(1).standard_normal((1, *model.input_shape))
    explanation = cf.explain(model, x, backward=True, target=2)
    trace = model.trace(x, backward=True, target=np.array([2]))
    assert explanation.backward
    gradients = explanation.backward.gradients
    for layer, dy in trace.output_gradients.items():
        found = gradients[explanation.network.find("", layer)]
        np.testing.assert_allclose(found, dy[0], rtol=1e-12, atol=1e-15)
    for parameter, gradient in trace.gradients.items():
        found = explanation.backward.of_parameters[parameter]
        np.testing.assert_allclose(found, gradient, rtol=1e-12, atol=1e-15)
    loss, _ = model.loss_and_grad(x, np.array([2]))
    if name in ("d4", "hello-dl-letters"):  # no batch normalization
        assert explanation.backward.loss == pytest.approx(loss, rel=1e-12)


def test_a_step_of_sgd_changes_every_parameter_and_the_loss() -> None:
    model = models.d4(seed=0)
    x = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    explanation = cf.explain(model, x, backward=True, target=7)
    assert explanation.backward
    parameters, after = explanation.backward.step(0.01)
    twin = model.copy().to("float64")
    before, gradients = twin.loss_and_grad(x[None], np.array([7]))
    assert explanation.backward.loss == pytest.approx(before, rel=1e-12)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(
            parameters[name], model.state_dict()[name] - 0.01 * gradient, rtol=1e-10, atol=1e-12
        )
    twin.load_state_dict(parameters)
    assert after == pytest.approx(twin.loss_and_grad(x[None], np.array([7]))[0], rel=1e-12)
    assert after < before


@pytest.mark.parametrize("name", ["resnet_cifar", "lenet5 paper"])
def test_running_averages_and_fixed_centers_are_not_changed_by_a_step(name: str) -> None:
    explanation = explained(name, backward=True)
    assert explanation.backward
    parameters, _ = explanation.backward.step(1.0)
    before = explanation.network.by_name(explanation.network.flat)
    buffers = explanation.network.model.buffer_names()
    assert buffers
    for name in buffers:
        np.testing.assert_array_equal(parameters[name], before[name])


def ends_in(*layers: nn.Module, outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, outputs), *layers, input_shape=(4,), seed=0)


def passed(model: nn.Sequential, **settings: Any) -> Explanation:
    x = np.random.default_rng(0).standard_normal(4).astype(np.float32)
    return cf.explain(model, x, backward=True, **settings)


@pytest.mark.parametrize(
    ("model", "target", "loss", "value"),
    [
        (ends_in(), 1, "cross_entropy", 1),
        (ends_in(nn.Softmax()), 1, "cross_entropy", 1),
        (ends_in(nn.LogSoftmax()), 1, "nll", 2),
        (ends_in(nn.Sigmoid(), outputs=1), 1, "bce_with_logits", 1),
        (ends_in(nn.Sigmoid()), np.array([1.0, 0.0, 1.0]), "bce_with_logits", 1),
        (ends_in(nn.Sigmoid()), None, "bce_with_logits", 1),
    ],
)
def test_the_loss_follows_from_the_end_of_the_network(
    model: nn.Sequential, target: Any, loss: str, value: int
) -> None:
    explanation = passed(model, target=target)
    assert explanation.backward
    assert (explanation.backward.objective.loss.name, explanation.backward.objective.value) == (loss, value)
    assert close(explanation.gradient_terms("0", 0))
    assert explanation.gradient_terms("0", 0).engine != 0
    assert (len(explanation.gradient_terms("0", 0)) > 0) == (value == 2)


def test_softmax_and_log_softmax_give_the_same_gradients() -> None:
    plain, soft, log = (
        passed(model, target=1) for model in (ends_in(), ends_in(nn.Softmax()), ends_in(nn.LogSoftmax()))
    )
    for other in (soft, log):
        assert plain.backward
        assert other.backward
        np.testing.assert_allclose(plain.backward.gradients[0], other.backward.gradients[0], rtol=1e-12)
        assert plain.backward.loss == pytest.approx(other.backward.loss, rel=1e-12)


def test_the_prediction_is_the_target_by_default_and_classes_have_names() -> None:
    model = ends_in()
    model.classes = ("cat", "dog", "owl")
    explanation = passed(model)
    assert explanation.backward
    assert explanation.backward.objective.class_index == explanation.network.output.argmax()
    named = passed(model, target="owl").backward
    assert named
    assert (named.objective.class_index, named.objective.name) == (2, "owl")


def test_a_regression_takes_an_array() -> None:
    model = ends_in()
    model.task = "regression"
    explanation = passed(model, target=np.zeros(3))
    assert explanation.backward
    assert explanation.backward.loss == pytest.approx((explanation.network.output**2).mean(), rel=1e-12)
    with pytest.raises(ValueError, match="explain: a network for regression needs a target, since its pred"):
        passed(model)


def test_errors_of_targets() -> None:
    model = ends_in()
    with pytest.raises(ValueError, match=r"^explain: target must be from 0 to 2, the classes, got 3$"):
        passed(model, target=3)
    with pytest.raises(TypeError, match=r"^explain: target must be a class or its number, got 1.5$"):
        passed(model, target=1.5)
    with pytest.raises(ValueError, match=r"^explain: target must be one of the classes 0 to 2, got 'owl'$"):
        passed(model, target="owl")
    model.classes = ("cat", "dog", "owl")
    text = r"^explain: target must be one of the classes cat, dog, owl, got 'own'; did you mean 'owl'\?$"
    with pytest.raises(ValueError, match=text):
        passed(model, target="own")


def test_errors_of_numbers_that_are_not_there() -> None:
    explanation = passed(ends_in())
    text = r"^explain: there is no parameter '0.w'; it has 0.weight, 0.bias$"
    with pytest.raises(ValueError, match=text):
        explanation.weight_terms("0.w", (0, 0))
    with pytest.raises(
        ValueError, match=r"^explain: index must be within the shape \(3, 4\) of '0.weight', got \(0,\)$"
    ):
        explanation.weight_terms("0.weight", 0)
    without = cf.explain(ends_in(), np.ones(4, np.float32))
    with pytest.raises(ValueError, match=r"^explain: there are no gradients without backward=True$"):
        without.gradient_terms("0", 0)
