"""A network made of parts of a trained one keeps preprocessing and classes, or a warning tells."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest
from cnnfast import load, nn

TRAINED = nn.Preprocessing(0.5, 0.25)
OTHER = nn.Preprocessing(0.1, 0.2)
X = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)


def trained(**settings) -> nn.Sequential:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2), **settings
    )
    model.preprocessing, model.classes = TRAINED, ("no", "yes")
    return model


def copies(model: nn.Sequential) -> list[nn.Module]:
    return [layer.copy() for layer in model][:-1]


def test_a_new_head_on_copies_of_the_body():
    old = trained(seed=0)
    new = nn.Sequential(*copies(old), nn.Linear(4, 2))
    new.load_state_dict(old.state_dict())
    assert new.preprocessing == TRAINED
    assert new.classes is None, "another head has other classes"
    np.testing.assert_array_equal(new(X), old(X))


def test_a_new_head_on_the_layers_themselves():
    layers = list(trained())[:-1]
    gc.collect()
    assert nn.Sequential(*layers, nn.Linear(4, 3)).preprocessing == TRAINED


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: m.copy()]
)
def test_copies_hand_it_on(again):
    assert nn.Sequential(*copies(again(trained())), nn.Linear(4, 3)).preprocessing == TRAINED


def test_files_hand_it_on(tmp_path):
    trained(input_shape=(1, 8, 8)).save(tmp_path / "m.safetensors")
    model = load(tmp_path / "m.safetensors")
    assert nn.Sequential(*copies(model), nn.Linear(4, 3)).preprocessing == TRAINED


@pytest.mark.parametrize(
    "build",
    [
        lambda body: nn.Sequential(body, nn.Linear(2, 3)),
        lambda body: nn.Sequential({"body": body, "head": nn.Linear(2, 3)}),
        lambda body: nn.Sequential(nn.Identity(), body),
        lambda body: nn.Sequential(nn.Sequential(body), nn.Linear(2, 3)),
        lambda body: nn.Residual(body, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2))),
        lambda body: nn.Branches(body, trained()),
        lambda body: nn.Graph({"body": (body, "input"), "head": (nn.Linear(2, 3), "body")}),
    ],
    ids=["sequential", "named", "identity", "nested", "residual", "branches", "graph"],
)
def test_a_container_of_a_trained_network(build):
    model = build(trained(seed=0))
    assert model.preprocessing == TRAINED
    floats = (X[:, None] / np.float32(255) - np.float32(0.5)) / np.float32(0.25)
    np.testing.assert_allclose(model(X), model(floats), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("end", [nn.Softmax, nn.LogSoftmax, nn.Sigmoid, nn.Identity])
def test_classes_stay_behind_an_end_that_is_no_head(end):
    assert nn.Sequential(trained(), end()).classes == ("no", "yes")
    assert nn.Sequential(nn.Sequential(trained()), end()).classes == ("no", "yes")


def test_another_part_of_the_network_has_no_preprocessing():
    rest = [layer.copy() for layer in trained()][1:]
    assert nn.Sequential(*rest).preprocessing == nn.Preprocessing()
    assert nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()).preprocessing == nn.Preprocessing()


def test_what_is_set_on_the_whole_holds_for_its_parts():
    model = nn.Sequential(trained(), nn.Linear(2, 3))
    model.preprocessing = OTHER
    assert model[0].preprocessing == model[0][0].preprocessing == OTHER
    assert model[1].preprocessing == nn.Preprocessing()


def test_a_layer_that_does_not_read_the_input_loses_it_with_a_warning():
    with pytest.warns(
        UserWarning,
        match=r"^Sequential: layer 'body' does not read the input, so that its "
        r"Preprocessing\(mean=0.5, std=0.25\) is not used; set preprocessing of the whole if pixels are "
        r"to be normalized$",
    ) as caught:
        model = nn.Sequential({"gray": nn.Conv2d(3, 1, 1), "body": trained()})
    assert model.preprocessing == nn.Preprocessing()
    assert caught[0].filename == __file__


def test_parts_that_contradict_each_other():
    one, other = trained(), trained()
    other.preprocessing = OTHER
    with pytest.warns(
        UserWarning,
        match="^Branches: layers '0' and '1' read the same input, but have different preprocessing; none is "
        "used, set preprocessing of the whole$",
    ):
        assert nn.Branches(one, other).preprocessing == nn.Preprocessing()
