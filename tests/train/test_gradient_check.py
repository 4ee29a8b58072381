"""`check_gradients`: passes what is right, finds what is wrong, and does not judge where the slope jumps."""

from __future__ import annotations

from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import functional, models, nn
from cnnfast.errors import GradientError
from cnnfast.training.gradient_check import GradientReport, check_gradients

from tests.support.refusal import refused
from tests.support.zoo import SMALL


def smooth(seed: int = 0) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        nn.GELU(),
        nn.Residual(nn.Conv2d(3, 3, 1)),
        nn.Branches(nn.Identity(), nn.Conv2d(3, 2, 3, padding=1)),
        nn.Flatten(),
        nn.Linear(5 * 20, 4),
        seed=seed,
    )


def rows(rng: np.random.Generator, n: int = 3) -> np.ndarray:
    return rng.standard_normal((n, 2, 4, 5))


@pytest.mark.slow
def test_every_network_of_ours_is_right(rng):
    for name in SMALL:
        model = models.get(name, seed=1)
        x = rng.standard_normal((2, *model.input_shape))
        report = check_gradients(model, x, [1, 3], samples=6)
        assert report.ok
        assert list(report.entries) == ["x", *model.state_dict()]
        assert all(entry.checked + entry.kinks >= 5 for entry in report.entries.values())


def test_the_module_is_left_alone(rng):
    model = smooth()
    before = model.flat_parameters.copy()
    x = rows(rng).astype(np.float32)
    kept = x.copy()
    assert check_gradients(model, x).ok
    assert model.dtype == np.float32
    assert before.tobytes() == model.flat_parameters.tobytes()
    assert kept.tobytes() == x.tobytes()
    assert not any(grad.any() for grad in model.gradients().values())
    part = model[0]
    assert check_gradients(part, rows(rng)).ok  # of a model


def test_small_arrays_are_looked_at_completely_and_large_ones_by_draw(rng):
    report = check_gradients(smooth(), rows(rng), samples=50)
    for entry in report.entries.values():
        assert entry.checked == entry.size if entry.size <= 50 else entry.checked in (49, 50)
        assert entry.ok
        assert entry.error <= entry.allowed
    assert report["0.bias"].size == 3
    again = check_gradients(smooth(), rows(np.random.default_rng(1)), samples=5, seed=1)
    other = check_gradients(smooth(), rows(np.random.default_rng(1)), samples=5, seed=2)
    assert str(check_gradients(smooth(), rows(np.random.default_rng(1)), samples=5, seed=1)) == str(again)
    assert str(other) != str(again)


@pytest.mark.parametrize(("loss", "ending"), [(None, []), ("cross_entropy", []), ("nll", [nn.LogSoftmax])])
def test_losses(loss, ending, rng):
    model = nn.Sequential(nn.Linear(5, 4), *(layer() for layer in ending), seed=0)
    assert check_gradients(model, rng.standard_normal((6, 5)), np.arange(6) % 4, loss).ok


def test_a_loss_of_ones_own(rng):
    def squares(y: np.ndarray) -> tuple[float, np.ndarray]:
        return float((y**2).sum()), 2 * y

    assert check_gradients(smooth(), rows(rng), loss=squares).ok
    with pytest.raises(GradientError):
        check_gradients(smooth(), rows(rng), loss=lambda y: (float((y**2).sum()), y))


def test_images_are_not_differentiated(rng):
    model = models.d4(seed=0)
    x = rng.integers(0, 256, (2, 28, 28), dtype=np.uint8)
    report = check_gradients(model, x, [0, 1], samples=3)
    assert report.ok
    assert list(report.entries) == list(model.state_dict())


# --- what is wrong is found ---------------------------------------------------------------------------


