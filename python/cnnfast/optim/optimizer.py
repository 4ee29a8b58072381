"""`Optimizer`: base class with settings, groups and state for one flat parameter block.

Neighboring parameters with equal settings form one part of the block, and a step is one call into the engine
for each part: a single one without groups.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from .._checks import check_integer, ieee_arithmetic, refuse_masked, type_of
from .._names import did_you_mean, find
from .._types import FLOATS, Array, Shape
from .group import Group, listed
from .parts import Choice, Part, Window, choices, parts_of, windows_of
from .setting import Setting, checked_settings

_STATE = {"type", "settings", "groups", "steps", "window_steps", "memory"}


class Optimizer(ABC):
    """Settings and state. One optimizer is bound to one model.

    A copy (`copy.deepcopy`, pickle) continues with the copy of the model, bitwise equally.
    """

    #: Learning rate of all parameters whose group does not set its own.
    lr = Setting()

    #: Names of all state arrays this optimizer may have.
    _memory_names: ClassVar[tuple[str, ...]]

    def __init__(self, groups: Iterable[Group], **settings: Any) -> None:
        self.settings = self._checked(type(self).__name__, settings)
        self._groups = self._checked_groups(self.settings, groups)
        self._steps = 0
        self._params: Array | None = None
        self.memory: dict[str, Array] = {}
        self._frozen: frozenset[str] = frozenset()
        self._windows: list[Window] = []
        self._parts: list[Part] | None = None  # None: recomputed before the next step
        self._window_steps = [0]

    @property
    def steps(self) -> int:
        """Number of updates so far."""
        return self._steps

    @property
    def num_state_arrays(self) -> int:
        """Number of state arrays, each as long as all parameters."""
        return len(self._needed_state(self.settings, self._groups))

    @property
    def groups(self) -> tuple[Group, ...]:
        """Groups of parameters with their own settings."""
        return self._groups

    @property
    def frozen(self) -> frozenset[str]:
        """Names of parameters that steps skip: their values, state and step counts do not change. `Trainer`
        sets it to the model's frozen parameters.
        """
        return self._frozen

    @frozen.setter
    def frozen(self, names: Iterable[str]) -> None:
        wanted = frozenset(names)
        if wanted == self._frozen:
            return
        if self._params is not None:
            self._check_frozen(wanted, self._windows)
        self._frozen = wanted
        self._discard_parts()

    @ieee_arithmetic
    def bind(
        self,
        params: Array,
        shapes: Sequence[tuple[str, Shape]] | None = None,
        buffers: Collection[str] = (),
    ) -> None:
        """Bind the optimizer to a parameter block; called by `Trainer` and `fit`.

        Args:
            params: Flat block of all parameters.
            shapes: Name and shape of each, in the order of the block; None for a block without names, which
                cannot have groups.
            buffers: Names of those that are not trained, and which steps skip.

        Raises:
            TypeError: Not a float32 or float64 array.
            ValueError: Not flat; a group that matches nothing; or the optimizer is already bound to another
                model, or has loaded the state of one of another size.
        """
        who = type(self).__name__
        if self._params is params and (shapes is None or self._named(shapes)):
            return
        refuse_masked(who, "params", params)
        if not isinstance(params, np.ndarray) or params.dtype not in FLOATS:
            raise TypeError(f"{who}: params must be a float32 or float64 array, got {type_of(params)}")
        if params.ndim != 1 or not params.flags.c_contiguous or not params.flags.writeable:
            raise ValueError(f"{who}: params must be a flat, contiguous, writable array, got {params.shape}")
        if self._params is not None and self._params is not params:
            raise ValueError(
                f"{who}: already bound to another model (or to its former dtype); create a new optimizer"
            )
        windows = windows_of(who, params.size, shapes, buffers)
        if shapes is None and (self._groups or self._frozen):
            raise ValueError(
                f"{who}: groups need the parameters' names; use Trainer, or bind(params, shapes)"
            )
        self._check_frozen(self._frozen, windows)
        for group in self._groups:
            group.check_matches(who, _trained(windows))
        for name, value in self.memory.items():
            _check_size(who, name, value, params.size)
        self._collect_steps()
        steps = _for_windows(who, self._window_steps, len(windows))
        self.memory = {k: v.astype(params.dtype, copy=False) for k, v in self.memory.items()}
        self._params, self._windows, self._window_steps, self._parts = params, windows, steps, None

    def step(self, params: Array, grads: Array) -> None:
        """Update `params` in place from `grads` (arrays of equal shape and dtype).

        Raises:
            ValueError: `params` is not the bound block, or `grads` does not match it.
        """
        if params is not self._params:
            self.bind(params)
        refuse_masked(type(self).__name__, "grads", grads)
        if grads.shape != params.shape or grads.dtype != params.dtype:
            raise ValueError(
                f"{type(self).__name__}: grads must be {params.dtype} of shape {params.shape}, "
                f"got {grads.dtype} of shape {grads.shape}"
            )
        for part in self.parts():
            part.steps += self._counts(part.settings)
            self._update(part, grads[part.where])
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to resume: type, settings, groups, number of steps (in total, and of each
        parameter), copies of the state arrays.
        """
        if self._params is not None:
            self.parts()  # allocates state for changed settings
        self._collect_steps()
        return {
            "type": type(self).__name__,
            "settings": dict(self.settings),
            "groups": [group.to_config() for group in self._groups],
            "steps": self._steps,
            "window_steps": list(self._window_steps),
            "memory": {name: value.copy() for name, value in self.memory.items()},
        }

    @ieee_arithmetic
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load settings, groups, steps and state arrays from `state_dict()` of an optimizer of the same type.

        Raises:
            ValueError: Of another type, incomplete, or of another size than the bound model.
        """
        who = type(self).__name__
        if not isinstance(state, Mapping) or set(state) != _STATE:
            raise ValueError(f"{who}: state must be what state_dict() returned")
        if state["type"] != who:
            raise ValueError(f"{who}: the state is of {state['type']}")
        settings = self._checked(who, {"maximize": False, **state["settings"]})  # older states have none
        groups = self._checked_groups(settings, [Group.from_config(group) for group in state["groups"]])
        steps = check_integer(who, "steps", state["steps"], 0)
        window_steps = [check_integer(who, "window_steps", count, 0) for count in state["window_steps"]]
        for name, value in state["memory"].items():
            refuse_masked(who, f"memory[{name!r}]", value)
        memory = {name: np.array(value) for name, value in state["memory"].items()}
        needed = self._needed_state(settings, groups)
        if not set(memory) <= set(self._memory_names) or (steps > 0 and not needed <= set(memory)):
            raise ValueError(f"{who}: the state must remember {sorted(needed)}, got {sorted(memory)}")
        if self._params is not None:
            for group in groups:
                group.check_matches(who, _trained(self._windows))
            window_steps = _for_windows(who, window_steps, len(self._windows))
            for name, value in memory.items():
                _check_size(who, name, value, self._params.size)
            memory = {k: v.astype(self._params.dtype, copy=False) for k, v in memory.items()}
        self.settings, self._groups, self._steps, self._parts = settings, groups, steps, None
        self._window_steps, self.memory = window_steps, memory

    def __getstate__(self) -> dict[str, Any]:
        """The state of a copy, which is not bound yet."""
        if self._params is not None:
            self.parts()
        self._collect_steps()
        memory = {name: value.copy() for name, value in self.memory.items()}
        unbound: dict[str, Any] = {"_params": None, "_windows": [], "_parts": None}
        return {**self.__dict__, **unbound, "memory": memory, "_window_steps": list(self._window_steps)}

    def __repr__(self) -> str:
        parts = [f"{name}={value}" for name, value in self.settings.items()]
        parts += [f"groups={list(self._groups)}"] if self._groups else []
        return f"{type(self).__name__}({', '.join(parts)})"

    # ---------------------------------------------------------------- to be defined by subclasses

    @abstractmethod
    def _initial_state(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
        """State arrays for parameters with these settings, and their initial values."""

    @abstractmethod
    def _update(self, part: Part, grads: Array) -> None:
        """The step of one part; `part.steps` starts at 1."""

    def _needed_state(self, settings: Mapping[str, Any], groups: Iterable[Group]) -> set[str]:
        """Names of the state arrays for all parameters."""
        needed = set(self._initial_state(settings))
        for group in groups:
            needed |= set(self._initial_state({**settings, **group.settings}))
        return needed

    def _counts(self, settings: Mapping[str, Any]) -> bool:
        """Whether a step with these settings adds to `part.steps`."""
        return True

    @classmethod
    def _check_combination(cls, who: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Checks combinations of settings."""
        return settings

    # ---------------------------------------------------------------- for schedules

    def learning_rates(self) -> list[float]:
        """The optimizer's learning rate, and those of groups that set their own."""
        return [self.settings["lr"], *(g.settings["lr"] for g in self._groups if "lr" in g.settings)]

    def set_learning_rates(self, rates: Sequence[float]) -> None:
        """Set the learning rates, in the order of `learning_rates`; finite and not negative."""
        if list(rates) == self.learning_rates():
            return
        own, *others = rates
        found = iter(others)
        self.settings["lr"] = own
        self._groups = tuple(
            group.with_settings({**group.settings, "lr": next(found)}) if "lr" in group.settings else group
            for group in self._groups
        )
        for part in self._parts or ():
            part.settings["lr"] = rates[part.rate]

    # ---------------------------------------------------------------- inside

    @classmethod
    def _checked(cls, who: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """All settings, in the order of the constructor, as the engine takes them."""
        return cls._check_combination(who, checked_settings(who, cls, settings))

    @classmethod
    def _checked_groups(cls, settings: Mapping[str, Any], groups: Iterable[Group]) -> tuple[Group, ...]:
        who = cls.__name__
        if isinstance(groups, Group) or not isinstance(groups, Iterable):
            raise TypeError(f"{who}: groups must be a list of optim.Group, got {type_of(groups)}")
        checked = []
        for group in groups:
            if not isinstance(group, Group):
                raise TypeError(f"{who}: groups must hold optim.Group, got {type_of(group)}")
            known = cls._checked(f"{who}: group {group.label()}", {**settings, **group.settings})
            checked.append(group.with_settings({name: known[name] for name in group.settings}))
        return tuple(checked)

    def change(self, changes: Mapping[str, Any]) -> None:
        settings = self._checked(type(self).__name__, {**self.settings, **changes})
        self._checked_groups(settings, self._groups)
        self.settings = settings
        self._discard_parts()

    def parts(self) -> list[Part]:
        """The parts, recomputed if anything has changed."""
        if self._parts is None:
            assert self._params is not None
            chosen = choices(self._windows, self.settings, self._groups)
            self._complete_memory(chosen)
            self._parts = parts_of(
                self._windows, chosen, self._window_steps, self._frozen, self._params, self.memory
            )
        return self._parts

    def _complete_memory(self, chosen: Sequence[Choice]) -> None:
        assert self._params is not None
        missing: set[str] = set()
        for window, choice in zip(self._windows, chosen, strict=True):
            for name, first in self._initial_state(choice.settings).items():
                if name not in self.memory:
                    self.memory[name] = np.zeros_like(self._params)
                    missing.add(name)
                if name in missing:
                    self.memory[name][window.where] = first

    def _collect_steps(self) -> None:
        """Copies the step counts from the parts to the parameters."""
        for part in self._parts or ():
            self._window_steps[part.first : part.last] = [part.steps] * (part.last - part.first)

    def _discard_parts(self) -> None:
        self._collect_steps()
        self._parts = None

    def active_gradients(self, grads: Array) -> list[Array]:
        """Slices of the gradient block without frozen parameters."""
        stretches: list[slice] = []
        for part in self.parts():
            if stretches and stretches[-1].stop == part.where.start:
                stretches[-1] = slice(stretches[-1].start, part.where.stop)
            else:
                stretches.append(part.where)
        return [grads[where] for where in stretches]

    def _named(self, shapes: Sequence[tuple[str, Shape]]) -> bool:
        return [(w.name, w.shape) for w in self._windows] == [(name, tuple(s)) for name, s in shapes]

    def _check_frozen(self, names: Iterable[str], windows: Sequence[Window]) -> None:
        known = _trained(windows)
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ValueError(
                f"{type(self).__name__}: frozen names {listed(unknown)}, which is no parameter; "
                f"there are {listed(known)}"
            )


def check_optimizer(who: str, value: object) -> None:
    """Raises TypeError for anything but an Optimizer; for a name or a class, suggests what to write."""
    if isinstance(value, Optimizer):
        return
    wanted = f"{who}: optimizer must be an Optimizer, got"
    if isinstance(value, type) and issubclass(value, Optimizer):
        raise TypeError(f"{wanted} the class {value.__name__}; write {value.__name__}(...)")
    if isinstance(value, str):
        kinds = _kinds(Optimizer)
        name = find(value, kinds)
        cure = did_you_mean(value, kinds) if name is None else f"; use optim.{name}(...)"
        raise TypeError(f"{wanted} {value!r}{cure}")
    raise TypeError(f"{wanted} {type_of(value)}")


def _kinds(base: type) -> list[str]:
    """Names of all optimizers."""
    kinds: list[type] = base.__subclasses__()
    return [name for kind in kinds for name in (kind.__name__, *_kinds(kind))]


def _trained(windows: Iterable[Window]) -> list[str]:
    return [window.name for window in windows if window.learned]


def _for_windows(who: str, steps: list[int], count: int) -> list[int]:
    """Steps of each parameter; a single number, of a block without names, applies to all."""
    if len(steps) == 1:
        return steps * count
    if len(steps) != count:
        raise ValueError(f"{who}: the state is of {len(steps)} parameters, but the model has {count}")
    return steps


def _check_size(who: str, name: str, value: Array, size: int) -> None:
    if value.shape != (size,):
        raise ValueError(f"{who}: {name} is of shape {value.shape}, but the model has {size} parameters")
