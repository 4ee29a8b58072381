"""The page's sums, computed in JavaScript, are the engine's values, their gradients and those of weights."""

from __future__ import annotations

import json
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn
from cnnfast.explanation.page_data import page_data

from tests.support.marks import quick_only
from tests.support.page_modules import import_map

#: Networks that together have every kind of rule; each with the shape of its input.
NETWORKS: dict[str, tuple[tuple[int, ...], list[nn.Module]]] = {
    "convolutions": (
        (2, 9, 8),
        [
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2),
            nn.PReLU(6),
            nn.Conv2d(6, 6, (3, 2), dilation=(2, 1), groups=3, bias=False),
            nn.Softmax(),
            nn.Flatten(),
            nn.LazyLinear(3),
        ],
    ),
    "pools": (
        (3, 11, 10),
        [
            nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
            nn.AvgPool2d(2, stride=1, padding=1),
            nn.AdaptiveMaxPool2d((5, 4)),
            nn.AdaptiveAvgPool2d((3, 3)),
            nn.Flatten(),
            nn.Linear(27, 5),
        ],
    ),
    "normalizations": (
        (4, 5, 6),
        [
            nn.BatchNorm2d(4),
            nn.GELU(),
            nn.GroupNorm(2, 4),
            nn.LocalResponseNorm(3, alpha=0.5),
            nn.Residual(nn.Conv2d(4, 4, 1)),
            nn.Branches(nn.Conv2d(4, 2, 1), nn.Identity()),
            nn.Upsample2d(2),
            nn.Flatten(),
            nn.LayerNorm(720),
            nn.RBF(720, 3),
        ],
    ),
    "sequence": (
        (3, 20),
        [
            nn.Conv1d(3, 4, 5, padding=2),
            nn.Tanh(),
            nn.MaxPool1d(2),
            nn.Flatten(),
            nn.Linear(40, 4),
            nn.LogSoftmax(),
        ],
    ),
}

CHECK = """async data => {
  const {Network} = await import("cnnfast/network.js");
  const {valueTerms, gradientTerms, parameterTerms, explained} = await import("cnnfast/terms.js");
  const network = new Network(data);
  const worst = {};
  const note = (what, found, expected) => {
    const apart = Math.abs(found - expected) / Math.max(1, Math.abs(expected));
    worst[what] = Math.max(worst[what] ?? 0, Number.isNaN(apart) ? Infinity : apart);
  };
  const some = (length, visit) => {
    for (let i = 0; i < 40; i++) visit(Math.floor((i * 0.618034 % 1) * length));
  };
  data.values.forEach((value, k) => {
    const length = network.values(k).length;
    const kind = network.stepOf(k)?.rule.kind;
    if (k > 0 && !explained(network.stepOf(k))) worst["unexplained " + value.name] = Infinity;
    if (k > 0) some(length, i => note(kind, valueTerms(network, k, i).result, network.values(k)[i]));
    if (k < data.backward.at) {
      const kinds = network.readers[k].map(([s]) => network.steps[s].rule.kind).join("+");
      some(length, i => note("d " + kinds, gradientTerms(network, k, i).result, network.gradients(k)[i]));
    }
  });
  data.weightGradients.forEach(([k, name, index, expected]) => {
    const what = `d ${name} of ${network.stepOf(k).rule.kind}`;
    note(what, parameterTerms(network, k, name, index).result, expected);
  });
  return worst;
}"""


@pytest.mark.parametrize("name", quick_only(NETWORKS, ["convolutions", "sequence"]))
def test_sums_are_those_of_the_engine(page: Any, rng: np.random.Generator, name: str) -> None:
    shape, layers = NETWORKS[name]
    model = nn.Sequential(*layers, input_shape=shape, seed=0)
    state = {key: rng.uniform(0.1, 0.9, w.shape).astype(w.dtype) for key, w in model.state_dict().items()}
    model.load_state_dict(state)
    image = rng.normal(size=shape).astype(np.float32)
    explanation = cf.explain(model, image, backward=True, target=1)
    data = page_data(explanation)
    gradients = []
    for k, step in enumerate(explanation.network.steps, 1):
        for parameter, values in step.parameters.items():
            for index in rng.integers(values.size, size=5 if parameter in ("weight", "bias") else 0).tolist():
                at = np.unravel_index(index, values.shape)
                terms = explanation.weight_terms(f"{step.name}.{parameter}", tuple(int(i) for i in at))
                gradients.append([k, parameter, index, terms.value])
    page.set_content(f"<!doctype html><meta charset=utf-8>{import_map()}")
    worst = page.evaluate(CHECK, json.loads(json.dumps(data, default=list)) | {"weightGradients": gradients})
    assert len(worst) > 5
    assert {what: apart for what, apart in worst.items() if apart > 1e-12} == {}