def spoil(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Backward passes hand their (dx, gradients by name) to `change` before anybody sees them."""
    right = nn.Module.backward

    def backward(self: nn.Module, dy: np.ndarray) -> np.ndarray:
        dx = right(self, dy)
        change(dx, self.gradients())
        return dx

    monkeypatch.setattr(nn.Module, "backward", backward)


def test_one_wrong_entry_of_a_parameter(monkeypatch, rng):
    def change(dx, grads):
        grads["0.weight"][1, 0, 2, 1] *= 1.001

    spoil(monkeypatch, change)
    with pytest.raises(GradientError, match=r"\n  0\.weight: worst at \[1, 0, 2, 1\]: backward ") as caught:
        check_gradients(smooth(), rows(rng))
    report = caught.value.report
    assert isinstance(report, GradientReport)
    assert not report.ok
    assert [name for name, entry in report.entries.items() if not entry.ok] == ["0.weight"]
    entry = report["0.weight"]
    assert entry.index == (1, 0, 2, 1)
    assert entry.analytic == pytest.approx(1.001 * entry.numeric, rel=1e-6)
    assert entry.error > entry.allowed
    assert len(str(caught.value).splitlines()) == 2
    assert str(report).count("WRONG") == 1
    assert check_gradients(smooth(), rows(rng), raises=False).ok is False


def test_with_a_target_the_pass_of_training_is_looked_at(monkeypatch, rng):
    """loss_and_grad for the parameters, backward for the input."""
    right = nn.Module.loss_and_grad

    def wrong(self: nn.Module, *args: Any, **settings: Any) -> Any:
        loss, grads = right(self, *args, **settings)
        grads["5.weight"] *= 1.01
        return loss, grads

    monkeypatch.setattr(nn.Module, "loss_and_grad", wrong)
    report = check_gradients(smooth(), rows(rng), [0, 1, 2], raises=False)
    assert [name for name, entry in report.entries.items() if not entry.ok] == ["5.weight"]
    assert check_gradients(smooth(), rows(rng)).ok


@pytest.mark.parametrize(
    "change",
    [
        lambda dx, grads: dx.__imul__(1 + 1e-4),
        lambda dx, grads: dx.__iadd__(1e-4),
        lambda dx, grads: dx.__setitem__((2, 1, 3, 4), 0),  # of an array that is drawn from completely
        lambda dx, grads: grads["5.bias"].__imul__(-1),
        lambda dx, grads: grads["3.1.bias"].__iadd__(np.nan),
        lambda dx, grads: grads["2.body.weight"].__setitem__(
            slice(None), grads["2.body.weight"].T.copy().reshape(3, 3, 1, 1)
        ),
    ],
)
def test_wrong_gradients_are_found(change, monkeypatch, rng):
    spoil(monkeypatch, change)
    with pytest.raises(GradientError):
        check_gradients(smooth(), rows(rng), samples=200)


def test_the_largest_gradient_is_always_looked_at(monkeypatch, rng):
    def change(dx, grads):
        grads["1.weight"][6, 321] = 1e6

    spoil(monkeypatch, change)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), seed=0)
    report = check_gradients(model, rng.standard_normal((2, 1, 28, 28)), samples=2, raises=False)
    assert report["1.weight"].index == (6, 321)
    assert not report.ok


# --- kinks --------------------------------------------------------------------------------------------


def test_kinks_are_counted_and_not_compared():
    """ReLU at 0 exactly: the slope is 0 to the left, 1 to the right; backward says 0."""
    x = np.array([[0.0, -1.0, 2.0, 0.0]])
    report = check_gradients(nn.ReLU(), x)
    assert (report["x"].checked, report["x"].kinks) == (2, 2)
    assert "2 of 4 entries, 2 on kinks" in str(report)


def test_ties_of_a_pool():
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, :2, :2] = [[1.0, 1.0], [0.5, 0.0]]
    x[0, 0, 2:, 2:] = [[3.0, 2.0], [1.0, 0.0]]
    x[0, 0, 2:, :2] = [[4.0, 5.0], [6.0, 7.0]]
    x[0, 0, :2, 2:] = [[9.0, 8.0], [7.0, 6.0]]
    report = check_gradients(nn.MaxPool2d(2), x)
    assert (report["x"].checked, report["x"].kinks) == (14, 2)


@pytest.mark.parametrize("distance", [9e-6, 2e-6, 4e-7, 2e-7])
def test_a_kink_near_by_is_stepped_around(distance):
    x = np.array([[distance, -distance, 0.5]])
    report = check_gradients(nn.ReLU(), x, eps=1e-5)
    assert (report["x"].checked, report["x"].kinks) == (3, 0)


def test_nothing_but_kinks_is_told():
    with pytest.raises(GradientError) as caught:
        check_gradients(nn.ReLU(), np.zeros((2, 3)))
    assert str(caught.value) == (
        "check_gradients: backward and central differences disagree\n"
        "  x: all 6 sampled entries lie on a kink; try another x"
    )


def test_a_strong_curve_is_no_kink(monkeypatch, rng):
    """A wrong slope where the second derivative is large must not pass for a kink."""
    model = nn.Sequential(nn.Linear(3, 2), nn.GELU(), nn.Linear(2, 2), seed=0)
    model[0].weight = 300 * model[0].weight
    x = rng.standard_normal((4, 3)) * 0.01
    assert check_gradients(model, x).ok
    spoil(monkeypatch, lambda dx, grads: dx.__imul__(0.9))
    report = check_gradients(model, x, raises=False)
    assert report["x"].kinks == 0
    assert not report["x"].ok


def test_many_random_compositions(rng):
    for seed in range(10):
        draw = np.random.default_rng(seed)
        c, h, w = int(draw.integers(1, 5)), int(draw.integers(4, 8)), int(draw.integers(4, 8))
        layers: list[nn.Module] = [nn.Conv2d(c, 4, 3, padding=1), nn.ReLU()]
        layers += [[nn.MaxPool2d(2), nn.GELU("tanh")], [nn.PositionBias(4, h, w), nn.Softmax()]][seed % 2]
        layers += [nn.Residual(nn.Conv2d(4, 4, 3, padding=1), nn.ChannelBias(4))]
        model = nn.Sequential(
            nn.Branches(nn.Sequential(*layers), nn.Sequential(nn.Conv2d(c, 2, 1), *last(seed)))
        )
        model.initialize(seed)
        assert check_gradients(model, draw.standard_normal((2, c, h, w)), samples=20, seed=seed).ok


def test_batch_normalisation_and_dropout(rng):
    """As in training: statistics of the batch, one draw for all passes. The module's own averages stay."""
    model = nn.Sequential(
        nn.Branches(
            nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.GELU()), nn.Identity()
        ),
        *(
            nn.Dropout2d(0.3),
            nn.Residual(nn.BatchNorm2d(5)),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(100, 4),
        ),
        seed=0,
    )
    before = model.flat_parameters.copy()
    report = check_gradients(model, rows(rng, 4), [0, 1, 2, 3])
    assert report.ok
    assert list(report.entries) == ["x", *model.parameters()]
    assert check_gradients(model, rows(rng, 4), seed=5).ok
    np.testing.assert_array_equal(model.flat_parameters, before)


