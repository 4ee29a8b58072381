"""`Group`: parameters, selected by name patterns, with their own optimizer settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from .._checks import type_of
from .._types import Shape


class Group:
    """Parameters with their own settings; other settings are the optimizer's.

    A parameter may be in several groups: it uses the settings of all of them; if they conflict, the last
    group wins.

    Args:
        names: One or more patterns as in `fnmatch`: "features.*", "*.bias", "head.weight". Case-sensitive; *
            matches any characters, including dots.
        biases_and_norms: Includes every parameter whose name ends in "bias" or that has only one axis, such
            as weights and biases of normalizations.
        settings: Settings of the optimizer, by name.

    Raises:
        TypeError: A pattern that is not a string.
        ValueError: No parameters or no settings. The optimizer raises it for unknown settings, or values out
            of range; and, when it is bound to a model, for a pattern that matches no parameter.

    Example:
        >>> from cnnfast import optim
        >>> slow = optim.Group("features.*", lr=1e-4)
        >>> optim.AdamW(lr=1e-3, groups=[optim.no_decay(), slow]).groups
        (Group(biases_and_norms=True, weight_decay=0.0), Group('features.*', lr=0.0001))
    """

    __slots__ = ("_biases_and_norms", "_names", "_settings")

    def __init__(
        self, names: str | Sequence[str] = (), *, biases_and_norms: bool = False, **settings: Any
    ) -> None:
        patterns = (names,) if isinstance(names, str) else names
        if not isinstance(patterns, tuple | list) or not all(isinstance(p, str) for p in patterns):
            raise TypeError(f"Group: names must be a pattern or a list of patterns, got {names!r}")
        if not isinstance(biases_and_norms, bool):
            raise TypeError(f"Group: biases_and_norms must be True or False, got {biases_and_norms!r}")
        if not patterns and not biases_and_norms:
            raise ValueError('Group: names no parameters; give a pattern like "*.bias"')
        if not settings:
            raise ValueError("Group: needs a setting that differs, such as weight_decay=0.0")
        self._names, self._biases_and_norms = tuple(patterns), biases_and_norms
        self._settings = settings

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    @property
    def biases_and_norms(self) -> bool:
        return self._biases_and_norms

    @property
    def settings(self) -> dict[str, Any]:
        """A copy."""
        return dict(self._settings)

    def takes(self, name: str, shape: Shape) -> bool:
        """Whether the parameter belongs to the group."""
        if self._biases_and_norms and (len(shape) == 1 or name.endswith("bias")):
            return True
        return any(fnmatchcase(name, pattern) for pattern in self._names)

    def with_settings(self, settings: Mapping[str, Any]) -> Group:
        """The same parameters, other settings."""
        return Group(self._names, biases_and_norms=self._biases_and_norms, **settings)

    def to_config(self) -> dict[str, Any]:
        """A dict for JSON, which `from_config` accepts."""
        settings = {k: list(v) if isinstance(v, tuple) else v for k, v in self._settings.items()}
        return {
            "names": list(self._names),
            "biases_and_norms": self._biases_and_norms,
            "settings": settings,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Group:
        """The group from the result of `to_config`."""
        keys = {"names", "biases_and_norms", "settings"}
        if not isinstance(config, Mapping) or set(config) != keys:
            raise ValueError("Group: config must be what to_config() returned")
        if not isinstance(config["settings"], Mapping):
            raise TypeError(f"Group: settings must be a dict, got {type_of(config['settings'])}")
        return cls(config["names"], biases_and_norms=config["biases_and_norms"], **config["settings"])

    def check_matches(self, who: str, names: Sequence[str]) -> None:
        """Raises ValueError if a pattern matches no parameter, which is probably a typo."""
        for pattern in self._names:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise ValueError(
                    f"{who}: the group's pattern {pattern!r} matches no parameter; there are {listed(names)}"
                )

    def label(self) -> str:
        """The group's name in messages."""
        return " ".join([*(["biases and norms"] if self._biases_and_norms else []), *map(repr, self._names)])

    def __repr__(self) -> str:
        names = self._names[0] if len(self._names) == 1 else list(self._names)
        parts = [repr(names)] if names else []
        parts += ["biases_and_norms=True"] if self._biases_and_norms else []
        parts += [f"{name}={value!r}" for name, value in self._settings.items()]
        return f"Group({', '.join(parts)})"


def no_decay() -> Group:
    """A group without weight decay for biases and for the weights and biases of normalizations.

    Source: He et al. 2018, Bag of tricks for image classification, arXiv:1812.01187, section 3.1.

    Example:
        >>> from cnnfast import optim
        >>> optimizer = optim.SGD(lr=0.1, momentum=0.9, weight_decay=5e-4, groups=[optim.no_decay()])
    """
    return Group(biases_and_norms=True, weight_decay=0.0)


def listed(names: Sequence[str]) -> str:
    """The first names of many."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
