"""Losses with settings to test."""

from __future__ import annotations

from cnnfast import losses

#: (loss, kind of its targets: classes, probabilities of classes, or numbers)
SETTINGS: list[tuple[losses.Loss, str]] = [
    (losses.CrossEntropy(), "classes"),
    (losses.CrossEntropy(weight=[0.5, 0, 2, 1], label_smoothing=0.3, ignore_index=2), "classes"),
    (losses.CrossEntropy(label_smoothing=0.1), "probabilities"),
    (losses.CrossEntropy(weight=[0.5, 1, 2, 1]), "probabilities"),
    (losses.NLL(weight=[1, 2, 3, 0.25]), "classes"),
    (losses.MSE(), "numbers"),
    (losses.L1(), "numbers"),
    (losses.SmoothL1(beta=0.5), "numbers"),
    (losses.SmoothL1(beta=0), "numbers"),
    (losses.Huber(delta=0.75), "numbers"),
    (losses.BCEWithLogits(), "probabilities"),
    (losses.BCEWithLogits(pos_weight=[1, 0, 2, 5]), "probabilities"),
]
