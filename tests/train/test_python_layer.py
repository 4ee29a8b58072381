"""Layers written in Python in networks: the same results as the library's layers, in every kind of pass."""

from __future__ import annotations

import copy
import threading

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn

from tests.support.marks import quick_only
from tests.support.own_layers import Double, Scaled, TensordotConv


def with_own_convolutions(model):
    """A copy of d4 with NumPy's convolutions."""
    layers = {name: layer.copy().to("float32") for name, layer in model.children().items()}
    layers["conv1"], layers["conv2"] = TensordotConv(1, 8, 3, 1), TensordotConv(8, 16, 3, 1)
    own = nn.Sequential(layers, input_shape=model.input_shape).to(model.dtype)
    own.preprocessing = model.preprocessing
    own.load_state_dict(model.state_dict())
    return own


@pytest.fixture
def data():
    return cf.datasets.glyphs(48, seed=0)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-12)])
def test_own_convolutions_in_d4(dtype, rtol, data):
    theirs = cf.models.d4(seed=0, num_classes=26).to(dtype)
    own = with_own_convolutions(theirs)
    images, labels = data.images, data.labels

    def close(a, b):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max())

    close(own(images), theirs(images, exact=True))
    close(own(images, exact=True), theirs(images, exact=True))
    loss, gradients = own.loss_and_grad(images, labels)
    expected, wanted = theirs.loss_and_grad(images, labels)
    close(loss, expected)
    assert list(gradients) == list(wanted)
    for name, gradient in gradients.items():
        close(gradient, wanted[name])
    x = np.random.default_rng(1).standard_normal((5, 1, 28, 28)).astype(dtype)
    dy = np.random.default_rng(2).standard_normal((5, 26)).astype(dtype)
    close(own.forward(x), theirs.forward(x))
    close(own.backward(dy), theirs.backward(dy))
    close(own.flat_gradients, theirs.flat_gradients)
    one, other = (m.trace(x, backward=True, dy=dy, seed=0) for m in (own, theirs))
    close(one.output_gradients["conv1"], other.output_gradients["conv1"])
    close(one.gradients["conv1.weight"], other.gradients["conv1.weight"])


