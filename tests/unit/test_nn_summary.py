"""The table of a network, and its settings in words."""

from __future__ import annotations

import pytest
from cnnfast import nn
from cnnfast.nn.summary import rows


def test_the_table_of_a_model():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Residual(nn.GELU()), nn.Flatten(), nn.Linear(8, 1000), input_shape=(1, 4, 4)
    )
    plan = model.plan()
    training, inference = (plan.arena_bytes(t) // plan.tile(t) for t in (True, False))
    assert str(model) == model.summary()
    assert model.summary() == (
        "Sequential, input (1, 4, 4)\n"
        "layer        reads      output shape  parameters   MACs  bytes\n"
        "--------------------------------------------------------------\n"
        "0 Conv2d                (2, 2, 2)             20     72     32\n"
        "    1 to 2, kernel 3x3, stride 1, padding 0\n"
        "1.body GELU             (2, 2, 2)              0      0     32\n"
        "1.add Add    1.body, 0  (2, 2, 2)              0      0     32\n"
        "2 Flatten               (8,)                   0      0     32\n"
        "3 Linear                (1000,)            9,000  8,000  4,000\n"
        "    8 to 1000\n"
        "--------------------------------------------------------------\n"
        "total                                      9,020  8,072  4,128\n"
        f"memory for one image: {training:,} bytes in training, {inference:,} in inference"
    )
    assert [row.macs for row in rows(model)] == [72, 0, 0, 0, 8000]
    assert [row.reads for row in rows(model)] == [(-1,), (0,), (1, 0), (2,), (3,)]
    wide = model.copy().to("float64")
    assert [row.bytes for row in rows(wide)] == [64, 64, 64, 64, 8000]
    model.freeze("3.weight")
    assert model.summary().splitlines()[-1] == "parameters: 1,020 trainable, 8,000 frozen"
    assert str(nn.Linear(3, 2)) == (
        "Linear\n"
        "layer   parameters  settings\n"
        "----------------------------\n"
        "Linear           8  3 to 2\n"
        "----------------------------\n"
        "total            8"
    )


def test_the_table_of_a_network_with_branches():
    """A column tells what a layer reads where that is not the line above."""
    model = nn.Graph(
        {
            "stem": (nn.Conv2d(1, 2, 3), "input"),
            "left": (nn.ReLU(), "stem"),
            "right": (nn.Residual(nn.Conv2d(2, 2, 1), nn.Identity()), "stem"),
            "join": (nn.Concat(), "left", "right", "stem"),
            "end": (nn.Flatten(), "join"),
        }
    )
    assert model.summary() == (
        "Graph\n"
        "layer              reads                  parameters\n"
        "----------------------------------------------------\n"
        "stem Conv2d                                       20\n"
        "    1 to 2, kernel 3x3, stride 1, padding 0\n"
        "left ReLU                                          0\n"
        "right.body Conv2d  stem                            6\n"
        "    2 to 2, kernel 1x1, stride 1, padding 0\n"
        "right.add Add      right.body, stem                0\n"
        "join Concat        left, right.add, stem           0\n"
        "end Flatten                                        0\n"
        "----------------------------------------------------\n"
        "total                                             26"
    )


def residual_network() -> nn.Sequential:
    inside = nn.Sequential({"conv": nn.Conv2d(64, 64, 3, padding=1, bias=False), "norm": nn.BatchNorm2d(64)})
    layers = {"stem": nn.Conv2d(3, 64, (7, 5), 2, groups=1), "deeper": nn.Residual(inside)}
    return nn.Sequential(layers, input_shape=(3, 224, 224))


def test_parameters_and_buffers_are_counted_apart(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    for model, parameters, buffers in (
        (nn.Sequential(nn.BatchNorm2d(8)), 16, 16),
        (nn.BatchNorm1d(8, affine=False), 0, 16),
        (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3, momentum=None)), 15, 7),
        (residual_network(), 3 * 64 * 35 + 64 + 64 * 64 * 9 + 128, 128),
        (nn.Linear(2, 3), 9, 0),
    ):
        assert model.num_parameters() == sum(p.size for p in model.parameters().values()) == parameters
        assert model.num_buffers() == sum(b.size for b in model.buffers().values()) == buffers
        assert sum(row.parameters for row in rows(model)) == parameters
        assert sum(row.buffers for row in rows(model)) == buffers
        total = next(line for line in model.summary().splitlines() if line.startswith("total"))
        assert (
            total.split()[1 : 3 if buffers else 2] == [f"{parameters:,}", f"{buffers:,}"][: 1 + (buffers > 0)]
        )
        if parameters:
            model.freeze()
        assert model.num_parameters() == parameters, "frozen parameters are parameters"
        assert model.num_parameters(only_trainable=True) == 0


