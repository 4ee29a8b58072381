"""Model files: what was saved is loaded; a crash leaves the old file; a bad file is refused with a reason."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cnnfast import load, models, nn
from cnnfast.errors import CheckpointError
from cnnfast.nn import serialization
from cnnfast.nn.serialization import save
from safetensors.numpy import load_file

from tests.support import hostile_checkpoints as hostile
from tests.support.refusal import refused
from tests.support.zoo import SMALL

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.safetensors"
    save(hostile.model(), path)
    return path


@pytest.mark.parametrize("name", SMALL)
def test_round_trip(name, dtype, tmp_path, rng):
    model = models.get(name, seed=1).to(dtype)
    model.classes = [f"class {i} é" for i in range(model.output_shape[0])]
    path = tmp_path / "model.safetensors"
    model.save(path)
    twin = load(path)
    assert repr(twin) == repr(model)
    assert twin.dtype == dtype
    assert twin.classes == model.classes
    assert twin.preprocessing == model.preprocessing
    assert twin.input_shape == model.input_shape
    x = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    np.testing.assert_array_equal(twin(x), model(x))


def test_float16_halves_the_file_and_loads_as_float32(dtype, tmp_path):
    model = models.d4(seed=1).to(dtype)
    model.save(tmp_path / "whole.safetensors")
    model.save(tmp_path / "half.safetensors", dtype="float16")
    twin = load(tmp_path / "half.safetensors")
    assert twin.dtype == "float32"
    for name, value in model.parameters().items():
        np.testing.assert_array_equal(twin.parameters()[name], value.astype(np.float16))
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[1] - sizes[0] == model.num_parameters() * (model.dtype.itemsize - 2)


def test_float16_refuses_what_it_cannot_hold(tmp_path):
    model = nn.Linear(2, 3, seed=0)
    with refused(ValueError, "save: dtype must be \"float16\" or None, got 'int8'"):
        model.save(tmp_path / "a.safetensors", dtype="int8")
    model.weight[0, 0] = -7e4
    with refused(ValueError, "save: the weights weight reach 7e+04, float16 only 65,504"):
        model.save(tmp_path / "a.safetensors", dtype="float16")
    assert not (tmp_path / "a.safetensors").exists()


@pytest.mark.parametrize(
    "module",
    [
        nn.ReLU(),
        nn.Linear(2, 3),
        nn.Residual(
            nn.Sequential({"a": nn.Conv2d(2, 2, (3, 1), padding=((1, 1), (0, 0))), "b": nn.GELU("tanh")})
        ),
    ],
    ids=["no parameters", "one layer", "nested"],
)
def test_any_module_can_be_saved(module, tmp_path):
    path = tmp_path / "m"
    save(module, str(path))
    twin = load(path)
    assert repr(twin) == repr(module)
    assert twin.classes is twin.input_shape is None
    for name, value in module.state_dict().items():
        np.testing.assert_array_equal(twin.state_dict()[name], value)


def test_preprocessing_by_channel_and_odd_numbers_survive(tmp_path):
    model = nn.Conv2d(2, 1, 1)
    model.weight = [[[[np.nan]], [[np.inf]]]]
    model.preprocessing = nn.Preprocessing((0.1, 1 / 3), 0.2)
    with pytest.warns(UserWarning, match="^save: .*: the model's weight hold NaN or infinity"):
        save(model, tmp_path / "m")
    with pytest.warns(UserWarning, match="^load: .*: the model's weight hold NaN or infinity"):
        twin = load(tmp_path / "m")
    assert twin.preprocessing == model.preprocessing
    np.testing.assert_array_equal(twin.weight, model.weight)


def test_other_programs_can_read_the_weights(good):
    tensors = load_file(good)
    assert {name: value.shape for name, value in tensors.items()} == {"1.weight": (3, 4), "1.bias": (3,)}
    np.testing.assert_array_equal(tensors["1.weight"], hostile.model()[1].weight)


def test_what_the_file_says_of_itself(tmp_path):
    path = tmp_path / "m.safetensors"
    model = hostile.model()
    model.save(path, training={"data": "stripes", "epochs": [{"loss": 0.5, "val_loss": None}]})
    assert serialization.metadata(path) == {
        "format_version": 1,
        "cnnfast_version": serialization.__version__,
        "architecture": model.to_config(),
        "classes": ["a", "b", "ß"],
        "preprocessing": {"mean": 0.5, "std": [0.25]},
        "input_shape": [1, 2, 2],
        "training": {"data": "stripes", "epochs": [{"loss": 0.5, "val_loss": None}]},
    }
    with pytest.raises(TypeError, match=r"^save: training must be plain data that JSON can hold: "):
        model.save(path, training={"array": np.zeros(2)})
    assert serialization.metadata(path)["training"]["data"] == "stripes"


@pytest.mark.parametrize("size", range(8))
def test_weights_begin_at_a_multiple_of_eight(size, tmp_path):
    """As the safetensors format asks for, so that they can be mapped into memory as they lie."""
    path = tmp_path / "m.safetensors"
    nn.Linear(2, 2).save(path, training={"padding": "x" * size})
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


def test_same_model_same_bytes(good, tmp_path):
    save(hostile.model(), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == good.read_bytes()


def test_wrong_uses_are_named(tmp_path, good):
    model = hostile.model()
    with refused(TypeError, "save: model must be a Module, got dict"):
        save({}, tmp_path / "m")
    missing = tmp_path / "no" / "m"
    with refused(
        FileNotFoundError,
        f"save: cannot write {missing}: there is no folder {os.path.realpath(missing.parent)}",
    ):
        save(model, missing)
    with refused(IsADirectoryError, f"save: cannot write {tmp_path}: it is a folder"):
        save(model, tmp_path)
    with refused(FileNotFoundError, f"load: there is no file {missing}"):
        load(missing)
    with refused(IsADirectoryError, f"load: {tmp_path} is a folder, not a model file"):
        load(tmp_path)


def nested(depth: int) -> nn.Module:
    module: nn.Module = nn.ReLU()
    for _ in range(depth):
        module = nn.Sequential(module)
    return module


def test_what_load_refuses_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "m"
    save(nested(64), path)
    assert repr(load(path)) == repr(nested(64))
    before = path.read_bytes()
    with refused(
        ValueError,
        "save: cannot build its architecture: from_config: more than 64 containers inside each other; such a "
        "file could not be loaded",
    ):
        save(nested(65), path)
    monkeypatch.setattr(serialization, "_MAX_METADATA", 10_000)
    save(hostile.model(), path, training={"losses": [0] * 3000})
    assert serialization.metadata(path)["training"] == {"losses": [0] * 3000}
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"^save: has \d+ characters of metadata, at most 10000 are read; such"
    ):
        save(hostile.model(), path, training={"losses": [0] * 4000})
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TypeError, match=r"^save: training must be plain data that JSON can hold: "):
        save(hostile.model(), path, training={"deep": deep})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.slow
def test_the_losses_of_a_long_training_fit(tmp_path):
    losses = [1 / (3 + i) for i in range(250_000)]
    save(hostile.model(), tmp_path / "m", training={"losses": losses})
    assert serialization.metadata(tmp_path / "m")["training"]["losses"] == losses


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(good, monkeypatch):
    before = good.read_bytes()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(KeyboardInterrupt):
                save(hostile.model(), good)
        assert good.read_bytes() == before
        assert os.listdir(good.parent) == [good.name]


@posix
def test_files_have_ordinary_permissions_and_links_stay_links(tmp_path):
    old = os.umask(0o027)
    try:
        save(hostile.model(), tmp_path / "m")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o640
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "m")
    changed = hostile.model()
    changed.initialize(5)
    save(changed, link)
    assert link.is_symlink()
    np.testing.assert_array_equal(load(tmp_path / "m").flat_parameters, changed.flat_parameters)


@posix
def test_a_process_killed_while_saving_leaves_a_good_file(tmp_path):
    path = tmp_path / "m.safetensors"
    program = (
        "import sys\n"
        "from cnnfast import models\n"
        "model = models.numpy_mnist(seed=0)\n"
        "while True:\n"
        "    model.save(sys.argv[1])\n"
        "    print('saved', flush=True)\n"
    )
    import cnnfast

    root = str(Path(cnnfast.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"saved\n"
        time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    np.testing.assert_array_equal(load(path).flat_parameters, models.numpy_mnist(seed=0).flat_parameters)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """The hostile folder: every bad file there is, by name, with what must be said of it."""
    root = tmp_path_factory.mktemp("hostile")
    save(hostile.model(), root / "good")
    files = {**hostile.damaged_files(root / "good"), **hostile.forged_files(root / "good")}
    written = {}
    for number, (name, (content, text)) in enumerate(files.items()):
        path = root / f"{number}.safetensors"
        path.write_bytes(content)
        written[name] = (path, text)
    return written


NAMES = [
    *("empty", "seven bytes", "only a length", "half a header", "truncated by one byte", "one byte too many"),
    *("length beyond the end", "absurd length", "not json", "json, but a list", "deep json", "not utf-8"),
    *("overlapping tensors", "terabytes in the header", "metadata that is no text", "a pickle", "a zip"),
    *("a web page", "another byte in the weights", "another class"),
]


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_refused(name, folder):
    path, start = folder[name]
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {start}")
    assert "\n" not in str(caught.value)


def test_forged_files_are_refused(folder):
    """A right checksum proves nothing: whoever writes a file can compute it."""
    forged = {name: case for name, case in folder.items() if name not in NAMES}
    assert len(forged) > 30
    for name, (path, text) in forged.items():
        with pytest.raises(CheckpointError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {text}", name


def test_no_flipped_bit_changes_a_model_unnoticed(good, tmp_path):
    content = good.read_bytes()
    whole = load(good)
    path = tmp_path / "flipped"
    for position in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            model = load(path)
        except CheckpointError:
            continue
        assert repr(model) == repr(whole)
        assert model.classes == whole.classes
        np.testing.assert_array_equal(model.flat_parameters, whole.flat_parameters)