def test_the_same_training(data):
    theirs = cf.models.d4(seed=0, num_classes=26)
    own = with_own_convolutions(theirs)
    augment = cf.augment.Affine(degrees=5)
    for model in (own, theirs):
        cf.fit(
            model,
            data,
            epochs=2,
            batch_size=16,
            optimizer=cf.optim.SGD(lr=0.05, momentum=0.9),
            seed=0,
            augment=augment,
            validation=0.2,
            progress=False,
        )
    np.testing.assert_allclose(own.flat_parameters, theirs.flat_parameters, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("threads", quick_only([1, 2, 3], [3]))
def test_threads_give_the_same_bits(threads, data):
    model = with_own_convolutions(cf.models.d4(seed=0, num_classes=26))
    before = cf.get_num_threads()
    try:
        cf.set_num_threads(1)
        want = model.loss_and_grad(data.images, data.labels)[1], model(data.images)
        cf.set_num_threads(threads)
        got = model.loss_and_grad(data.images, data.labels)[1], model(data.images)
    finally:
        cf.set_num_threads(before)
    np.testing.assert_array_equal(got[1], want[1])
    for name, gradient in got[0].items():
        np.testing.assert_array_equal(gradient, want[0][name])


@pytest.mark.parametrize(
    "build",
    [
        lambda own: nn.Sequential(own(6), nn.Linear(6, 3)),
        lambda own: nn.Sequential(nn.Linear(6, 6), own(6)),
        lambda own: nn.Sequential(
            nn.Linear(6, 6), own(6), own(6), nn.BatchNorm1d(6), own(6), nn.Linear(6, 3)
        ),
        lambda own: nn.Sequential(nn.Linear(6, 6), nn.Residual(own(6)), nn.Residual(nn.ReLU(), own(6))),
        lambda own: nn.Sequential(
            nn.Linear(6, 6), nn.Branches(own(6), nn.Identity(), own(6)), nn.Linear(18, 2)
        ),
        lambda own: nn.Sequential(nn.Dropout(0.5), own(6), nn.BatchNorm1d(6), nn.Dropout(0.2)),
    ],
)
def test_every_place_in_a_network(build, rng):
    """Against the same network with depthwise convolutions of one pixel in its place."""

    def library(features):
        conv = nn.Conv2d(features, features, 1, groups=features, bias=False)
        return nn.Sequential(nn.Reshape((features, 1, 1)), conv, nn.Flatten())

    own, theirs = build(Scaled), build(library)
    own.initialize(0)
    places = zip(theirs.state_dict().items(), own.state_dict().values(), strict=True)
    theirs.load_state_dict({name: value.reshape(like.shape) for (name, like), value in places})
    x = rng.standard_normal((37, 6)).astype(np.float32)
    np.testing.assert_allclose(own(x), theirs(x), rtol=1e-5, atol=1e-6)
    y, want = own.forward(x, seed=3), theirs.forward(x, seed=3)
    if "Dropout" not in repr(own):  # draws depend on the position in the network
        np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)
        dy = rng.standard_normal(y.shape).astype(np.float32)
        np.testing.assert_allclose(own.backward(dy), theirs.backward(dy), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(own.flat_gradients, theirs.flat_gradients, rtol=1e-4, atol=2e-5)


def test_check_gradients_of_a_network_and_of_a_layer(rng):
    assert cf.check_gradients(TensordotConv(2, 3, 3, 1, seed=0), rng.standard_normal((3, 2, 4, 5))).ok
    model = nn.Sequential(TensordotConv(2, 3, 3, seed=0), nn.BatchNorm2d(3), nn.Flatten(), Scaled(18, seed=1))
    assert cf.check_gradients(model, rng.standard_normal((4, 2, 5, 4)), target=np.arange(4)).ok
    wrong = Scaled(4, {"backward": lambda both: (both[0] * 1.01, both[1])}, seed=0)
    with pytest.raises(cf.errors.GradientError, match="x:"):
        cf.check_gradients(wrong, rng.standard_normal((3, 4)))


def test_frozen_parameters_and_small_and_empty_batches(rng):
    model = nn.Sequential(nn.Linear(4, 4), Scaled(4), Double(), seed=0)
    model.freeze("1")
    before = model.state_dict()
    x = rng.standard_normal((9, 4)).astype(np.float32)
    cf.Trainer(model, cf.optim.SGD(lr=0.1)).step(x, np.zeros(9, np.int64))
    assert (model["1"].weight == before["1.weight"]).all()
    assert (model["0"].weight != before["0.weight"]).any()
    assert model(x[:0]).shape == (0, 4)
    np.testing.assert_array_equal(model(x[:1]), model(x)[:1])
    many = rng.standard_normal((600, 4)).astype(np.float32)
    np.testing.assert_array_equal(model(many)[256:300], model(many[256:300]))


@pytest.mark.slow
def test_checkpoint_is_resumed_bit_for_bit(tmp_path, data):
    def run(epochs, resume):
        model = with_own_convolutions(cf.models.d4(seed=0, num_classes=26))
        cf.fit(
            model,
            data,
            epochs=epochs,
            batch_size=48,
            seed=0,
            progress=False,
            schedule="constant",
            checkpoint=tmp_path / str(resume),
            resume=resume and epochs == 2,
        )
        return model.flat_parameters

    whole = run(2, False)
    run(1, True)
    np.testing.assert_array_equal(run(2, True), whole)


def test_several_python_threads_use_one_model(rng):
    """What forward stores is that of its own pass."""
    model = nn.Sequential(nn.Linear(6, 6), Scaled(6), nn.Tanh(), Scaled(6), nn.Linear(6, 3), seed=0)
    x, labels = rng.standard_normal((4, 50, 6)).astype(np.float32), np.arange(50) % 3
    want = [model(part) for part in x]
    twins = [copy.deepcopy(model) for _ in range(2)]
    loss, found = model.loss_and_grad(x[0], labels)[0], {}

    def infer(i):
        found[i] = all((model(x[i]) == want[i]).all() for _ in range(20))

    def train(i):
        found["train", i] = all(twins[i].loss_and_grad(x[0], labels)[0] == loss for _ in range(20))

    threads = [threading.Thread(target=infer, args=(i,)) for i in range(4)]
    threads += [threading.Thread(target=train, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 6
    assert all(found.values())