def test_a_plan_counts_buffers_apart_too():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, momentum=None), input_shape=(1, 6, 6))
    assert "input (1, 6, 6), 24 parameters, 5 in buffers, " in str(model.plan())
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), input_shape=(1, 6, 6))
    assert "input (1, 6, 6), 20 parameters, 0" in str(plain.plan())


def test_the_table_of_a_batch_norm():
    assert str(nn.Sequential(nn.BatchNorm2d(8))) == (
        "Sequential\n"
        "layer          parameters  buffers  settings\n"
        "--------------------------------------------------\n"
        "0 BatchNorm2d          16       16  num features 8\n"
        "--------------------------------------------------\n"
        "total                  16       16"
    )


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.Conv2d(4, 8, 3), "4 to 8, kernel 3x3, stride 1, padding 0"),
        (
            nn.Conv2d(4, 8, (3, 1), (2, 1), padding=(1, 0), dilation=2, groups=4, bias=False),
            "4 to 8, kernel 3x1, stride 2x1, padding 1x0, dilation 2, groups 4, bias False",
        ),
        (nn.MaxPool2d(3, 2, padding=((0, 1), (0, 1))), "kernel 3x3, stride 2, padding ((0, 1), (0, 1))"),
        (nn.Conv1d(4, 8, 3, dilation=2), "4 to 8, kernel 3, stride 1, padding 0, dilation 2"),
        (nn.ConvTranspose2d(4, 8, 2, 2), "4 to 8, kernel 2x2, stride 2, padding 0"),
        (nn.Linear(4, 8, bias=False), "4 to 8, bias False"),
        (nn.AvgPool2d(2, ceil_mode=True), "kernel 2x2, stride 2, padding 0, ceil mode True"),
        (nn.AdaptiveAvgPool2d(1), "output 1"),
        (nn.GroupNorm(2, 8), "num groups 2, num channels 8"),
        (nn.Dropout(0.25), "p 0.25"),
        (nn.ReLU(), ""),
    ],
)
def test_settings_in_words(layer, words):
    (row,) = rows(layer)
    assert row.settings == words


def test_all_relevant_settings_are_shown():
    """Layers that differ in a setting differ in the table."""
    for one, other in (
        (nn.LeakyReLU(), nn.LeakyReLU(0.2)),
        (nn.BatchNorm2d(4), nn.BatchNorm2d(4, eps=1e-3)),
        (nn.Reshape((4, 1)), nn.Reshape((1, 4))),
        (nn.Upsample2d(2), nn.Upsample2d(3)),
        (nn.Flatten(), nn.Flatten(2)),
    ):
        assert rows(one)[0].settings != rows(other)[0].settings


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
def test_the_table_fits_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = residual_network().summary()
    assert max(map(len, text.splitlines())) <= columns
    words = text.split()
    for word in ("deeper.body.norm", "reads", "BatchNorm2d", "7x5,", "6,784", "36,864", "128", "stride"):
        assert any(word in other for other in words), word


def test_a_narrow_table_has_figures_below_names(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    model = residual_network()
    model.freeze("stem.bias")
    assert model.summary().splitlines()[1:-3] == [
        "layer  reads  settings",
        " output shape   parameters buffers        MACs      bytes",
        "---------------------------------------------------------",
        "stem Conv2d  3 to 64, kernel 7x5, stride 2, padding 0",
        " (64, 109, 110)      6,784       0  80,572,800  3,069,440",
        "deeper.body.conv Conv2d",
        "  64 to 64, kernel 3x3, stride 1, padding 1, bias False",
        " (64, 109, 110)     36,864       0 441,999,360  3,069,440",
        "deeper.body.norm BatchNorm2d  num features 64",
        " (64, 109, 110)        128     128           0  3,069,440",
        "deeper.add Add  deeper.body.norm, stem",
        " (64, 109, 110)          0       0           0  3,069,440",
        "---------------------------------------------------------",
        "total",
        "                    43,776     128 522,572,160 12,277,760",
    ]
