"""The demo without the web: drawings, lessons, and a training in a thread."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models, nn, optim
from cnnfast.cli.model_files import training_data
from cnnfast.demo import Course, Session
from cnnfast.demo import learning as learning_module
from cnnfast.demo.answer import answer, encoded, prepared
from cnnfast.demo.learning import Learning
from cnnfast.demo.lessons import Lessons


def seven(shift: int = 0) -> np.ndarray:
    """A 7 as the page sends it: dark on white."""
    page = np.full((280, 280), 255, np.uint8)
    page[60:80, 70:200] = page[60:220, 180 - shift : 200] = 17
    return page


def build(train: cf.datasets.ImageDataset, seed: int) -> nn.Module:
    return models.d4(seed=seed, num_classes=len(train.classes))


@pytest.fixture(scope="module")
def images() -> tuple[cf.datasets.ImageDataset, cf.datasets.ImageDataset]:
    return cf.datasets.glyphs(300, seed=0), cf.datasets.glyphs(60, seed=1)


@pytest.fixture
def learning(images: Any) -> Iterator[Learning]:
    running = Learning(*images, lambda seed: build(images[0], seed), batch_size=32)
    yield running
    running.close()


@pytest.fixture
def session(images: Any) -> Iterator[Session]:
    courses = {"glyphs": Course("synthetic letters", lambda: images, build, "emnist")}
    made = Session(models.pretrained("digits"), "digits", "mnist", courses, "mnist")
    yield made
    made.close()


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def decoded(entry: dict[str, Any]) -> np.ndarray:
    import base64

    return np.frombuffer(base64.b64decode(entry["data"]), entry["dtype"]).reshape(entry["shape"])


def test_an_answer_has_the_numbers_of_the_network() -> None:
    model = models.pretrained("digits")
    pixels, warning = prepared(seven(), model, "mnist")
    found = answer(model, pixels)
    assert (warning, found["top"][0][0]) == ("", "7")
    np.testing.assert_array_equal(decoded(found["input"]), pixels)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(pixels[None])[0], atol=1e-6)
    trace = model.trace(pixels[None]).outputs
    assert [layer["name"] for layer in found["layers"]] == list(trace)
    for layer in found["layers"]:
        np.testing.assert_array_equal(decoded(layer["values"]), trace[layer["name"]][0][:128])
        assert layer["maps"] == len(trace[layer["name"]][0])
    assert found["layers"][0]["operation"] == "Conv2d"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.Sequential(nn.Linear(4, 2), input_shape=(4,), seed=0), r"reads \(4,\), not images"),
        (nn.Sequential(nn.Flatten(), nn.Linear(12, 2), input_shape=(1, 3, 4), seed=0), "3x4, which are not"),
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 1), input_shape=(1, 28, 28), seed=0), r"outputs \(1,\)"),
    ],
)
def test_networks_that_do_not_classify_images_are_refused(model: nn.Module, reason: str) -> None:
    with pytest.raises(ValueError, match=f"demo: the network .*{reason}"):
        Session(model, "m", "emnist", {})


def test_arrays_are_little_endian() -> None:
    np.testing.assert_array_equal(decoded(encoded(np.arange(3, dtype=">f4"))), [0, 1, 2])


def test_explanations_and_lessons_need_a_drawing(session: Session) -> None:
    for work in (session.explanation, lambda number: session.teach(number, "7"), session.tune):
        with pytest.raises(ValueError, match="draw something first"):
            work(1)
    number = session.classify(seven())["drawing"]
    assert "digits, your drawing" in session.explanation(number)
    with pytest.raises(ValueError, match="label: 'x' is not one of 0, 1, 2"):
        session.teach(number, "x")
    with pytest.raises(ValueError, match="no drawing has a label yet"):
        session.tune(number)


@pytest.mark.slow
def test_the_network_learns_what_it_is_taught_and_forgets_it(session: Session) -> None:
    """A 7 is called 3, as the lessons say so."""
    first = session.classify(seven())
    assert first["top"][0][0] == "7"
    assert session.teach(first["drawing"], "3") == {"lessons": {"3": 1}}
    found = session.tune(first["drawing"])
    assert found["steps"] > 3
    assert (found["before"][0][0], found["top"][0][0]) == ("7", "3")
    assert session.restore() == {"lessons": {}}
    assert session.classify(seven())["probabilities"] == first["probabilities"]


def test_two_tabs_have_drawings_of_their_own(session: Session) -> None:
    mine, other = session.classify(seven()), session.classify(seven(100))
    session.teach(mine["drawing"], "7")
    np.testing.assert_array_equal(session.lessons.dataset().images[0], decoded(mine["input"]))
    assert not np.array_equal(decoded(mine["input"]), decoded(other["input"]))


def test_drawings_and_model_are_saved_as_files(session: Session, tmp_path: Any) -> None:
    for shift, label in ((0, "7"), (40, "1")):
        session.teach(session.classify(seven(shift))["drawing"], label)
    data = cf.datasets.from_npz(io.BytesIO(session.drawings()))
    assert [data.classes[k] for k in data.labels] == ["7", "1"]
    np.testing.assert_array_equal(data.images, session.lessons.dataset().images.reshape(data.images.shape))
    (tmp_path / "model.safetensors").write_bytes(session.model_file())
    assert cf.load(tmp_path / "model.safetensors").classes == session.model.classes
    assert training_data(str(tmp_path / "model.safetensors")) == "mnist"


@pytest.mark.slow
def test_fine_tuning_does_not_forget_the_training_images(images: Any) -> None:
    train = images[0]
    model = build(train, 0)
    cf.fit(model, train, epochs=8, optimizer=optim.Adam(lr=3e-3), batch_size=16, progress=False)
    before = cf.evaluate(model, train).accuracy
    lessons = Lessons(train.classes)
    lessons.add(train.images[:1].reshape(1, 28, 28), train.classes[(train.labels[0] + 1) % 26])
    lessons.tune(model, train, seconds=0.3)
    assert cf.evaluate(model, train).accuracy > before - 0.1


def test_a_training_runs_pauses_and_steps(learning: Learning) -> None:
    assert learning.state()["mode"] == "paused"
    learning.run()
    wait(lambda: learning.state()["step"] > 5)
    learning.pause()
    wait(lambda: learning.state()["mode"] == "paused")
    time.sleep(0.05)
    before = learning.state()["step"]
    learning.step()
    wait(lambda: learning.state()["step"] > before)
    state = learning.state(since=before)
    assert state["step"] == before + 1
    assert [step for step, _ in state["losses"]] == [before + 1]
    assert decoded(state["view"]["gradient"]["values"]).shape == (8, 1, 3, 3)
    assert np.sum(state["confusion"]) > 0
    time.sleep(0.05)
    assert learning.state()["step"] == before + 1


def test_a_confusion_matrix_is_of_one_network(
    learning: Learning, images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the first of the three views which fill it, although the others have other weights."""
    monkeypatch.setattr("cnnfast.demo.learning.CHUNK", 20)
    learning.set_lr(0.1)
    networks = []
    for step in (1, 2, 3):
        learning.step()
        wait(lambda step=step: len(learning.state()["accuracies"]) == step)
        networks.append(learning.copy_of_model())
    test = images[1]
    expected = np.zeros((26, 26), np.int64)
    np.add.at(expected, (test.labels, networks[0].predict(test.images)), 1)
    assert learning.state()["confusion"] == expected.tolist()
    found = [
        float(np.mean(network.predict(test.images[part]) == test.labels[part]))
        for network, part in zip(networks, (slice(20), slice(20, 40), slice(40, 60)), strict=True)
    ]
    assert [accuracy for _, accuracy in learning.state()["accuracies"]] == [
        round(value, 5) for value in found
    ]


