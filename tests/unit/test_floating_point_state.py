"""What `np.seterr` says neither changes what cnnfast does nor is changed by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import errors, functional, nn, optim
from cnnfast.nn import init
from cnnfast.optim import lr_scheduler

from tests.support.marks import quick_only

F4 = np.float32
#: Logits whose softmax underflows, overflows nothing and holds zeros.
FAR = np.array([[0.0, -200.0, 88.0], [-3e38, 3e38, 0.0], [1e-40, 0.0, -1e-40]], F4)
PAGE = np.full((40, 40), 255, np.uint8)
PAGE[8:32, 12:18] = 0


def identity(end: nn.Module | None = None) -> nn.Sequential:
    layer = nn.Linear(3, 3, bias=False)
    layer.load_state_dict({"weight": np.eye(3)})
    return nn.Sequential(layer, end) if end is not None else nn.Sequential(layer)


def classifier() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 3), seed=0)


def trained(**options: object) -> object:
    model = classifier()
    x, y = np.array([[1e-30, 1.0, 2.0], [1e3, -1e3, 0.0]] * 4, F4), np.array([0, 1] * 4)
    cf.fit(model, (x, y), epochs=2, batch_size=3, progress=False, **options)  # type: ignore[arg-type]
    return model.state_dict()["0.weight"]


def accumulated() -> object:
    trainer = cf.Trainer(classifier(), optim.Adam())
    for scale in (1e-30, 1.0):
        trainer.accumulate(np.full((2, 3), scale, F4), np.array([0, 1]))
    return trainer.update()


def narrowed() -> object:
    layer = nn.Linear(3, 3).to("float64")
    layer.load_state_dict({"weight": np.full((3, 3), 1e-300), "bias": np.full(3, 1e300)})
    return layer.to("float32").state_dict()["weight"]


def scaled() -> object:
    grads = np.array([1e-38, 3e38, np.inf, 5.0], F4)
    optim.clip_grad_norm_(grads, 1e-5)
    optim.clip_grad_value_(grads, 1e-3)
    return grads


def optimizer_of_another_width() -> object:
    wide = optim.Adam()
    params = np.ones(3)
    wide.step(params, np.full(3, 1e-30))
    narrow = optim.Adam()
    narrow.load_state_dict(wide.state_dict())
    narrow.bind(np.ones(3, F4))
    return narrow.state_dict()["memory"]


def rates() -> object:
    optimizer = optim.SGD(lr=1e-300)
    scheduler = lr_scheduler.Scheduler(optimizer, lr_scheduler.ExponentialLR(1e-200), epochs=5)
    for _ in range(5):
        scheduler.after_epoch()
    return optimizer.lr


def losses() -> object:
    x, target = np.array([1e-30, 3e38], F4), np.array([0.0, -3e38], F4)
    return [functional.mse_loss(x, target), functional.mse_loss_backward(x, target)]


def image(shape: tuple[int, int]) -> object:
    from cnnfast import vision

    pytest.importorskip("PIL")
    page = np.full(shape, 255, np.uint8)
    page[1 : shape[0] - 1, shape[1] // 3 : shape[1] // 2] = 0
    return vision.to_model_input(page)


def evaluated(task: str) -> object:
    model = identity(nn.Sigmoid() if task == "multilabel" else None)
    model.to("float64").task = task  # type: ignore[assignment]
    x = np.array([[1e-161, 0.0, 3e300], [0.0, 1e-161, -3e300]])
    target = np.eye(2, 3) if task == "multilabel" else np.array([[0.0, 0.0, 3e300], [0.0, 0.0, -3e300]])
    return {**cf.evaluate(model, (x, target)).to_dict(), "seconds": 0}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(errors.DataError) as caught:
        call()
    return str(caught.value)


CALLS: dict[str, Callable[[], object]] = {
    "call": lambda: identity()(FAR),
    "predict": lambda: identity().predict(FAR),
    "predict_proba": lambda: identity().predict_proba(FAR),
    "predict_proba of log-probabilities": lambda: identity(nn.LogSoftmax()).predict_proba(FAR),
    "predict_proba of probabilities": lambda: identity(nn.Softmax()).predict_proba(FAR),
    "loss_and_grad": lambda: identity().loss_and_grad(FAR, [0, 1, 2], weight=1e-30)[0],
    "evaluate": lambda: cf.evaluate(identity(), (FAR, [0, 1, 2])).loss,
    "evaluate probabilities": lambda: cf.evaluate(identity(nn.Softmax()), (FAR, [0, 1, 2])).loss,
    "evaluate numbers": lambda: evaluated("regression"),
    "evaluate answers": lambda: evaluated("multilabel"),
    "predict_proba of answers": lambda: identity(nn.Sigmoid()).predict_proba(FAR),
    "fit": trained,
    "fit with validation": lambda: trained(validation=0.5, schedule="cosine"),
    "fit in parts": lambda: trained(micro_batch=2, clip_norm=1e-20),
    "fit, clipping values": lambda: trained(clip_value=1e-30),
    "fit with class weights": lambda: trained(loss=cf.losses.CrossEntropy([1e-30, 1.0, 1.0])),
    "accumulate": accumulated,
    "dtype": narrowed,
    "clipping": scaled,
    "optimizer": optimizer_of_another_width,
    "schedule": rates,
    "losses": losses,
    "cross_entropy": lambda: functional.cross_entropy(FAR, [0, 2, 1]),
    "add": lambda: functional.add(FAR, FAR),
    "check_gradients": lambda: (
        cf.check_gradients(nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), seed=0), np.full((2, 3), 1e-200)).ok
    ),
    "init": lambda: init.normal(0.0, 1e-40)(np.empty(50, F4), seed=0),
    "init, truncated": lambda: init.trunc_normal(0.0, 1e-40, -1e-40, 3e-41)(np.empty(50, F4), seed=0),
    "glyphs": lambda: cf.datasets.glyphs(20, seed=0).images,
    "image": lambda: image((40, 40)),
    "a color image": lambda: cf.vision.to_color_input(PAGE[8:, 12:], (30, 300)),
    "a long image": lambda: image((8, 20_000)),
    "a tall image": lambda: refusal(lambda: image((20_000, 8))),
}


@pytest.fixture(params=quick_only(["raise", "warn", "call"], ["raise"]))
def setting(request: pytest.FixtureRequest) -> Iterator[str]:
    def called(kind: str, flag: int) -> None:
        raise AssertionError(f"NumPy called the user's function for {kind}")

    before, before_call = np.geterr(), np.seterrcall(called)
    np.seterr(all=request.param)
    yield request.param
    np.seterrcall(before_call)
    np.seterr(**before)


@pytest.mark.parametrize("name", CALLS)
def test_results_do_not_depend_on_it(name: str, setting: str) -> None:
    state = np.geterr()
    got = CALLS[name]()
    assert np.geterr() == state
    with np.errstate(all="ignore"):
        expected = CALLS[name]()
    np.testing.assert_equal(got, expected)


def test_it_is_as_before_after_an_error(setting: str) -> None:
    state = np.geterr()
    with pytest.raises(TypeError):
        cf.models.d4(seed=0).predict_proba([1.0])  # type: ignore[arg-type]
    assert np.geterr() == state