def last(seed: int) -> list[nn.Module]:
    return [nn.MaxPool2d(2)] if seed % 2 == 0 else [nn.GELU()]


# --- wrong calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "text"),
    [
        ((3, np.zeros((1, 2))), {}, TypeError, "check_gradients: module must be a Module, got int"),
        (
            (nn.ReLU(), np.zeros((0, 2))),
            {},
            ValueError,
            "check_gradients: the output is empty; there is nothing to compare",
        ),
        (
            (nn.ReLU(), np.full((1, 2), np.inf)),
            {},
            ValueError,
            "check_gradients: the output is not finite; there is nothing to compare",
        ),
        (
            (nn.ReLU(), np.zeros((1, 2)), [2]),
            {},
            ValueError,
            "check_gradients: label 2 at row 0 of target is outside of 0 .. 1 (2 classes, 1 such labels)",
        ),
        (
            (nn.ReLU(), np.zeros((1, 2)), [1], "mean"),
            {},
            ValueError,
            'check_gradients: loss must be one of "cross_entropy", "nll", "mse", "l1", "smooth_l1", "huber", '
            "\"bce_with_logits\" or an object of cnnfast.losses, got 'mean'",
        ),
        (
            (nn.ReLU(), np.zeros((1, 2))),
            {"loss": "nll"},
            ValueError,
            "check_gradients: the loss 'nll' needs a target",
        ),
        (
            (nn.ReLU(), np.zeros((1, 2)), [1], functional.relu),
            {},
            ValueError,
            "check_gradients: a custom loss function has no target; omit target",
        ),
        (
            (nn.ReLU(), np.ones((1, 2))),
            {"loss": lambda y: 1.0},
            ValueError,
            "check_gradients: loss must return a number and its derivative by y, of shape (1, 2)",
        ),
        (
            (nn.ReLU(), np.ones((1, 2))),
            {"eps": 0},
            ValueError,
            "check_gradients: eps must be at least 1e-12 and at most 0.1, got 0",
        ),
        (
            (nn.ReLU(), np.ones((1, 2))),
            {"samples": 0},
            ValueError,
            "check_gradients: samples must be at least 1, got 0",
        ),
        (
            (nn.ReLU(), [[1.0]]),
            {},
            TypeError,
            'ReLU: x must be a NumPy array, got list; use np.asarray(x, dtype="float64")',
        ),
    ],
)
def test_wrong_calls_are_named(arguments, settings, error, text):
    with refused(error, text):
        cf.check_gradients(*arguments, **settings)
