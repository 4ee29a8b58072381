"""Batch normalization: against its definition in float64, across tiles, shards and threads, in networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import _core, functional, nn, optim

from tests.support.refusal import refused

SetThreads = Callable[[int], None]
Array = np.ndarray[Any, Any]

#: shapes of one image; (n, shape)
SHAPES = [
    (2, (1,)),
    (7, (3,)),
    (33, (17,)),
    (5, (3, 5)),
    (40, (16, 3)),
    (1, (2, 3, 2)),
    (3, (5, 4, 7)),
    (17, (8, 6, 5)),
    (70, (33, 3, 3)),
    (2, (65, 9, 8)),
    (130, (1, 7, 5)),
    (257, (3, 2, 2)),  # one shard has two tiles
]
ROUNDING = {"float32": 2e-5, "float64": 1e-12}


def op_of(shape: tuple[int, ...], **settings: Any) -> _core.Op:
    return (_core.BatchNorm2d if len(shape) == 3 else _core.BatchNorm1d)(shape[0], **settings)


def columns(c: Array, like: Array) -> Array:
    """One number a channel, to meet an array of (n, c, ...)."""
    return np.asarray(c, np.float64).reshape(1, -1, *[1] * (like.ndim - 2))


def axes(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def defined(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array, Array]:
    """(y, mean, biased variance) in float64."""
    x = x.astype(np.float64)
    mean, var = x.mean(axes(x)), x.var(axes(x))
    y = (x - columns(mean, x)) / np.sqrt(columns(var, x) + eps) * columns(weight, x) + columns(bias, x)
    return y, mean, var


def defined_backward(dy: Array, x: Array, weight: Array, eps: float) -> tuple[Array, Array, Array]:
    """The chain rule through mean and variance, written out term by term."""
    dy, x = dy.astype(np.float64), x.astype(np.float64)
    m = x.size / x.shape[1]
    mean, var = columns(x.mean(axes(x)), x), columns(x.var(axes(x)), x)
    deviation = np.sqrt(var + eps)
    normal = (x - mean) / deviation
    d_normal = dy * columns(weight, x)
    d_var = columns((d_normal * (x - mean) * -0.5 * deviation**-3).sum(axes(x)), x)
    d_mean = columns((-d_normal / deviation).sum(axes(x)), x)
    dx = d_normal / deviation + d_var * 2 * (x - mean) / m + d_mean / m
    return dx, (dy * normal).sum(axes(x)), dy.sum(axes(x))


def arrays(n: int, shape: tuple[int, ...], dtype: str) -> tuple[Array, Array, Array, Array, Array, Array]:
    rng = np.random.default_rng([n, *shape])
    c = shape[0]
    x = rng.normal(3, 2, (n, *shape)).astype(dtype)
    weight, bias, mean = (rng.standard_normal(c).astype(dtype) for _ in range(3))
    return (
        x,
        weight,
        bias,
        mean,
        rng.uniform(0.5, 2, c).astype(dtype),
        rng.standard_normal(x.shape).astype(dtype),
    )


def close(got: Array, want: Array, dtype: str, what: str) -> None:
    assert got.dtype == dtype
    scale = max(1.0, float(np.abs(want).max(initial=0)))
    np.testing.assert_allclose(got, want, rtol=0, atol=ROUNDING[dtype] * scale, err_msg=what)


@pytest.mark.parametrize(("n", "shape"), SHAPES)
@pytest.mark.parametrize("activation", [None, "ReLU", "SiLU"])
@pytest.mark.parametrize("exact", [False, True])
def test_training_against_the_definition(
    n: int, shape: tuple[int, ...], activation: str | None, exact: bool, isa: str, dtype: str
) -> None:
    """Values and gradients; an activation behind it runs in the same node unless the plan is exact."""
    x, weight, bias, mean, var, dy = arrays(n, shape, dtype)
    graph = _core.Graph(shape)
    value = graph.add(op_of(shape, eps=1e-3, momentum=0.3), [0], "norm")
    if activation:
        graph.add(getattr(_core, activation)(), [value], "activation")
    plan = _core.Plan(graph, dtype, isa=isa, exact=exact)
    assert len(plan.nodes()) == (2 if activation and exact else 1)
    params = np.concatenate([weight, bias, mean, var])
    y, tape = plan.forward_train(x, params)
    want, batch_mean, batch_var = defined(x, weight, bias, 1e-3)
    logistic = 1 / (1 + np.exp(-want))
    slopes = {"ReLU": (y > 0).astype(float), "SiLU": logistic * (1 + want * (1 - logistic))}
    values = {"ReLU": np.where(want > 0, want, 0), "SiLU": want * logistic}
    close(y, values.get(activation or "", want), dtype, "y")
    grads = np.full_like(params, np.nan)
    dx = plan.backward(dy, tape, params, grads)
    want_dx, dweight, dbias = defined_backward(dy * slopes.get(activation or "", 1), x, weight, 1e-3)
    c = shape[0]
    if n * x[0, 0].size > 2:  # of two values the deviation says all: x hardly matters, and dx is rounding
        close(dx, want_dx, dtype, "dx")
    close(grads[:c], dweight, dtype, "dweight")
    close(grads[c : 2 * c], dbias, dtype, "dbias")
    np.testing.assert_array_equal(grads[2 * c :], 0)

    m = x.size / c
    updated = params.copy()
    plan.update_buffers(updated, grads, tape)
    np.testing.assert_array_equal(updated[: 2 * c], params[: 2 * c])
    close(updated[2 * c : 3 * c], 0.7 * mean + 0.3 * batch_mean, dtype, "running mean")
    close(updated[3 * c :], 0.7 * var + 0.3 * batch_var * m / (m - 1), dtype, "running variance")
    np.testing.assert_array_equal(grads[2 * c :], 0)


def defined_backward_of_inference(
    dy: Array, x: Array, weight: Array, mean: Array, var: Array, eps: float
) -> tuple[Array, Array, Array]:
    """Mean and variance are constants: no gradient flows through them."""
    dy, deviation = dy.astype(np.float64), np.sqrt(columns(var, x) + eps)
    dweight = (dy * (x - columns(mean, x)) / deviation).sum(axes(x))
    return dy * columns(weight, x) / deviation, dweight, dy.sum(axes(x))


@pytest.mark.parametrize(("n", "shape"), [*SHAPES, (1, (3,)), (0, (2, 3, 3))])
@pytest.mark.parametrize("affine", [False, True])
def test_gradient_in_inference(n: int, shape: tuple[int, ...], affine: bool, isa: str, dtype: str) -> None:
    """Of one value a channel too, which training refuses."""
    x, weight, _, mean, var, dy = arrays(n, shape, dtype)
    scale = weight if affine else np.ones(shape[0])
    want = defined_backward_of_inference(dy, x, scale, mean, var, 1e-3)
    running = {"running_mean": mean, "running_var": var}
    kept = mean.copy(), var.copy()
    got = functional.batch_norm_backward(
        dy, x, weight if affine else None, **running, training=False, eps=1e-3, isa=isa
    )
    for name, g, w in zip(("dx", "dweight", "dbias"), got, want, strict=True):
        if g is not None:
            close(g, w, dtype, name)
    assert [g is None for g in got] == [False, not affine, not affine]
    np.testing.assert_array_equal(kept, (mean, var))


def test_gradient_in_inference_is_that_of_the_forward_pass(isa: str) -> None:
    """The whole Jacobian of forward by central differences, in float64."""
    x, weight, bias, mean, var, dy = arrays(2, (3, 2, 2), "float64")

    def loss(x: Array, weight: Array, bias: Array) -> float:
        return float((functional.batch_norm(x, mean, var, weight, bias, isa=isa) * dy).sum())

    got = functional.batch_norm_backward(
        dy, x, weight, running_mean=mean, running_var=var, training=False, isa=isa
    )
    for k, (array, gradient) in enumerate(zip((x, weight, bias), got, strict=True)):
        assert gradient is not None
        for i in range(array.size):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [a.copy() for a in (x, weight, bias)]
                moved[k].flat[i] += step
                ends.append(loss(*moved))
            assert gradient.flat[i] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-8)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "batch_norm_backward: training=False needs running_mean and running_var"),
        (
            {"running_mean": np.zeros(3)},
            "batch_norm_backward: training=False needs running_mean and running_var",
        ),
        (
            {"running_mean": np.zeros(2), "running_var": np.ones(3)},
            "batch_norm_backward: running_mean must have shape (3,), one for each channel, got (2,)",
        ),
        (
            {"running_mean": np.zeros(3), "running_var": np.array([1.0, -1, 1])},
            "batch_norm_backward: running_var must not be negative, got -1.0 at position 1",
        ),
    ],
)
def test_gradient_in_inference_needs_the_running_averages(given: dict[str, Array], text: str) -> None:
    with refused(ValueError, text):
        functional.batch_norm_backward(np.ones((2, 3)), np.ones((2, 3)), training=False, **given)


@pytest.mark.parametrize(("n", "shape"), SHAPES)
@pytest.mark.parametrize("affine", [False, True])
def test_inference_takes_the_running_averages(
    n: int, shape: tuple[int, ...], affine: bool, isa: str, dtype: str
) -> None:
    x, weight, bias, mean, var, _ = arrays(n, shape, dtype)
    scale = columns(weight, x) if affine else 1
    shift = columns(bias, x) if affine else 0
    want = (x - columns(mean, x)) / np.sqrt(columns(var, x) + 1e-5) * scale + shift
    extra = (weight, bias) if affine else ()
    close(functional.batch_norm(x, mean, var, *extra, isa=isa), want, dtype, "y")


def test_rows_of_zero_images() -> None:
    norm = nn.BatchNorm2d(3)
    x = np.empty((0, 3, 4, 4), np.float32)
    assert norm(x).shape == norm.forward(x).shape == norm.backward(x).shape == x.shape
    np.testing.assert_array_equal(norm.running_mean, 0)
    np.testing.assert_array_equal(norm.running_var, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mean_far_from_zero_keeps_the_digits_of_the_variance(dtype: str, isa: str) -> None:
    """Squares of the values would leave no digit of it in float32."""
    rng = np.random.default_rng(0)
    x = (1000 + rng.standard_normal((64, 4, 8, 8))).astype(dtype)
    mean, var = np.zeros(4, dtype), np.zeros(4, dtype)
    functional.batch_norm(x, mean, var, training=True, momentum=1, isa=isa)
    exact = x.astype(np.float64).var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(var, exact, rtol=1e-5)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean((0, 2, 3)), rtol=1e-6)


# --- in networks --------------------------------------------------------------------------------------


def network(seed: int = 0) -> nn.Sequential:
    """All that a normalization can stand behind and before, a residual branch, and dropout."""
    branch = nn.Sequential(
        nn.Conv2d(8, 8, 3, padding=1, bias=False, seed=seed + 1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, seed=seed + 2),
        nn.BatchNorm2d(8, affine=False),
    )
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False, seed=seed),
        nn.BatchNorm2d(8, momentum=0.2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Residual(branch),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(8 * 49, 16, seed=seed + 3),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Linear(16, 10, seed=seed + 4),
        input_shape=(1, 14, 14),
    )
    rng = np.random.default_rng(seed)
    for name, value in model.parameters().items():
        if value.ndim == 1:
            value[...] = (
                rng.uniform(0.5, 1.5, value.shape) if "weight" in name else rng.normal(0, 0.1, value.shape)
            )
    return model


def batch(n: int, dtype: str = "float32") -> tuple[Array, Array]:
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, 1, 14, 14)).astype(dtype), rng.integers(0, 10, n)


@pytest.mark.parametrize("momentum", [None, 1.0, 0.999, 0.5, 0.1, 0.0])
def test_running_averages_keep_the_digits_of_small_values(momentum: float | None, dtype: str) -> None:
    """(1 - m) old + m found, however far apart the two are: a variance of 1e-8 behind the first one of 1."""
    x = (1e-4 * np.random.default_rng(5).standard_normal((64, 3, 4, 5))).astype(dtype)
    layer = nn.BatchNorm2d(3, momentum=momentum).to(dtype)
    layer.forward(x)
    m, wide = 1 if momentum is None else momentum, x.astype(np.float64)
    rounding = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(layer.running_mean, m * wide.mean((0, 2, 3)), rtol=0, atol=rounding * 1e-5)
    np.testing.assert_allclose(layer.running_var, 1 - m + m * wide.var((0, 2, 3), ddof=1), rtol=rounding)


@pytest.mark.parametrize("n", [2, 19, 100])
def test_same_bits_for_any_number_of_threads(n: int, set_threads: SetThreads) -> None:
    x, target = batch(n)
    first: dict[str, Array] = {}
    for count in (1, 2, 3, 7):
        set_threads(count)
        model = network()
        loss, grads = model.loss_and_grad(x, target)
        results = {"loss": np.array(loss), **grads, **{k: v.copy() for k, v in model.buffers().items()}}
        results["forward"] = model.forward(x)
        results["dx"] = model.backward(np.ones((n, 10), np.float32))
        results |= {f"backward {k}": g.copy() for k, g in model.gradients().items()}
        first = first or results
        for key, value in results.items():
            np.testing.assert_array_equal(value, first[key], err_msg=f"{key} with {count} threads")


def test_gradients_of_a_network_by_central_differences() -> None:
    """Of the training pass, whose statistics move with every weight. float64, 40 weights at random."""
    model, (x, target) = network().to("float64"), batch(6, "float64")
    _, grads = model.loss_and_grad(x, target)
    rng, step = np.random.default_rng(0), 1e-6
    for name, value in model.parameters().items():
        for at in rng.choice(value.size, min(4, value.size), replace=False):
            old = value.flat[at]
            losses = []
            for shift in (step, -step):
                value.flat[at] = old + shift
                losses.append(model.loss_and_grad(x, target)[0])
            value.flat[at] = old
            slope = (losses[0] - losses[1]) / (2 * step)
            assert grads[name].flat[at] == pytest.approx(slope, rel=2e-4, abs=2e-8), name


def test_both_training_passes_agree() -> None:
    """forward and backward, or loss_and_grad: the same gradients and the same running averages."""
    x, target = batch(20)
    one, two = network(), network()
    _, grads = one.loss_and_grad(x, target)
    logits = two.forward(x)
    two.backward(functional.cross_entropy_backward(logits, target))
    for name, grad in two.gradients().items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-4, atol=1e-6, err_msg=name)
    for name, value in two.buffers().items():
        np.testing.assert_array_equal(one.buffers()[name], value, err_msg=name)


def test_folding_into_the_weights_changes_only_rounding(isa: str, dtype: str) -> None:
    model = network().to(dtype)
    x, target = batch(9, dtype)
    for _ in range(3):
        model.loss_and_grad(x, target)
    graph = _core.Graph((1, 14, 14))
    model.add_to(graph, 0, "")
    folded, exact = (_core.Plan(graph, dtype, isa=isa, exact=exact) for exact in (False, True))
    got, want = folded.forward(x, model.flat_parameters), exact.forward(x, model.flat_parameters)
    np.testing.assert_allclose(got, want, rtol=0, atol=ROUNDING[dtype] * np.abs(want).max())
    assert "normalization in the weights" in str(folded)
    assert "normalization in the weights" not in str(exact)


def test_inference_sees_every_step() -> None:
    """Weights packed for inference, normalization folded in, follow what training does to the averages."""
    model, (x, target) = network(), batch(16)
    before = model(x)
    model.forward(x)
    after = model(x)
    assert not np.array_equal(before, after)
    trainer = cf.Trainer(model, optim.SGD(lr=0.0))
    trainer.step(x, target)
    assert not np.array_equal(model(x), after), "the averages moved though no weight did"
    twin = nn.from_config(model.to_config())
    twin.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(twin(x), model(x))


def test_weight_decay_leaves_the_averages_alone() -> None:
    x, target = batch(16)
    plain, decayed = network(), network()
    cf.Trainer(plain, optim.SGD(lr=0.0)).step(x, target)
    cf.Trainer(decayed, optim.AdamW(lr=0.0, weight_decay=0.5)).step(x, target)
    for name, value in plain.buffers().items():
        np.testing.assert_array_equal(decayed.buffers()[name], value)
    plain, decayed = network(), network()
    cf.Trainer(plain, optim.SGD(lr=0.1)).step(x, target)
    cf.Trainer(decayed, optim.SGD(lr=0.1, momentum=0.9, weight_decay=0.5)).step(x, target)
    for name, value in plain.buffers().items():
        np.testing.assert_array_equal(decayed.buffers()[name], value, err_msg=name)


@pytest.mark.parametrize("activation", [None, nn.ReLU(), nn.LeakyReLU(0.1), nn.SiLU()])
@pytest.mark.parametrize("projected", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
def test_a_join_runs_in_the_node_before_it(
    activation: nn.Module | None, projected: bool, normalized: bool, isa: str, dtype: str
) -> None:
    """Convolution or normalization, join, activation: one node, in training and in inference, equal to the
    layers by themselves but for rounding.
    """
    body = [nn.Conv2d(5, 5, 3, padding=1, seed=1), *([nn.BatchNorm2d(5)] if normalized else [])]
    shortcut = nn.Conv2d(5, 5, 1, seed=2) if projected else None
    model = nn.Sequential(nn.Conv2d(1, 5, 3, seed=0), nn.Residual(nn.Sequential(*body), shortcut))
    if activation is not None:
        model = nn.Sequential(*(layer.copy() for layer in model), activation.copy())
    model = model.to(dtype)
    graph = _core.Graph((1, 9, 8))
    model.add_to(graph, 0, "")
    fused, exact = (_core.Plan(graph, dtype, isa=isa, exact=exact) for exact in (False, True))
    last = fused.nodes()[-1]["op"]
    assert last.endswith("+Add" if activation is None else f"+Add+{type(activation).__name__}"), last
    x, params = batch(7, dtype)[0][:, :, :9, :8].copy(), model.flat_parameters
    dy = np.random.default_rng(1).standard_normal((7, 5, 7, 6)).astype(dtype)
    results = []
    for plan in (fused, exact):
        y, tape = plan.forward_train(x, params)
        grads = np.full_like(params, np.nan)
        dx = plan.backward(dy, tape, params, grads)
        results.append((plan.forward(x, params), y, dx, grads))
    for what, got, want in zip(("inference", "y", "dx", "gradients"), *results, strict=True):
        close(got, want.astype(np.float64), dtype, what)


def test_what_is_learned_and_what_is_state() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    assert list(model.parameters()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert list(model.gradients()) == list(model.parameters())
    assert list(model.buffers()) == ["1.running_mean", "1.running_var"]
    assert list(model.state_dict()) == [*model.parameters(), *model.buffers()]
    assert model.num_parameters() == 4 * 9 + 4 + 4 + 4
    assert nn.BatchNorm2d(4, affine=False).num_parameters() == 0
    copied = model.copy()
    copied[1].running_mean = np.arange(4.0)
    np.testing.assert_array_equal(copied.buffers()["1.running_mean"], np.arange(4))
    np.testing.assert_array_equal(model[1].running_mean, 0)


def test_saved_and_loaded(tmp_path: Any) -> None:
    model, (x, target) = network(), batch(16)
    model.loss_and_grad(x, target)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(cf.load(tmp_path / "m.safetensors")(x), model(x))


def test_it_learns() -> None:
    data = cf.datasets.glyphs(2000, seed=0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, bias=False, seed=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(16 * 169, len(data.classes), seed=2),
    )
    history = cf.fit(model, data, epochs=3, optimizer=optim.Adam(lr=3e-3), seed=0, progress=False)
    assert history.epochs[-1].loss < 0.5 * history.epochs[0].loss
    assert cf.evaluate(model, cf.datasets.glyphs(500, seed=1)).accuracy > 0.5


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: nn.BatchNorm2d(0),
            ValueError,
            "BatchNorm2d: num_features must be from 1 to 268435456, got 0",
        ),
        (
            lambda: nn.BatchNorm2d(3, eps=0),
            ValueError,
            "BatchNorm2d: eps must be a finite number above 0, got 0",
        ),
        (
            lambda: nn.BatchNorm1d(3, eps=float("inf")),
            ValueError,
            "BatchNorm1d: eps must be a finite number above 0, got inf",
        ),
        (
            lambda: nn.BatchNorm2d(3, momentum=1.5),
            ValueError,
            "BatchNorm2d: momentum must be from 0 to 1, got 1.5",
        ),
        (
            lambda: nn.BatchNorm2d(3, momentum="fast"),  # type: ignore[arg-type]
            TypeError,
            "BatchNorm2d: momentum must be a number, got 'fast'",
        ),
        (
            lambda: functional.batch_norm(np.zeros((2, 1)), np.zeros(1), np.ones(1), momentum=None),
            TypeError,
            "batch_norm: momentum must be a number, got None; use nn.BatchNorm2d for cumulative means",
        ),
        (
            lambda: nn.BatchNorm2d(3)(np.zeros((2, 4, 5, 5), np.float32)),
            ValueError,
            "BatchNorm2d: expected an input of shape (3, h, w), got (4, 5, 5)",
        ),
        (
            lambda: nn.BatchNorm1d(3)(np.zeros((2, 3, 5, 5), np.float32)),
            ValueError,
            "BatchNorm1d: expected an input of shape (3,) or (3, l), got (3, 5, 5)",
        ),
        (
            lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).forward(np.zeros((1, 4), np.float32)),
            ValueError,
            'layer "1": BatchNorm: training needs more than one value a channel, got a batch of 1 with 1 '
            "each; choose a batch size that leaves no single image over",
        ),
        (
            lambda: functional.batch_norm(np.zeros((2, 3)), np.zeros(3), np.ones(3), np.ones(3)),
            ValueError,
            "batch_norm: weight and bias go together; give both or neither",
        ),
        (
            lambda: functional.batch_norm(np.zeros((2, 3)), np.zeros(2), np.ones(3)),
            ValueError,
            "batch_norm: running_mean must have shape (3,), one for each channel, got (2,)",
        ),
    ],
)
def test_errors(make: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text
