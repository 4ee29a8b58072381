"""Normalization of single images."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape


def group_norm(n: int, x: Shape, groups: int, affine: bool = True, **extra: Any) -> Case:
    settings = {"num_groups": groups, "num_channels": x[0], "affine": affine}
    return Case("GroupNorm", n, (x,), settings, **extra)


def layer_norm(n: int, x: Shape, affine: bool = True, **extra: Any) -> Case:
    return Case("LayerNorm", n, (x,), {"normalized_shape": x, "elementwise_affine": affine}, **extra)


def response(n: int, x: Shape, size: int, **settings: Any) -> Case:
    extra = {key: settings.pop(key) for key in ("row", "jacobian") if key in settings}
    return Case("LocalResponseNorm", n, (x,), {"size": size, **settings}, **extra)


NORMALIZATION = [
    group_norm(1, (2, 3, 3), 1),
    group_norm(2, (6, 5, 7), 3),
    group_norm(5, (17, 4, 3), 17),  # every channel by itself
    group_norm(33, (8,), 2),
    group_norm(2, (33, 6), 11, affine=False),
    group_norm(3, (64, 4, 4), 8),
    group_norm(0, (4, 3, 3), 2),
    group_norm(2, (4, 2, 3), 2, jacobian=True),
    group_norm(2, (16, 13, 13), 4, row="group norm 4 groups of 16x13x13"),
    layer_norm(1, (2,)),
    layer_norm(5, (33,)),
    layer_norm(3, (5, 7)),
    layer_norm(2, (17, 3, 5)),
    layer_norm(33, (3, 4, 5), affine=False),
    layer_norm(2, (3, 19, 17)),
    layer_norm(0, (3, 4, 4)),
    layer_norm(2, (3, 2, 2), jacobian=True),
    layer_norm(5, (512,), row="layer norm of 512"),
    response(1, (1,), 1),
    response(5, (3,), 5),  # every window hangs over both ends
    response(2, (17, 3), 4, alpha=0.5),
    response(33, (8, 2, 3), 3, alpha=1.0, beta=0.5, k=2.0),
    response(2, (33, 4, 5), 5, alpha=0.2),
    response(0, (4, 3, 3), 3),
    response(2, (5, 2, 2), 3, alpha=2.0, jacobian=True),
    response(2, (4,), 2, alpha=1.5, beta=1.25, k=0.5, jacobian=True),
    response(2, (32, 13, 13), 5, alpha=1e-4, row="local response norm of 32x13x13"),
]