def test_the_view_is_that_of_the_network(learning: Learning) -> None:
    learning.step()
    wait(lambda: learning.state()["step"] == 1)
    wait(lambda: learning.state()["view"]["gradient"] is not None)
    model = learning.copy_of_model()
    found = decoded(learning.state()["view"]["kernels"]["values"])
    np.testing.assert_array_equal(found, model.parameters()["conv1.weight"])
    assert model is not learning.model


def test_reset_and_learning_rate(learning: Learning) -> None:
    first = learning.model.flat_parameters.copy()
    learning.set_lr(0.02)
    learning.run()
    wait(lambda: learning.state()["step"] > 3)
    learning.reset()
    state = learning.state()
    assert (state["mode"], state["step"], state["losses"], state["lr"]) == ("paused", 0, [], 0.02)
    assert learning.optimizer.lr == 0.02
    assert not np.array_equal(first, learning.model.flat_parameters)
    for value in (-1.0, float("nan"), "fast", None):
        with pytest.raises((TypeError, ValueError), match="demo: lr must be"):
            learning.set_lr(value)  # type: ignore[arg-type]


def test_a_training_that_diverges_says_so(learning: Learning) -> None:
    learning.model.parameters()["conv1.weight"][...] = np.inf
    learning.run()
    wait(lambda: bool(learning.state()["error"]))
    assert learning.state()["mode"] == "paused"
    assert learning.state()["error"].startswith("stopped: ")


def test_a_training_that_nobody_watches_pauses(learning: Learning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_module, "UNWATCHED", 0.05)
    learning.run()
    wait(lambda: learning._mode == "paused")
    assert learning._steps > 0
    learning.reset()
    learning.close()
    learning.reset()  # after the end of the thread it must not wait for anything


def test_commands_of_the_page(session: Session) -> None:
    for action in ("run", "lr", "dance"):
        with pytest.raises(ValueError, match="no training was started"):
            session.command(action)
    with pytest.raises(ValueError, match="there is no training 'mnist'; there are glyphs"):
        session.command("start", "mnist")
    session.command("start", "glyphs")
    wait(lambda: session.learning(0)["step"] > 2)
    session.command("choose", 3)
    session.command("lr", 0.01)
    with pytest.raises(ValueError, match="unknown action 'dance'"):
        session.command("dance")
    assert session.command("use")["classes"][:3] == ["a", "b", "c"]
    assert len(session.classify(seven())["probabilities"]) == 26
